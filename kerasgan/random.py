"""Random numbers that do not depend on the number of replicas.

Under `tf.distribute` every replica holds the same seeds, so plain sampling
would give each replica the same numbers. Here every replica samples the numbers
of the global batch and keeps its own rows. A step then uses the same numbers on
one device and on several, and no two images share any.
"""

import tensorflow as tf


def normal(seed_generator, shape):
    """Samples from a unit normal, one row for each local example.

    Args:
        seed_generator: A `keras.random.SeedGenerator`, advanced once.
        shape: Sequence of ints or scalar tensors. The first is the number of
            examples on this replica; all replicas must have the same.

    Returns:
        Float32 tensor of that shape.
    """
    return _rows(tf.random.stateless_normal, seed_generator, shape)


def uniform(seed_generator, shape):
    """Samples uniformly from [0, 1), one row for each local example.

    Args:
        seed_generator: A `keras.random.SeedGenerator`, advanced once.
        shape: Sequence of ints or scalar tensors. The first is the number of
            examples on this replica; all replicas must have the same.

    Returns:
        Float32 tensor of that shape.
    """
    return _rows(tf.random.stateless_uniform, seed_generator, shape)


def _rows(sample, seed_generator, shape):
    seed = tf.cast(seed_generator.next(), "int32")
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync if context else 1
    if replicas == 1:
        return sample(shape, seed)
    rows = shape[0]
    first = context.replica_id_in_sync_group * rows
    return sample((rows * replicas, *shape[1:]), seed)[first : first + rows]
