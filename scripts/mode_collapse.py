"""Which remedies keep a GAN from losing modes, on points in the plane.

    python scripts/mode_collapse.py train RESULTS [METHOD ...] [--seeds 5]
    python scripts/mode_collapse.py table RESULTS
    python scripts/mode_collapse.py animate docs/ring.webp

Every method has the same two networks, three hidden layers of 128 ReLU units,
Adam at rates that fall linearly to a hundredth, the same batches and the same
number of generator steps, on the ring of eight normals and on the grid of 25.
The settings were chosen once, for the GAN without remedy: with them its points
are sharp, so that lost modes are not hidden by smeared ones. RESULTS, a
JSON file, has one entry for each method, data and seed; `train` adds what is
missing, so that it can be stopped. `table` prints means and standard errors of
the methods that have results. `animate` shows a GAN that chases the modes: the
same without a remedy, with more momentum and without falling rates.
"""

import argparse
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from PIL import Image, ImageDraw

from kerasgan import animations, losses, metrics, penalties
from kerasgan.layers import InstanceNoise, MinibatchDiscrimination, Packing
from kerasgan.models import AdaGAN, UnrolledGAN
from kerasgan.models.points import PointsGAN
from kerasgan.models.unrolled_gan import perceptron
from kerasgan.optimizers import Adam

BATCH, STEPS, AT_ONCE = 256, 10_000, 100
POINTS = 100_000
FRAMES = 80  # Of the animation, one in 50 steps.
SAMPLES = 2500  # As VEEGAN and PacGAN evaluate.
UNITS, LATENTS = (128, 128, 128), 2
RATE = 1e-3
PERCEPTRON = {"activation": "relu", "gain": 1.4}
DATA = {"ring": metrics.modes.ring(), "grid": metrics.modes.grid()}


class NonSaturating(PointsGAN):
    """The game of most GANs: the generator maximizes log D(G(z))."""

    critic_steps = 1

    def __init__(self, **kwargs):
        super().__init__(dimensions=2, latent_dim=LATENTS, **kwargs)

    def build_networks(self):
        latents = keras.Input((LATENTS,))
        self.generator = keras.Model(
            latents, perceptron(latents, UNITS, 2, **PERCEPTRON, name="points")
        )
        points = keras.Input((2,))
        self.discriminator = keras.Model(points, self.score(self.shown(points)))

    def shown(self, points):
        """Returns what the discriminator sees."""
        return points

    def score(self, x):
        return perceptron(x, UNITS, 1, **PERCEPTRON, name="score")

    def default_optimizers(self):
        return falling_adam(STEPS), falling_adam(STEPS * self.critic_steps)

    def discriminator_loss(self, real, fake):
        return losses.real_loss(real) + losses.fake_loss(fake)

    def generator_loss(self, fake):
        return losses.non_saturating_generator_loss(fake)

    def penalty(self, real_points, fake_points):
        return 0.0

    def after(self):
        """Runs after each update of the discriminator."""

    def train_step(self, real_points):
        count = tf.shape(real_points)[0] // self.critic_steps
        for step in range(self.critic_steps):
            real = real_points[step * count : (step + 1) * count]
            fake = self.generator(self.sample_latents(count), training=True)
            with tf.GradientTape() as tape:
                d_loss = tf.reduce_mean(
                    self.discriminator_loss(
                        self.discriminator(real, training=True),
                        self.discriminator(fake, training=True),
                    )
                ) + self.penalty(real, fake)
            self.update_discriminators(tape, d_loss)
            self.after()
        with tf.GradientTape() as tape:
            fake = self.generator(self.sample_latents(count), training=True)
            scores = self.discriminator(fake, training=True)
            g_loss = tf.reduce_mean(self.generator_loss(scores))
        self.update_generators(tape, g_loss)
        self.update_average()
        return self.report(d_loss=d_loss, g_loss=g_loss)


class Saturating(NonSaturating):
    """The minimax game: the generator minimizes log(1 - D(G(z)))."""

    def generator_loss(self, fake):
        return losses.minimax_generator_loss(fake)


class Smoothed(NonSaturating):
    """One-sided label smoothing."""

    def discriminator_loss(self, real, fake):
        return losses.smoothed_real_loss(real) + losses.fake_loss(fake)


class Compared(NonSaturating):
    """Minibatch discrimination before the last layer."""

    def score(self, x):
        for size in UNITS:
            x = layers.Dense(size, activation="relu")(x)
        x = MinibatchDiscrimination(kernels=4, kernel_dim=2)(x)
        return layers.Dense(1)(x)


class Noisy(NonSaturating):
    """Noise on all that the discriminator sees, decaying to none."""

    def shown(self, points):
        self.noise = InstanceNoise(0.5, steps=STEPS // 2)
        return self.noise(points)

    def after(self):
        self.noise.advance()


class Packed(NonSaturating):
    """PacGAN: one label for several points."""

    packed = 2

    def shown(self, points):
        return Packing(self.packed)(points)


class Packed4(Packed):
    """PacGAN with four points."""

    packed = 4


class Wasserstein(NonSaturating):
    """WGAN: five steps of a critic whose weights are clipped."""

    critic_steps = 5
    limit = 0.1

    def discriminator_loss(self, real, fake):
        return fake - real

    def generator_loss(self, fake):
        return -fake

    def after(self):
        for weight in self.discriminator.trainable_variables:
            weight.assign(tf.clip_by_value(weight, -self.limit, self.limit))


class Penalized(Wasserstein):
    """WGAN-GP: the gradient of the critic has norm one."""

    def penalty(self, real_points, fake_points):
        # The penalty is written for images: of one pixel, here.
        found = penalties.gradient_penalty(
            lambda images: self.discriminator(images[:, 0, 0], training=True),
            real_points[:, None, None],
            fake_points[:, None, None],
            self.seed_generator,
        )
        return 10.0 * tf.reduce_mean(found)

    def after(self):
        pass


def unrolled(seed, **kwargs):
    """Returns an Unrolled GAN with the networks of the others."""
    return UnrolledGAN(seed=seed, **UNROLLED, **kwargs)


UNROLLED = {
    "unroll_steps": 5,
    "latent_dim": LATENTS,
    "generator_units": UNITS,
    "discriminator_units": UNITS,
    "input_scale": 1.0,
    **PERCEPTRON,
}


def falling_adam(steps):
    rate = keras.optimizers.schedules.PolynomialDecay(RATE, steps, RATE / 100)
    return Adam(rate, beta_1=0.5)


METHODS = {
    "GAN, saturating": Saturating,
    "GAN": NonSaturating,
    "label smoothing": Smoothed,
    "minibatch discrimination": Compared,
    "instance noise": Noisy,
    "PacGAN, 2": Packed,
    "PacGAN, 4": Packed4,
    "Unrolled GAN, K = 5": unrolled,
    "WGAN": Wasserstein,
    "WGAN-GP": Penalized,
    "AdaGAN": None,
}


def build(method, seed, steps):
    keras.utils.set_random_seed(seed)
    gan = METHODS[method](seed=seed, ema_decay=0.0)
    gan.compile(
        falling_adam(steps),
        # One step for each of the critic's.
        falling_adam(steps * getattr(gan, "critic_steps", 1)),
        steps_per_execution=AT_ONCE,
    )
    return gan


def batches(gan, data, seed):
    points = DATA[data].sample(POINTS, seed)
    # As many points for each generator step, whatever the critic takes.
    size = BATCH * getattr(gan, "critic_steps", 1)
    dataset = tf.data.Dataset.from_tensor_slices(points).shuffle(POINTS, seed)
    return dataset.repeat().batch(size, drop_remainder=True).prefetch(8)


def train(method, data, seed, steps):
    """Trains one model and returns its scores."""
    if method == "AdaGAN":
        gan = adagan(data, seed, steps)
    else:
        gan = build(method, seed, steps)
        gan.fit(
            batches(gan, data, seed),
            steps_per_epoch=steps,
            verbose=0,
        )
    points = gan.generate(SAMPLES, seed=seed)
    return metrics.modes.modes_covered(points, DATA[data])


def adagan(data, seed, steps):
    """Returns a mixture of five GANs, each of a fifth of the steps."""
    components, epoch = 5, 100
    keras.utils.set_random_seed(seed)
    gan = AdaGAN(
        "UnrolledGAN",
        {**UNROLLED, "unroll_steps": 0},
        components=components,
        component_epochs=max(1, steps // components // epoch),
        seed=seed,
        ema_decay=0.0,
    )
    gan.compile(*(falling_adam(steps // components) for _ in range(2)))
    points = DATA[data].sample(epoch * BATCH, seed)
    gan.fit(points, batch_size=BATCH, verbose=0)
    return gan


def run(options):
    path = pathlib.Path(options.results)
    found = json.loads(path.read_text()) if path.exists() else {}
    for seed in range(options.seeds):
        for method in options.methods or METHODS:
            for data in DATA:
                key = f"{method} | {data} | {seed}"
                if key in found:
                    continue
                found[key] = train(method, data, seed, options.steps)
                path.write_text(json.dumps(found, indent=1) + "\n")
                print(key, found[key], flush=True)


def table(options):
    """Prints means and standard errors, and what the data themselves reach."""
    found = json.loads(pathlib.Path(options.results).read_text())
    for seed in range(5):
        for data, mixture in DATA.items():
            points = mixture.sample(SAMPLES, seed)
            scores = metrics.modes.modes_covered(points, mixture)
            found[f"the data | {data} | {seed}"] = scores
    parts = [f"{data}: modes | high quality | divergence" for data in DATA]
    print(f"| | seeds | {' | '.join(parts)} |")
    print("|---" * (2 + 3 * len(DATA)) + "|")
    for method in (*METHODS, "the data"):
        # Seeds that were run on both.
        seeds = [
            seed
            for seed in range(len(found))
            if all(f"{method} | {data} | {seed}" in found for data in DATA)
        ]
        if len(seeds) < 2:
            continue
        cells = [method, str(len(seeds))]
        for data in DATA:
            runs = [found[f"{method} | {data} | {seed}"] for seed in seeds]
            cells += [
                cell([run[score] for run in runs], scale, digits, unit)
                for score, scale, digits, unit in (
                    ("modes", 1, 1, ""),
                    ("high_quality", 100, 1, " %"),
                    ("reverse_kl", 1, 3, ""),
                )
            ]
        print(f"| {' | '.join(cells)} |")


def cell(values, scale, digits, unit):
    """Returns the mean and the standard error of the mean as text."""
    values = scale * np.array(values)
    if not np.isfinite(values).all():
        return "infinite"
    error = values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.{digits}f} ± {error:.{digits}f}{unit}"


def animate(options):
    """Writes an animation of the ring: its modes, and generated points."""
    keras.utils.set_random_seed(0)
    gan = NonSaturating(seed=0, ema_decay=0.0)
    gan.compile(*(Adam(RATE, beta_1=0.8) for _ in range(2)))
    dataset = batches(gan, "ring", 0)
    frames = []
    for _ in range(FRAMES):
        points = gan.generate(1000, seed=0)
        covered = metrics.modes.modes_covered(points, DATA["ring"])["modes"]
        frames.append(drawn(points, f"step {50 * len(frames)}, {covered} of 8"))
        gan.fit(dataset, steps_per_epoch=50, verbose=0)
    animations.write(options.path, frames, fps=12, hold=1.0)


def drawn(points, text, size=256):
    """Returns an image of points, with the modes as gray circles."""
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)

    def disc(point, radius, color):
        x, y = (1.0 + point / 1.6) * size / 2
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), color)

    for mean in DATA["ring"].centers:
        disc(mean, 9, "#c8c8c8")
    for point in points:
        disc(point, 1, "#b03020")
    draw.text((8, 8), text, "black")
    return np.asarray(image)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    added = commands.add_parser("train")
    added.add_argument("results")
    added.add_argument("methods", nargs="*")
    added.add_argument("--seeds", type=int, default=5)
    added.add_argument("--steps", type=int, default=STEPS)
    added.set_defaults(run=run)
    added = commands.add_parser("table")
    added.add_argument("results")
    added.set_defaults(run=table)
    added = commands.add_parser("animate")
    added.add_argument("path")
    added.set_defaults(run=animate)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
