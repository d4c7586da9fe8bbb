"""What every model in the zoo shares, and nothing about any one of them.

Here is what no paper discusses: optimizers, summing over replicas, loss
scaling, averaged weights, checks at the door, sampling with a seed, saving
and exporting. The algorithm of each paper is in its own file, in a
`train_step` written out in full.
"""

import contextlib
import functools
import inspect
import math
import numbers
import types

import keras
import numpy as np
import tensorflow as tf

from kerasgan import data, random
from kerasgan.layers.normalization import MOMENTUM


class GAN(keras.Model):
    """Base class of all models: two optimizers, an average, checks, saving.

    A subclass takes plain numbers, builds its networks in `__init__` inside
    `self.dtype_scope()`, ends it with `self.finish_building()`, writes
    `train_step` in full and gives the optimizers of its paper in
    `default_optimizers`.

    Args:
        ema_decay: float in [0, 1). How slowly the averaged generator follows
            the trained one; `0.0` copies its weights. Defaults to `0.999`,
            which the first 9,000 steps grow to.
        seed: int or `None`. Makes the random numbers of training repeat.
            Defaults to `None`.
        **kwargs: See `keras.Model`: `name`, `dtype`.

    Raises:
        ValueError: If `ema_decay` is outside [0, 1).
    """

    # What the model does, one of "image", "class-to-image", "text-to-image",
    # "image-to-image".
    task = None
    # What `train_step` reports.
    loss_names = ("d_loss", "g_loss")
    # Whether `compile` asks for XLA when not told. Measured on CPU for each
    # model by scripts/benchmarks/train_step.py.
    jit_compile_by_default = False

    def __init__(self, ema_decay=0.999, seed=None, **kwargs):
        if not 0.0 <= ema_decay < 1.0:
            raise ValueError(
                "`ema_decay` must be at least 0 and less than 1: it is the "
                "share of the average that each step keeps. "
                f"Received: ema_decay={ema_decay}"
            )
        super().__init__(**kwargs)
        self.ema_decay = ema_decay
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.trackers = [keras.metrics.Mean(name=n) for n in self.loss_names]
        # Not a list, so that Keras does not save the metrics' feature
        # networks with the model.
        self._evaluation = types.SimpleNamespace(metrics=[])

    # Building

    @contextlib.contextmanager
    def dtype_scope(self):
        """Gives the layers built inside it this model's dtype policy."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.dtype_policy)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)

    def finish_building(self):
        """Makes the averaged generators; the last line of `__init__`."""
        for name in self.generator_names:
            network = getattr(self, name)
            config = network.get_config()
            config["name"] = f"average_{name}"
            average = type(network).from_config(config)
            average.set_weights(network.get_weights())
            average.trainable = False
            setattr(self, f"average_{name}", average)
        # Under a strategy Keras would otherwise call the model on the
        # training images to build it.
        self.built = True

    @property
    def generator_names(self):
        """Names of the attributes that hold the trained generators."""
        return ("generator",)

    @property
    def discriminator_names(self):
        """Names of the attributes that hold the discriminators."""
        return ("discriminator",)

    @property
    def generators(self):
        return [getattr(self, name) for name in self.generator_names]

    @property
    def average_generators(self):
        return [getattr(self, f"average_{n}") for n in self.generator_names]

    @property
    def discriminators(self):
        return [getattr(self, name) for name in self.discriminator_names]

    # Compiling

    def default_optimizers(self):
        """Returns the paper's optimizers: the generator's, then the other."""
        raise NotImplementedError(
            f"{type(self).__name__} must say which optimizers its paper uses."
        )

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        metrics=(),
        jit_compile=None,
        **kwargs,
    ):
        """Sets the optimizers, and the metrics of `evaluate`.

        Args:
            generator_optimizer: A Keras optimizer, its name or its config.
                Defaults to the paper's.
            discriminator_optimizer: Like `generator_optimizer`.
            metrics: Sequence of metrics of `kerasgan.metrics` that take real
                and generated images, used by `evaluate`. Not saved with the
                model. Defaults to none.
            jit_compile: bool. Whether the step is compiled by XLA. Defaults
                to what was measured to be faster for this model.
            **kwargs: `run_eagerly` and `steps_per_execution` of Keras.
        """
        # Keras would otherwise make an RMSprop that no step ever uses, and
        # learning rate callbacks would quietly adjust that one.
        super().compile(
            optimizer=None,
            jit_compile=self.jit_compile_by_default
            if jit_compile is None
            else jit_compile,
            **kwargs,
        )
        generator_default, discriminator_default = self.default_optimizers()
        self.generator_optimizer = self._ready(
            generator_optimizer or generator_default, self.generators
        )
        self.discriminator_optimizer = self._ready(
            discriminator_optimizer or discriminator_default,
            self.discriminators,
        )
        self._evaluation.metrics = list(metrics)

    def _ready(self, optimizer, networks):
        optimizer = keras.optimizers.get(optimizer)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if self.dtype_policy.name == "mixed_float16" and not scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        # Under a strategy variables cannot be made inside the step, and
        # loading skips the state of an optimizer that is not built.
        optimizer.build([v for n in networks for v in n.trainable_variables])
        return optimizer

    def get_compile_config(self):
        if not self.compiled:
            return None  # A model may be saved without its optimizers.
        return {
            "generator_optimizer": keras.saving.serialize_keras_object(
                self.generator_optimizer
            ),
            "discriminator_optimizer": keras.saving.serialize_keras_object(
                self.discriminator_optimizer
            ),
            "jit_compile": self.jit_compile,
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    # Training

    @property
    def metrics(self):
        return list(self.trackers)

    def fit(self, x=None, y=None, batch_size=None, callbacks=None, **kwargs):
        """Trains the model, after a look at the data.

        Args:
            x: A `tf.data.Dataset` of batches, or arrays; see the class for
                what a batch holds. Under a strategy the batch size is the
                global one.
            y: Array, the second half of each pair, if `x` is an array.
            batch_size: int. Only for arrays. Defaults to `64`.
            callbacks: List of Keras callbacks. Defaults to none.
            **kwargs: See `keras.Model.fit`: `epochs`, `steps_per_epoch`,
                `initial_epoch`, `verbose`, `validation_data` ...

        Returns:
            A Keras `History`.

        Raises:
            ValueError: If the data do not fit the model.
            TypeError: If `x` is neither a dataset nor an array.
        """
        dataset = self._dataset(x, y, batch_size)
        self._check_dataset(dataset)
        callbacks = [*self.training_callbacks(), *(callbacks or [])]
        kwargs.setdefault("shuffle", False)  # The dataset has its own order.
        return super().fit(dataset, callbacks=callbacks, **kwargs)

    def training_callbacks(self):
        """Returns the callbacks without which `fit` would not be the paper."""
        return []

    def _dataset(self, x, y, batch_size):
        if isinstance(x, tf.data.Dataset):
            if y is not None or batch_size is not None:
                raise ValueError(
                    "A dataset brings its own batches and pairs, so `y` and "
                    "`batch_size` cannot be given with it. Received: "
                    f"y of type {type(y).__name__}, batch_size={batch_size}"
                )
            return x
        arrays = x if isinstance(x, tuple) else (x,)
        arrays += () if y is None else (y,)
        if not all(isinstance(a, (np.ndarray, tf.Tensor)) for a in arrays):
            raise TypeError(
                "Training data must be a `tf.data.Dataset` of batches or "
                "arrays; `kerasgan.data` makes datasets from folders and "
                "names. Received: "
                + ", ".join(type(a).__name__ for a in arrays)
            )
        lengths = [len(a) for a in arrays]
        batch_size = batch_size or 64
        if len(set(lengths)) > 1:
            raise ValueError(
                "All arrays must have the same length, because they are "
                f"paired row by row. Received: lengths {lengths}"
            )
        if lengths[0] < batch_size:
            raise ValueError(
                "There must be at least one whole batch of data; give a "
                f"smaller `batch_size`. Received: {lengths[0]} examples, "
                f"batch_size={batch_size}"
            )
        dataset = tf.data.Dataset.from_tensor_slices(
            arrays if len(arrays) > 1 else arrays[0]
        )
        options = tf.data.Options()
        options.autotune.enabled = False  # See `data.pipeline`.
        return (
            dataset.shuffle(lengths[0], seed=self.seed)
            .batch(batch_size, drop_remainder=True)
            .with_options(options)
        )

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # All is built in `__init__` and `compile`. Keras would look at a batch
        # here, which of pairs fails between workers.
        pass

    def _check_dataset(self, dataset):
        replicas = self.distribute_strategy.num_replicas_in_sync
        if replicas > 1:
            # An empty or smaller last share would give NaN, or weigh its
            # images more than the others.
            for spec in tf.nest.flatten(dataset.element_spec):
                size = spec.shape[0] if spec.shape.rank else None
                if size is None or size % replicas:
                    raise ValueError(
                        f"On {replicas} replicas the batch size must be fixed "
                        f"and divisible by {replicas}; use "
                        "`batch(..., drop_remainder=True)`. Received: batches "
                        f"of shape {spec.shape}"
                    )
        for batch in dataset.take(1):
            self.check_batch(batch)
            return
        raise ValueError(
            "The training data must hold at least one batch. Received: an "
            "empty dataset; is the batch size larger than the data?"
        )

    def check_batch(self, batch):
        """Refuses a batch that does not fit the model.

        Args:
            batch: One element of the training data, eager.

        Raises:
            ValueError: With what came and what to do.
        """
        data.check_images(batch, self.image_shape)

    def minimize(self, tape, loss, networks, optimizer):
        """Takes one step down `loss`, the mean over the local batch.

        Gradients are summed over replicas, so each replica contributes its
        share here and nowhere else. Loss scaling for float16 joins it.

        Args:
            tape: The `tf.GradientTape` that watched `loss`.
            loss: Float scalar.
            networks: A network, or a list of those that `optimizer` was
                built with.
            optimizer: A built Keras optimizer.
        """
        networks = networks if isinstance(networks, list) else [networks]
        variables = [v for n in networks for v in n.trainable_variables]
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        share = optimizer.scale_loss(tf.constant(1.0 / replicas, loss.dtype))
        gradients = tape.gradient(
            loss, variables, output_gradients=tf.cast(share, loss.dtype)
        )
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if scaled and replicas > 1:
            # Each replica looks for overflow in its own gradients alone, yet
            # all must skip the step together: zero, unless one overflowed.
            # An embedding's gradient has its rows apart.
            gradients = [tf.convert_to_tensor(g) for g in gradients]
            local = tf.add_n([tf.reduce_sum(g * 0.0) for g in gradients])
            poison = context.all_reduce(tf.distribute.ReduceOp.SUM, local)
            gradients = [g + poison for g in gradients]
        optimizer.apply(gradients, variables)

    def update_average(self, decay=None, inputs=None):
        """Moves the averaged generators one step towards the trained ones.

        Args:
            decay: Float or scalar tensor. Defaults to `ema_decay`, or less at
                first: see `ramped`.
            inputs: What the generator took in this step, for batch statistics
                of the average's own: see `update_average_statistics`. A model
                of several generators has none. Defaults to averages of the
                trained generators' statistics.
        """
        decay = self.ramped(self.ema_decay) if decay is None else decay
        pairs = zip(self.average_generators, self.generators, strict=True)
        for average_network, network in pairs:
            weights = zip(average_network.weights, network.weights, strict=True)
            for average, current in weights:
                if current.trainable or inputs is None:
                    average.assign(current + decay * (average - current))
        if inputs is not None:
            self.update_average_statistics(inputs)

    def ramped(self, decay):
        """Returns a decay that grows to `decay` in the first steps.

        After `n` steps it is at most `(1 + n) / (10 + n)`, so that what a
        short training averages is not mostly its random start.

        Args:
            decay: float.

        Returns:
            Float scalar tensor.
        """
        steps = tf.cast(self.generator_optimizer.iterations, "float32")
        return tf.minimum(decay, (1.0 + steps) / (10.0 + steps))

    def update_average_statistics(self, inputs):
        """Moves the averaged generator's batch statistics to its own maps'.

        Maps of averaged weights vary less than those of the weights that they
        are the average of. Normalized by how much theirs vary, they would make
        faint images until the learning rate comes to rest.

        Args:
            inputs: A batch of the generator's inputs, on this replica. Every
                fourth is enough, for statistics that are averages of a
                hundred steps.

        Reference:
            [Brock et al., 2019](https://arxiv.org/abs/1809.11096), "standing
            statistics", which are taken after training.
        """
        network, average_network = self.generator, self.average_generator
        if not network.non_trainable_weights:
            return
        pairs = zip(network.variables, average_network.variables, strict=True)
        trained, others = [], []
        for variable, average in pairs:
            (trained if variable.trainable else others).append(average)
        # The average's own layers are frozen, and would not take any.
        _, moved = network.stateless_call(
            [variable.value for variable in trained],
            [variable.value for variable in others],
            tf.nest.map_structure(lambda tensor: tensor[::4], inputs),
            training=True,
        )
        # What the layers' momentum left of this batch, and more of it.
        share = (1.0 - self.ramped(0.99)) / (1.0 - MOMENTUM)
        for average, value in zip(others, moved, strict=True):
            average.assign(average + share * (value - average))

    def report(self, **losses):
        """Returns what `train_step` returns, from this step's mean losses.

        Args:
            **losses: Float scalars, one for each of `loss_names`.

        Returns:
            dict of the means since the start of the epoch.
        """
        for tracker in self.trackers:
            tracker.update_state(losses[tracker.name])
        return self.shaped({t.name: t.result() for t in self.trackers})

    def shaped(self, logs):
        """Returns `logs` in the shape that Keras can reduce over workers.

        With several workers Keras takes the mean of every value over its
        first axis, which a scalar does not have.
        """
        strategy = self.distribute_strategy
        if strategy.extended._in_multi_worker_mode():
            return {name: tf.reshape(v, (1,)) for name, v in logs.items()}
        return logs

    # Measuring

    def evaluate(self, x=None, verbose="auto", return_dict=True, **kwargs):
        """Scores generated images against real ones.

        One image is generated for each real one, from latents that are the
        same in every call. Scores depend on the number of images: quote it.

        Args:
            x: A `tf.data.Dataset` of batches as for training.
            verbose: See `keras.Model.evaluate`.
            return_dict: bool. Whether to return a dict or a list of values.
                Defaults to `True`.
            **kwargs: See `keras.Model.evaluate`.

        Returns:
            dict of metric name to float; a metric with several values has one
            entry for each, `<metric>_<value>`.

        Raises:
            ValueError: If the model was compiled without metrics.

        Example:
        ```python
        gan.compile(metrics=[FrechetDistance(zoo.features("fashion_mnist"))])
        gan.evaluate(data.images("fashion_mnist", 32, 64, split="test"))
        ```
        """
        metrics = self._evaluation.metrics
        if not metrics:
            raise ValueError(
                "There is nothing to evaluate with; give metrics of "
                "`kerasgan.metrics`: `gan.compile(metrics=[...])`."
            )
        self._check_dataset(x)
        for metric in metrics:
            metric.reset_state()
        training_draws = self.seed_generator.state.numpy()
        self.seed_generator.state.assign([0, 0])
        try:
            super().evaluate(x, verbose=verbose, return_dict=True, **kwargs)
        finally:
            self.seed_generator.state.assign(training_draws)
        values = {}
        for metric in metrics:
            result = metric.result()
            if isinstance(result, dict):
                for name, value in result.items():
                    values[f"{metric.name}_{name}"] = float(value)
            else:
                values[metric.name] = float(result)
        return values if return_dict else list(values.values())

    def test_step(self, batch):
        real_images, fake_images = self.images_to_compare(batch)
        real_images = data.to_uint8(real_images)
        fake_images = data.to_uint8(fake_images)
        for metric in self._evaluation.metrics:
            metric.update_state(real_images, fake_images)
        # Keras wants a value of each step; the scores are read at the end.
        count = tf.cast(tf.shape(real_images)[0], "float32")
        return self.shaped({"images": count})

    def images_to_compare(self, batch):
        """Returns real images and as many generated ones, in `[-1, 1]`.

        Args:
            batch: One element of the training data.
        """
        raise NotImplementedError

    # Saving

    def arguments(self):
        """Returns the arguments that the model was made with, by name.

        Returns:
            dict of plain values, without Keras' own `name` and `dtype`.
        """
        names = init_arguments(type(self))
        return {name: getattr(self, name) for name in names}

    def get_config(self):
        return {**super().get_config(), **self.arguments()}

    def training_state(self):
        """Returns every variable that the next step depends on.

        Returns:
            dict of name to `keras.Variable`: weights, averages, both
            optimizers, and the states of the random streams.
        """
        owners = {
            "model": self,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }
        # The path would not do: it counts the optimizers of the process.
        return {
            f"{owner}/{index:04d}/{variable.name}": variable
            for owner, thing in owners.items()
            for index, variable in enumerate(thing.variables)
        }

    # Sampling and exporting

    @property
    def sample_shape(self):
        """Shape of one sample, without the batch."""
        return self.image_shape

    @functools.cached_property
    def _to_images(self):
        return tf.function(
            lambda inputs: data.to_uint8(self(inputs)), reduce_retracing=True
        )

    def run_in_batches(self, inputs, batch_size, function=None):
        """Returns the uint8 images of any number of inputs.

        Args:
            inputs: What `function` takes: a tensor or tuple of tensors whose
                first axes have the same length.
            batch_size: int. How many to run at once.
            function: Callable from a batch of inputs to uint8 images.
                Defaults to `call` and the conversion of what it returns.

        Returns:
            uint8 array `(n, height, width, channels)`.
        """
        check_positive("batch_size", batch_size)
        function = function or self._to_images
        count = len(tf.nest.flatten(inputs)[0])
        batches = []
        for start in range(0, count, batch_size):
            rows = slice(start, start + batch_size)
            batch = tf.nest.map_structure(lambda t, r=rows: t[r], inputs)
            batches.append(function(batch).numpy())
        return np.concatenate(batches)

    def signatures(self):
        """Returns what an exported model can do.

        Returns:
            dict of signature name to `(function, list of tf.TensorSpec)`;
            each function returns a dict of named tensors.
        """
        raise NotImplementedError

    def score_signatures(self):
        """Returns what an exported discriminator can do.

        Returns:
            dict like that of `signatures`. Scores are raw, before any
            sigmoid, and higher for images that look real.
        """
        raise NotImplementedError

    @property
    def layers_with_tables(self):
        """The layers whose lookup tables the signatures use."""
        return []

    def export(self, folder, format="saved_model", scores=False, verbose=False):
        """Writes a model that runs without kerasgan and without Keras.

        Args:
            folder: str or path, must not exist or be empty. TensorFlow
                Serving expects it to end in a version number.
            format: str. `"saved_model"`, with all of `signatures()`; or
                `"litert"` or `"onnx"`, with those that take neither seeds
                nor text. See docs/serving.md. Defaults to `"saved_model"`.
            scores: bool. Whether a SavedModel also gives the scores of the
                discriminator. Defaults to `False`.
            verbose: bool. Whether Keras prints the signatures of a
                SavedModel. Defaults to `False`.

        Returns:
            Tuple of str, the names of the signatures written.

        Raises:
            ValueError: If there is no such format, or it holds no scores.
            OSError: If the folder is not empty.
            ImportError: If the format needs a package that is not installed.

        Example:
        ```python
        gan.export("serving/1")
        served = tf.saved_model.load("serving/1")
        images = served.signatures["serving_default"](latents)["images"]
        ```
        """
        from kerasgan import export  # It builds on the models.

        return export.write(self, folder, format, scores, verbose)


class LatentGAN(GAN):
    """Base class of the models that turn latents into images.

    Args:
        latent_dim: int. Length of the latent vectors.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Raises:
        ValueError: If `latent_dim` is not positive.
    """

    task = "image"
    # Of each number of a latent vector.
    latent_mean = 0.0

    def __init__(self, latent_dim, **kwargs):
        check_positive("latent_dim", latent_dim)
        super().__init__(**kwargs)
        self.latent_dim = latent_dim

    def call(self, latents, training=False):
        return self.average_generator(latents, training=training)

    def sample_latents(self, batch_size):
        """Returns `(batch_size, latent_dim)` draws from a unit normal."""
        return random.normal(self.seed_generator, (batch_size, self.latent_dim))

    def seeded_latents(self, seed, count):
        """Returns the latents of a seed; the first ones never change.

        Args:
            seed: Integer scalar.
            count: Integer scalar.

        Returns:
            Float32 tensor `(count, latent_dim)`, from a unit normal. A larger
            count only adds rows.
        """
        return tf.random.stateless_normal(
            (count, self.latent_dim), (seed, 0), alg="philox"
        )

    def truncated_latents(self, seed, count, truncation):
        """Returns the latents of a seed, drawn towards their mean.

        What is rare in training lies far from the mean, and is drawn badly.

        Args:
            seed: Integer scalar.
            count: Integer scalar.
            truncation: float in [-1, 1] or `None`. Psi: how much is left of
                the way from the mean; `None` for all of it.

        Returns:
            Float32 tensor `(count, latent_dim)`.

        Raises:
            ValueError: If `truncation` is something else.

        Reference:
            [Brock et al., 2019](https://arxiv.org/abs/1809.11096), section
            3.1, where numbers beyond a threshold are drawn anew; to shrink
            all of them is what StyleGAN does to its w.
        """
        latents = self.seeded_latents(seed, count)
        if truncation is None:
            return latents
        check_truncation(truncation)
        return self.latent_mean + truncation * (latents - self.latent_mean)

    def generate(self, n, seed=None, batch_size=64, truncation=None):
        """Returns new images.

        Args:
            n: int. How many.
            seed: int or `None`. The same seed gives the same images,
                whatever the batch size, and in the exported model too; a
                larger `n` only adds images. Defaults to fresh ones.
            batch_size: int. How many to make at once. Defaults to `64`.
            truncation: float in [-1, 1] or `None`. Psi: nearer to zero,
                images are more usual and more alike. Defaults to `None`, no
                truncation.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If an argument makes no sense.
        """
        check_positive("n", n)
        latents = self.truncated_latents(as_seed(seed), n, truncation)
        return self.run_in_batches(latents, batch_size)

    def images_to_compare(self, batch):
        return batch, self(self.sample_latents(tf.shape(batch)[0]))

    def signatures(self):
        def from_latents(latents):
            return {"images": data.to_uint8(self(latents))}

        def sample(seed, count):
            return from_latents(self.seeded_latents(seed, count))

        return {
            "serving_default": (
                from_latents,
                [tf.TensorSpec((None, self.latent_dim), "float32", "latents")],
            ),
            "sample": (
                sample,
                [
                    tf.TensorSpec((), "int64", "seed"),
                    tf.TensorSpec((), "int32", "count"),
                ],
            ),
        }

    @property
    def images_spec(self):
        """Images as they come in, for `score_signatures`."""
        return tf.TensorSpec((None, *self.image_shape), "uint8", "images")

    def score_signatures(self):
        def scores(images):
            return {"scores": self.discriminator(data.to_float(images))[:, 0]}

        return {"scores": (scores, [self.images_spec])}


class ClassGAN(LatentGAN):
    """Base class of the models that turn latents and labels into images.

    Args:
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        class_names: Sequence of `num_classes` strings or `None`. What
            `generate` also takes as labels. May be set later, as an
            attribute. Defaults to `None`.
        class_frequencies: Sequence of `num_classes` numbers or `None`. How
            often each class occurs, in any unit; `generate` draws labels like
            that when it is given none. May be set later, as an attribute.
            Defaults to `None`, all classes alike.
        **kwargs: See `LatentGAN`: `latent_dim`, `ema_decay`, `seed`, `name`,
            `dtype`.

    Call arguments:
        inputs: Pair of latents, float tensor `(batch, latent_dim)`, and
            labels, integer tensor `(batch,)`.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and integer
        labels `(batch,)`.

    Raises:
        ValueError: If `num_classes` is not positive, or names or frequencies
            are not as many.
    """

    task = "class-to-image"

    def __init__(
        self, num_classes, class_names=None, class_frequencies=None, **kwargs
    ):
        check_positive("num_classes", num_classes)
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.class_names = class_names
        self.class_frequencies = class_frequencies

    @property
    def class_names(self):
        """Tuple of the classes' names, or `None`."""
        return self._class_names

    @class_names.setter
    def class_names(self, names):
        if names is not None:
            names = tuple(names)
            if not len(names) == len(set(names)) == self.num_classes:
                raise ValueError(
                    "`class_names` must be one name for each of the "
                    f"{self.num_classes} classes, all different. "
                    f"Received: class_names={names}"
                )
        self._class_names = names

    @property
    def class_frequencies(self):
        """Tuple of numbers that say how often each class occurs, or `None`."""
        return self._class_frequencies

    @class_frequencies.setter
    def class_frequencies(self, frequencies):
        if frequencies is not None:
            frequencies = tuple(float(f) for f in frequencies)
            if (
                len(frequencies) != self.num_classes
                or not all(0 <= f < np.inf for f in frequencies)
                or not sum(frequencies) > 0
            ):
                raise ValueError(
                    "`class_frequencies` must be one number for each of the "
                    f"{self.num_classes} classes, none negative and not all "
                    f"zero. Received: class_frequencies={frequencies}"
                )
        self._class_frequencies = frequencies

    def call(self, inputs, training=False):
        return self.average_generator(inputs, training=training)

    def check_batch(self, batch):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ValueError(
                "The training data must be pairs `(images, labels)`. "
                f"Received: {describe_batch(batch)}"
            )
        images, labels = batch
        data.check_images(images, self.image_shape)
        data.check_labels(labels, self.num_classes)
        data.check_same_length(images, labels, ("images", "labels"))

    def images_to_compare(self, batch):
        images, labels = batch
        latents = self.sample_latents(tf.shape(images)[0])
        return images, self((latents, labels))

    def seeded_labels(self, seed, count):
        """Returns the labels of a seed; the first ones never change.

        Args:
            seed: Integer scalar.
            count: Integer scalar.

        Returns:
            int32 tensor `(count,)`, drawn by `class_frequencies`.
        """
        frequencies = self.class_frequencies or (1.0,) * self.num_classes
        # Where each class but the last ends, on the way from 0 to 1.
        ends = np.cumsum(frequencies)[:-1] / np.sum(frequencies)
        # The latents of a seed have its stream 0.
        draws = tf.random.stateless_uniform((count,), (seed, 1), alg="philox")
        return tf.searchsorted(ends.astype("float32"), draws, side="right")

    def class_numbers(self, labels):
        """Returns labels as integers.

        Args:
            labels: Sequence of ints from 0 to `num_classes - 1`, or of
                strings from `class_names`.

        Returns:
            int32 array `(n,)`.

        Raises:
            ValueError: If there are no labels, or one names no class.
        """
        if np.ndim(labels) != 1 or len(labels) == 0:
            raise ValueError(
                "`labels` must be a sequence of classes, one for each image, "
                f"such as [3, 3, 7]. Received: labels={labels!r}"
            )
        names = self.class_names or ()
        numbers = []
        for label in labels:
            if isinstance(label, str) and label in names:
                numbers.append(names.index(label))
            elif is_whole(label) and 0 <= label < self.num_classes:
                numbers.append(label)
            else:
                known = ", ".join(names) or "without names"
                raise ValueError(
                    "Each of `labels` must be a whole number from 0 to "
                    f"{self.num_classes - 1} or the name of a class "
                    f"({known}). Received: {label!r}"
                )
        return np.array(numbers, "int32")

    def generate(
        self, n=None, labels=None, seed=None, batch_size=64, truncation=None
    ):
        """Returns new images, of given classes or of all.

        Args:
            n: int. How many, of classes drawn by `class_frequencies`. Give
                either this or `labels`.
            labels: Sequence of ints or of class names, one for each image.
            seed: int or `None`. The same seed gives the same images,
                whatever the batch size, and in the exported model too; a
                larger `n` only adds images. Defaults to fresh ones.
            batch_size: int. How many to make at once. Defaults to `64`.
            truncation: float in [-1, 1] or `None`. Psi: nearer to zero,
                images are more usual and more alike, and their class is
                plainer. Defaults to `None`, no truncation.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If the arguments make no sense, or name no class.

        Example:
        ```python
        gan.generate(labels=["Bag", "Bag", "Coat"], seed=0)
        ```
        """
        if (n is None) == (labels is None):
            raise ValueError(
                "`generate` takes either `n`, for images of any class, or "
                "`labels`, one for each image. "
                f"Received: n={n!r}, labels={labels!r}"
            )
        seed = as_seed(seed)
        if labels is None:
            check_positive("n", n)
            labels = self.seeded_labels(seed, n)
        else:
            labels = tf.constant(self.class_numbers(labels))
        latents = self.truncated_latents(seed, len(labels), truncation)
        return self.run_in_batches((latents, labels), batch_size)

    def signatures(self):
        def from_latents(latents, labels):
            # Looking them up refuses labels that name no class; a one-hot
            # code would be zero and give an image of none.
            labels = tf.gather(tf.range(self.num_classes), labels)
            return {"images": data.to_uint8(self((latents, labels)))}

        def sample(seed, labels):
            latents = self.seeded_latents(seed, tf.shape(labels)[0])
            return from_latents(latents, labels)

        def sample_any(seed, count):
            labels = self.seeded_labels(seed, count)
            return {**sample(seed, labels), "labels": labels}

        seed = tf.TensorSpec((), "int64", "seed")
        labels = tf.TensorSpec((None,), "int32", "labels")
        return {
            "serving_default": (
                from_latents,
                [
                    tf.TensorSpec(
                        (None, self.latent_dim), "float32", "latents"
                    ),
                    labels,
                ],
            ),
            "sample": (sample, [seed, labels]),
            "sample_any": (
                sample_any,
                [seed, tf.TensorSpec((), "int32", "count")],
            ),
        }


class TranslationGAN(GAN):
    """Base class of the models that turn images into images.

    A subclass sets `source_channels`, of the images that come in, and
    `size_multiple` and `minimum_size`, which their height and width must
    fit.
    """

    task = "image-to-image"

    def translate(self, images, batch_size=64):
        """Returns the translations of images.

        Args:
            images: uint8 array or tensor `(n, height, width, channels)`, in
                0..255. Height and width may differ from those of training,
                as long as they are multiples of `size_multiple`.
            batch_size: int. How many to translate at once. Defaults to
                `64`.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If the images do not fit the model.

        Example:
        ```python
        gan = zoo.load("pix2pix_fluent_64")
        pictures = gan.translate(drawings)  # uint8 in, uint8 out
        ```
        """
        return self.serve("translate", images, batch_size)

    def serve(self, signature, images, batch_size, *more):
        """Runs a signature on images of any number, after a check.

        Args:
            signature: str. A key of `signatures()`.
            images: See `translate`.
            batch_size: int. How many to run at once.
            *more: The signature's other arguments, a row for each image.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If the images do not fit the model.
        """
        self.check_source(images)
        return self.run_in_batches(
            (images, *more),
            batch_size,
            lambda batch: self._served[signature](*batch)["images"],
        )

    @functools.cached_property
    def _served(self):
        return {
            name: tf.function(function, specs, autograph=False)
            for name, (function, specs) in self.signatures().items()
        }

    @property
    def source_spec(self):
        """What comes in, for `signatures`."""
        shape = (None, None, None, self.source_channels)
        return tf.TensorSpec(shape, "uint8", "images")

    @property
    def size_rule(self):
        """The sentence that says which sizes the model takes."""
        return (
            "The height and width of the images must be multiples of "
            f"{self.size_multiple} of at least {self.minimum_size}, because "
            "the network halves and doubles them"
        )

    def check_source(self, images):
        """Refuses images that cannot be translated.

        Args:
            images: What `translate` was given.

        Raises:
            ValueError: With what came and what to do.
        """
        wanted = f"(n, height, width, {self.source_channels})"
        if not isinstance(images, (np.ndarray, tf.Tensor)):
            raise ValueError(
                f"`images` must be a uint8 array or tensor {wanted}. "
                f"Received: {type(images).__name__}. Stack the pictures with "
                "`numpy.stack`."
            )
        shape, dtype = tuple(images.shape), tf.as_dtype(images.dtype)
        if dtype != tf.uint8:
            raise ValueError(
                "`images` must be uint8 in 0..255, because the scale of "
                f"other types is not known. Received: dtype={dtype.name}, "
                f"shape={shape}. Convert floats in [-1, 1] with "
                "`kerasgan.data.to_uint8`."
            )
        if len(shape) != 4:
            raise ValueError(
                f"`images` must have rank 4, {wanted}. "
                f"Received: shape={shape}. "
                + (
                    "Give a single picture a batch axis: `images[None]`."
                    if len(shape) == 3
                    else "Stack the pictures along one batch axis."
                )
            )
        if shape[0] == 0:
            raise ValueError(
                f"There must be at least one image. Received: shape={shape}"
            )
        if shape[3] != self.source_channels:
            raise ValueError(
                f"`images` must have {self.source_channels} channels, as in "
                f"training: {wanted}. Received: shape={shape}. Convert the "
                "pictures first."
            )
        for size in shape[1:3]:
            if size % self.size_multiple or size < self.minimum_size:
                raise ValueError(
                    f"{self.size_rule}. Received: shape={shape}. Resize, "
                    "crop or pad the pictures with `kerasgan.data`."
                )

    def as_source(self, images):
        """Returns uint8 images as the networks take them, if the size fits.

        For signatures, where nothing was checked before.

        Args:
            images: uint8 tensor `(batch, height, width, channels)`.

        Returns:
            float32 tensor of the same shape, in `[-1, 1]`.
        """
        sizes = tf.shape(images)[1:3]
        fits = (sizes % self.size_multiple == 0) & (sizes >= self.minimum_size)
        check = tf.debugging.Assert(
            tf.reduce_all(fits), [f"{self.size_rule}. Received:", sizes]
        )
        with tf.control_dependencies([check]):
            return data.to_float(tf.identity(images))

    def check_pair(self, batch, names, shapes):
        """Refuses a batch that is not two equally long batches of images.

        Args:
            batch: One element of the training data, eager.
            names: Two strings. What the messages call the two.
            shapes: Two tuples `(height, width, channels)`.

        Raises:
            ValueError: With what came and what to do.
        """
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            came = (
                f"{len(batch)} parts"
                if isinstance(batch, (tuple, list))
                else f"one {type(batch).__name__}"
            )
            raise ValueError(
                f"Each batch must be a pair ({names[0]}, {names[1]}). "
                f"Received: {came}. Zip two datasets with "
                "`tf.data.Dataset.zip`, or give `fit` two arrays."
            )
        for images, name, shape in zip(batch, names, shapes, strict=True):
            data.check_images(images, shape, name)
        data.check_same_length(*batch, names)


def init_arguments(model_class):
    """Returns the names of all arguments of a model's `__init__`s.

    Args:
        model_class: A subclass of `GAN`.

    Returns:
        list of str, the base class' first.
    """
    names = []
    for parent in reversed(model_class.__mro__):
        if issubclass(parent, GAN) and "__init__" in vars(parent):
            parameters = inspect.signature(parent.__init__).parameters.values()
            names += [
                p.name
                for p in parameters
                if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"
            ]
    return list(dict.fromkeys(names))


def describe_batch(batch):
    """Returns what a batch holds, for a message.

    Args:
        batch: One element of a dataset, of any structure.

    Returns:
        str.
    """
    parts = batch if isinstance(batch, (tuple, list)) else [batch]
    kinds = [
        f"{p.dtype.name if hasattr(p, 'dtype') else type(p).__name__} of "
        f"shape {tuple(getattr(p, 'shape', ()))}"
        for p in parts
    ]
    return f"{len(parts)} part(s): {', '.join(kinds)}"


def check_positive(name, value):
    """Refuses what is not a whole number of at least one.

    Args:
        name: str. The argument's name, for the message.
        value: What was given.

    Raises:
        ValueError: If it is not.
    """
    if not is_whole(value) or value < 1:
        raise ValueError(
            f"`{name}` must be a whole number of at least 1. "
            f"Received: {name}={value!r}"
        )


def check_not_negative(name, value):
    """Refuses a weight below zero.

    Args:
        name: str. The argument's name, for the message.
        value: What was given.

    Raises:
        ValueError: If it is negative, or not a number.
    """
    if not 0.0 <= value < math.inf:
        raise ValueError(
            f"`{name}` must be a number that is not negative. "
            f"Received: {name}={value!r}"
        )


def check_power_of_two(name, value, minimum, reason):
    """Refuses what is not a power of two of at least `minimum`.

    Args:
        name: str. The argument's name, for the message.
        value: What was given.
        minimum: int.
        reason: str. Why, as the end of a sentence.

    Raises:
        ValueError: If it is not.
    """
    if not is_whole(value) or value < minimum or value & (value - 1):
        raise ValueError(
            f"`{name}` must be a power of two of at least {minimum}, "
            f"{reason}. Received: {name}={value!r}"
        )


def check_truncation(truncation):
    """Refuses what is not a psi.

    Args:
        truncation: What was given.

    Raises:
        ValueError: If it is not a number from -1 to 1.
    """
    if not isinstance(truncation, numbers.Real) or not -1 <= truncation <= 1:
        raise ValueError(
            "`truncation` must be from -1 to 1: 1 is the image itself, 0 the "
            "average one, -1 the opposite. "
            f"Received: truncation={truncation!r}"
        )


def is_whole(value):
    """Returns whether a value is an integer, of Python or NumPy."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def as_seed(seed):
    """Returns a seed for stateless draws.

    Args:
        seed: int, or `None` for a fresh one.

    Returns:
        int64 scalar array.

    Raises:
        ValueError: If it is not a whole number from 0 to 2**63 - 1.
    """
    if seed is None:
        return np.random.SeedSequence().generate_state(1, "uint64").view(
            "int64"
        )[0] & np.int64(2**63 - 1)
    if not is_whole(seed) or not 0 <= seed < 2**63:
        raise ValueError(
            "`seed` must be a whole number from 0 to 2**63 - 1, or None. "
            f"Received: seed={seed!r}"
        )
    return np.int64(seed)
