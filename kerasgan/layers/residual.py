"""A residual connection that vanishes in the course of training."""

import keras
from keras import layers


@keras.saving.register_keras_serializable(package="kerasgan")
class VanishingResidual(layers.Layer):
    """Mixes the input of a layer with its output.

    The weight of the input, `carry`, is a variable that is not trained: the
    model sets it, from 1 to 0. It is saved, so that a model generates with
    the one it was trained with last.

    Args:
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Pair of float tensors of one shape, the input and the output
            of the layer.

    Returns:
        Float tensor of that shape, `carry * input + (1 - carry) * output`.

    Reference:
        [Berthelot et al., 2017](https://arxiv.org/abs/1703.10717), section
        3.5.1
    """

    def build(self, input_shape):
        self.carry = self.add_weight(
            name="carry", initializer="ones", trainable=False
        )

    def call(self, inputs):
        x, y = inputs
        return self.carry * x + (1.0 - self.carry) * y

    def compute_output_shape(self, input_shape):
        return input_shape[0]
