"""Fashion-MNIST in the layout of TensorFlow Datasets.

60,000 training and 10,000 test images of ten kinds of clothing, 28x28,
grey. Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for
Benchmarking Machine Learning Algorithms", 2017. MIT licence.
https://arxiv.org/abs/1708.07747

Where Debian's package dataset-fashion-mnist is installed, its files are
used and nothing is downloaded. The result is what TFDS itself would write, so
plain `tfds.load("fashion_mnist")` works afterwards.
"""

import gzip
import os
import pathlib
import shutil
import tempfile
import zlib

import tensorflow_datasets as tfds
from tensorflow_datasets.core import registered
from tensorflow_datasets.image_classification import mnist

from kerasgan.data import cache

DEBIAN_FOLDER = pathlib.Path("/usr/share/datasets/fashion-mnist")

# Of the unpacked files; the bytes of the packed ones differ between sources.
SHA256 = {
    "train-images-idx3-ubyte": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "train-labels-idx1-ubyte": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "t10k-images-idx3-ubyte": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "t10k-labels-idx1-ubyte": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
}


def prepare(data_dir=None):
    """Writes the data set; does nothing where it already exists.

    Args:
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own.

    Returns:
        The prepared `tfds.core.DatasetBuilder`.

    Raises:
        OSError: If the files are not available, or a checksum differs.
    """
    if DEBIAN_FOLDER.is_dir():
        return prepare_from_folder(DEBIAN_FOLDER, data_dir)
    builder = tfds.builder("fashion_mnist", data_dir=data_dir)
    try:
        builder.download_and_prepare()
    except (OSError, tfds.download.DownloadError) as error:
        raise OSError(
            "Fashion-MNIST could not be downloaded. Received: "
            f"{type(error).__name__}: {error}. Without a network, install "
            "Debian's package dataset-fashion-mnist and try again."
        ) from error
    return builder


def prepare_from_folder(folder, data_dir=None):
    """Prepares the data set from the four gzipped files in a folder.

    Args:
        folder: str or path.
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own.

    Returns:
        The prepared `tfds.core.DatasetBuilder`.

    Raises:
        OSError: If a file is missing or damaged.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # The stock class stays the registered one; a subclass of the same
        # name and version writes to the same place.
        with registered.skip_registration():

            class FashionMNIST(mnist.FashionMNIST):
                def _split_generators(self, dl_manager):
                    return super()._split_generators(
                        _UnpackedFiles(pathlib.Path(folder), scratch)
                    )

        builder = FashionMNIST(data_dir=data_dir)
        builder.download_and_prepare()
    return builder


class _UnpackedFiles:
    """Provides local files where the stock builder requests downloads."""

    def __init__(self, folder, scratch):
        self.folder = folder
        self.scratch = pathlib.Path(scratch)

    def download_and_extract(self, urls):
        return {key: self._unpack(url) for key, url in urls.items()}

    def _unpack(self, url):
        packed = self.folder / os.path.basename(url)
        unpacked = self.scratch / packed.stem
        try:
            with gzip.open(packed) as source, open(unpacked, "wb") as target:
                shutil.copyfileobj(source, target)
        except (OSError, EOFError, zlib.error) as error:
            raise OSError(
                f"Fashion-MNIST's file {packed} cannot be read. Received: "
                f"{error}. Install dataset-fashion-mnist again."
            ) from error
        cache.check_sha256(unpacked, SHA256[packed.stem], str(packed))
        return str(unpacked)
