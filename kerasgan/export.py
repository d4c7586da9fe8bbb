"""Export to SavedModel, LiteRT and ONNX.

A SavedModel has all signatures of the model. LiteRT and ONNX hold neither
random seeds nor text: there the caller samples the latents, gives sentence
vectors in place of captions, and decodes the tokens of text.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile

import numpy as np
import tensorflow as tf

from kerasgan.backend import keras

# The file of requests that TensorFlow Serving runs before it accepts others.
WARMUP = "assets.extra/tf_serving_warmup_requests"
# Inputs of TensorFlow's stateless random numbers, which no other format has.
SEEDS = ("seed", "seeds")


def write(gan, folder, format="saved_model", scores=False, verbose=False):
    """Writes a model for serving.

    Args:
        gan: A `GAN`.
        folder: str or path, must not exist or be empty. It appears when the
            export is complete; a failed export leaves nothing behind.
        format: str. `"saved_model"`: a SavedModel with all signatures and a
            warm-up request for each. `"litert"`: one file, `model.tflite`,
            with the portable signatures. `"onnx"`: one file for each
            portable signature, `<signature>.onnx`. Defaults to
            `"saved_model"`.
        scores: See `GAN.export`.
        verbose: See `GAN.export`.

    Returns:
        See `GAN.export`.

    Raises:
        See `GAN.export`.
    """
    writers = {"saved_model": _saved_model, "litert": _litert, "onnx": _onnx}
    if format not in writers:
        raise ValueError(
            f"`format` must be one of {', '.join(writers)}. "
            f"Received: format={format!r}"
        )
    if format == "saved_model":
        signatures = {
            **gan.signatures(),
            **(gan.score_signatures() if scores else {}),
        }
    elif scores:
        raise ValueError(
            "`scores` needs format='saved_model'; the other formats hold "
            f"the generator alone. Received: format={format!r}"
        )
    else:
        gan = in_float32(gan)
        signatures = portable(gan.signatures())
    with new_folder(folder) as unfinished:
        writers[format](gan, signatures, unfinished, verbose)
    return tuple(signatures)


@contextlib.contextmanager
def new_folder(folder):
    """Yields a temporary folder, and renames it to `folder` on success.

    Args:
        folder: str or path, must not exist or be empty.

    Yields:
        `pathlib.Path` of the temporary folder.

    Raises:
        OSError: If the folder is not empty.
    """
    folder = pathlib.Path(folder).absolute()
    if folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise OSError(
            "The folder to export to must be new or empty, so that nothing "
            f"is overwritten. Received: {folder}"
        )
    # On the same disk, so that it can be renamed; an existing folder may be a
    # mount point. TensorFlow Serving ignores names that are not numbers.
    existed = folder.exists()
    parent = folder if existed else folder.parent
    unfinished = parent / f".{folder.name}.{os.getpid()}.unfinished"
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        if existed:
            for path in list(unfinished.iterdir()):
                path.rename(folder / path.name)
        else:
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def portable(signatures):
    """Returns the signatures that LiteRT and ONNX can hold.

    Args:
        signatures: dict, see `GAN.signatures`.

    Returns:
        dict, those of them that take neither text nor seeds, and do not
        return text.
    """
    return {
        name: (function, specs)
        for name, (function, specs) in signatures.items()
        if not any(s.dtype == tf.string or s.name in SEEDS for s in specs)
        and tf.string not in _output_types(function, specs)
    }


def _output_types(function, specs):
    traced = tf.function(function, autograph=False).get_concrete_function
    return tf.nest.flatten(traced(*specs).output_dtypes)


def in_float32(gan):
    """Returns the model, or a copy of it that computes in float32.

    Args:
        gan: A `GAN`.

    Returns:
        A `GAN`.
    """
    if gan.dtype_policy.name == "float32":
        return gan
    # LiteRT and ONNX kernels have no bfloat16, and few have float16.
    copy = type(gan).from_config({**gan.get_config(), "dtype": "float32"})
    copy.set_weights(gan.get_weights())
    return copy


def _saved_model(gan, signatures, folder, verbose):
    _write_signatures(gan, signatures, folder, verbose)
    path = folder / WARMUP
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, (_, specs) in signatures.items():
            inputs = {s.name: example(s, gan.sample_shape) for s in specs}
            writer.write(prediction_log(gan.name, name, inputs))


def _write_signatures(gan, signatures, folder, verbose=False):
    archive = keras.export.ExportArchive()
    # Keras tracks the variables of the signatures by itself, and would write
    # those of a layer that is tracked here a second time.
    for layer in gan.lookup_layers:
        archive.track(layer)
    for name, (function, specs) in signatures.items():
        archive.add_endpoint(name, tf.function(function), specs)
    archive.write_out(str(folder), verbose=verbose)


def _litert(gan, signatures, folder, verbose):
    with tempfile.TemporaryDirectory() as saved_model:
        _write_signatures(gan, signatures, saved_model)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            saved_model, signature_keys=list(signatures)
        )
        (folder / "model.tflite").write_bytes(converter.convert())


def _onnx(gan, signatures, folder, verbose):
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            "Writing ONNX needs tf2onnx, which is not installed. Install "
            "kerasgan with its extra: pip install 'kerasgan[onnx]'."
        ) from error
    for name, (function, specs) in signatures.items():
        model, _ = tf2onnx.convert.from_function(
            tf.function(_with_other_names(function, specs), specs),
            input_signature=specs,
        )
        _name_axes(model.graph)
        onnx.checker.check_model(model)
        onnx.save(model, str(folder / f"{name}.onnx"))


def _with_other_names(function, specs):
    """Renames an output that has the name of an input.

    The tensors of an ONNX graph share one namespace.
    """
    inputs = {spec.name for spec in specs}

    def named(*arguments):
        return {
            "translations" if name in inputs else name: tensor
            for name, tensor in function(*arguments).items()
        }

    return named


def _name_axes(graph):
    """Names the free axes of inputs and outputs."""
    for tensor in [*graph.input, *graph.output]:
        axes = tensor.type.tensor_type.shape.dim
        image = ("batch", "height", "width")
        names = image if len(axes) == 4 else ("batch", "length")
        for axis, name in zip(axes, names, strict=False):
            if not axis.HasField("dim_value"):
                axis.dim_param = name


def example(spec, sample_shape):
    """Returns the smallest input of a signature.

    Args:
        spec: `tf.TensorSpec`.
        sample_shape: Tuple of ints, the shape of one sample. See
            `GAN.sample_shape`.

    Returns:
        Array: 1 for a scalar; for a batch, one row of zeros or of one word.
    """
    if spec.shape.rank == 0:
        return np.ones((), spec.dtype.as_numpy_dtype)
    sizes = (1, *sample_shape)
    shape = [size or sizes[axis] for axis, size in enumerate(spec.shape)]
    if spec.dtype == tf.string:
        return np.full(shape, b"a")
    return np.zeros(shape, spec.dtype.as_numpy_dtype)


def prediction_log(model, signature, inputs):
    """Returns a request as a serialized `PredictionLog` message.

    The message of tensorflow-serving-api, encoded here to avoid a dependency
    on that package.

    Args:
        model: str. Name of the model.
        signature: str. Name of the signature.
        inputs: dict of input name to array.

    Returns:
        bytes, the serialized message.

    Reference:
        model.proto, predict.proto and prediction_log.proto in
        https://github.com/tensorflow/serving/tree/master/tensorflow_serving/apis
    """
    # ModelSpec: name = 1, signature_name = 3.
    spec = _field(1, model.encode()) + _field(3, signature.encode())
    # PredictRequest: model_spec = 1, inputs = 2, a map of key = 1, value = 2.
    request = _field(1, spec)
    for name, array in inputs.items():
        tensor = tf.make_tensor_proto(array).SerializeToString()
        request += _field(2, _field(1, name.encode()) + _field(2, tensor))
    # PredictionLog: predict_log = 6. PredictLog: request = 1.
    return _field(6, _field(1, request))


def _field(number, content):
    """Returns a protobuf field of bytes: tag, length, content."""
    length = len(content)
    digits = [number << 3 | 2]
    # The length in base 128, lowest digit first; the high bit of all but the
    # last says that more follow.
    while length > 127:
        digits.append(length & 127 | 128)
        length >>= 7
    return bytes([*digits, length]) + content
