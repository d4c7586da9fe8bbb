"""Served models: named signatures of a `GAN` or of a SavedModel."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

import tensorflow as tf

from kerasgan import export

# The signature of requests without a `signature_name`.
DEFAULT = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


@dataclasses.dataclass(frozen=True, eq=False)
class Signature:
    """A function of a model, with the types of its inputs and outputs.

    Attributes:
        function: Callable from a dict of input name to array, to a dict of
            output name to array.
        inputs: Mapping of input name to `tf.TensorSpec`.
        outputs: Mapping of output name to `tf.TensorSpec`.
    """

    function: Callable
    inputs: Mapping
    outputs: Mapping

    @property
    def by_row(self):
        """Whether every input has a row for each sample."""
        return all(has_rows(spec) for spec in self.inputs.values())

    @property
    def joinable(self):
        """Whether the rows of several requests may run as one batch.

        A sample depends on its own row alone, whatever the batch size:
        images (uint8), tokens (integers) and text (strings). Scores may
        depend on the whole batch, and are floating-point numbers.
        """
        return self.by_row and all(
            has_rows(spec) and not spec.dtype.is_floating
            for spec in self.outputs.values()
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A served model.

    Attributes:
        name: str. In the paths of requests.
        version: int. As in TensorFlow Serving, where a model's folder has
            numbered sub-folders; a model of the zoo is version 1.
        signatures: Mapping of signature name to `Signature`.
    """

    name: str
    version: int
    signatures: Mapping

    @classmethod
    def of(cls, gan, scores=False):
        """Returns the served form of a GAN.

        Each signature runs once, so that the first request is not slower.

        Args:
            gan: A `GAN`. Its `name` becomes that of the model.
            scores: bool. Whether to serve the scores of the discriminator,
                too. Defaults to `False`.

        Returns:
            A `Model`.
        """

        def signature(function, specs):
            traced = tf.function(
                function, input_signature=specs, autograph=False
            )

            def run(inputs):
                outputs = traced(
                    *(tf.constant(inputs[s.name], s.dtype) for s in specs)
                )
                return {name: value.numpy() for name, value in outputs.items()}

            run({s.name: export.example(s, gan.sample_shape) for s in specs})
            outputs = traced.get_concrete_function().structured_outputs
            return Signature(run, {s.name: s for s in specs}, outputs)

        signatures = gan.signatures()
        if scores:
            signatures.update(gan.score_signatures())
        served = {name: signature(*value) for name, value in signatures.items()}
        # As Keras names it in a SavedModel.
        served.setdefault(DEFAULT, next(iter(served.values())))
        return cls(gan.name, 1, served)

    @classmethod
    def from_saved_model(cls, folder):
        """Returns the served form of a SavedModel.

        Args:
            folder: str or path of a SavedModel, or of a folder with numbered
                SavedModels, of which the highest is loaded.

        Returns:
            A `Model`, named like the folder of the numbered ones.
        """
        folder = _newest(pathlib.Path(folder).resolve())
        loaded = tf.saved_model.load(str(folder))

        def signature(traced):
            _, inputs = traced.structured_input_signature

            def run(arrays, keep=loaded):  # Its variables must stay alive.
                outputs = traced(
                    **{
                        name: tf.constant(arrays[name], spec.dtype)
                        for name, spec in inputs.items()
                    }
                )
                return {name: value.numpy() for name, value in outputs.items()}

            return Signature(run, inputs, traced.structured_outputs)

        numbered = folder.name.isdecimal()
        return cls(
            folder.parent.name if numbered else folder.name,
            int(folder.name) if numbered else 1,
            {
                name: signature(traced)
                for name, traced in loaded.signatures.items()
            },
        )


def is_saved_model(folder):
    """Returns whether `Model.from_saved_model` can load a folder.

    Args:
        folder: str or path, may not exist.
    """
    return _newest(pathlib.Path(folder)) is not None


def _newest(folder):
    if (folder / "saved_model.pb").is_file():
        return folder
    versions = [
        path.parent
        for path in folder.glob("*/saved_model.pb")
        if path.parent.name.isdecimal()
    ]
    return max(versions, key=lambda path: int(path.name), default=None)


def has_rows(spec):
    """Returns whether a tensor has a row for each sample.

    Args:
        spec: `tf.TensorSpec`.
    """
    return bool(spec.shape.rank) and spec.shape[0] is None
