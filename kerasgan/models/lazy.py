"""Lazy regularization: penalties in a fraction of the steps.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, "Analyzing and Improving
the Image Quality of StyleGAN", 2020. https://arxiv.org/abs/1912.04958,
section 3.1 and appendix B
"""

import keras

from kerasgan.optimizers import Adam


@keras.saving.register_keras_serializable(package="kerasgan")
class LazyProgress(keras.layers.Layer):
    """The progress of training, as variables that are saved."""

    def build(self, input_shape=None):
        def variable(name, dtype):
            return self.add_weight(
                name=name,
                shape=(),
                dtype=dtype,
                initializer="zeros",
                trainable=False,
                aggregation="only_first_replica",
            )

        self.steps = variable("steps", "int64")
        self.images_seen = variable("images_seen", "int64")
        # The running mean of path lengths.
        self.path_length = variable("path_length", "float32")


def lazy_adam(learning_rate, interval):
    """Returns Adam for a network with a second update in some steps.

    One in `interval` steps has two updates, so the rate is lower and moments
    decay less, as if updates were spread evenly (appendix B).

    Args:
        learning_rate: float. As if there were no second updates.
        interval: int. Steps from one second update to the next.
    """
    share = interval / (interval + 1)
    return Adam(learning_rate * share, beta_1=0.0, beta_2=0.99**share)
