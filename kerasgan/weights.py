"""Compact weight files, and their validation.

They remain ordinary Keras files, read by `load_weights`: numbers are stored in
16 bits by default, and equal arrays once (the trained generator of a published
model is its average).
"""

import hashlib
import io
import math
import os

import h5py
import keras
import numpy as np
import tensorflow as tf

from kerasgan.fetch import printable
from kerasgan.random import STATE

# A model of this many weights would take minutes to build.
MOST_ARRAYS = 100_000
# 256 MB as float32: large image pools of a small model.
SPARE_NUMBERS = 1 << 26
# Numbers of a variable whose initial values take long to compute.
LARGE = 1 << 12


def compact(source, target, half=True):
    """Copies a Keras weights file to a smaller one.

    Args:
        source: str or path of a file written by `save_weights`.
        target: str or path of the file to write, not `source`.
        half: bool. Whether numbers are stored in 16 bits. Defaults to `True`.

    Raises:
        ValueError: If a weight is too large for 16 bits.
    """
    with (
        h5py.File(source, "r") as old,
        # The older format of groups is several times as large.
        h5py.File(target, "w", libver=("v110", "v110")) as new,
    ):
        new.attrs.update(old.attrs)
        stored = {}

        def copy(name, item):
            if name.rsplit("/", 1)[-1] == STATE:
                return  # Of a training that is over.
            if isinstance(item, h5py.Group):
                new.require_group(name).attrs.update(item.attrs)
                return
            array = item[...]
            if half and array.dtype == np.float32:
                array = _halved(name, array)
            digest = hashlib.sha256(array.tobytes()).hexdigest()
            key = (digest, array.shape, array.dtype.str)
            if key in stored:
                new[name] = new[stored[key]]  # A second name, no second copy.
            else:
                # An array of zeros, such as CycleGAN's empty pools, needs no
                # space: HDF5 reads unwritten data as zeros.
                if array.any():
                    new.create_dataset(name, data=array)
                else:
                    new.create_dataset(name, array.shape, array.dtype)
                stored[key] = name
            new[name].attrs.update(item.attrs)

        old.visititems(copy)


def _halved(name, array):
    largest = np.finfo(np.float16).max
    if not (np.abs(array) <= largest).all():
        raise ValueError(
            f"Every weight must be finite and at most {largest:.0f} to be "
            f"stored in 16 bits. Received: {np.abs(array).max()} in {name}"
        )
    return array.astype(np.float16)


class Limit:
    """Limits the number and size of variables before they are allocated.

    Args:
        variables: int. How many there may be.
        numbers: int. How many numbers they may have together.

    Example:
    ```python
    with tf.variable_creator_scope(Limit(100, 1_000_000)):
        gan = DCGAN(image_size=32)  # ValueError
    ```
    """

    def __init__(self, variables, numbers):
        self.variables, self.numbers = variables, numbers

    def __call__(self, next_creator, **kwargs):
        shape, _ = _specification(kwargs["initial_value"])
        self.variables -= 1
        self.numbers -= math.prod(shape)
        if self.variables < 0 or self.numbers < 0:
            raise ValueError(
                "The arguments make a larger model than the weights are of, "
                "so it was not built. Received: a variable of shape "
                f"{shape}"
            )
        return next_creator(**kwargs)


class Blank:
    """Creates large variables as zeros, without computing initial values.

    For networks whose variables are all assigned afterwards: random numbers
    take most of the time in which a large network is built.

    Example:
    ```python
    with tf.variable_creator_scope(Blank()):
        copy = type(network).from_config(network.get_config())
    ```
    """

    def __call__(self, next_creator, **kwargs):
        value = kwargs["initial_value"]
        if callable(value):
            shape, dtype = _specification(value)
            if math.prod(shape) >= LARGE:
                kwargs["initial_value"] = lambda: tf.zeros(shape, dtype)
        return next_creator(**kwargs)


def _specification(value):
    """Returns the shape and dtype of an initial value, or of a callable's."""
    if callable(value):
        # Keras' callables refer to their variable. Otherwise, in a graph, the
        # shape is known without allocating the values, in some milliseconds.
        for cell in getattr(value, "__closure__", None) or ():
            if isinstance(cell.cell_contents, keras.Variable):
                return cell.cell_contents.shape, cell.cell_contents.dtype
        with tf.Graph().as_default():
            value = value()
    shape = np.shape(value) if np.isscalar(value) else value.shape
    return tuple(shape), getattr(value, "dtype", None)


def check_plain(path):
    """Refuses a file with anything but arrays of numbers in groups.

    HDF5 can link to other files and to itself, hold Python objects, and
    declare arrays much larger than the file. Files written by `save_weights`
    or `compact` have none of that.

    Args:
        path: str or path of a Keras weights file, or a `BytesIO` of one.

    Returns:
        Pair of ints: the number of arrays, and of numbers in them.

    Raises:
        ValueError: If it holds anything else.
    """
    try:
        with h5py.File(path, "r") as file:
            return _count(file, _size(path))
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(
            f"{path} is not a sound HDF5 file: {printable(str(error))}"
        ) from error
    except _NotPlain as error:
        raise ValueError(
            f"{path} must hold nothing but arrays of numbers, each whole in "
            f"this file. Received: {printable(str(error))}"
        ) from None


def _size(path):
    if isinstance(path, io.BytesIO):
        return path.getbuffer().nbytes
    return os.path.getsize(path)


class _NotPlain(Exception):
    """Content that a weights file must not have."""


def _count(file, file_size):
    arrays = numbers = 0
    groups, stored = set(), {}
    waiting = [file["/"]]
    while waiting:
        group = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in groups:
            raise _NotPlain(f"the group {group.name} in two places")
        groups.add(address)
        for name in group:
            where = f"{group.name}/{name}"
            if type(group.get(name, getlink=True)) is not h5py.HardLink:
                raise _NotPlain(f"a link at {where}")
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append(item)
                continue
            _check_array(where, item)
            arrays += 1
            numbers += item.size
            storage = item.id.get_storage_size()
            stored[h5py.h5o.get_info(item.id).addr] = storage
            if arrays + len(waiting) > MOST_ARRAYS:
                raise _NotPlain(f"more than {MOST_ARRAYS:,} arrays and groups")
    if sum(stored.values()) > file_size:
        raise _NotPlain("arrays larger than the file")
    # Equal arrays, such as the generator and its average, are stored once,
    # and zeros not at all.
    if numbers > 4 * file_size + SPARE_NUMBERS:
        raise _NotPlain("more numbers than a file of its size may declare")
    return arrays, numbers


def _check_array(where, item):
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiub":
        raise _NotPlain(f"something other than numbers at {where}")
    settings = item.id.get_create_plist()
    if (
        settings.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
        or settings.get_external_count()
        or item.id.get_storage_size() not in (0, item.nbytes)
    ):
        raise _NotPlain(f"an array that is not stored contiguously at {where}")
