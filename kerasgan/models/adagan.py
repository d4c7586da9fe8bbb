"""AdaGAN: a mixture of GANs, each trained on what those before it miss.

Tolstikhin, Gelly, Bousquet, Simon-Gabriel and Schoelkopf, "AdaGAN: Boosting
Generative Models", 2017. https://arxiv.org/abs/1701.02386

As in boosting, each component of the mixture is a GAN of its own, trained on
the training data with other weights (algorithm 1). To find these, a classifier
learns to distinguish the data from samples of the mixture; its output D(x) at
each example x estimates r = p_mixture(x) / p_data(x) = (1 - D(x)) / D(x).
Examples that the mixture generates too rarely get more weight. If the new
component then generates the weighted data exactly, the mixture with the share
beta for the component generates the data (theorem 1; theorem 2 for a mixture
of which a part is discarded). Component t has beta = 1 / t, so that all
components have equal shares at the end.

`reweighting.py` has the theorems, and `mixture.py` what generates.

Differences from the paper: the classifier has the network of the component's
discriminator, and is trained by Adam with a learning rate of 0.001. Batches are
sampled with replacement, where the authors' code samples without, which
distorts the weights. The generators are kept, where the authors' code keeps
samples of each. A component generates by its averaged generator.
"""

import types

import keras
import numpy as np
import tensorflow as tf

from kerasgan import checks
from kerasgan.models import inputs
from kerasgan.models.components import initializers_of, seed_for
from kerasgan.models.mixture import Mixture
from kerasgan.models.reweighting import (
    REWEIGHTING,
    Draws,
    density_ratios,
    reweighted,
    scores_of_classifier,
)


@keras.saving.register_keras_serializable(package="kerasgan")
class AdaGAN(Mixture):
    """Mixture of GANs, trained one after the other on reweighted data.

    Args:
        component: str. Name of an architecture that generates images or points
            from latents alone, with one score for each example, such as
            `"UnrolledGAN"` or `"DCGAN"`.
        component_arguments: dict or `None`. The component's arguments, numbers
            and text, without those in `**kwargs`. Defaults to none.
        components: int. T in the paper. Defaults to `10`, as in section 4.
        component_epochs: int. Epochs of each component; an AdaGAN trained for
            longer goes on with its last one. Defaults to `15`.
        classifier_epochs: int. Of each classifier. Defaults to `5`.
        reweighting: str. `"theory_star"`, `"theory_dagger"` or `"topk"`, as
            `reweighting.py` defines them. Defaults to `"theory_star"`.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`. The latents of a component,
            and last a number uniform in [0, 1), which selects the component.
            All components are computed for each sample.

    Returns:
        The component's: float tensor of images in `[-1, 1]`, or of points.

    Raises:
        ValueError: If an argument is invalid, or cannot make a component.

    Training data:
        The component's. Each example has a weight, so all are in memory as
        floats: arrays; or a dataset, of which one epoch is read once, with the
        augmentation that it has then. A run that is resumed exactly needs
        arrays, or a dataset that begins alike. `shuffle` has no effect.

    Example:
    ```python
    gan = AdaGAN("UnrolledGAN", {"unroll_steps": 0}, components=10)
    gan.compile()
    gan.fit(points, batch_size=64)  # 10 components of 15 epochs.
    gan.generate(1000, seed=0)  # float32, (1000, 2)
    gan.mixture_weights  # Of the last component, then the first, second, ...
    ```

    Reference:
        [Tolstikhin et al., 2017](https://arxiv.org/abs/1701.02386), algorithm
        1; the authors' code, adagan_gmm.py, for `paper`
    """

    def __init__(
        self,
        component,
        component_arguments=None,
        components=10,
        component_epochs=15,
        classifier_epochs=5,
        reweighting="theory_star",
        **kwargs,
    ):
        checks.positive(
            component_epochs=component_epochs,
            classifier_epochs=classifier_epochs,
        )
        checks.one_of(REWEIGHTING, reweighting=reweighting)
        self.component_epochs = component_epochs
        self.classifier_epochs = classifier_epochs
        self.reweighting = reweighting
        super().__init__(component, component_arguments, components, **kwargs)
        self._run = types.SimpleNamespace(draws=None, steps=None)

    def build_networks(self):
        super().build_networks()
        self.epochs_trained = self.add_weight(
            name="epochs_trained",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )

    @classmethod
    def paper(cls, **changes):
        """Returns the authors' mixture for normals in the plane.

        With the initial weights of `UnrolledGAN`, orthogonal instead of
        normal, and unrolled steps that gradients see; theirs do not. They
        train by SGD with learning rates of 0.01 and 0.004 and batches of 64.

        Args:
            **changes: Arguments to override.
        """
        arguments = {
            "unroll_steps": 5,
            "latent_dim": 5,
            "generator_units": (16, 16),
            "discriminator_units": (16, 16),
            "activation": "tanh",
            "input_scale": 1.0,
        }
        return cls(
            **{
                "component": "UnrolledGAN",
                "component_arguments": arguments,
                **changes,
            }
        )

    # Training

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=None,
        verbose="auto",
        callbacks=None,
        initial_epoch=0,
        steps_per_epoch=None,
        **kwargs,
    ):
        """Trains one component after the other; see `GAN.fit`.

        Args:
            x: See the class.
            y: Must be `None`.
            batch_size: int. Only for arrays. Defaults to the component's.
            epochs: int or `None`. Number of the last epoch. Defaults to what
                remains of `components * component_epochs`, at least one.
            verbose: See `GAN.fit`.
            callbacks: See `GAN.fit`.
            initial_epoch: See `GAN.fit`.
            steps_per_epoch: int or `None`. Defaults to as many as the data
                have batches.
            **kwargs: See `GAN.fit`.

        Returns:
            A Keras `History`.

        Raises:
            ValueError: See `GAN.fit`.
        """
        self._assert_compile_called("fit")
        if epochs is None:
            total = self.components * self.component_epochs
            left = total - int(self.epochs_trained.numpy())
            epochs = initial_epoch + max(1, left)
        if steps_per_epoch is not None and steps_per_epoch != -1:
            checks.positive(steps_per_epoch=steps_per_epoch)
            self._run.steps = steps_per_epoch
        try:
            x, batch_size = self.gathered(x, y, batch_size)
            return super().fit(
                x,
                None,
                batch_size,
                epochs,
                verbose,
                callbacks,
                initial_epoch=initial_epoch,
                **kwargs,
            )
        finally:
            self._run.draws = self._run.steps = None

    def gathered(self, x, y, batch_size):
        """Returns all training examples, and the batch size.

        Args:
            x: See `fit`.
            y: See `fit`.
            batch_size: See `fit`.

        Returns:
            Pair of array and int.

        Raises:
            ValueError: See `fit`.
        """
        given = self.current.to_dataset(x, y, batch_size)
        first = self._check_dataset(given)
        if not (isinstance(x, tf.data.Dataset) or inputs.is_loader(x)):
            (examples,) = inputs.as_arrays(x, y, self.part_names)
            return examples, len(first)
        if self._run.steps is not None:
            given = given.take(self._run.steps)
        elif given.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "AdaGAN weights each training example, so the data must end, "
                "or `steps_per_epoch` must be given. Received: an endless "
                "dataset"
            )
        return np.concatenate([*given.as_numpy_iterator()]), len(first)

    def to_dataset(
        self, x, y=None, batch_size=None, first_epoch=0, shuffle=True
    ):
        examples, batch_size = self.gathered(x, y, batch_size)
        steps = self._run.steps or max(1, len(examples) // batch_size)
        self._run.draws = Draws(examples, steps, batch_size)
        return self._run.draws.dataset()

    def training_callbacks(self):
        return [Boost()]

    def begin_epoch(self):
        """Begins the next component if it is due, and samples an epoch."""
        draws = self._run.draws
        epochs = int(self.epochs_trained.numpy())
        due = min(epochs // self.component_epochs, self.components - 1)
        begun = np.count_nonzero(self.mixture_weights.numpy()) - 1
        beta = 1.0 / (due + 1)
        # The same numbers in a run that is resumed.
        seed = int(self.seed_generator.state.numpy()[0])
        if due > begun:
            self.begin_component(due, beta, (seed, due))
            draws.weights = None
        if due > 0 and draws.weights is None:
            ratios = self.ratios(draws, (seed, due))
            draws.weights = reweighted(self.reweighting, ratios, beta)
        draws.sample_epoch((seed, due, epochs))
        if due > begun:
            self.before_training(tf.constant(draws.first_batch()))

    def ratios(self, draws, seed):
        """Estimates p_mixture / p_data at each training example.

        Of the mixture without the component in training.

        Args:
            draws: `Draws`.
            seed: Tuple of ints.

        Returns:
            float64 array `(examples,)`.
        """
        shares = self.mixture_weights.numpy()
        shares[0] = 0.0
        latents = self.seeded_latents(seed_for(seed, 0), len(draws.examples))
        generate = tf.function(lambda some: self.mix(some, shares))
        fakes = self.run_in_batches(latents, 256, generate)
        with initializers_of((*seed, 1)):
            classifier = self.new_component().discriminator
        scores = scores_of_classifier(
            classifier,
            draws.examples,
            fakes,
            draws.batch_size,
            self.classifier_epochs,
            seed_for(seed, 1),
        )
        return density_ratios(scores)

    def train_step(self, batch):
        return self.current.train_step(batch)


class Boost(keras.callbacks.Callback):
    """Begins components when they are due."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.begin_epoch()

    def on_epoch_end(self, epoch, logs=None):
        self.model.epochs_trained.assign_add(1)
