"""TensorFlow Serving's JSON: requests to arrays, arrays to responses.

Follows the documentation of TensorFlow Serving's REST API
(https://www.tensorflow.org/tfx/serving/api_rest) and its `json_tensor.cc`,
whose parser also defines what is refused, with three exceptions: numbers that
are not finite are refused, an unknown signature is 404, and a uint8 image may
be given as the base64 of a PNG, JPEG or WebP file.

orjson parses and writes: it refuses invalid JSON and UTF-8, limits nesting to
1024, and writes NumPy arrays without intermediate lists.
"""

import base64
import dataclasses
import itertools
import json

import numpy as np
import orjson
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from kerasgan.data import folder
from kerasgan.serving.models import DEFAULT, has_rows

# The input with the number of samples that a signature generates from a seed.
COUNT = "count"


class Refusal(Exception):
    """An error response.

    Args:
        status: int. HTTP status.
        sentence: str. Message for the client.
    """

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status


@dataclasses.dataclass(frozen=True)
class Request:
    """A parsed and validated request.

    Attributes:
        signature: `Signature` to run.
        inputs: dict of input name to array.
        samples: int. Number of samples that it generates.
        row_format: bool. Whether it is in row format (`instances`).
    """

    signature: object
    inputs: dict
    samples: int
    row_format: bool


def read_request(body, signatures, limits):
    """Parses the body of a request.

    Args:
        body: bytes of JSON.
        signatures: Mapping of name to `Signature`.
        limits: `Limits`.

    Returns:
        A `Request`.

    Raises:
        Refusal: If the request is invalid.
    """
    content = _json_object(body)
    signature = _signature(content, signatures)
    row_format = "instances" in content
    if row_format == ("inputs" in content):
        raise Refusal(
            400,
            "The body must have either `instances`, a list with an entry for "
            "each sample, or `inputs`, whole tensors by name. Received: "
            f"{'both' if row_format else 'neither'}",
        )
    if row_format:
        columns = _columns_of_rows(content["instances"], signature)
    else:
        columns = _columns(content["inputs"], signature)
    inputs = {
        name: _array(name, columns[name], spec, limits)
        for name, spec in signature.inputs.items()
    }
    samples = _count_samples(inputs, signature, limits)
    return Request(signature, inputs, samples, row_format)


def write_response(outputs, row_format):
    """Returns the body of a response.

    Args:
        outputs: dict of output name to array.
        row_format: bool. Whether the request was in row format.

    Returns:
        bytes of JSON. A single output is not named.

    Raises:
        Refusal: If the request was in row format and an output has no rows.
    """
    finite = all(
        value.dtype.kind != "f" or np.isfinite(value).all()
        for value in outputs.values()
    )
    outputs = {
        name: _text(value.tolist(), name) if value.dtype == object else value
        for name, value in outputs.items()
    }
    if row_format:
        lengths = {np.shape(value)[:1] for value in outputs.values()}
        if len(lengths) > 1 or () in lengths:
            raise Refusal(
                400,
                "The outputs of this signature have no row for each instance; "
                "request whole tensors with `inputs`.",
            )
        rows = zip(*outputs.values(), strict=True)
        named = (dict(zip(outputs, row, strict=True)) for row in rows)
        content = {"predictions": [_unnamed(row) for row in named]}
    else:
        content = {"outputs": _unnamed(outputs)}
    if finite:
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    # With the tokens NaN and Infinity, as TensorFlow Serving.
    return json.dumps(content, default=lambda array: array.tolist()).encode()


def status(model):
    """Returns TensorFlow Serving's `GetModelStatusResponse`.

    Args:
        model: `Model`.

    Returns:
        dict, for JSON.
    """
    return {
        "model_version_status": [
            {
                "version": str(model.version),
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


def metadata(model):
    """Returns TensorFlow Serving's `GetModelMetadataResponse`.

    Args:
        model: `Model`.

    Returns:
        dict, for JSON.
    """

    def tensor(signature, name, spec):
        unknown_rank = spec.shape.rank is None
        return {
            "dtype": types_pb2.DataType.Name(spec.dtype.as_datatype_enum),
            "tensor_shape": {
                "dim": [
                    {"size": str(-1 if size is None else size), "name": ""}
                    for size in ([] if unknown_rank else spec.shape)
                ],
                "unknown_rank": unknown_rank,
            },
            "name": f"{signature}_{name}:0",
        }

    signatures = {
        name: {
            "inputs": {
                key: tensor(name, key, spec)
                for key, spec in signature.inputs.items()
            },
            "outputs": {
                key: tensor(name, key, spec)
                for key, spec in signature.outputs.items()
            },
            "method_name": "tensorflow/serving/predict",
            "defaults": {},
        }
        for name, signature in model.signatures.items()
    }
    return {
        "model_spec": {
            "name": model.name,
            "signature_name": "",
            "version": str(model.version),
        },
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def shortened(text):
    """Returns a string of a client, quoted, for a message.

    Args:
        text: str.

    Returns:
        str, in quotes, of limited length.
    """
    return repr(text if len(text) <= 40 else text[:40] + "...")


def _json_object(body):
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"The body must be JSON: {error}") from error
    if not isinstance(content, dict):
        raise Refusal(
            400,
            f"The body must be a JSON object. Received: {_kind(content)}",
        )
    return content


def _signature(content, signatures):
    name = content.get("signature_name", "")
    if not isinstance(name, str):
        raise Refusal(
            400, f"`signature_name` must be a string. Received: {_kind(name)}"
        )
    name = name or DEFAULT
    if name not in signatures:
        raise Refusal(
            404,
            f"The model has no signature {shortened(name)}, but "
            f"{', '.join(sorted(signatures))}; see `signature_name`.",
        )
    return signatures[name]


def _columns_of_rows(rows, signature):
    if not signature.by_row:
        whole = [n for n, s in signature.inputs.items() if not has_rows(s)]
        raise Refusal(
            400,
            f"This signature takes one {' and one '.join(whole)} for all "
            "samples, so use `inputs` instead of `instances`.",
        )
    if not isinstance(rows, list) or not rows:
        raise Refusal(
            400,
            "`instances` must be a list of at least one entry. Received: "
            f"{_kind(rows)}",
        )
    named = [_is_named(row) for row in rows]
    if not any(named):
        return _single(rows, signature, "an object in `instances`")
    names = set(signature.inputs)
    for number, row in enumerate(rows):
        if not named[number] or set(row) != names:
            received = _keys(row) if named[number] else _kind(row)
            raise Refusal(
                400,
                "Each entry of `instances` must be an object with "
                f"{', '.join(signature.inputs)}. Received in entry {number}: "
                f"{received}",
            )
    return {name: [row[name] for row in rows] for name in names}


def _columns(inputs, signature):
    if not _is_named(inputs):
        return _single(inputs, signature, "`inputs` as an object")
    for name in signature.inputs:
        if name not in inputs:
            raise Refusal(
                400,
                f"`inputs` must have {', '.join(signature.inputs)}. Received: "
                f"{_keys(inputs)}",
            )
    return inputs


def _single(value, signature, place):
    if len(signature.inputs) > 1:
        raise Refusal(
            400,
            f"This signature takes {', '.join(signature.inputs)}, so they "
            f"must be named, in {place}. Received: {_kind(value)}",
        )
    return dict.fromkeys(signature.inputs, value)


def _array(name, value, spec, limits):
    """Converts nested lists to an array of the type and shape of a spec."""
    items, shape = [value], []
    while len(shape) < spec.shape.rank and list in set(map(type, items)):
        lengths = {len(i) if isinstance(i, list) else None for i in items}
        if len(lengths) > 1:
            raise _unfit(name, spec, "lists of different lengths")
        shape.append(lengths.pop())
        items = list(itertools.chain.from_iterable(items))
    if not items:
        raise _unfit(name, spec, f"shape {shape}")
    takes_images = spec.dtype == tf.uint8 and spec.shape.rank == 4
    if takes_images and all(map(_is_base64, items)):
        images = _decode_images(name, items, spec.shape[-1], limits)
        array = images.reshape((*shape, *images.shape[1:]))
    else:
        array = _values(name, items, spec).reshape(shape)
    if not spec.shape.is_compatible_with(array.shape):
        raise _unfit(name, spec, f"shape {list(array.shape)}")
    return array


def _values(name, items, spec):
    dtype = spec.dtype
    if dtype == tf.string:
        allowed = {str, dict}
    elif dtype == tf.bool:
        allowed = {bool}
    else:
        allowed = {int, float} if dtype.is_floating else {int}
    if not set(map(type, items)) <= allowed:
        wrong = next(item for item in items if type(item) not in allowed)
        raise _unfit(name, spec, f"{_kind(wrong)} in it")
    if dtype == tf.string:
        items = [
            item.encode() if isinstance(item, str) else _bytes(name, item)
            for item in items
        ]
        return np.array(items, dtype=object)
    if dtype == tf.bool:
        return np.array(items, dtype=bool)
    if dtype.is_floating:
        items = np.array(items, dtype="float64")
        low, high = items.min(), items.max()
    else:
        low, high = min(items), max(items)
    if not dtype.min <= low <= high <= dtype.max:
        raise Refusal(
            400,
            f"`{name}` must be numbers that {dtype.name} can hold. Received: "
            f"{low} to {high}",
        )
    return np.array(items, dtype=dtype.as_numpy_dtype)


def _decode_images(name, items, channels, limits):
    """Decodes base64 of image files, which must have equal sizes."""
    if channels not in (1, 3):
        raise Refusal(
            400,
            f"`{name}` has {channels} channels, so it must be given as nested "
            "lists instead of encoded images.",
        )
    images, pixels = [], limits.max_pixels
    for item in items:
        try:
            image = folder.decode_whole(_bytes(name, item), channels, pixels)
        except OSError as error:
            raise Refusal(400, f"`{name}`: {error}") from error
        pixels -= image.shape[0] * image.shape[1]
        images.append(image)
    if len({image.shape for image in images}) > 1:
        raise Refusal(
            400,
            f"All images of one request must have the same size in `{name}`. "
            f"Received: {sorted({i.shape[:2] for i in images})}",
        )
    return np.stack(images)


def _is_base64(item):
    return (
        isinstance(item, dict)
        and list(item) == ["b64"]
        and isinstance(item["b64"], str)
    )


def _is_named(item):
    """Whether it is an object of tensors by name, not an encoded value."""
    return isinstance(item, dict) and not _is_base64(item)


def _bytes(name, item):
    if not _is_base64(item):
        raise Refusal(
            400, f'`{name}` has an object that is not {{"b64": string}}.'
        )
    # As in TensorFlow Serving, spaces and missing padding are ignored.
    text = "".join(item["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise Refusal(400, f"`{name}` has broken base64: {error}") from error


def _count_samples(inputs, signature, limits):
    """Returns the number of samples of a request."""
    counts = {
        len(inputs[name])
        for name, spec in signature.inputs.items()
        if has_rows(spec)
    }
    if COUNT in signature.inputs:
        counts.add(int(inputs[COUNT]))
    if len(counts) > 1:
        raise Refusal(
            400,
            f"{', '.join(signature.inputs)} must have the same number of "
            f"rows, one for each sample. Received: {sorted(counts)}",
        )
    count = counts.pop() if counts else 1
    if not 1 <= count <= limits.max_samples:
        raise Refusal(
            400,
            f"A request may be for 1 to {limits.max_samples} samples. "
            f"Received: {count}",
        )
    return count


def _unfit(name, spec, received):
    shape = ["?" if size is None else size for size in spec.shape]
    return Refusal(
        400,
        f"`{name}` must be {spec.dtype.name} of shape "
        f"[{', '.join(map(str, shape))}]. Received: {received}",
    )


def _kind(value):
    """Returns the kind of a JSON value, in words."""
    kinds = {
        list: ("a ", "list"),
        dict: ("an ", "object"),
        str: ("a ", "string"),
    }
    if type(value) in kinds:
        article, noun = kinds[type(value)]
        return article + noun if value else f"an empty {noun}"
    return orjson.dumps(value).decode()


def _keys(item):
    """Returns the first keys of an object, in words."""
    shown = [shortened(key) for key in itertools.islice(item, 5)]
    more = [f"{len(item) - 5} more"] if len(item) > 5 else []
    return ", ".join(shown + more) or "an empty object"


def _text(value, name):
    """Returns strings as JSON, those of binary outputs in base64."""
    if isinstance(value, list):
        return [_text(item, name) for item in value]
    # The convention of TensorFlow Serving.
    if name.endswith("_bytes"):
        return {"b64": base64.b64encode(value).decode()}
    return value.decode(errors="replace")


def _unnamed(outputs):
    """Returns the value of a single output; several stay named."""
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs
