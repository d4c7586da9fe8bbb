"""Reading training data into arrays: from names, folders and arrays.

Each function takes `(source, size, channels, split, skip_broken, data_dir)`
as documented in `kerasgan.data.pipeline`, and returns arrays whose rows belong
together: images uint8 in 0..255 or float32 in `[-1, 1]`,
`(count, size, size, channels)`.
"""

import os
import pathlib

import numpy as np
import tensorflow as tf

from kerasgan.data import catalog, folder, prepared
from kerasgan.data.pixels import (
    check_captions,
    check_images,
    check_same_length,
    resize_many,
)


def images(source, size, channels, split, skip_broken, data_dir):
    """Returns an array of images."""
    if is_name(source):
        examples = prepared.load(source, split, size, data_dir)
        found = examples[catalog.get(source).image]
    elif _is_path(source):
        found, _ = folder.read_images(
            folder.find_images(source), size, channels or 3, skip_broken
        )
    else:
        found = source
    return _conform(found, size, channels, "source")


def labelled(source, size, channels, split, skip_broken, data_dir):
    """Returns images and their labels, int32 `(count,)`."""
    if is_name(source):
        found, labels = _with_condition(
            source, "label", "class labels", size, split, data_dir
        )
    elif _is_path(source):
        names = folder.class_names(source)
        paths = [
            path
            for name in names
            for path in folder.find_images(pathlib.Path(source, name))
        ]
        found, kept = folder.read_images(
            paths, size, channels or 3, skip_broken
        )
        labels = [
            names.index(path.relative_to(source).parts[0]) for path in kept
        ]
    else:
        found, labels = _pair(source, "(images, labels)")
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or labels.min() < 0:
        raise ValueError(
            "`labels` must be integers from 0, one for each image. "
            f"Received: dtype={labels.dtype}, shape={labels.shape}. Undo "
            "one-hot coding with argmax."
        )
    found = _conform(found, size, channels, "images")
    check_same_length(found, labels, ("images", "labels"))
    return found, labels.astype(np.int32)


def captioned(source, size, channels, split, skip_broken, data_dir):
    """Returns images and their captions, strings or float32 vectors."""
    if is_name(source):
        found, captions = _with_condition(
            source, "caption", "captions", size, split, data_dir
        )
    elif _is_path(source):
        found, kept = folder.read_images(
            folder.find_images(source), size, channels or 3, skip_broken
        )
        captions = [_caption_beside(path) for path in kept]
    else:
        found, captions = _pair(source, "(images, captions)")
    captions = np.asarray(captions)
    check_captions(captions)
    if captions.dtype.kind == "f":
        captions = captions.astype(np.float32)
    found = _conform(found, size, channels, "images")
    check_same_length(found, captions, ("images", "captions"))
    return found, captions


def paired(source, size, channels, split, skip_broken, data_dir):
    """Returns inputs and the targets that belong to them."""
    if is_name(source):
        inputs, targets, _ = _sides(source, size, split, data_dir)
    else:
        inputs, targets = _pair(source, "(inputs, targets)")
        if _is_path(inputs) and _is_path(targets):
            inputs, targets = _read_pairs(
                inputs, targets, size, channels or 3, skip_broken
            )
    inputs = _conform(inputs, size, channels, "inputs")
    targets = _conform(targets, size, channels, "targets")
    check_same_length(inputs, targets, ("inputs", "targets"))
    return inputs, targets


def unpaired(source, size, channels, split, skip_broken, data_dir):
    """Returns two arrays whose rows do not belong together."""
    if is_name(source):
        first, second, in_second = _sides(source, size, split, data_dir)
        first, second = first[~in_second], second[in_second]
    else:
        first, second = (
            folder.read_images(
                folder.find_images(side), size, channels or 3, skip_broken
            )[0]
            if _is_path(side)
            else side
            for side in _pair(source, "(a, b)")
        )
    return (
        _conform(first, size, channels, "a"),
        _conform(second, size, channels, "b"),
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
    examples = prepared.load(name, split, size, data_dir)
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
    examples = prepared.load(name, split, size, data_dir)
    return (
        examples[data_set.input],
        examples[data_set.image],
        data_set.halves(examples),
    )


def _names(condition):
    return ", ".join(n for n in catalog.NAMES if condition(catalog.get(n)))


def _pair(source, form):
    if not isinstance(source, (tuple, list)) or len(source) != 2:
        raise ValueError(
            f"`source` must be {form}, a folder or the name of a prepared "
            f"data set where there is one. Received: {type(source).__name__}."
        )
    return source


def _conform(images, size, channels, name):
    """Checks images and converts them to the given size and channels."""
    if not isinstance(images, (np.ndarray, tf.Tensor)):
        raise ValueError(
            f"`{name}` must be an array of images, a folder or the name of "
            f"a prepared data set ({', '.join(catalog.NAMES)}). Received: "
            f"{type(images).__name__}."
        )
    if len(images.shape) != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            f"`{name}` must have shape (count, height, width, channels) with "
            f"1 or 3 channels. Received: shape={tuple(images.shape)}."
        )
    if channels not in (None, 1, 3):
        raise ValueError(
            f"`channels` must be 1 or 3. Received: channels={channels}."
        )
    if isinstance(images, tf.Tensor):
        images = images.numpy()
    if images.dtype != np.uint8:
        check_images(images, (None, None, None), name)
        images = images.astype(np.float32)
    height, width = images.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    images = images[:, top : top + side, left : left + side]
    images = resize_many(images, size)
    if channels in (None, images.shape[-1]):
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    return tf.image.rgb_to_grayscale(images).numpy()


def _caption_beside(path):
    try:
        return path.with_suffix(".txt").read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            "Each image must have its caption in a text file of the same "
            f"name. Received: {str(path)!r} without "
            f"{path.with_suffix('.txt').name!r}."
        ) from error


def _read_pairs(inputs, targets, size, channels, skip_broken):
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
    arrays, kept = [], []
    for paths in by_name:
        found, kept_paths = folder.read_images(
            list(paths.values()), size, channels, skip_broken
        )
        kept_paths = set(kept_paths)
        arrays.append(found)
        kept.append([n for n, path in paths.items() if path in kept_paths])
    both = sorted(set(kept[0]) & set(kept[1]))
    if both == kept[0] == kept[1]:
        return arrays
    return [
        found[[names.index(name) for name in both]]
        for found, names in zip(arrays, kept, strict=True)
    ]
