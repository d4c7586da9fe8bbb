"""Adam in one operation against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.optimizers import Adam

STEPS = 30
# The operation takes 1 - 0.999 in float32, Keras in float64: 5e-5 apart, of
# which most cancels.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def trained(optimizer, jit_compile=False):
    """Returns two variables after some steps with drawn gradients."""
    variables = [
        keras.Variable(np.ones((3, 4), "float32")),
        keras.Variable(np.full((5,), -2.0, "float32")),
    ]
    optimizer.build(variables)

    @tf.function(jit_compile=jit_compile)
    def step(first, second):
        optimizer.apply([first, second], variables)

    generator = np.random.default_rng(0)
    for _ in range(STEPS):
        step(
            *(
                tf.constant(generator.normal(size=v.shape), "float32")
                for v in variables
            )
        )
    return [np.array(v) for v in variables]


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    "arguments",
    [
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "beta_1": 0.0, "beta_2": 0.9},
        {"learning_rate": 0.1, "beta_1": 0.5, "epsilon": 0.1},
        {"learning_rate": 0.1, "amsgrad": True},
        {"learning_rate": 0.1, "weight_decay": 0.1, "clipnorm": 1.0},
    ],
)
def test_the_numbers_of_keras(arguments, jit_compile):
    ours = trained(Adam(**arguments), jit_compile)
    theirs = trained(keras.optimizers.Adam(**{"epsilon": 1e-8, **arguments}))
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, **TOLERANCE)


def test_schedules_are_followed():
    def schedule():
        return keras.optimizers.schedules.PolynomialDecay(0.1, STEPS, 0.0)

    ours = trained(Adam(schedule()))
    theirs = trained(keras.optimizers.Adam(schedule(), epsilon=1e-8))
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, **TOLERANCE)


def test_rows_of_an_embedding_count_as_often_as_they_are_looked_up():
    results = []
    for together in (tf.identity, tf.convert_to_tensor):
        table = keras.Variable(np.ones((4, 2), "float32"))
        optimizer = Adam(0.1)
        optimizer.build([table])
        for row in (0, 2, 2, 1):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.gather(table.value, [row, 0]) ** 2)
            gradient = tape.gradient(loss, table.value)
            assert isinstance(gradient, tf.IndexedSlices)
            optimizer.apply([together(gradient)], [table])
        results.append(np.array(table))
    np.testing.assert_allclose(*results, **TOLERANCE)


def test_replicas_take_the_same_step(mirrored):
    with mirrored.scope():
        variable = keras.Variable(np.ones(3, "float32"))
        optimizer = Adam(0.1)
        optimizer.build([variable])

    @tf.function
    def step(gradient):
        def replica_step(gradient):
            optimizer.apply([0.5 * gradient], [variable])

        mirrored.run(replica_step, (gradient,))

    for _ in range(2):
        step(tf.constant([1.0, -1.0, 0.5]))
    for copy in mirrored.experimental_local_results(variable.value):
        np.testing.assert_allclose(copy, [0.8, 1.2, 0.8], rtol=1e-5)
    assert optimizer.iterations.value.numpy() == 2


def test_the_config_makes_the_same_optimizer():
    ours = Adam(0.1, beta_1=0.5)
    assert ours.get_config()["epsilon"] == 1e-8
    again = keras.optimizers.deserialize(keras.optimizers.serialize(ours))
    assert type(again) is Adam
    assert again.get_config() == ours.get_config()


def test_goes_on_where_keras_stopped():
    gradient = tf.constant([1.0, -3.0])
    variables = []
    optimizers = Adam(0.1), keras.optimizers.Adam(0.1, epsilon=1e-8)
    for optimizer in optimizers:
        variables.append(keras.Variable(np.zeros(2, "float32")))
        optimizer.build(variables[-1:])
    ours, theirs = optimizers
    for step in range(6):
        theirs.apply([gradient * step], variables[1:])
        if step == 2:
            variables[0].assign(variables[1])
            for mine, their in zip(
                ours.variables, theirs.variables, strict=True
            ):
                mine.assign(their)
        elif step > 2:
            ours.apply([gradient * step], variables[:1])
    np.testing.assert_allclose(*map(np.array, variables), **TOLERANCE)
