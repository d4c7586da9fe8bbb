"""ONNX files of half the size, from which come the same images.

Weights that are 16-bit floats in a checkpoint are so in its ONNX files, each
with a cast to float32: no number changes, and all arithmetic is in float32.
The weights enter the conversion as inputs. As constants, they would be
multiplied with others while the file is written, and products of 16-bit floats
need more bits; noise images of StyleGAN would even be stored once for each
channel.
"""

import gzip
import itertools

import keras
import numpy as np
import tensorflow as tf

LABELS = "labels"
# What the labels become: the share of each class in an image.
CLASSES = "classes"


def convert(gan, function, specs):
    """Converts a function of a model to ONNX.

    Args:
        gan: A `GAN` in float32.
        function: Callable from tensors to one tensor, named `outputs` in the
            result.
        specs: List of `tf.TensorSpec`, of the arguments. One named `labels`,
            integers `(batch,)`, becomes `classes`, floats
            `(batch, num_classes)`: what the networks look up of classes is
            mixed in these shares.

    Returns:
        Pair of the file's content, bytes, and the number of weights in it.

    Raises:
        ImportError: If tf2onnx is not installed.
        ValueError: If the networks use the labels in another way than to look
            up numbers of a class.
    """
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            "The playground needs tf2onnx, which is not installed. Install "
            "kerasgan with its extra: pip install 'kerasgan[onnx]'."
        ) from error
    weights = _weights_of(gan, function, specs)
    names = [f"weight_{number}" for number in range(len(weights))]

    def of_weights(*tensors):
        arguments = tensors[: len(specs)]
        mapping = zip(weights, tensors[len(specs) :], strict=True)
        with keras.StatelessScope(state_mapping=list(mapping)):
            return {"outputs": function(*arguments)}

    signature = [
        *specs,
        *(
            tf.TensorSpec(weight.shape, "float32", name)
            for weight, name in zip(weights, names, strict=True)
        ),
    ]
    logger = tf.get_logger()
    level = logger.level
    # It warns of the tables of words, which no function reads.
    logger.setLevel("ERROR")
    try:
        model, _ = tf2onnx.convert.from_function(
            tf.function(of_weights, autograph=False), input_signature=signature
        )
    finally:
        logger.setLevel(level)
    arrays = [keras.ops.convert_to_numpy(weight) for weight in weights]
    _store(model.graph, dict(zip(names, arrays, strict=True)))
    if any(spec.name == LABELS for spec in specs):
        _mix_classes(model.graph, gan.num_classes)
    _shorten_names(model.graph)
    onnx.checker.check_model(model)
    return model.SerializeToString(), sum(array.size for array in arrays)


def write(path, content):
    """Writes the content of a file, compressed.

    Args:
        path: `pathlib.Path`.
        content: bytes.

    Returns:
        int, the size of the compressed file.
    """
    # Without the time, so that the same model gives the same file.
    compressed = gzip.compress(content, mtime=0)
    path.write_bytes(compressed)
    return len(compressed)


def _weights_of(gan, function, specs):
    """Returns the float variables that a function reads, in their order."""
    traced = tf.function(function, autograph=False)
    read = {id(v) for v in traced.get_concrete_function(*specs).variables}
    return [
        variable
        for variable in gan.variables
        if id(variable.value) in read and variable.dtype == "float32"
    ]


def _store(graph, arrays):
    """Turns inputs that are weights into stored numbers, with their casts."""
    from onnx import TensorProto, helper, numpy_helper

    free = [tensor for tensor in graph.input if tensor.name not in arrays]
    del graph.input[:]
    graph.input.extend(free)
    casts = []
    for name, array in arrays.items():
        with np.errstate(over="ignore"):
            half = array.astype("float16")
        if not (half == array).all():
            graph.initializer.append(numpy_helper.from_array(array, name))
            continue
        stored = f"{name}_float16"
        graph.initializer.append(numpy_helper.from_array(half, stored))
        casts.append(
            helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT)
        )
    _set_nodes(graph, [*casts, *graph.node])


def _mix_classes(graph, num_classes):
    """Turns the labels into shares of classes.

    A one-hot code becomes the shares, and looking up a row of a table becomes
    a product of the shares and the table. With a share of 1 both are exact.
    """
    from onnx import TensorProto, helper

    derived = {LABELS}
    nodes = []
    for node in graph.node:
        if not derived.intersection(node.input):
            nodes.append(node)
        elif node.op_type == "OneHot":
            nodes.append(
                helper.make_node("Identity", [CLASSES], [node.output[0]])
            )
        elif node.op_type == "Gather" and node.input[0] not in derived:
            product = [CLASSES, node.input[0]]
            nodes.append(helper.make_node("MatMul", product, [node.output[0]]))
        else:
            derived.update(node.output)
    if derived.intersection(tensor.name for tensor in graph.output):
        raise ValueError(
            "Classes are mixed where networks look up numbers of a class, by "
            "a one-hot code or a table. Received: labels that reach the "
            "images in another way"
        )
    _set_nodes(graph, nodes)
    shares = helper.make_tensor_value_info(
        CLASSES, TensorProto.FLOAT, ["batch", num_classes]
    )
    inputs = [shares if i.name == LABELS else i for i in graph.input]
    del graph.input[:]
    graph.input.extend(inputs)
    read = {name for node in nodes for name in node.input}
    used = [i for i in graph.initializer if i.name in read]
    del graph.initializer[:]
    graph.initializer.extend(used)


def _set_nodes(graph, nodes):
    nodes = list(nodes)
    del graph.node[:]
    graph.node.extend(nodes)


def _shorten_names(graph):
    """Renames what is inside of a graph, and drops what only people read."""
    fixed = [tensor.name for tensor in (*graph.input, *graph.output)]
    short = {"": "", **{name: name for name in fixed}}
    fresh = (f"t{number}" for number in itertools.count())

    def renamed(name):
        if name not in short:
            short[name] = next(fresh)
        return short[name]

    def rename(graph):
        del graph.value_info[:]
        for tensor in (*graph.initializer, *graph.input, *graph.output):
            tensor.name = renamed(tensor.name)
            tensor.doc_string = ""
        for node in graph.node:
            node.name = node.doc_string = ""
            node.input[:] = map(renamed, node.input)
            node.output[:] = map(renamed, node.output)
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    rename(attribute.g)

    rename(graph)
