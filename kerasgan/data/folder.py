"""A folder of images as one array of equal uint8 images.

PNG, JPEG and WebP; grey, palette, 16-bit, with alpha, rotated by a camera's
EXIF tag. Each image is composited on white, cropped to its central square and
resized with antialiasing. The result is written once, to a file in the cache
that is mapped into memory, so a folder may be larger than the memory.
"""

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
from PIL import Image, ImageOps

from kerasgan.backend import keras
from kerasgan.data import cache

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_FORMATS = ("PNG", "JPEG", "WEBP")

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
_CACHE_VERSION = 1
_CHUNK = 512
_LONG_WORK = 2000


def find_images(folder):
    """Lists the images in a folder and its sub-folders.

    Args:
        folder: str or path. Files and folders whose names begin with a dot
            or with `__` are skipped, and so are files of other types.

    Returns:
        List of `pathlib.Path`, sorted by path.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it contains no image.
    """
    folder = _existing(folder)
    paths = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not _hidden(name)]
        paths += [
            pathlib.Path(parent, name)
            for name in files
            if name.lower().endswith(SUFFIXES) and not _hidden(name)
        ]
    if not paths:
        raise ValueError(
            f"A folder of images must hold {', '.join(SUFFIXES)} files. "
            f"Received: {str(folder)!r}, which has none, nor do its "
            "sub-folders."
        )
    return sorted(paths, key=lambda path: path.relative_to(folder).parts)


def class_names(folder):
    """Lists the classes of a folder that has one sub-folder for each.

    Args:
        folder: str or path.

    Returns:
        Tuple of the names of the sub-folders, sorted. The class number is the
        position.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there are fewer than two sub-folders.
    """
    folder = _existing(folder)
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_dir() and not _hidden(path.name)
    )
    if len(names) < 2:
        raise ValueError(
            "A folder of labelled images must have a sub-folder for each of "
            f"two or more classes. Received: {str(folder)!r} with sub-folders "
            f"{names}."
        )
    return tuple(names)


def decode(path, size, channels):
    """Reads one image as a square of the given size and channels.

    Levels of 16 bits are divided by 257 and rounded. Color profiles are not
    applied. Of animations the first frame is used.

    Args:
        path: str or path of a PNG, JPEG or WebP file.
        size: int. Height and width of the result.
        channels: int. 1 for grey (weights of ITU-R 601), 3 for color.

    Returns:
        uint8 array `(size, size, channels)`.

    Raises:
        OSError: If the file cannot be read as an image.
    """
    try:
        image = _open(path, channels)
    except _BROKEN as error:
        raise OSError(
            f"The image {str(path)!r} cannot be read. Received: {error}. "
            "Remove it, or skip such files with `skip_broken=True`."
        ) from error
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.resize(
        (size, size),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
    )
    return np.asarray(image).reshape(size, size, channels)


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
        image = _open(io.BytesIO(content), channels, max_pixels)
    except _BROKEN as error:
        raise OSError(
            "An image must be a whole PNG, JPEG or WebP file of at most "
            f"{max_pixels:,} pixels. Received: {error}"
        ) from error
    return np.asarray(image).reshape(image.height, image.width, channels)


def _open(file, channels, max_pixels=None):
    with Image.open(file, formats=_FORMATS) as opened:
        if max_pixels is not None and opened.width * opened.height > max_pixels:
            raise ValueError(f"{opened.width}x{opened.height} pixels")
        image = ImageOps.exif_transpose(opened)
        image.load()
    return _on_white(image).convert("L" if channels == 1 else "RGB")


def read_images(paths, size, channels, skip_broken=False):
    """Returns images as one array, decoded once and cached.

    The cache file is in `KERASGAN_HOME`, in `cache/`, and is identified by the
    files' names, sizes and modification times. It may be deleted.

    Args:
        paths: List of paths.
        size: int. Height and width of the result.
        channels: int. 1 or 3.
        skip_broken: bool. Whether unreadable files are skipped, with one
            warning that counts them. Defaults to `False`.

    Returns:
        Tuple of a `numpy.memmap`, uint8 `(count, size, size, channels)`, and
        the list of the paths whose images it contains.

    Raises:
        OSError: If a file cannot be read and `skip_broken` is false.
        ValueError: If no image remains.
    """
    paths = [pathlib.Path(path) for path in paths]
    folder = cache.home() / "cache" / _key(paths, size, channels, skip_broken)
    if not folder.is_dir():
        _write_cache(folder, paths, size, channels, skip_broken)
    broken = set(json.loads((folder / "broken.json").read_text()))
    kept = [path for i, path in enumerate(paths) if i not in broken]
    if broken:
        first = paths[min(broken)]
        warnings.warn(
            f"{len(broken)} of {len(paths)} images cannot be read and are "
            f"skipped; the first is {str(first)!r}.",
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
        shape=(len(kept), size, size, channels),
    )
    return images, kept


def _write_cache(folder, paths, size, channels, skip_broken):
    def decode_or_report(path):
        try:
            return decode(path, size, channels)
        except OSError as error:
            if not skip_broken:
                raise
            return error

    folder.parent.mkdir(parents=True, exist_ok=True)
    progress = (
        keras.utils.Progbar(len(paths), unit_name="image")
        if len(paths) >= _LONG_WORK
        else None
    )
    broken = []
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
                for offset, image in enumerate(
                    pool.map(decode_or_report, chunk)
                ):
                    if isinstance(image, OSError):
                        broken.append(start + offset)
                    else:
                        file.write(image.tobytes())
                if progress:
                    progress.update(start + len(chunk))
        (written / "broken.json").write_text(json.dumps(broken))
        try:
            written.rename(folder)
        except OSError:
            # Another process has written the same files.
            if not folder.is_dir():
                raise


def _on_white(image):
    """Converts an image of any mode to 8 bits without transparency."""
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.float64) / 257
        levels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        return Image.fromarray(levels)
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    # Before any resizing: colors under full transparency have no influence.
    white.alpha_composite(image)
    return white


def _key(paths, size, channels, skip_broken):
    digest = hashlib.sha256(
        json.dumps([_CACHE_VERSION, size, channels, skip_broken]).encode()
    )
    for path in paths:
        state = path.stat()
        entry = [str(path.resolve()), state.st_size, state.st_mtime_ns]
        digest.update(json.dumps(entry).encode())
    return digest.hexdigest()[:32]


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
