"""Random numbers that do not depend on the number of replicas.

Under `tf.distribute` every replica holds the same seeds, so plain sampling
would give each replica the same numbers. Here every replica samples the numbers
of the global batch and keeps its own rows. A step then uses the same numbers on
one device and on several, and no two images share any.
"""

import tensorflow as tf

# In a weights file, beside the weights of a layer.
STATE = "seed_generator_state"


class Seeded:
    """Saves the state of a layer's `seed_generator` with its weights.

    Keras saves no state of random numbers, so that training would repeat its
    noise after loading. A base class to name before `keras.layers.Layer`.
    Files without a state are loaded, too, and leave it as it is.
    """

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store[STATE] = self.seed_generator.state

    def load_own_variables(self, store):
        weights = {key: store[key] for key in store.keys() if key != STATE}
        super().load_own_variables(weights)
        if STATE in store.keys():
            self.seed_generator.state.assign(store[STATE])


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


def shared_uniform(seed_generator, shape):
    """Samples uniformly from [0, 1), the same numbers on every replica.

    Args:
        seed_generator: A `keras.random.SeedGenerator`, advanced once.
        shape: Sequence of ints or scalar tensors.

    Returns:
        Float32 tensor of that shape.
    """
    seed = tf.cast(seed_generator.next(), "int32")
    return tf.random.stateless_uniform(shape, seed)


def _rows(sample, seed_generator, shape):
    seed = tf.cast(seed_generator.next(), "int32")
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync if context else 1
    if replicas == 1:
        return sample(shape, seed)
    rows = shape[0]
    first = context.replica_id_in_sync_group * rows
    return sample((rows * replicas, *shape[1:]), seed)[first : first + rows]


_RAW = {
    tf.random.stateless_normal: tf.raw_ops.StatelessRandomNormalV2,
    tf.random.stateless_uniform: tf.raw_ops.StatelessRandomUniformV2,
}


def of_seed(draw, seed, shape, first=0):
    """Returns numbers of a seed; more rows only add to them.

    Args:
        draw: `tf.random.stateless_normal` or `tf.random.stateless_uniform`.
        seed: Integer scalar.
        shape: Pair of ints or scalar tensors: rows and columns.
        first: int. Number of the first row; `first` times the columns must
            be divisible by 4. Defaults to `0`.

    Returns:
        Float32 tensor of that shape, the same numbers as of a draw of
        `first` rows more, without those before.
    """
    if first == 0:
        return draw(shape, (seed, 0), alg="philox")
    # Philox turns each value of a counter into four numbers.
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(
        seed=tf.stack([tf.cast(seed, "int64"), tf.constant(0, "int64")])
    )
    blocks = tf.constant([first * shape[1] // 4, 0], "uint64")
    return _RAW[draw](shape=shape, key=key, counter=counter + blocks, alg=1)
