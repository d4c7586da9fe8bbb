"""Reading training data into arrays: from names, folders and arrays.

Each function takes `(source, size, channels, fit, split, skip_broken,
data_dir)` as documented in `kerasgan.data.pipeline`, and returns arrays whose
rows belong together: images uint8 in 0..255 or float32 in `[-1, 1]`,
`(count, height, width, channels)`.
"""

import dataclasses
import os
import pathlib

import numpy as np
import tensorflow as tf

from kerasgan import checks
from kerasgan.data import catalog, folder, prepared
from kerasgan.data.pixels import (
    FITS,
    SQUEEZE,
    check_captions,
    check_images,
    check_labels,
    check_same_length,
    fit_many,
)

CHANNELS = (1, 3, 4)


@dataclasses.dataclass(frozen=True)
class SideBySide:
    """A folder of files that show input and target side by side.

    A source of `data.paired` and `data.unpaired`. pix2pix's own data sets come
    in this form.

    Args:
        folder: str or path. Its sub-folders are read, too.
        input: str. The half that is the input, or the first set: `"left"` or
            `"right"`. Defaults to `"left"`.

    Raises:
        ValueError: If `input` is neither.

    Example:
    ```python
    facades = data.SideBySide("facades/train", input="right")
    gan.fit(data.paired(facades, size=256, batch_size=1), epochs=200)
    ```

    Reference:
        [Isola et al., 2017](https://arxiv.org/abs/1611.07004)
    """

    folder: str | os.PathLike
    input: str = "left"

    def __post_init__(self):
        checks.one_of(("left", "right"), input=self.input)

    @property
    def halves(self):
        """Pair of the half of the inputs and that of the targets."""
        left, right = "left", "right"
        return (left, right) if self.input == left else (right, left)


def images(source, size, channels, fit, split, skip_broken, data_dir):
    """Returns an array of images."""
    _check(size, fit, channels)
    if is_name(source):
        examples = prepared.load(source, split, _square(size), data_dir)
        found = examples[catalog.get(source).image]
    elif _is_path(source):
        found, *_ = folder.read_images(
            folder.each_once(folder.find_images(source)),
            size,
            channels or 3,
            skip_broken,
            fit,
        )
    else:
        found = source
    return _conform(found, size, channels, fit, "source")


def labelled(source, size, channels, fit, split, skip_broken, data_dir):
    """Returns images and their labels, int32 `(count,)`."""
    _check(size, fit, channels)
    if is_name(source):
        found, labels = _with_condition(
            source, "label", "class labels", size, split, data_dir
        )
    elif _is_path(source):
        names = folder.class_names(source)
        found, kept, _ = folder.read_images(
            _paths_of_classes(source, names),
            size,
            channels or 3,
            skip_broken,
            fit,
        )
        labels = [
            names.index(path.relative_to(source).parts[0]) for path in kept
        ]
    else:
        found, labels = _pair(source, "(images, labels)")
    labels = np.asarray(labels)
    check_labels(labels)
    found = _conform(found, size, channels, fit, "images")
    check_same_length(found, labels, ("images", "labels"))
    return found, labels.astype(np.int32)


def captioned(source, size, channels, fit, split, skip_broken, data_dir):
    """Returns images and their captions, strings or float32 vectors."""
    _check(size, fit, channels)
    if is_name(source):
        found, captions = _with_condition(
            source, "caption", "captions", size, split, data_dir
        )
    elif _is_path(source):
        found, kept, _ = folder.read_images(
            folder.find_images(source), size, channels or 3, skip_broken, fit
        )
        captions = [_caption_beside(path) for path in kept]
    else:
        found, captions = _pair(source, "(images, captions)")
    captions = np.asarray(captions)
    check_captions(captions)
    if captions.dtype.kind == "f":
        captions = captions.astype(np.float32)
    found = _conform(found, size, channels, fit, "images")
    check_same_length(found, captions, ("images", "captions"))
    return found, captions


def paired(source, size, channels, fit, split, skip_broken, data_dir):
    """Returns inputs and the targets that belong to them."""
    both = channels if isinstance(channels, (tuple, list)) else (channels,) * 2
    if len(both) != 2:
        raise ValueError(
            "`channels` must be one number or a pair, of the inputs and of "
            f"the targets. Received: channels={channels!r}"
        )
    _check(size, fit, *both)
    shapes = None
    if is_name(source):
        inputs, targets, _ = _sides(source, size, split, data_dir)
    elif isinstance(source, SideBySide):
        inputs, targets = _read_halves(source, size, both, skip_broken, fit)
    else:
        inputs, targets = _pair(source, "(inputs, targets)")
        if _is_path(inputs) and _is_path(targets):
            inputs, targets, shapes = _read_pairs(
                inputs, targets, size, both, skip_broken, fit
            )
    if shapes is None:
        shapes = {"the arrays": (_shape(inputs), _shape(targets))}
    _check_same_place(shapes, fit)
    inputs = _conform(inputs, size, both[0], fit, "inputs")
    targets = _conform(targets, size, both[1], fit, "targets")
    check_same_length(inputs, targets, ("inputs", "targets"))
    return inputs, targets


def unpaired(source, size, channels, fit, split, skip_broken, data_dir):
    """Returns two arrays whose rows do not belong together."""
    _check(size, fit, channels)
    if is_name(source):
        first, second, in_second = _sides(source, size, split, data_dir)
        first, second = first[~in_second], second[in_second]
    elif isinstance(source, SideBySide):
        first, second = _read_halves(
            source, size, (channels, channels), skip_broken, fit
        )
    else:
        first, second = (
            folder.read_images(
                folder.each_once(folder.find_images(side)),
                size,
                channels or 3,
                skip_broken,
                fit,
            )[0]
            if _is_path(side)
            else side
            for side in _pair(source, "(a, b)")
        )
    return (
        _conform(first, size, channels, fit, "a"),
        _conform(second, size, channels, fit, "b"),
    )


def is_name(source):
    """Returns whether a source is the name of a prepared data set.

    A folder of that name is reached as `"./personas"`.

    Args:
        source: Any value.
    """
    return isinstance(source, str) and source in catalog.CATALOG


def _is_path(source):
    return isinstance(source, (str, os.PathLike))


def _with_condition(name, condition, what, size, split, data_dir):
    if condition not in catalog.get(name).conditions:
        having = _names(lambda one: condition in one.conditions)
        raise ValueError(
            f"{name} has no {what}; available in: {having}. Pass a pair of "
            f"arrays (images, {condition}s) with {condition}s of your own."
        )
    examples = prepared.load(name, split, _square(size), data_dir)
    return examples[catalog.get(name).image], examples[condition]


def _sides(name, size, split, data_dir):
    """Returns inputs, targets and which are of the second half."""
    data_set = catalog.get(name)
    if not data_set.has_pairs:
        having = _names(lambda one: one.has_pairs)
        raise ValueError(
            f"{name} has no pairs of images; available in: {having}. Pass two "
            "folders or two arrays."
        )
    examples = prepared.load(name, split, _square(size), data_dir)
    return (
        examples[data_set.input],
        examples[data_set.image],
        data_set.halves(examples),
    )


def _names(condition):
    return ", ".join(n for n in catalog.NAMES if condition(catalog.get(n)))


def _pair(source, form):
    if not isinstance(source, (tuple, list)) or len(source) != 2:
        one_folder = _is_path(source) and form in (
            "(inputs, targets)",
            "(a, b)",
        )
        raise ValueError(
            f"`source` must be {form}, a folder or the name of a prepared "
            f"data set where there is one. Received: {type(source).__name__}."
            + (
                " If each file shows both images side by side, use "
                "`data.SideBySide(folder)`."
                if one_folder
                else ""
            )
        )
    return source


def _check(size, fit, *channels):
    checks.sides(size)
    checks.one_of(FITS, fit=fit)
    for value in channels:
        if value is not None and value not in CHANNELS:
            raise ValueError(
                "`channels` must be 1 for grey, 3 for color or 4 for color "
                f"with alpha. Received: channels={value!r}."
            )


def _square(size):
    """Returns the size at which a prepared data set is read."""
    return max(checks.sides(size))


def _shape(images):
    """Returns the height and width of an array, which may not be one."""
    shape = getattr(images, "shape", ())
    return tuple(shape[1:3]) if len(shape) == 4 else None


def _conform(images, size, channels, fit, name):
    """Checks images and converts them to the given size and channels."""
    if not isinstance(images, (np.ndarray, tf.Tensor)):
        raise ValueError(
            f"`{name}` must be an array of images, a folder or the name of "
            f"a prepared data set ({', '.join(catalog.NAMES)}). Received: "
            f"{type(images).__name__}."
        )
    if len(images.shape) != 4 or images.shape[-1] not in CHANNELS:
        raise ValueError(
            f"`{name}` must have shape (count, height, width, channels) with "
            f"1, 3 or 4 channels. Received: shape={tuple(images.shape)}."
        )
    if isinstance(images, tf.Tensor):
        images = images.numpy()
    if images.dtype != np.uint8:
        check_images(images, (None, None, None), name)
        images = images.astype(np.float32)
    if images.shape[-1] == 4 and channels in (1, 3):
        # Before any resizing: colors under full transparency have no
        # influence.
        images = _on_white(images)
    images = fit_many(images, size, fit)
    if channels in (None, images.shape[-1]):
        return images
    if channels == 1:
        return tf.image.rgb_to_grayscale(images).numpy()
    if images.shape[-1] == 1:
        images = np.repeat(images, 3, axis=-1)
    return _with_alpha(images) if channels == 4 else images


def _on_white(images):
    """Returns images with alpha as images without."""
    opaque = 255 if images.dtype == np.uint8 else 1
    low = 0 if images.dtype == np.uint8 else -1
    share = (images[..., 3:].astype(np.float32) - low) / (opaque - low)
    colors = share * images[..., :3] + (1 - share) * opaque
    return (np.rint(colors) if low == 0 else colors).astype(images.dtype)


def _with_alpha(images):
    """Returns color images as opaque ones."""
    opaque = 255 if images.dtype == np.uint8 else 1
    alpha = np.full((*images.shape[:3], 1), opaque, images.dtype)
    return np.concatenate([images, alpha], axis=-1)


def _paths_of_classes(source, names):
    """Returns the images of all classes, of which each has one."""
    classes = {}
    for name in names:
        for path in folder.each_once(
            folder.find_images(pathlib.Path(source, name))
        ):
            first = classes.setdefault(path.resolve(), path)
            if first is not path:
                raise ValueError(
                    "An image must have one class. Received: links lead to "
                    f"one file from {str(first)!r} and from {str(path)!r}."
                )
    return list(classes.values())


def _caption_beside(path):
    try:
        return path.with_suffix(".txt").read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            "Each image must have its caption in a text file of the same "
            f"name. Received: {str(path)!r} without "
            f"{path.with_suffix('.txt').name!r}."
        ) from error


def _read_halves(source, size, channels, skip_broken, fit):
    paths = folder.each_once(folder.find_images(source.folder))
    return [
        folder.read_images(paths, size, count or 3, skip_broken, fit, half)[0]
        for count, half in zip(channels, source.halves, strict=True)
    ]


def _check_same_place(shapes, fit):
    """Refuses pairs of which `fit` would show two different parts.

    Args:
        shapes: dict of name to the shapes of input and target,
            `(height, width)`, or `None` where there is no image.
        fit: str. One of `FITS`.
    """
    if fit == SQUEEZE:
        return
    different = {
        name: pair
        for name, pair in shapes.items()
        if None not in pair and not _alike(*pair)
    }
    if different:
        name, (first, second) = next(iter(different.items()))
        raise ValueError(
            "The two images of a pair must have the same shape, because they "
            f"show the same place and {fit!r} would take another part of "
            f"each. Received: {len(different)} of {len(shapes)} pairs differ, "
            f"the first {name!r}: {first[0]}x{first[1]} and "
            f"{second[0]}x{second[1]} (height x width). If both show the whole "
            'scene, `fit="squeeze"` resizes them alike.'
        )


def _alike(first, second):
    """Returns whether two shapes are one, up to scale and rounding."""
    if first[0] < second[0]:
        first, second = second, first
    return abs(second[1] * first[0] - first[1] * second[0]) <= first[0]


def _read_pairs(inputs, targets, size, channels, skip_broken, fit):
    """Reads two folders, matched by the names of the files."""
    by_name = []
    for side in (inputs, targets):
        paths = folder.find_images(side)
        names = [path.relative_to(side).with_suffix("") for path in paths]
        if len(set(names)) < len(names):
            double = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                "Names of pairs must be unique. Received: two images "
                f"{str(double)!r} in {str(side)!r}."
            )
        by_name.append(dict(zip(names, paths, strict=True)))
    alone = sorted(by_name[0].keys() ^ by_name[1].keys())
    if alone:
        raise ValueError(
            "Each image must have a partner of the same name in the other "
            f"folder. Received: {len(alone)} without, the first "
            f"{str(alone[0])!r}."
        )
    arrays, shapes = [], []
    for paths, count in zip(by_name, channels, strict=True):
        found, kept, kept_shapes = folder.read_images(
            list(paths.values()), size, count or 3, skip_broken, fit
        )
        names = {path: name for name, path in paths.items()}
        arrays.append(found)
        shapes.append(
            dict(zip([names[path] for path in kept], kept_shapes, strict=True))
        )
    both = sorted(shapes[0].keys() & shapes[1].keys())
    pairs = {str(name): (shapes[0][name], shapes[1][name]) for name in both}
    for side, names in enumerate(map(list, shapes)):
        if names != both:
            positions = {name: row for row, name in enumerate(names)}
            arrays[side] = arrays[side][[positions[name] for name in both]]
    return *arrays, pairs
