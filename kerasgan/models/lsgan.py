"""LSGAN: least squares instead of cross-entropy.

Mao, Li, Xie, Lau, Wang and Paul Smolley, "Least Squares Generative Adversarial
Networks", 2017. https://arxiv.org/abs/1611.04076

The discriminator is trained to output one target value for real images and
another for fakes; the generator is trained such that the discriminator outputs
a third for fakes. The loss also penalizes fakes that are classified as real but
lie far from the decision boundary, so that its gradient does not vanish
(section 3.2). The targets for fakes, real images and the generator are 0, 1 and
1 in `LSGAN` (equation 9), and -1, 1 and 0 in `PearsonLSGAN` (equation 8), with
which the game minimizes the Pearson chi-square divergence (section 3.3).

Differences from the paper: the networks and the optimizer are those of
`dcgan.py`; the authors' code has the same learning rate for small images. The
scores are linear, as in their code.
"""

import keras

from kerasgan.losses import least_squares_loss
from kerasgan.models.dcgan import DCGAN


@keras.saving.register_keras_serializable(package="kerasgan")
class LSGAN(DCGAN):
    """Least squares GAN.

    Args:
        image_size: int, or pair of height and width, powers of two from 16.
        **kwargs: See `DCGAN`.

    Call arguments:
        latents: See `DCGAN`.

    Returns:
        See `DCGAN`.

    Raises:
        ValueError: See `DCGAN`.

    Training data:
        A dataset of image batches, float32 in `[-1, 1]`; no labels.

    Example:
    ```python
    gan = LSGAN(image_size=32)
    gan.compile()
    gan.fit(data.images("faces/", size=32, batch_size=64), epochs=10)
    images = gan.generate(16, seed=0)  # uint8, (16, 32, 32, 3)
    ```

    Reference:
        [Mao et al., 2017](https://arxiv.org/abs/1611.04076), equation 9
    """

    # a, b and c in the paper: for fakes, for real images, and for fakes in
    # the generator loss.
    fake_target, real_target, generator_target = 0.0, 1.0, 1.0

    def discriminator_loss(self, real_scores, fake_scores):
        """Returns ((D(x) - b)^2 + (D(G(z)) - a)^2) / 2, per image."""
        return 0.5 * (
            least_squares_loss(real_scores, self.real_target)
            + least_squares_loss(fake_scores, self.fake_target)
        )

    def generator_loss(self, fake_scores):
        """Returns (D(G(z)) - c)^2 / 2, per image."""
        return 0.5 * least_squares_loss(fake_scores, self.generator_target)


@keras.saving.register_keras_serializable(package="kerasgan")
class PearsonLSGAN(LSGAN):
    """Least squares GAN with targets of the Pearson chi-square divergence.

    b - c = 1 and b - a = 2, as section 3.3 requires.

    Args:
        image_size: int, or pair of height and width, powers of two from 16.
        **kwargs: See `DCGAN`.

    Reference:
        [Mao et al., 2017](https://arxiv.org/abs/1611.04076), equation 8
    """

    fake_target, real_target, generator_target = -1.0, 1.0, 0.0
