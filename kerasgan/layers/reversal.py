"""The identity, with a reversed gradient."""

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable(package="kerasgan")
class GradientReversal(layers.Layer):
    """Returns its input, and multiplies the gradient by -1.

    Between an encoder and a classifier, one step on the classifier's loss
    trains the classifier to decrease the loss and the encoder to increase it.

    Args:
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor of any shape.

    Returns:
        The same tensor.

    Example:
    ```python
    logits = domain_classifier(GradientReversal()(encoder(images)))
    ```

    Reference:
        [Ganin et al., 2016](https://arxiv.org/abs/1505.07818), section 4.2
    """

    def call(self, inputs):
        return _reversed(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape


@tf.custom_gradient
def _reversed(x):
    return tf.identity(x), lambda gradient: -gradient
