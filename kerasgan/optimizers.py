"""Adam with one operation for each variable.

Keras' Adam has some ten operations for each variable, each a pass over its
values; TensorFlow has one operation for the whole update.
"""

import tensorflow as tf

from kerasgan.backend import keras


@keras.saving.register_keras_serializable(package="kerasgan")
class Adam(keras.optimizers.Adam):
    """Adam with the update of a variable in one operation.

    Up to rounding, its updates are those of `keras.optimizers.Adam`, with the
    same variables, so that one can replace the other during a run. If an
    embedding looks up a row twice, the gradients are added before they are
    squared; Keras squares them first.

    Args:
        learning_rate: float or schedule. Defaults to `0.001`.
        beta_1: float. Decay of the mean gradient. Defaults to `0.9`.
        beta_2: float. Decay of the mean square. Defaults to `0.999`.
        epsilon: float. Defaults to `1e-8`, the paper's; Keras' is `1e-7`.
        **kwargs: See `keras.optimizers.Adam`.

    Example:
    ```python
    optimizer = Adam(2e-4, beta_1=0.5)
    ```

    Reference:
        [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980), the faster
        order of computation at the end of section 2
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        if self.amsgrad:  # Not supported by the operation.
            return super().update_step(gradient, variable, learning_rate)
        index = self._get_variable_index(variable)
        moments = self._momentums[index], self._velocities[index]
        beta_1 = tf.cast(self.beta_1, variable.dtype)
        beta_2 = tf.cast(self.beta_2, variable.dtype)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=moments[0].value.handle,
            v=moments[1].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
        )
