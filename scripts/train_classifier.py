"""Trains the small classifier whose features score grey 32x32 pictures.

Data: `tfds.load("fashion_mnist")`, padded with black from 28 to 32 pixels.
55,000 training pictures, 5,000 (the last of the train split) to choose the
epoch; the test split is read at the end alone.
Augmentation: shifts of up to 2 pixels and mirror images.

    python scripts/train_classifier.py zoo/classifier_fashion_mnist_32

The folder then holds config.json, model.weights.h5, metrics.json, README.md.
"""

import argparse
import json
import os
import pathlib
import platform
import time

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from kerasgan.metrics import features

DATASET = "fashion_mnist"
IMAGE_SIZE = 32
VALIDATION = 5000


def load(split):
    """Returns padded uint8 pictures `(n, 32, 32, 1)` and their classes."""
    images, labels = tfds.as_numpy(
        tfds.load(DATASET, split=split, batch_size=-1, as_supervised=True)
    )
    margin = (IMAGE_SIZE - images.shape[1]) // 2
    edges = (margin, margin)
    return np.pad(images, ((0, 0), edges, edges, (0, 0))), labels


def augment(image, label):
    """Shifts a picture by up to 2 pixels and mirrors every second one."""
    padded = tf.pad(image, ((2, 2), (2, 2), (0, 0)))
    cropped = tf.image.random_crop(padded, image.shape)
    return tf.image.random_flip_left_right(cropped), label


def recognized(model, images, labels):
    """Returns for each picture whether its largest logit is its class."""
    _, logits = model.predict(images, batch_size=500, verbose=0)
    return np.argmax(logits, axis=1) == labels


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the best validation accuracy."""

    def __init__(self, classifier, images, labels):
        super().__init__()
        self.classifier = classifier
        self.images = images
        self.labels = labels
        self.history = []
        self.weights = None

    def on_epoch_end(self, epoch, logs=None):
        value = recognized(self.classifier, self.images, self.labels).mean()
        if value >= max(self.history, default=0.0):
            self.weights = self.classifier.get_weights()
        self.history.append(float(value))
        print(f"epoch {epoch + 1}: validation accuracy {value:.4f}", flush=True)


CARD = """# {name}

A small convolutional classifier of Fashion-MNIST, trained to be looked
through: the {num_features} features before its last layer are what
`fd_{name}` and `is_{name}` compare.

| | |
|---|---|
| Pictures | {size}x{size}, grey, uint8; Fashion-MNIST's 28 pixels padded with black |
| Network | {convolutions} convolutions a stage at 32, 16 and 8 pixels, {width} maps at first, {parameters:,} parameters |
| Data | Fashion-MNIST (Zalando SE, MIT licence), 55,000 pictures of the train split |
| Validation | {validation:.2%} on the 5,000 others, which chose epoch {epoch} of {epochs} |
| Test | {test:.2%} on the 10,000 pictures of the test split, read at the end |
| Storage | {dtype}; accuracy on the test split {stored:.2%} |
| Trained in | {minutes:.0f} minutes on {cores} processor cores ({machine}) |
| sha256 of the weights | `{sha256}` |

Made by `{command}`.

What it does badly: of the test pictures of its worst class, {worst}, it knows
{worst_recall:.1%}. It knows clothes alone: a Fréchet distance over its
features says nothing about other pictures, and does not compare with FID.
"""  # noqa: E501


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--convolutions", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--float32", action="store_true")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)

    classes = tfds.builder(DATASET).info.features["label"].names
    images, labels = load(f"train[:-{VALIDATION}]")
    dataset = (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(images), seed=arguments.seed)
        .map(augment, num_parallel_calls=2)
        .batch(arguments.batch_size, drop_remainder=True)
        .prefetch(4)
    )
    if not arguments.float32:
        keras.config.set_dtype_policy("mixed_bfloat16")
    model = features.build_classifier(
        IMAGE_SIZE, 1, len(classes), arguments.width, arguments.convolutions
    )
    steps = len(dataset) * arguments.epochs
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.01,
        decay_steps=steps - steps // 5,
        warmup_target=0.1,
        warmup_steps=steps // 5,
    )
    trained = keras.Model(model.input, model.output[1])
    trained.compile(
        keras.optimizers.SGD(
            schedule, momentum=0.9, nesterov=True, weight_decay=5e-4
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    keep_best = KeepBest(model, *load(f"train[-{VALIDATION}:]"))
    start = time.perf_counter()
    trained.fit(
        dataset, epochs=arguments.epochs, verbose=2, callbacks=[keep_best]
    )
    minutes = (time.perf_counter() - start) / 60

    keras.config.set_dtype_policy("float32")
    plain = features.build_classifier(
        IMAGE_SIZE, 1, len(classes), arguments.width, arguments.convolutions
    )
    plain.set_weights(keep_best.weights)
    test_images, test_labels = load("test")
    test = recognized(plain, test_images, test_labels).mean()
    name = arguments.folder.name
    for dtype in ("float16", "float32"):
        features.save_classifier(
            plain,
            arguments.folder,
            name,
            classes,
            arguments.width,
            arguments.convolutions,
            dtype,
        )
        network = features.FeatureNetwork.load(arguments.folder)
        right = recognized(network.model, test_images, test_labels)
        stored = float(right.mean())
        if abs(stored - test) < 0.0005:
            break
    recalls = [
        float(right[test_labels == label].mean())
        for label in range(len(classes))
    ]
    figures = {
        "validation_accuracy": max(keep_best.history),
        "validation_accuracy_by_epoch": keep_best.history,
        "test_accuracy": float(test),
        "test_accuracy_stored": stored,
        "test_recall_by_class": dict(zip(classes, recalls, strict=True)),
        "stored_as": dtype,
        "protocol": "train[:55000] to train, train[55000:] to choose the "
        "epoch, test read at the end; pictures padded with black to 32x32",
        "seed": arguments.seed,
        "training_minutes": round(minutes, 1),
    }
    (arguments.folder / "metrics.json").write_text(
        json.dumps(figures, indent=2) + "\n", "utf-8"
    )
    options = " ".join(
        f"--{key.replace('_', '-')} {value}"
        for key, value in vars(arguments).items()
        if key not in ("folder", "float32")
    )
    (arguments.folder / "README.md").write_text(
        CARD.format(
            name=name,
            num_features=network.num_features,
            size=IMAGE_SIZE,
            width=arguments.width,
            convolutions=arguments.convolutions,
            parameters=plain.count_params(),
            validation=max(keep_best.history),
            epoch=int(np.argmax(keep_best.history)) + 1,
            epochs=arguments.epochs,
            test=test,
            stored=stored,
            dtype=dtype,
            worst=classes[int(np.argmin(recalls))],
            worst_recall=min(recalls),
            minutes=minutes,
            cores=os.cpu_count(),
            machine=platform.machine(),
            sha256=network.hash,
            command=f"python scripts/train_classifier.py {name} {options}"
            + (" --float32" if arguments.float32 else ""),
        ),
        "utf-8",
    )
    print(f"test accuracy {test:.4f}, stored as {dtype} {stored:.4f}")


if __name__ == "__main__":
    main()
