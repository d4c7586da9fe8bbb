#!/usr/bin/env bash
# TensorFlow 2.21.0: a training step in a tf.function whose gradients pass
# through tf.identity_n (Keras' optimizers do this to sum them over replicas).
#
# Expected: a weight is read for the gradients before it is updated, as automatic
# control dependencies promise.
# Seen: the optimized graph does not order the update of the last kernel of a
# linear critic after its read: grappler drops this dependency because
# identity_n implies it, then removes identity_n. The gradients of earlier layers
# may use the kernel before or after its update. Without identity_n all is well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tensorflow==2.21.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.framework import meta_graph
from tensorflow.python.grappler import tf_optimizer

first, last = tf.Variable(tf.ones((3, 4))), tf.Variable(tf.ones((4, 1)))

@tf.function(autograph=False)
def step(images, join):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(images @ first @ last)
    gradients = join(tape.gradient(loss, [first, last]))
    first.assign_sub(gradients[0])
    last.assign_sub(gradients[1])
    return loss

def update_waits_for_read(graph, handle):
    nodes = {node.name: node for node in graph.node}
    uses = [n for n in graph.node if [i.split(":")[0] for i in n.input[:1]] == [handle]]
    (read,) = [n.name for n in uses if n.op == "ReadVariableOp"]
    waiting, seen = [n.name for n in uses if n.op == "AssignSubVariableOp"], set()
    while waiting:
        seen.add(name := waiting.pop())
        inputs = {i.lstrip("^").split(":")[0] for i in nodes[name].input}
        waiting += inputs - seen
    return read in seen

def before_and_after(join):
    function = step.get_concrete_function(tf.TensorSpec((8, 3)), join)
    (handle,) = [p.op.name for h, p in function.graph.captures if h is last.handle]
    graph = meta_graph.create_meta_graph_def(graph=function.graph)
    ends = [*function.graph.control_outputs, function.outputs[0].op]
    graph.collection_def["train_op"].node_list.value.extend(o.name for o in ends)
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.min_graph_nodes = -1
    graphs = graph.graph_def, tf_optimizer.OptimizeGraph(config, graph)
    return [update_waits_for_read(g, handle) for g in graphs]


found = {join.__name__: before_and_after(join) for join in (list, tf.identity_n)}
print("TensorFlow", tf.__version__, "the update waits (before, after):", found)
assert found == {"list": [True, True], "identity_n": [True, False]}, "changed"
PYTHON
