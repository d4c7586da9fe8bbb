"""Adam in one operation against Keras' own, and what Keras lacks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.optimizers import (
    Adam,
    DecayToFloor,
    FallInSecondHalf,
    RampedSGD,
)

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


def ramped_sgd_in_numpy(start, gradients, rate, momentum_of_step):
    """v = m v - lr g; w += v, written out."""
    weight, velocity = start.copy(), np.zeros_like(start)
    for step, gradient in enumerate(gradients):
        velocity = momentum_of_step(step) * velocity - rate * gradient
        weight += velocity
    return weight


RAMP = {
    "momentum": 0.2,
    "final_momentum": 0.8,
    "first_epoch": 2,
    "last_epoch": 5,
    "steps_per_epoch": 2,
}


def ramp(step):
    """Epochs 1 and 2: 0.2; 3: 0.4; 4: 0.6; from 5 on: 0.8."""
    return [0.2, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8][step // 2]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_momentum_increases_by_epoch(jit_compile):
    gradients = np.random.default_rng(0).normal(size=(14, 3))
    start = np.array([1.0, -2.0, 0.5])
    variable = keras.Variable(start.astype("float32"))
    optimizer = RampedSGD(0.1, **RAMP)
    optimizer.build([variable])

    @tf.function(jit_compile=jit_compile)
    def step(gradient):
        optimizer.apply([gradient], [variable])

    for number, gradient in enumerate(gradients):
        assert float(optimizer.current_momentum()) == pytest.approx(
            ramp(number)
        )
        step(tf.constant(gradient, "float32"))
        if number == 6:  # A new process goes on from what was saved.
            state = [np.array(v) for v in optimizer.variables]
            config = keras.optimizers.serialize(optimizer)
            optimizer = keras.optimizers.deserialize(config)
            assert type(optimizer) is RampedSGD
            optimizer.build([variable])
            for v, value in zip(optimizer.variables, state, strict=True):
                v.assign(value)

            @tf.function(jit_compile=jit_compile)
            def step(gradient, optimizer=optimizer):
                optimizer.apply([gradient], [variable])

    expected = ramped_sgd_in_numpy(start, gradients, 0.1, ramp)
    np.testing.assert_allclose(variable, expected, rtol=1e-5)


def test_momentum_of_the_first_gan():
    optimizer = RampedSGD()
    optimizer.build([keras.Variable(np.zeros(1, "float32"))])
    for step, momentum in (
        (0, 0.5),
        (499, 0.5),
        (500, 0.5 + 0.2 / 249),
        (249 * 500 - 1, 0.7 - 0.2 / 249),
        (249 * 500, 0.7),
        (10**7, 0.7),
    ):
        optimizer.iterations.assign(step)
        assert float(optimizer.current_momentum()) == pytest.approx(momentum)


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"momentum": 0.0}, "momentum=0.0"),
        ({"momentum": -0.1}, "momentum=-0.1"),
        ({"final_momentum": 1.5}, "final_momentum=1.5"),
        ({"first_epoch": 0}, "first_epoch=0"),
        ({"last_epoch": 1}, "last_epoch=1"),
        ({"steps_per_epoch": 0.5}, "steps_per_epoch=0.5"),
    ],
)
def test_bad_ramps_are_refused(arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        RampedSGD(0.1, **arguments)


def test_decay_is_exact_after_many_steps():
    """1.000004 as a float32 would be 1.3 % wrong in each step."""
    schedule = DecayToFloor(0.1, 1.000004, floor=1e-6)
    for step in (0, 1, 125_000, 2_800_000):
        expected = 0.1 / 1.000004**step
        assert float(schedule(step)) == pytest.approx(expected, rel=1e-5)
    assert float(schedule(125_000)) == pytest.approx(0.0607, abs=5e-5)
    assert float(schedule(2_879_000)) == pytest.approx(1e-6, rel=1e-6)
    again = DecayToFloor.from_config(schedule.get_config())
    assert float(again(125_000)) == float(schedule(125_000))


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ((0.1, 0.9), "factor=0.9"),
        ((-0.1, 1.1), "initial_rate=-0.1"),
        ((0.1, 1.1, -1.0), "floor=-1.0"),
    ],
)
def test_bad_decays_are_refused(arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        DecayToFloor(*arguments)


def test_a_rate_that_falls_in_the_second_half():
    schedule = FallInSecondHalf(0.2, 1000)
    again = FallInSecondHalf.from_config(schedule.get_config())
    for step, expected in (
        (0, 0.2),
        (500, 0.2),
        (750, 0.1),
        (900, 0.04),
        (1000, 0.0),
        (2000, 0.0),
    ):
        assert float(schedule(step)) == pytest.approx(expected, abs=1e-7)
        assert float(again(step)) == float(schedule(step))
    for bad, received in (((-0.1, 10), "initial"), ((0.1, 0), "steps=0")):
        with pytest.raises(ValueError, match=f"Received: {received}"):
            FallInSecondHalf(*bad)
