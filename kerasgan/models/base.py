"""The base class of all models.

It implements what no paper discusses: optimizers, gradient sums over replicas,
loss scaling, averaged weights, checks of the training data, saving and
exporting. It does not depend on the kind of sample: task classes handle images
and text (`sampling`, `labels`, `captions`, `translation`, `sequences`). The
algorithm of each paper is in its own file, in a `train_step` written in full.
"""

import functools
import inspect
import random
import types
import warnings

import keras
import numpy as np
import tensorflow as tf

from kerasgan import backend, checks, data, processor
from kerasgan.models import arguments, averaging, inputs, rates
from kerasgan.random import Seeded
from kerasgan.replicas import clipped


class GAN(Seeded, keras.Model):
    """Base class of all models: optimizers, weight averages, checks, saving.

    The constructor of a subclass stores its arguments, plain values, as
    attributes of the same names *before* it calls `super().__init__`, which
    calls the hook `build_networks`. A subclass writes `train_step` in full and
    returns the optimizers of its paper from `default_optimizers`.

    Args:
        ema_decay: float in [0, 1). Decay of the averaged generator; `0.0`
            copies the trained weights. Defaults to `0.999`, which is reached
            after the first 9,000 steps.
        seed: int or `None`. Seed of training, and of the order of arrays; not
            of the first weights, which follow
            `keras.utils.set_random_seed`. Defaults to `None`, a random one.
        **kwargs: See `keras.Model`: `name`, `dtype`.

    Raises:
        ValueError: If `ema_decay` is outside [0, 1), or `dtype` is neither
            float32 nor mixed precision.
    """

    # A key of `kerasgan.tasks.TASKS`.
    task = None
    # What the parts of a batch of training data are called.
    part_names = ("samples",)
    # Whether arrays given together are shuffled together.
    paired = True
    # Name of the argument that is the number of discriminator steps among which
    # each batch is divided; `None` if there is one.
    divided_among = None
    # What `train_step` reports.
    loss_names = ("d_loss", "g_loss")
    # The attributes that hold trained generators and discriminators.
    generator_names = ("generator",)
    discriminator_names = ("discriminator",)
    # Layers with lookup tables that exported signatures use.
    lookup_layers = ()

    def __init__(self, ema_decay=0.999, seed=None, **kwargs):
        checks.decay(ema_decay=ema_decay)
        dtype = arguments.as_dtype(kwargs.pop("dtype", None))
        super().__init__(dtype=dtype, **kwargs)
        if getattr(self, "_remat_mode", None) is not None:
            raise ValueError(
                f"{type(self).__name__} cannot be built in a "
                "`keras.RematScope`: the backward pass would take other random "
                "numbers than the forward pass, and update moving averages a "
                "second time. Build it outside of the scope."
            )
        self.ema_decay = ema_decay
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        # In a namespace, so that Keras does not track the feature networks of
        # the metrics and save them with the model.
        self._evaluation = types.SimpleNamespace(
            metrics=[], make_metrics=None, trained=None
        )
        with self._own_settings():
            self.trackers = [
                keras.metrics.Mean(name=name) for name in self.loss_names
            ]
            self.build_networks()
        self.build_averages()
        # Under a strategy Keras would otherwise call the model on the
        # training images to build it.
        self.built = True

    # Building

    def build_networks(self):
        """Sets the networks as attributes, those of `generator_names` first."""
        raise NotImplementedError(
            f"{type(self).__name__} must override `build_networks`."
        )

    def build_averages(self):
        """Sets the average of each generator, `average_<name>`."""
        for name in self.generator_names:
            average = averaging.average_of(getattr(self, name))
            setattr(self, f"average_{name}", average)

    def _own_settings(self):
        """Sets this model's dtype and layout for layers built inside."""
        return backend.own_settings(self.dtype_policy)

    @property
    def batch_shares(self):
        """int. Number of discriminator steps that share a batch."""
        if self.divided_among is None:
            return 1
        return getattr(self, self.divided_among)

    @property
    def default_batch_size(self):
        """int. Of arrays, where `fit` is given none."""
        return 64 * self.batch_shares

    @property
    def sample_shape(self):
        """Tuple of ints, the shape of one sample."""
        raise NotImplementedError

    @property
    def is_grown(self):
        """Whether samples have their final resolution; models may grow."""
        return True

    @property
    def generators(self):
        return [getattr(self, name) for name in self.generator_names]

    @property
    def generator_networks(self):
        """What the generators' optimizer trains: they, and more in some."""
        return self.generators

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
            jit_compile: bool or `None`. Whether the step is compiled by XLA.
                Defaults to Keras' choice: not on a processor, where XLA was
                measured to be slower (docs/performance.md), nor under a
                strategy or deterministic operations, but on a GPU.
            **kwargs: `run_eagerly` and `steps_per_execution` of Keras.

        Raises:
            TypeError: If there is no such argument, a loss for example.
            ValueError: If one optimizer is given for both, or belongs to
                another network, or a metric is not one.
        """
        arguments.check_compile(metrics, kwargs)
        arguments.check_optimizers(generator_optimizer, discriminator_optimizer)
        # By default Keras creates an RMSprop that no step uses, and learning
        # rate callbacks would silently adjust it.
        super().compile(
            optimizer=None,
            jit_compile="auto" if jit_compile is None else jit_compile,
            **kwargs,
        )
        # The device that a saved model is loaded on may be another.
        self._requested_xla = jit_compile
        with self._own_settings():
            defaults = self.default_optimizers()
        for name, given, default, networks in zip(
            ("generator_optimizer", "discriminator_optimizer"),
            (generator_optimizer, discriminator_optimizer),
            defaults,
            (self.generator_networks, self.discriminators),
            strict=True,
        ):
            with self._own_settings():
                optimizer = default if given is None else given
                setattr(self, name, self._ready(optimizer, networks))
        self._full_rates = [rates.full_rate(o) for o in self.optimizers()]
        # Where callbacks look for learning rates; see `rates.Optimizers`.
        self.optimizer = rates.Optimizers(*self.optimizers())
        self._evaluation.metrics = list(metrics)
        self._evaluation.make_metrics = None

    def evaluate_with(self, make_metrics):
        """Sets the metrics of `evaluate`, to be made when they are needed.

        Most models that are loaded only generate, and need no feature network.

        Args:
            make_metrics: Callable without arguments, called once by the first
                `evaluate`; returns what `compile` takes as `metrics`.
        """
        self._evaluation.metrics = []
        self._evaluation.make_metrics = make_metrics

    def evaluation_metrics(self):
        """Returns the list of metrics of `evaluate`."""
        # Not a property, which Keras would save as a part of the model.
        make = self._evaluation.make_metrics
        if make is not None:
            with self.distribute_strategy.scope():
                self._evaluation.metrics = list(make())
            self._evaluation.make_metrics = None
        return self._evaluation.metrics

    def optimizers(self):
        """Returns the optimizers, first that of the generators."""
        # Not a property, which Keras would save as a part of the model.
        return [self.generator_optimizer, self.discriminator_optimizer]

    def scale_learning_rates(self, share):
        """Sets both learning rates to a fraction of those given to `compile`.

        Learning rate schedules are not changed.

        Args:
            share: float.
        """
        for optimizer, full in zip(
            self.optimizers(), self._full_rates, strict=True
        ):
            if full is not None:
                optimizer.learning_rate = full * share

    def _ready(self, optimizer, networks):
        optimizer = keras.optimizers.get(optimizer)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if self.dtype_policy.name == "mixed_float16" and not scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        variables = [v for n in networks for v in n.trainable_variables]
        arguments.check_free(optimizer, variables)
        # Under a strategy a step cannot create variables, and loading skips
        # the state of an optimizer that is not built.
        optimizer.build(variables)
        return optimizer

    def get_compile_config(self):
        if not self.compiled:
            return None  # Saved without optimizers.
        generator, discriminator = map(
            rates.config_at, self.optimizers(), self._full_rates
        )
        return {
            "generator_optimizer": generator,
            "discriminator_optimizer": discriminator,
            "jit_compile": self._requested_xla,
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config):
        with self._own_settings():
            config = keras.saving.deserialize_keras_object(config)
        self.compile(**config)

    # Training

    @property
    def metrics(self):
        return list(self.trackers)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Checks the data and trains the model.

        Args:
            x: A `tf.data.Dataset` of batches, or arrays; see the class for
                what a batch holds. Also a dict of arrays, a
                `keras.utils.PyDataset`, a PyTorch `DataLoader` or a generator
                of batches. Under a strategy the batch size is the global one.
            y: Array or list, the second half of each pair, if `x` is an
                array.
            batch_size: int. Only for arrays. Defaults to `64`.
            epochs: int. Number of the last epoch. Defaults to `1`.
            verbose: See `keras.Model.fit`. Defaults to `"auto"`.
            callbacks: List of Keras callbacks. Defaults to none.
            validation_split: float in [0, 1). The share of arrays, their last
                rows, to evaluate on. Defaults to `0.0`.
            validation_data: Data to evaluate on after each epoch, as `x` of
                `evaluate` or a pair of arrays; needs metrics. Defaults to
                none.
            shuffle: bool. Whether arrays are shuffled. Defaults to `True`.
            class_weight: Must be `None`.
            sample_weight: Must be `None`.
            initial_epoch: int. Epochs that were trained before. Defaults to
                `0`.
            steps_per_epoch: int or `None`. Defaults to the whole data.
            validation_steps: int or `None`. Defaults to all of
                `validation_data`.
            validation_batch_size: int or `None`. Only for arrays. Defaults to
                `batch_size`.
            validation_freq: int. Epochs between evaluations. Defaults to `1`.

        Returns:
            A Keras `History`.

        Raises:
            ValueError: If an argument is invalid or the data do not fit the
                model; of the first batch before the first step, of others
                when they come.
            TypeError: If `x` cannot be training data.
        """
        self._assert_compile_called("fit")
        arguments.check_fit(
            batch_size,
            epochs,
            initial_epoch,
            steps_per_epoch,
            validation_steps,
            validation_batch_size,
            validation_freq,
            class_weight=class_weight,
            sample_weight=sample_weight,
        )
        callbacks = arguments.as_list(callbacks)
        arguments.check_monitors(callbacks, self.loss_names)
        rates.check_callbacks(callbacks, self.optimizer)
        if validation_split and validation_data is None:
            x, y, validation_data = self._split(x, y, validation_split)
        if inputs.is_generator(x) and steps_per_epoch is None and epochs > 1:
            raise ValueError(
                "A generator can be read once, so `fit` must be given "
                "`steps_per_epoch` to divide it into epochs. "
                f"Received: epochs={epochs}, steps_per_epoch=None"
            )
        first_epoch = arguments.resumed_epoch(callbacks, initial_epoch)
        dataset = self.to_dataset(x, y, batch_size, first_epoch, shuffle)
        self.before_training(self._check_dataset(dataset))
        validation = self._validation(
            validation_data, validation_batch_size or batch_size
        )
        self._warn_if_frozen()
        processor.check_speed(self.compute_dtype)
        callbacks = [*self.training_callbacks(), *callbacks]
        with inputs.explained():
            return super().fit(
                inputs.watched(dataset, self.rules),
                epochs=epochs,
                verbose=verbose,
                callbacks=[rates.watching_all_losses(c) for c in callbacks],
                validation_data=validation,
                shuffle=False,  # The dataset has its own order.
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            )

    def train_on_batch(
        self,
        x,
        y=None,
        sample_weight=None,
        class_weight=None,
        return_dict=False,
    ):
        """Takes one step on one batch, without callbacks.

        What `fit` does by epoch, such as a decaying learning rate, is left
        out.

        Args:
            x: Array or tensor, or a tuple or dict of them; see the class for
                what a batch holds.
            y: Array or list, the second half of each pair.
            sample_weight: Must be `None`.
            class_weight: Must be `None`.
            return_dict: bool. Whether to return a dict or a list of values.
                Defaults to `False`.

        Returns:
            list of float, the losses in the order of `loss_names`, or dict.

        Raises:
            ValueError: If the batch does not fit the model.
        """
        self._assert_compile_called("train_on_batch")
        arguments.check_fit(
            sample_weight=sample_weight, class_weight=class_weight
        )
        dataset = self._one_batch(x, y)
        self.before_training(self._check_dataset(dataset))
        self._warn_if_frozen()
        processor.check_speed(self.compute_dtype)
        self.make_train_function()
        self.reset_metrics()
        strategy = self.distribute_strategy
        batches = iter(strategy.experimental_distribute_dataset(dataset))
        self.train_function(iter([next(batches)]))
        losses = {t.name: float(t.result()) for t in self.trackers}
        return losses if return_dict else list(losses.values())

    def before_training(self, batch):
        """Sets initial weights that depend on data, if the model has any.

        `fit` and `train_on_batch` call it each time; a model that has been
        trained must stay as it is.

        Args:
            batch: The first batch, checked, eager.
        """

    def training_callbacks(self):
        """Returns the callbacks that the paper's training procedure needs."""
        return []

    # Data

    def to_dataset(
        self, x, y=None, batch_size=None, first_epoch=0, shuffle=True
    ):
        """Returns training data as a dataset of batches.

        Args:
            x: See `fit`.
            y: See `fit`.
            batch_size: See `fit`.
            first_epoch: int. Epoch at which the order of arrays starts.
                Defaults to `0`.
            shuffle: bool. Whether arrays are shuffled. Defaults to `True`.

        Returns:
            A `tf.data.Dataset`.

        Raises:
            See `fit`.
        """
        dataset = self._from_batches(x, y, batch_size)
        if dataset is None:
            dataset = self._from_arrays(x, y, batch_size, first_epoch, shuffle)
        replicas = self.distribute_strategy.num_replicas_in_sync
        inputs.check_shares(
            dataset, self.batch_shares, replicas, self.divided_among
        )
        return dataset

    def _from_arrays(self, x, y, batch_size, first_epoch, shuffle):
        arrays = inputs.as_arrays(x, y, self.part_names)
        batch_size = (
            self.default_batch_size if batch_size is None else batch_size
        )
        if not shuffle:
            return inputs.in_order(arrays, batch_size, drop_remainder=True)
        # Without a seed, the order differs in each call.
        seed = random.randrange(2**31) if self.seed is None else self.seed
        return data.stream_groups(
            (arrays,) if self.paired else tuple((a,) for a in arrays),
            batch_size,
            seed=seed,
            first_epoch=first_epoch,
        )

    def to_evaluation_dataset(self, x, y=None, batch_size=None):
        """Returns data to evaluate on as a dataset: arrays in their order.

        Args:
            x: See `evaluate`.
            y: See `evaluate`.
            batch_size: See `evaluate`.

        Returns:
            A `tf.data.Dataset`.

        Raises:
            See `evaluate`.
        """
        if (dataset := self._from_batches(x, y, batch_size)) is not None:
            return dataset
        arrays = inputs.as_arrays(x, y, self.part_names)
        if not self.paired:
            shortest = min(len(array) for array in arrays)
            arrays = tuple(array[:shortest] for array in arrays)
        size = 64 if batch_size is None else batch_size
        replicas = self.distribute_strategy.num_replicas_in_sync
        return inputs.in_order(arrays, size, drop_remainder=replicas > 1)

    def _from_batches(self, x, y, batch_size):
        """Returns a dataset or loader as a dataset, `None` for arrays."""
        is_dataset = isinstance(x, tf.data.Dataset)
        if not is_dataset and not inputs.is_loader(x):
            return None
        if y is not None or batch_size is not None:
            kind = "dataset" if is_dataset else "loader"
            raise ValueError(
                f"A {kind} already has batches and pairs, so `y` and "
                "`batch_size` cannot be given with it. Received: "
                f"y of type {type(y).__name__}, batch_size={batch_size}"
            )
        if is_dataset:
            return inputs.from_structures(x, self.part_names)
        return inputs.from_loader(x, self.part_names)

    def _one_batch(self, x, y):
        arrays = inputs.as_arrays(x, y, self.part_names)
        length = len(arrays[0])
        return self.to_evaluation_dataset(arrays, None, length)

    def _split(self, x, y, share):
        """Returns training arrays and the held-out rest, for `fit`."""
        if isinstance(x, tf.data.Dataset) or inputs.is_loader(x):
            raise ValueError(
                "`validation_split` divides arrays; a dataset is divided with "
                "`take` and `skip` and given as `validation_data`. Received: "
                f"validation_split={share!r} and a {type(x).__name__}"
            )
        arrays = inputs.as_arrays(x, y, self.part_names)
        training, validation = inputs.split(arrays, share)
        return training, None, validation

    def _validation(self, validation_data, batch_size):
        """Returns `validation_data` as a checked dataset, or `None`."""
        if validation_data is None:
            return None
        self._check_metrics()
        if isinstance(validation_data, tuple) and len(validation_data) > 2:
            raise ValueError(
                "`validation_data` must be a dataset, or one or two arrays. "
                f"Received: a tuple of {len(validation_data)}"
            )
        if isinstance(validation_data, tf.data.Dataset):
            batch_size = None
        dataset = self.to_evaluation_dataset(validation_data, None, batch_size)
        self._check_dataset(dataset)
        return inputs.watched(dataset, self.rules)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Everything is built in `__init__` and `compile`. Keras would inspect
        # a batch here, which fails for pairs with several workers.
        pass

    def _check_dataset(self, dataset):
        """Checks the first batch, and returns it."""
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
            return batch
        raise ValueError(
            "The training data must contain at least one batch. Received: an "
            "empty dataset; is the batch size larger than the data?"
        )

    def rules(self, batch):
        """Returns what must hold in every batch of the stream.

        `check_batch` sees the first batch alone; this is its cheap part.

        Args:
            batch: One element of the training data, in a graph.

        Returns:
            list of `(holds, text, values)`: a boolean scalar tensor; the rule
            as a sentence that ends in "Received: ", with a `{}` for each
            value; and the list of scalar tensors received.
        """
        return []

    def check_batch(self, batch):
        """Checks that a batch fits the model.

        Args:
            batch: One element of the training data, eager.

        Raises:
            ValueError: If it does not.
        """
        raise NotImplementedError

    def make_train_function(self, force=False):
        before = self.train_function
        super().make_train_function(force=force)
        if self.train_function is not before:
            self._evaluation.trained = self._trained()

    def _trained(self):
        """Returns which weights a step that is compiled now would train."""
        networks = [*self.generator_networks, *self.discriminators]
        return {id(v) for n in networks for v in n.trainable_variables}

    def _warn_if_frozen(self):
        trained = self._evaluation.trained
        compiled = self.train_function is not None and trained is not None
        if compiled and trained != self._trained():
            warnings.warn(
                "`trainable` was set after a step had been compiled, and has "
                "no effect until `compile` is called again, as in Keras.",
                stacklevel=3,
            )

    def minimize(self, tape, loss, networks, optimizer, clip_norm=None):
        """Takes one gradient step on `loss`, the mean over the local batch.

        Gradients are summed over replicas, so the loss is divided by their
        number, here and nowhere else, together with float16 loss scaling.

        Args:
            tape: The `tf.GradientTape` that watched `loss`.
            loss: Float scalar.
            networks: A network, or a list of those that `optimizer` was
                built with.
            optimizer: A built Keras optimizer.
            clip_norm: float or `None`. Greatest norm of the whole gradient,
                summed over replicas; a longer one is scaled down to it.
                Defaults to no limit.
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
        if clip_norm is not None:
            # Keras' `global_clipnorm` clips the gradients of each replica.
            limit = optimizer.scale_loss(tf.constant(clip_norm, loss.dtype))
            gradients = clipped(gradients, limit)
        # No update before all gradients. The optimizer sums gradients over
        # replicas, and TensorFlow's optimization of graphs takes that for a
        # barrier, drops the order of reads and updates that it implies, and
        # then removes it. The last weight of a linear critic, whose gradient
        # does not depend on it, could be updated before its last use.
        with tf.control_dependencies(gradients):
            optimizer.apply(gradients, variables)

    def update_generators(self, tape, loss):
        """Takes one step of the generators on `loss`; see `minimize`."""
        self.minimize(
            tape, loss, self.generator_networks, self.generator_optimizer
        )

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

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=True,
        **kwargs,
    ):
        """Computes the metrics of generated samples against real ones.

        One sample is generated for each real one, with the same random
        numbers in every call. Scores depend on the number of samples: report
        it with them.

        Args:
            x: As for `fit`. All rows of arrays count, in their order.
            y: As for `fit`.
            batch_size: int. Only for arrays. Defaults to `64`.
            verbose: See `keras.Model.evaluate`. Defaults to `"auto"`.
            sample_weight: Must be `None`.
            steps: int or `None`. Batches to use. Defaults to all.
            callbacks: List of Keras callbacks. Defaults to none.
            return_dict: bool. Whether to return a dict or a list of values.
                Defaults to `True`.
            **kwargs: What `fit` of Keras gives to `evaluate`.

        Returns:
            dict of metric name to float; a metric with several values has one
            entry for each, `<metric>_<value>`.

        Raises:
            ValueError: If the model was compiled without metrics, or the data
                do not fit the model.

        Example:
        ```python
        gan.compile(metrics=[FrechetDistance(zoo.features("fashion_mnist"))])
        gan.evaluate(data.images("fashion_mnist", 32, 64, split="test"))
        ```
        """
        self._assert_compile_called("evaluate")
        self._check_metrics()
        metrics = self.evaluation_metrics()
        if not kwargs.get("_use_cached_eval_dataset"):
            if x is None:
                raise ValueError(
                    "`evaluate` needs real samples to compare generated ones "
                    "with: a dataset or arrays. Received: x=None"
                )
            arguments.check_fit(
                batch_size,
                steps_per_epoch=steps,
                sample_weight=sample_weight,
            )
            dataset = self.to_evaluation_dataset(x, y, batch_size)
            self._check_dataset(dataset)
            x = inputs.watched(dataset, self.rules)
        for metric in metrics:
            metric.reset_state()
        seed_state = self.seed_generator.state.numpy()
        self.seed_generator.state.assign([0, 0])
        try:
            with inputs.explained():
                super().evaluate(
                    x,
                    verbose=verbose,
                    steps=steps,
                    callbacks=callbacks,
                    return_dict=True,
                    **kwargs,
                )
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

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Scores generated samples against one batch of real ones.

        Args:
            x: See `train_on_batch`.
            y: See `train_on_batch`.
            sample_weight: Must be `None`.
            return_dict: bool. Whether to return a dict or a list of values.
                Defaults to `False`.

        Returns:
            list of float, or dict, as of `evaluate`.

        Raises:
            See `evaluate`.
        """
        arguments.check_fit(sample_weight=sample_weight)
        return self.evaluate(
            self._one_batch(x, y), verbose=0, return_dict=return_dict
        )

    def _check_metrics(self):
        if not self.evaluation_metrics():
            raise ValueError(
                "The model was compiled without metrics. Give some of "
                "`kerasgan.metrics`: `gan.compile(metrics=[...])`."
            )

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

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Writes the model, its optimizers and random numbers to a file.

        Args:
            filepath: str or path, ending in `.keras`.
            overwrite: See `keras.Model.save`. Defaults to `True`.
            zipped: See `keras.Model.save`. Defaults to `None`.
            **kwargs: See `keras.Model.save`.

        Raises:
            ValueError: If the file has another format.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise ValueError(
                "A model is saved as a .keras file: HDF5 cannot hold models "
                "that are classes. `save_weights` writes `.weights.h5`. "
                f"Received: filepath={str(filepath)!r}"
            )
        super().save(filepath, overwrite=overwrite, zipped=zipped, **kwargs)

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
        # Networks have no control flow in Python, and to search them for it
        # would take most of the time to the first image.
        return tf.function(
            lambda inputs: self.to_samples(self(inputs)),
            autograph=False,
            reduce_retracing=True,
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
        counts = [len(tensor) for tensor in tf.nest.flatten(inputs)]
        count = counts[0]
        if count == 0 or set(counts) != {count}:
            raise ValueError(
                "All inputs must have the same number of rows, at least one. "
                f"Received: {counts} rows"
            )
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
