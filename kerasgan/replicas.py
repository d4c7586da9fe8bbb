"""Rows of a batch that is divided among the replicas of `tf.distribute`."""

import tensorflow as tf


def gather(tensor):
    """Returns the rows of the global batch, in order.

    Args:
        tensor: Tensor `(batch, ...)`, the rows of this replica.

    Returns:
        Tensor `(batch * replicas, ...)`; gradients flow back to the replicas
        that the rows come from.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    return context.all_gather(tensor, axis=0)


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
