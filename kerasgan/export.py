"""Writing a model in the formats that servers read."""

import pathlib

import keras
import tensorflow as tf


def saved_model(gan, folder, verbose=False):
    """Writes a SavedModel with the signatures of the model.

    Args:
        gan: A `GAN`.
        folder: str or path, must not exist or be empty.
        verbose: bool. Whether Keras prints the signatures. Defaults to
            `False`.

    Raises:
        OSError: If the folder is not empty.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise OSError(
            "The folder to export to must be new or empty, so that nothing "
            f"is overwritten. Received: {folder}"
        )
    archive = keras.export.ExportArchive()
    for part in gan.exported_parts:
        archive.track(part)
    for name, (function, specs) in gan.signatures().items():
        archive.add_endpoint(name, tf.function(function), specs)
    archive.write_out(str(folder), verbose=verbose)
