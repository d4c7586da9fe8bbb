"""The first GAN in NumPy, its gradients by hand, and its Parzen windows.

Goodfellow et al., 2014, and its authors' settings for MNIST.
https://arxiv.org/abs/1406.2661

Generator: 100 latents of U(-sqrt 3, sqrt 3), two ReLU layers of 1200 units,
784 sigmoid pixels. Discriminator: two maxout layers of 240 units, each the
largest of 5 consecutive linear outputs with a bias each, and one score. The
discriminator's three layers drop inputs out (0.2 of the pixels, 0.5 of the
units), scaled in training; the generator's do not.

Layouts are Keras': images (batch, pixels) in [0, 1], dense kernels (in, out),
the pieces of a maxout unit next to each other. Scores are raw, (batch,).
"""

import math

import numpy as np

KEPT = (0.8, 0.5, 0.5)
SIGMAS = np.logspace(-1, 0, 10)


def sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def softplus(x):
    return np.logaddexp(0.0, x)


def uniform_latents(rng, batch, latent_dim=100):
    """Variance 1, none beyond sqrt(3)."""
    return rng.uniform(-math.sqrt(3), math.sqrt(3), (batch, latent_dim))


class Network:
    """Weights and SGD's velocities by role, in the order of the layers."""

    def __init__(self, layers, scale, seed):
        rng = np.random.default_rng(seed)
        self.layers = list(layers)
        self.weights = {}
        for layer, (units_in, units) in layers.items():
            kernel = rng.uniform(-scale, scale, (units_in, units))
            self.weights[f"{layer}.kernel"] = kernel
            self.weights[f"{layer}.bias"] = np.zeros(units)
        self.velocities = {
            role: np.zeros_like(array) for role, array in self.weights.items()
        }

    def name_map(self):
        """Role to name in `weights`; the two are equal."""
        return {role: role for role in self.weights}

    def linear(self, layer, x):
        return (
            x @ self.weights[f"{layer}.kernel"] + self.weights[f"{layer}.bias"]
        )

    def linear_gradients(self, layer, x, gradient):
        """Gradients of a layer's weights, and that of its input."""
        found = {
            f"{layer}.kernel": x.T @ gradient,
            f"{layer}.bias": gradient.sum(axis=0),
        }
        return found, gradient @ self.weights[f"{layer}.kernel"].T

    def descend(self, gradients, learning_rate, momentum):
        """v = momentum v - learning_rate g, w = w + v; not Nesterov's."""
        for role, gradient in gradients.items():
            velocity = momentum * self.velocities[role]
            self.velocities[role] = velocity - learning_rate * gradient
            self.weights[role] = self.weights[role] + self.velocities[role]


class Generator(Network):
    """Latents (batch, latent_dim) to images (batch, pixels) in [0, 1]."""

    def __init__(
        self, latent_dim=100, units=1200, pixels=784, pixel_means=None, seed=0
    ):
        layers = {
            "hidden_1": (latent_dim, units),
            "hidden_2": (units, units),
            "image": (units, pixels),
        }
        super().__init__(layers, 0.05, seed)
        if pixel_means is not None:
            means = np.clip(pixel_means, 1e-7, 1 - 1e-7)
            self.weights["image.bias"] = np.log(means / (1.0 - means))

    def forward(self, latents):
        """The images, and what `backward` needs."""
        first = np.maximum(self.linear("hidden_1", latents), 0.0)
        second = np.maximum(self.linear("hidden_2", first), 0.0)
        images = sigmoid(self.linear("image", second))
        return images, (latents, first, second, images)

    def backward(self, cache, gradient):
        """From the images' gradient to that of every weight."""
        latents, first, second, images = cache
        gradient = gradient * images * (1.0 - images)
        image, gradient = self.linear_gradients("image", second, gradient)
        gradient = gradient * (second > 0)
        hidden_2, gradient = self.linear_gradients("hidden_2", first, gradient)
        gradient = gradient * (first > 0)
        hidden_1, _ = self.linear_gradients("hidden_1", latents, gradient)
        return hidden_1 | hidden_2 | image


class Discriminator(Network):
    """Images (batch, pixels) to raw scores (batch,)."""

    def __init__(self, pixels=784, units=240, pieces=5, seed=1):
        self.pieces = pieces
        layers = {
            "maxout_1": (pixels, units * pieces),
            "maxout_2": (units, units * pieces),
            "score": (units, 1),
        }
        super().__init__(layers, 0.005, seed)

    def forward(self, images, masks=None):
        """The scores, and what `backward` needs.

        Args:
            images: (batch, pixels).
            masks: For the input of each of the three layers, 1 where it is
                kept and 0 where it is dropped. None, as for an evaluation,
                keeps all and scales nothing.
        """
        x, cache = images, []
        for index, layer in enumerate(self.layers):
            scale = 1.0 if masks is None else masks[index] / KEPT[index]
            x = x * scale
            out = self.linear(layer, x)
            winners = None
            if layer != "score":
                groups = out.reshape(len(out), -1, self.pieces)
                winners = np.eye(self.pieces)[groups.argmax(axis=2)]
                out = groups.max(axis=2)
            cache.append((layer, x, scale, winners))
            x = out
        return x[:, 0], cache

    def backward(self, cache, gradient):
        """From the scores' gradient to that of every weight and image."""
        found, gradient = {}, gradient[:, None]
        for layer, x, scale, winners in reversed(cache):
            if winners is not None:
                gradient = gradient[:, :, None] * winners
                gradient = gradient.reshape(len(gradient), -1)
            weights, gradient = self.linear_gradients(layer, x, gradient)
            found = weights | found
            gradient = gradient * scale
        return found, gradient


def discriminator_loss(real_scores, fake_scores):
    """Half the sum of both cross-entropies, as the authors' code has it."""
    return 0.5 * (softplus(-real_scores).mean() + softplus(fake_scores).mean())


def generator_loss(fake_scores, saturating=False):
    """Mean of -log D(G(z)), or of log(1 - D(G(z))) as in Algorithm 1."""
    if saturating:
        return -softplus(fake_scores).mean()
    return softplus(-fake_scores).mean()


def train_step(
    generator,
    discriminator,
    real_images,
    latents,
    real_masks,
    fake_masks,
    learning_rate=0.1,
    momentum=0.5,
    saturating=False,
):
    """One step of both networks, with gradients at the same point.

    Latents and the fake images' dropout masks serve both losses. Weights and
    velocities of both networks change.

    Returns:
        The losses before the step, and the gradients of both networks by role.
    """
    images, cache = generator.forward(latents)
    real_scores, real_cache = discriminator.forward(real_images, real_masks)
    fake_scores, fake_cache = discriminator.forward(images, fake_masks)
    losses = {
        "d_loss": discriminator_loss(real_scores, fake_scores),
        "g_loss": generator_loss(fake_scores, saturating),
    }
    real_gradient = 0.5 * (sigmoid(real_scores) - 1.0) / len(real_scores)
    fake_gradient = 0.5 * sigmoid(fake_scores) / len(fake_scores)
    real, _ = discriminator.backward(real_cache, real_gradient)
    fake, _ = discriminator.backward(fake_cache, fake_gradient)
    d_gradients = {role: real[role] + fake[role] for role in real}
    gradient = sigmoid(fake_scores) - (0.0 if saturating else 1.0)
    gradient = (-gradient if saturating else gradient) / len(fake_scores)
    _, gradient = discriminator.backward(fake_cache, gradient)
    g_gradients = generator.backward(cache, gradient)
    discriminator.descend(d_gradients, learning_rate, momentum)
    generator.descend(g_gradients, learning_rate, momentum)
    return losses, {"generator": g_gradients, "discriminator": d_gradients}


def learning_rate(step, initial=0.1, decay=1.000004, floor=1e-6):
    """The rate after `step` minibatches."""
    return max(initial / decay**step, floor)


def momentum(epoch, first=0.5, last=0.7, start=1, end=250):
    """Linear between both epochs, constant outside."""
    share = (epoch - start) / (end - start)
    return first + (last - first) * min(max(share, 0.0), 1.0)


def parzen_log_likelihood(points, samples, sigma):
    """Log density at each point, (n,), of a Gaussian around every sample."""
    found = np.zeros(len(points))
    for index, point in enumerate(points):
        exponents = -((point - samples) ** 2).sum(axis=1) / (2 * sigma**2)
        largest = exponents.max()
        found[index] = largest + np.log(np.exp(exponents - largest).mean())
    dimensions = samples.shape[1]
    return found - dimensions * math.log(sigma * math.sqrt(2 * math.pi))


def choose_sigma(validation, samples, sigmas=SIGMAS):
    """The one of largest mean log likelihood."""
    means = [
        parzen_log_likelihood(validation, samples, sigma).mean()
        for sigma in sigmas
    ]
    return sigmas[int(np.argmax(means))]


def parzen_window(samples, validation, test, limit=1000):
    """Mean and standard error over the test points, and sigma.

    The authors take 10,000 samples and choose sigma on the first 1000
    validation points.
    """
    sigma = choose_sigma(validation[:limit], samples)
    found = parzen_log_likelihood(test, samples, sigma)
    return found.mean(), found.std() / math.sqrt(len(found)), sigma
