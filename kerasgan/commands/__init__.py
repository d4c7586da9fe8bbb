"""The larger commands of `kerasgan`, a module each, and what they share.

Each module has `add(command)`, which adds the command's options to the parser
and imports no TensorFlow. TensorFlow is imported by the commands themselves,
after the checks that do without.
"""

import argparse
import os
import pathlib
import sys
import tempfile

import zoo

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


class Usage(Exception):
    """An error of the command line that argparse cannot detect."""


def start_tensorflow():
    """Imports TensorFlow without the lines that it writes when it starts.

    It writes them to the process' standard error before its log level counts.
    They are shown if the level is below 2, or the import fails.
    """
    if "tensorflow" in sys.modules or os.environ.get(LOG_LEVEL, "0") < "2":
        return
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        except BaseException:
            hidden.seek(0)
            os.write(shown, hidden.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)


def flag(key):
    """Returns an option as users write it."""
    return f"-{key}" if len(key) == 1 else f"--{key}"


def check_folder_of(path):
    """Refuses an output in a folder that does not exist.

    Args:
        path: str.

    Raises:
        Usage: If there is no such folder.
    """
    if not pathlib.Path(path).absolute().parent.is_dir():
        raise Usage(f"The folder of the output does not exist: {path}")


def check_output(path, suffixes):
    """Refuses an output of another type, or in no folder.

    Args:
        path: str.
        suffixes: Tuple of str.

    Raises:
        Usage: If it is.
    """
    if pathlib.Path(path).suffix.lower() not in suffixes:
        raise Usage(
            f"The output must be a {' or '.join(suffixes)} file. "
            f"Received: {path}"
        )
    check_folder_of(path)


def seeds(text):
    """Returns the seeds of one word, such as `3`, `0-63` or `1,5,7-9`.

    Args:
        text: str.

    Returns:
        List of int.

    Raises:
        ValueError: If it is none.
    """
    found = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        first = int(first)
        last = int(last) if dash else first
        if not first <= last < first + 1_000_000:
            raise ValueError(text)
        found += range(first, last + 1)
    return found


def add_seeds(added, **options):
    """Adds `--seeds`, which `flat` makes one list."""
    added.add_argument(
        "--seeds", nargs="+", type=seeds, metavar="SEED", **options
    )


def flat(lists):
    """Returns the elements of lists as one list; `None` stays."""
    return None if lists is None else [x for part in lists for x in part]


def image_size(text):
    """Returns the size of one word: `64`, or width x height as in `128x64`.

    Args:
        text: str.

    Returns:
        int, or pair of height and width where they differ.
    """
    width, cross, height = text.lower().partition("x")
    number = positive(int)
    width = number(width)
    height = number(height) if cross else width
    return width if width == height else (height, width)


image_size.__name__ = "size"  # In the messages of argparse.


def add_fit(added):
    """Adds `--fit`."""
    added.add_argument(
        "--fit",
        choices=["crop", "pad", "squeeze"],
        help="what becomes of images of another shape: the central part "
        "(crop, the default), all of it with black bars, or all of it "
        "distorted",
    )


def positive(kind):
    """Returns a type of arguments: positive numbers of a kind.

    Args:
        kind: `int` or `float`.
    """

    def number(text):
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"must be positive: {text}")
        return value

    number.__name__ = kind.__name__  # In the messages of argparse.
    return number


def features(name):
    """Returns a feature network by the name that users give.

    Args:
        name: str. `"inception_2015"`, `"efficientnet_lite0"`, or what
            `zoo.features` takes.
    """
    from kerasgan import metrics

    if name == metrics.base.INCEPTION:
        # The same result as the command of pytorch-fid, resizer included.
        return metrics.load_inception(resizer="pytorch_fid")
    if name == metrics.efficientnet.NAME:
        return metrics.load_efficientnet_lite0()
    return zoo.features(name)
