"""Rows of a batch that is divided among the replicas of `tf.distribute`."""

import tensorflow as tf

# What the operation that gathers takes; other types travel as these.
GATHERED = (tf.float16, tf.float32, tf.float64, tf.int32, tf.int64)


def gather(tensor):
    """Returns the rows of the global batch, in order.

    Args:
        tensor: Tensor `(batch, ...)`, the rows of this replica; of numbers.

    Returns:
        Tensor `(batch * replicas, ...)`; gradients flow back to the replicas
        that the rows come from.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    if tensor.dtype in GATHERED:
        return context.all_gather(tensor, axis=0)
    wide = tf.float32 if tensor.dtype.is_floating else tf.int64
    return tf.cast(gather(tf.cast(tensor, wide)), tensor.dtype)


def mean(values):
    """Returns the means of scalars over all replicas.

    Args:
        values: List of float scalar tensors, those of this replica.

    Returns:
        List of float scalar tensors, the same on each replica.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def clipped(gradients, limit):
    """Scales gradients down if their sum over all replicas is too long.

    Args:
        gradients: List of float tensors, those of this replica.
        limit: float or scalar tensor. Greatest norm of all of them together,
            summed over the replicas.

    Returns:
        List of float tensors, all scaled by one factor of at most 1.
    """
    gradients = [tf.convert_to_tensor(g) for g in gradients]
    context = tf.distribute.get_replica_context()
    totals = gradients
    if context is not None and context.num_replicas_in_sync > 1:
        totals = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    norm = tf.linalg.global_norm(totals)
    scale = limit / tf.maximum(norm, limit)
    return [g * tf.cast(scale, g.dtype) for g in gradients]


def total(values):
    """Returns the sums of scalars over all replicas.

    Args:
        values: List of float scalar tensors, those of this replica.

    Returns:
        List of float scalar tensors, the same on each replica.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def own_rows(tensor, rows):
    """Returns this replica's share of the global batch.

    Args:
        tensor: Tensor `(rows * replicas, ...)`.
        rows: Integer scalar. Number of rows of this replica.

    Returns:
        Tensor `(rows, ...)`.
    """
    context = tf.distribute.get_replica_context()
    first = context.replica_id_in_sync_group * rows
    return tensor[first : first + rows]


def run_if(condition, function, *args):
    """Runs a function in a step if a condition holds, on all replicas or none.

    A branch of `tf.cond` cannot have sums over the replicas that run it, such
    as those of an optimizer. So with several replicas the branch is outside
    of them and runs the function on each.

    Args:
        condition: Boolean scalar tensor, the same on each replica.
        function: Callable. Its result is dropped.
        *args: Of the function: tensors of this replica, or `None`.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        tf.cond(condition, lambda: _none(function(*args)), lambda: None)
        return

    def across(strategy, condition, *args):
        def on_each():
            strategy.extended.call_for_each_replica(function, args=args)

        conditions = strategy.experimental_local_results(condition)
        tf.cond(conditions[0], on_each, lambda: None)

    context.merge_call(across, args=(condition, *args))


def _none(result):
    return None
