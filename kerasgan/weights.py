"""Weight files that are small enough to ship.

They stay ordinary Keras files, read by `load_weights`: the numbers are stored
in 16 bits unless told otherwise, and arrays that are equal (the trained
generator of a published model is its average) are stored once.
"""

import hashlib

import h5py
import numpy as np


def compact(source, target, half=True):
    """Copies a Keras weights file, smaller.

    Args:
        source: str or path of a file made by `save_weights`.
        target: str or path of the file to write, not `source`.
        half: bool. Whether numbers are stored in 16 bits. Defaults to `True`.

    Raises:
        ValueError: If a weight is too large for 16 bits.
    """
    with (
        h5py.File(source, "r") as old,
        # The older layout of groups is several times as large.
        h5py.File(target, "w", libver=("v110", "v110")) as new,
    ):
        new.attrs.update(old.attrs)
        stored = {}

        def copy(name, item):
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
                new.create_dataset(name, data=array)
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
