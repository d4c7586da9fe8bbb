"""A folder of images as one array of equal uint8 images.

Whatever Pillow reads; grey, palette, 16-bit, with alpha, rotated by a camera's
EXIF tag. Each image is composited on white, unless alpha is wanted, brought to
one shape and resized with antialiasing. The result is written once, to a file
in the cache that is mapped into memory, so a folder may be larger than the
memory.
"""

import collections
import concurrent.futures
import hashlib
import io
import json
import os
import pathlib
import struct
import tempfile
import warnings
import zlib

import numpy as np
from PIL import ExifTags, Image, ImageOps

from kerasgan.backend import keras
from kerasgan.checks import sides
from kerasgan.data import cache
from kerasgan.data.pixels import CROP, PAD, central_region, region_within

# Of images from untrusted sources.
_SERVED_FORMATS = ("PNG", "JPEG", "WEBP")
# Registered with Pillow, but decoded by another program or only identified.
_NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
# Of texts that belong beside images, such as captions.
_TEXTS = (
    ".csv .db .html .ini .json .jsonl .md .tsv .txt .xml .yaml .yml".split()
)
# Names of sub-folders that are parts of a data set rather than classes.
_PARTS = "train training test testing val valid validation dev eval".split()
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}

# What Pillow raises for damaged files.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

# Increased when `decode` changes, so that older cache files are not used.
_CACHE_VERSION = 2
_CHUNK = 512
_LONG_WORK = 2000


def suffixes():
    """Returns the suffixes of the files that are read, in lower case.

    Returns:
        Sorted list of str. Those of formats that other packages register with
        Pillow, such as pillow-heif, are among them.
    """
    formats = _formats()
    return sorted(
        suffix
        for suffix, name in Image.registered_extensions().items()
        if name in formats or name == "MPO"
    )


def find_images(folder):
    """Lists the images in a folder and its sub-folders.

    Links are followed; each folder is visited once, however many links lead
    to it. A warning counts the files of other types, except texts.

    Args:
        folder: str or path. Files and folders whose names begin with a dot
            or with `__` are skipped.

    Returns:
        List of `pathlib.Path`, sorted by path.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it contains no image.
    """
    folder = _existing(folder)
    known = set(suffixes())
    paths, others = [], collections.Counter()

    def count_closed(error):
        others["folders that cannot be opened"] += 1

    for parent, folders, files in _walk(folder, count_closed):
        if parent == folder:
            _warn_of_parts(folder, folders)
        for name in files:
            suffix = pathlib.Path(name).suffix.lower()
            if suffix in known:
                paths.append(parent / name)
            elif suffix not in _TEXTS:
                others[suffix or "without a suffix"] += 1
    left_out = ", ".join(f"{n} {what}" for what, n in sorted(others.items()))
    if not paths:
        raise ValueError(
            "A folder of images must hold files that Pillow reads, such as "
            f".png, .jpg, .webp and .tiff. Received: {str(folder)!r}, which "
            "has none, nor do its sub-folders"
            + (f"; it has {left_out}." if left_out else ".")
        )
    if left_out:
        warnings.warn(
            f"{len(paths)} images of {str(folder)!r} are read, and these files "
            f"are left out, because Pillow does not read them: {left_out}.",
            stacklevel=2,
        )
    return sorted(paths, key=lambda path: path.relative_to(folder).parts)


def each_once(paths):
    """Returns paths without those that lead to a file of an earlier one.

    Args:
        paths: List of paths.
    """
    firsts = {}
    for path in paths:
        firsts.setdefault(path.resolve(), path)
    return list(firsts.values())


def class_names(folder):
    """Lists the classes of a folder that has one sub-folder for each.

    Args:
        folder: str or path.

    Returns:
        Tuple of the names of the sub-folders, sorted; as numbers if all are
        numbers. The class number is the position.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there are fewer than two sub-folders.
    """
    folder = _existing(folder)
    root = folder.resolve()
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_dir()
        and not _hidden(path.name)
        # A link back, to the folder or above it, is no class.
        and not root.is_relative_to(path.resolve())
    )
    if len(names) < 2:
        raise ValueError(
            "A folder of labelled images must have a sub-folder for each of "
            f"two or more classes. Received: {str(folder)!r} with sub-folders "
            f"{names}."
        )
    _warn_of_parts(folder, names)
    if all(name.isascii() and name.isdecimal() for name in names):
        names.sort(key=lambda name: (int(name), name))
    return tuple(names)


def decode(path, size, channels, fit=CROP, half=None):
    """Reads one image, in the given size and channels.

    Levels of 16 bits are divided by 257 and rounded. Color profiles are not
    applied. Of animations and files of several pages the first is used.

    Args:
        path: str or path of a file that Pillow reads.
        size: int, or pair of height and width of the result.
        channels: int. 1 for grey (weights of ITU-R 601), 3 for color, 4 for
            color with alpha.
        fit: str. What becomes of other shapes: `"crop"`, `"pad"` or
            `"squeeze"`; see `data.images`. Defaults to `"crop"`.
        half: `"left"`, `"right"` or `None`. Which half of the image is read.
            Defaults to all of it.

    Returns:
        uint8 array `(height, width, channels)`.

    Raises:
        OSError: If the file cannot be read as an image.
    """
    return _decode(path, size, channels, fit, half)[0]


def _decode(path, size, channels, fit, half):
    """Returns an image as `decode` does, and the shape it had in the file."""
    try:
        image = _half(_open(path, channels, _formats()), half)
    except _BROKEN as error:
        raise OSError(
            f"The image {str(path)!r} cannot be read: remove it. "
            f"Received: {error}"
        ) from error
    height, width = sides(size)
    rows, columns = image.height, image.width
    if fit == CROP:
        rows, columns = central_region(rows, columns, size)
    left, top = (image.width - columns) // 2, (image.height - rows) // 2
    inner = (height, width)
    if fit == PAD:
        inner = region_within(rows, columns, size)
    resized = image.resize(
        (inner[1], inner[0]),
        Image.Resampling.LANCZOS,
        box=(left, top, left + columns, top + rows),
    )
    if inner != (height, width):
        canvas = Image.new(image.mode, (width, height))
        corner = ((width - inner[1]) // 2, (height - inner[0]) // 2)
        canvas.paste(resized, corner)
        resized = canvas
    array = np.asarray(resized).reshape(height, width, channels)
    return array, (image.height, image.width)


def decode_whole(content, channels, max_pixels):
    """Reads one image in its own size, from an untrusted source.

    Args:
        content: bytes of a PNG, JPEG or WebP file.
        channels: int. 1 for grey (weights of ITU-R 601), 3 for color.
        max_pixels: int. A larger image is rejected before it is decoded.

    Returns:
        uint8 array `(height, width, channels)`.

    Raises:
        OSError: If it cannot be read as an image, or is too large.
    """
    try:
        image = _open(
            io.BytesIO(content), channels, _SERVED_FORMATS, max_pixels
        )
    except _BROKEN as error:
        raise OSError(
            "An image must be a whole PNG, JPEG or WebP file of at most "
            f"{max_pixels:,} pixels. Received: {error}"
        ) from error
    return np.asarray(image).reshape(image.height, image.width, channels)


def read_upright(path, channels):
    """Reads one image in its own size, as training reads it.

    Args:
        path: str or path of a file that Pillow reads.
        channels: See `decode`.

    Returns:
        uint8 array `(height, width, channels)`.

    Raises:
        OSError: If the file cannot be read as an image.
    """
    try:
        image = _open(path, channels, _formats())
    except _BROKEN as error:
        raise OSError(f"{path} is a broken image: {error}") from error
    return np.asarray(image).reshape(image.height, image.width, channels)


def upright_size(path):
    """Returns the height and width of an image, as `read_upright` reads it.

    Args:
        path: str or path of a file that Pillow reads.

    Returns:
        Tuple of height and width, or `None` if the file cannot be read.
    """
    try:
        with Image.open(path, formats=_formats()) as image:
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            turned = orientation >= 5  # By a quarter; see the EXIF standard.
            size = image.size if turned else image.size[::-1]
    except _BROKEN:
        return None
    return size


def _formats():
    Image.init()
    return [name for name in Image.OPEN if name not in _NOT_DECODED]


def _open(file, channels, formats, max_pixels=None):
    with Image.open(file, formats=formats) as opened:
        if max_pixels is not None and opened.width * opened.height > max_pixels:
            raise ValueError(f"{opened.width}x{opened.height} pixels")
        _check_range(opened)
        image = ImageOps.exif_transpose(opened)
        image.load()
    image = _to_8_bits(image)
    if channels != 4:
        image = _on_white(image)
    return image.convert(_MODES[channels])


def _half(image, half):
    if half is None:
        return image
    if image.width % 2:
        raise ValueError(
            f"an image of {image.width}x{image.height} pixels has no two halves"
        )
    middle = image.width // 2
    left = 0 if half == "left" else middle
    return image.crop((left, 0, left + middle, image.height))


def read_images(paths, size, channels, skip_broken=False, fit=CROP, half=None):
    """Returns images as one array, decoded once and cached.

    The cache file is in `KERASGAN_HOME`, in `cache/`, and is identified by the
    files' names, sizes and modification times. It may be deleted.

    Args:
        paths: List of paths.
        size: See `decode`.
        channels: See `decode`.
        skip_broken: bool. Whether unreadable files are skipped, with one
            warning that counts them. Defaults to `False`.
        fit: See `decode`.
        half: See `decode`.

    Returns:
        Triple of a `numpy.memmap`, uint8 `(count, height, width, channels)`;
        the list of the paths whose images it contains; and the list of the
        height and width that these have in their files, upright.

    Raises:
        OSError: If a file cannot be read and `skip_broken` is false.
        ValueError: If no image remains.
    """
    paths = [pathlib.Path(path) for path in paths]
    settings = (sides(size), channels, fit, half)
    folder = cache.home() / "cache" / _key(paths, *settings, skip_broken)
    if not folder.is_dir():
        _write_cache(folder, paths, settings, skip_broken)
    shapes = json.loads((folder / "shapes.json").read_text())
    kept = [p for p, shape in zip(paths, shapes, strict=True) if shape]
    if len(kept) < len(paths):
        first = paths[shapes.index(None)]
        warnings.warn(
            f"{len(paths) - len(kept)} of {len(paths)} images cannot be read "
            f"and are skipped; the first is {str(first)!r}.",
            stacklevel=2,
        )
    if not kept:
        raise ValueError(
            "At least one image must be readable. Received: "
            f"{len(paths)} broken files, the first {str(paths[0])!r}."
        )
    images = np.memmap(
        folder / "pictures.bin",
        np.uint8,
        mode="r",
        shape=(len(kept), *sides(size), channels),
    )
    return images, kept, [tuple(shape) for shape in shapes if shape]


def _write_cache(folder, paths, settings, skip_broken):
    def decode_or_skip(path):
        try:
            return _decode(path, *settings)
        except OSError as error:
            if skip_broken:
                return None, None
            raise OSError(
                f"{error}. `skip_broken=True` leaves such files out."
            ) from error

    folder.parent.mkdir(parents=True, exist_ok=True)
    progress = (
        keras.utils.Progbar(len(paths), unit_name="image")
        if len(paths) >= _LONG_WORK
        else None
    )
    shapes = []
    with (
        tempfile.TemporaryDirectory(dir=folder.parent) as scratch,
        concurrent.futures.ThreadPoolExecutor() as pool,
    ):
        written = pathlib.Path(scratch, "written")
        written.mkdir()
        # Plain writes: a full disk raises an error here, but kills the process
        # when the file is mapped.
        with open(written / "pictures.bin", "wb") as file:
            for start in range(0, len(paths), _CHUNK):
                chunk = paths[start : start + _CHUNK]
                for image, shape in pool.map(decode_or_skip, chunk):
                    shapes.append(shape)
                    if shape:
                        file.write(image.tobytes())
                if progress:
                    progress.update(start + len(chunk))
        (written / "shapes.json").write_text(json.dumps(shapes))
        try:
            written.rename(folder)
        except OSError:
            # Another process has written the same files.
            if not folder.is_dir():
                raise


def _check_range(image):
    """Refuses pixels of which nothing says how bright they are."""
    # Pillow gives 16 bits of these formats as 32, over their whole range.
    known = image.format in ("PNG", "PPM")
    if image.mode == "F" or (image.mode == "I" and not known):
        raise ValueError(
            f"pixels of 32 bits (mode {image.mode}) have no known range; "
            "convert them to 8 or 16"
        )


def _to_8_bits(image):
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image).astype(np.float64) / 257
    levels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return Image.fromarray(levels)


def _on_white(image):
    """Converts an image of any mode to one without transparency."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    # Before any resizing: colors under full transparency have no influence.
    white.alpha_composite(image)
    return white


def _key(paths, *settings):
    digest = hashlib.sha256(json.dumps([_CACHE_VERSION, *settings]).encode())
    for path in paths:
        entry = [str(path.resolve())]
        # A link to nothing is found out when it is decoded.
        if path.exists():
            state = path.stat()
            entry += [state.st_size, state.st_mtime_ns]
        digest.update(json.dumps(entry).encode())
    return digest.hexdigest()[:32]


def _walk(folder, onerror):
    """Yields each folder once, with the names of sub-folders and files."""
    root = folder.resolve()
    seen = {root}

    def is_new(path):
        real = path.resolve()
        if path.is_symlink():
            # What lies inside is found without the link, unless it is hidden.
            inside = real.is_relative_to(root) and not any(
                map(_hidden, real.relative_to(root).parts)
            )
            if inside or root.is_relative_to(real):
                return False
        if real in seen:
            return False
        seen.add(real)
        return True

    for parent, folders, files in os.walk(
        folder, followlinks=True, onerror=onerror
    ):
        parent = pathlib.Path(parent)
        folders[:] = [
            name
            for name in sorted(folders)
            if not _hidden(name) and is_new(parent / name)
        ]
        yield parent, folders, [name for name in files if not _hidden(name)]


def _warn_of_parts(folder, names):
    parts = sorted(name for name in names if name.lower() in _PARTS)
    if len(parts) > 1:
        warnings.warn(
            f"The sub-folders {', '.join(parts)} of {str(folder)!r} look like "
            "parts of one data set, and the images of all of them are used. "
            f"For those of one part give its folder, such as "
            f"{str(folder / parts[-1])!r}.",
            stacklevel=3,
        )


def _existing(folder):
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise FileNotFoundError(
            f"A folder of images is needed. Received: {str(folder)!r}, "
            f"which {what}."
        )
    return folder


def _hidden(name):
    return name.startswith((".", "__"))
