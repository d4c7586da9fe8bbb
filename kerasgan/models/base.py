"""The base class of all models.

It implements what no paper discusses: optimizers, gradient sums over replicas,
loss scaling, averaged weights, checks of the training data, saving and
exporting. It does not depend on the kind of sample: task classes handle images
and text (`sampling`, `labels`, `captions`, `translation`, `sequences`). The
algorithm of each paper is in its own file, in a `train_step` written in full.
"""

import contextlib
import functools
import inspect
import random
import types

import keras
import numpy as np
import tensorflow as tf

from kerasgan import checks, data
from kerasgan.models import averaging, rates


class GAN(keras.Model):
    """Base class of all models: optimizers, weight averages, checks, saving.

    The constructor of a subclass stores its arguments, plain values, as
    attributes of the same names *before* it calls `super().__init__`, which
    calls the hook `build_networks`. A subclass writes `train_step` in full and
    returns the optimizers of its paper from `default_optimizers`.

    Args:
        ema_decay: float in [0, 1). Decay of the averaged generator; `0.0`
            copies the trained weights. Defaults to `0.999`, which is reached
            after the first 9,000 steps.
        seed: int or `None`. Seed of training. Defaults to `None`, a random
            one.
        **kwargs: See `keras.Model`: `name`, `dtype`.

    Raises:
        ValueError: If `ema_decay` is outside [0, 1).
    """

    # A key of `kerasgan.tasks.TASKS`.
    task = None
    # What `train_step` reports.
    loss_names = ("d_loss", "g_loss")
    # The attributes that hold trained generators and discriminators.
    generator_names = ("generator",)
    discriminator_names = ("discriminator",)
    # Layers with lookup tables that exported signatures use.
    lookup_layers = ()
    # Whether `compile` uses XLA by default. Measured on CPU for each model by
    # scripts/benchmarks/train_step.py.
    jit_compile_by_default = False

    def __init__(self, ema_decay=0.999, seed=None, **kwargs):
        checks.decay(ema_decay=ema_decay)
        super().__init__(**kwargs)
        self.ema_decay = ema_decay
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.trackers = [keras.metrics.Mean(name=n) for n in self.loss_names]
        # In a namespace, so that Keras does not track the feature networks of
        # the metrics and save them with the model.
        self._evaluation = types.SimpleNamespace(metrics=[])
        with self._own_dtype():
            self.build_networks()
        for name in self.generator_names:
            average = averaging.average_of(getattr(self, name))
            setattr(self, f"average_{name}", average)
        # Under a strategy Keras would otherwise call the model on the
        # training images to build it.
        self.built = True

    # Building

    def build_networks(self):
        """Sets the networks as attributes, those of `generator_names` first."""
        raise NotImplementedError(
            f"{type(self).__name__} must override `build_networks`."
        )

    @contextlib.contextmanager
    def _own_dtype(self):
        """Sets this model's dtype policy for layers built in this context."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.dtype_policy)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)

    @property
    def sample_shape(self):
        """Tuple of ints, the shape of one sample."""
        raise NotImplementedError

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
        """Returns the paper's optimizers: generator, then discriminator."""
        raise NotImplementedError(
            f"{type(self).__name__} must override `default_optimizers`."
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
                and generated samples, used by `evaluate`. Not saved with the
                model. Defaults to none.
            jit_compile: bool. Whether the step is compiled by XLA. Defaults
                to what was measured to be faster for this model.
            **kwargs: `run_eagerly` and `steps_per_execution` of Keras.
        """
        # By default Keras creates an RMSprop that no step uses, and learning
        # rate callbacks would silently adjust it.
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
        self._full_rates = [rates.full_rate(o) for o in self._optimizers()]
        self._evaluation.metrics = list(metrics)

    def _optimizers(self):
        # Not a property, which Keras would save as a part of the model.
        return [self.generator_optimizer, self.discriminator_optimizer]

    def scale_learning_rates(self, share):
        """Sets both learning rates to a fraction of those given to `compile`.

        Learning rate schedules are not changed.

        Args:
            share: float.
        """
        for optimizer, full in zip(
            self._optimizers(), self._full_rates, strict=True
        ):
            if full is not None:
                optimizer.learning_rate = full * share

    def _ready(self, optimizer, networks):
        optimizer = keras.optimizers.get(optimizer)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if self.dtype_policy.name == "mixed_float16" and not scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        # Under a strategy a step cannot create variables, and loading skips
        # the state of an optimizer that is not built.
        optimizer.build([v for n in networks for v in n.trainable_variables])
        return optimizer

    def get_compile_config(self):
        if not self.compiled:
            return None  # Saved without optimizers.
        generator, discriminator = map(
            rates.config_at, self._optimizers(), self._full_rates
        )
        return {
            "generator_optimizer": generator,
            "discriminator_optimizer": discriminator,
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
        """Checks the data and trains the model.

        Args:
            x: A `tf.data.Dataset` of batches, or arrays; see the class for
                the contents of a batch. Under a strategy the batch size is the
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
        first_epoch = kwargs.get("initial_epoch", 0)
        dataset = self.to_dataset(x, y, batch_size, first_epoch)
        self._check_dataset(dataset)
        callbacks = [*self.training_callbacks(), *(callbacks or [])]
        kwargs.setdefault("shuffle", False)  # Datasets have their own order.
        return super().fit(dataset, callbacks=callbacks, **kwargs)

    def training_callbacks(self):
        """Returns the callbacks that the paper's training procedure needs."""
        return []

    def to_dataset(self, x, y=None, batch_size=None, first_epoch=0):
        """Returns training data as a dataset of batches.

        Args:
            x: See `fit`.
            y: See `fit`.
            batch_size: See `fit`.
            first_epoch: int. Epoch at which the order of arrays starts.
                Defaults to `0`.

        Returns:
            A `tf.data.Dataset`.

        Raises:
            See `fit`.
        """
        if isinstance(x, tf.data.Dataset):
            if y is not None or batch_size is not None:
                raise ValueError(
                    "A dataset already has batches and pairs, so `y` and "
                    "`batch_size` cannot be given with it. Received: "
                    f"y of type {type(y).__name__}, batch_size={batch_size}"
                )
            return x
        arrays = x if isinstance(x, tuple) else (x,)
        arrays += () if y is None else (y,)
        if not all(isinstance(a, (np.ndarray, tf.Tensor)) for a in arrays):
            raise TypeError(
                "Training data must be a `tf.data.Dataset` of batches or "
                "arrays; `kerasgan.data` creates datasets from folders and "
                "names. Received: "
                + ", ".join(type(a).__name__ for a in arrays)
            )
        # Without a seed, the order differs in each call.
        seed = random.randrange(2**31) if self.seed is None else self.seed
        return data.stream(
            arrays if len(arrays) > 1 else arrays[0],
            batch_size or 64,
            seed=seed,
            first_epoch=first_epoch,
        )

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Everything is built in `__init__` and `compile`. Keras would inspect
        # a batch here, which fails for pairs with several workers.
        pass

    def _check_dataset(self, dataset):
        replicas = self.distribute_strategy.num_replicas_in_sync
        if replicas > 1:
            # The mean over an empty share of a batch is NaN, and a smaller
            # share would weight its examples more than the others.
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
            "The training data must contain at least one batch. Received: an "
            "empty dataset; is the batch size larger than the data?"
        )

    def check_batch(self, batch):
        """Checks that a batch fits the model.

        Args:
            batch: One element of the training data, eager.

        Raises:
            ValueError: If it does not.
        """
        raise NotImplementedError

    def minimize(self, tape, loss, networks, optimizer):
        """Takes one gradient step on `loss`, the mean over the local batch.

        Gradients are summed over replicas, so the loss is divided by their
        number, here and nowhere else, together with float16 loss scaling.

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
            # Each replica checks only its own gradients for overflow, but all
            # must skip the step together: add zero, or NaN if any overflowed.
            # The gradient of an embedding is sparse.
            gradients = [tf.convert_to_tensor(g) for g in gradients]
            local = tf.add_n([tf.reduce_sum(g * 0.0) for g in gradients])
            zero_or_nan = context.all_reduce(tf.distribute.ReduceOp.SUM, local)
            gradients = [g + zero_or_nan for g in gradients]
        optimizer.apply(gradients, variables)

    def update_generators(self, tape, loss):
        """Takes one step of the generators on `loss`; see `minimize`."""
        self.minimize(tape, loss, self.generators, self.generator_optimizer)

    def update_discriminators(self, tape, loss):
        """Takes one step of the discriminators on `loss`; see `minimize`."""
        self.minimize(
            tape, loss, self.discriminators, self.discriminator_optimizer
        )

    def update_average(self, decay=None, inputs=None):
        """Moves the averaged generators one step toward the trained ones.

        Args:
            decay: Float or scalar tensor. Defaults to `ema_decay`, ramped up
                over the first steps.
            inputs: The generator's inputs in this step, from which the
                averaged generator computes its own batch statistics; only for
                models with one generator. By default the statistics of the
                trained generators are averaged.
        """
        steps = self.generator_optimizer.iterations
        if decay is None:
            decay = averaging.ramped(self.ema_decay, steps)
        pairs = zip(self.average_generators, self.generators, strict=True)
        for average, network in pairs:
            averaging.follow(average, network, decay, inputs is not None)
        if inputs is not None:
            share = 1.0 - averaging.ramped(0.99, steps)
            averaging.follow_statistics(
                self.average_generator, self.generator, inputs, share
            )

    def report(self, **losses):
        """Updates the running means of the losses and returns them.

        Args:
            **losses: Float scalars, the mean losses of this step, one for
                each of `loss_names`.

        Returns:
            dict of the means since the start of the epoch.
        """
        for tracker in self.trackers:
            tracker.update_state(losses[tracker.name])
        return self.reducible({t.name: t.result() for t in self.trackers})

    def reducible(self, logs):
        """Returns `logs` in a shape that Keras can reduce over workers.

        With several workers Keras takes the mean of every value over its
        first axis, which a scalar does not have.
        """
        strategy = self.distribute_strategy
        if strategy.extended._in_multi_worker_mode():
            return {name: tf.reshape(v, (1,)) for name, v in logs.items()}
        return logs

    # Measuring

    def evaluate(self, x=None, verbose="auto", return_dict=True, **kwargs):
        """Computes the metrics of generated samples against real ones.

        One sample is generated for each real one, with the same random
        numbers in every call. Scores depend on the number of samples: report
        it with them.

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
                "The model was compiled without metrics. Give some of "
                "`kerasgan.metrics`: `gan.compile(metrics=[...])`."
            )
        self._check_dataset(x)
        for metric in metrics:
            metric.reset_state()
        seed_state = self.seed_generator.state.numpy()
        self.seed_generator.state.assign([0, 0])
        try:
            super().evaluate(x, verbose=verbose, return_dict=True, **kwargs)
        finally:
            self.seed_generator.state.assign(seed_state)
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
        real, generated = self.samples_to_compare(batch)
        for metric in self._evaluation.metrics:
            metric.update_state(real, generated)
        # Keras requires a value from each step; metrics are read at the end.
        count = tf.cast(tf.shape(real)[0], "float32")
        return self.reducible({"samples": count})

    def samples_to_compare(self, batch):
        """Returns real and equally many generated samples, for metrics.

        Args:
            batch: One element of the training data.
        """
        raise NotImplementedError

    # Saving

    def arguments(self):
        """Returns the constructor's arguments by name.

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
            optimizers, and the random states.
        """
        owners = {
            "model": self,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }
        # Not the variable's path, which counts the optimizers of the process.
        return {
            f"{name}/{index:04d}/{variable.name}": variable
            for name, owner in owners.items()
            for index, variable in enumerate(owner.variables)
        }

    def clear_memory(self):
        """Erases images that the model stored in training, if any.

        Called before a model is published.
        """

    # Sampling and exporting

    def to_samples(self, outputs):
        """Converts outputs of `call` to samples, such as uint8 images.

        Args:
            outputs: Tensor, or structure of tensors.
        """
        raise NotImplementedError

    @functools.cached_property
    def _to_samples(self):
        return tf.function(
            lambda inputs: self.to_samples(self(inputs)), reduce_retracing=True
        )

    def run_in_batches(self, inputs, batch_size, function=None):
        """Returns the samples of any number of inputs.

        Args:
            inputs: What `function` takes: a tensor or structure of tensors
                whose first axes have the same length.
            batch_size: int. How many to run at once.
            function: Callable from a batch of inputs to samples. Defaults to
                `call`, then `to_samples`.

        Returns:
            Array `(n, ...)`; for images, uint8
            `(n, height, width, channels)`.
        """
        checks.positive(batch_size=batch_size)
        function = function or self._to_samples
        count = len(tf.nest.flatten(inputs)[0])
        batches = []
        for start in range(0, count, batch_size):
            rows = slice(start, start + batch_size)
            batch = tf.nest.map_structure(lambda t, r=rows: t[r], inputs)
            batches.append(function(batch).numpy())
        return np.concatenate(batches)

    def signatures(self):
        """Returns the signatures of an exported model.

        Returns:
            dict of signature name to `(function, list of tf.TensorSpec)`;
            each function returns a dict of named tensors.
        """
        raise NotImplementedError

    def score_signatures(self):
        """Returns the signatures of an exported discriminator.

        Returns:
            dict like that of `signatures`. Scores are raw, before any
            sigmoid, and higher for samples that look real.
        """
        raise NotImplementedError

    def export(self, folder, format="saved_model", scores=False, verbose=False):
        """Writes a model that runs without kerasgan and without Keras.

        Args:
            folder: str or path, must be new or empty. TensorFlow
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
            ValueError: If the format is unknown, or cannot hold scores.
            OSError: If the folder is not empty.
            ImportError: If the format needs a package that is not installed.

        Example:
        ```python
        gan.export("serving/1")
        served = tf.saved_model.load("serving/1")
        images = served.signatures["serving_default"](latents)["images"]
        ```
        """
        from kerasgan import export  # It imports the models.

        return export.write(self, folder, format, scores, verbose)


def init_arguments(model_class):
    """Returns the names of all constructor arguments of a model class.

    Args:
        model_class: A subclass of `GAN`.

    Returns:
        list of str, those of base classes first.
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
    """Describes the contents of a batch, for a message.

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
