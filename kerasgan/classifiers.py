"""Trains the zoo's feature networks: small classifiers of a data set.

    python -m kerasgan.classifiers zoo/classifier_fashion_mnist_32
    python -m kerasgan.classifiers zoo/classifier_personas_64 \\
        --dataset personas --convolutions 1 --width 32 --batch-size 64 \\
        --epochs 20
    python -m kerasgan.classifiers zoo/classifier_relief_128 \\
        --dataset relief --convolutions 1 --width 16 --batch-size 32 \\
        --epochs 30

What they predict, by data set:

- fashion_mnist: the class. 55,000 images of the training part; the other
  5,000 select the epoch.
- personas: all nine attributes. Hair color counts only where hair shows. The
  training part lacks some pairs of hair style and hair color, from which the
  classifier would learn that such a style never has such a color; so values
  that do not occur together are excluded from the softmax. In half of the
  images the color channels are permuted and colors are not predicted, so that
  styles are recognized by their shape. The drawings are flat on white, which
  generated images never are exactly: brightness and grain vary by up to 20 grey
  levels and contrast by up to 15 %, so that the classifier is robust to them.
  The validation part selects the epoch.
- relief: the zone of latitude of a satellite patch, and the ruggedness of the
  land: the quartile, among training patches, of the contrast of the relief map,
  which the classifier does not see. The validation part selects the epoch.

The test part is read only at the end. Augmentation: shifts and mirror images.
An interrupted run is resumed by the same command.

The folder then holds config.json, model.weights.h5, metrics.json, README.md.
"""

import argparse
import dataclasses
import functools
import json
import os
import pathlib
import platform
import shutil
import time

import numpy as np
import tensorflow as tf

from kerasgan import backend, data
from kerasgan.backend import keras
from kerasgan.data.catalog import HIDDEN
from kerasgan.metrics import features

VALIDATION = 5000
# Grey levels by which the test images of `test_accuracy_uneven` are darker,
# and the standard deviation of the noise on them.
UNEVENNESS = 10.0
# Where relief's patches begin, from north to south, in degrees.
ZONES = (60, 42, 24, 6, -12, -30, -48)
RUGGEDNESS = ("flat", "hilly", "rough", "steep")


@dataclasses.dataclass(frozen=True)
class Task:
    """What a classifier is trained on.

    Attributes:
        size: int. Height and width of the images.
        shift: int. Pixels by which images are moved in training.
        attributes: dict of attribute to the names of its values.
        colors: Tuple of str. Attributes that are not predicted where the color
            channels are permuted, in half of the images; without such
            attributes they are never permuted.
        paired: Tuple of two str, or none. Attributes of which some pairs of
            values are missing from the training part.
        unevenness: float. Largest change of brightness in training, in grey
            levels, and largest standard deviation of normal noise.
        upside_down: bool. Whether half of the images are flipped vertically.
        part: Callable from `"train"`, `"validation"` or `"test"` to uint8
            images and int64 labels `(count, attributes)`.
        subject: str. What the images show, for the card.
        credit: str. Data and licence, for the card.
        parts: str. How the parts are used, for metrics.json.
    """

    size: int
    shift: int
    attributes: dict
    part: object
    subject: str
    credit: str
    parts: str
    colors: tuple = ()
    paired: tuple = ()
    unevenness: float = 0.0
    upside_down: bool = False


def fashion_mnist():
    def part(name):
        examples = data.load(
            "fashion_mnist", "test" if name == "test" else "train"
        )
        rows = {
            "train": slice(0, -VALIDATION),
            "validation": slice(-VALIDATION, None),
            "test": slice(None),
        }[name]
        return examples["image"][rows], examples["label"][rows, None]

    return Task(
        size=32,
        shift=2,
        attributes={"class": data.class_names("fashion_mnist")},
        part=part,
        subject="clothes",
        credit="Fashion-MNIST (Zalando SE, MIT licence), padded with black "
        "from 28 to 32 pixels",
        parts="train[:55000] for training, train[55000:] to choose the epoch, "
        "test read at the end; images padded with black to 32x32",
    )


def personas_attributes():
    from kerasgan.data import personas  # Needs TFDS, as its data do.

    def part(name):
        examples = data.load("personas", name)
        labels = personas.visible_labels(examples["attributes"])
        columns = [labels[name] for name in personas.ATTRIBUTES]
        return examples["image"], np.stack(columns, axis=1)

    return Task(
        size=64,
        shift=2,
        attributes=personas.ATTRIBUTES,
        part=part,
        subject="drawn faces",
        credit='"Personas by Draftbit" (CC BY 4.0), via DiceBear (MIT)',
        parts="train for training, validation to choose the epoch, test "
        "(pairs of hair style and hair color that the others lack) read at the "
        "end; hair_color only where the caption names it",
        colors=("hair_color", "skin", "clothing_color"),
        paired=("hair", "hair_color"),
        unevenness=20.0,
    )


def relief():
    @functools.cache
    def quarters():
        return np.quantile(
            contrast(data.load("relief", "train", 128)), (0.25, 0.5, 0.75)
        )

    def contrast(examples):
        return examples["input"].mean(axis=-1).std(axis=(1, 2))

    def part(name):
        examples = data.load("relief", name, 128)
        zone = np.searchsorted(-np.array(ZONES), -examples["latitude"], "right")
        ruggedness = np.searchsorted(quarters(), contrast(examples))
        labels = np.stack([zone - 1, ruggedness], axis=1).astype("int64")
        return examples["target"], labels

    pairs = zip(ZONES[:-1], ZONES[1:], strict=True)
    return Task(
        size=128,
        shift=16,
        attributes={
            "zone": tuple(f"{a} to {b} degrees" for a, b in pairs),
            "ruggedness": RUGGEDNESS,
        },
        part=part,
        subject="satellite patches",
        credit="NASA Earth Observatory, Blue Marble Next Generation (public "
        "domain); ruggedness from the shaded relief of Natural Earth, by Tom "
        "Patterson (public domain)",
        parts="bands of longitude: train for training, validation to choose "
        "the epoch, test read at the end",
        upside_down=True,
    )


TASKS = {
    "fashion_mnist": fashion_mnist,
    "personas": personas_attributes,
    "relief": relief,
}


def augmenting(task):
    """Returns a function that augments an image at random.

    It moves the image, mirrors half of them, flips half of them vertically if
    the task says so, changes brightness, contrast and grain if the task has
    unevenness, and permutes the color channels of half of them if it has
    colors. It returns the image and the labels to predict, then the true ones.
    """
    hidden = np.array([name in task.colors for name in task.attributes])
    edges = (task.shift, task.shift)

    def augment(image, truth):
        padded = tf.pad(image, (edges, edges, (0, 0)), "SYMMETRIC")
        image = tf.image.random_crop(padded, image.shape)
        image = tf.image.random_flip_left_right(image)
        if task.upside_down:
            image = tf.image.random_flip_up_down(image)
        if task.unevenness:
            image = tf.cast(image, "float32")
            image = tf.image.random_contrast(image, 0.85, 1.15)
            image = tf.image.random_brightness(image, task.unevenness)
            grain = tf.random.normal(image.shape, stddev=task.unevenness)
            image += tf.random.uniform(()) * grain
            image = tf.cast(tf.round(tf.clip_by_value(image, 0, 255)), "uint8")
        predicted = truth
        if task.colors and tf.random.uniform(()) < 0.5:
            order = tf.random.shuffle(tf.range(image.shape[-1]))
            image = tf.gather(image, order, axis=-1)
            predicted = tf.where(
                hidden, tf.constant(HIDDEN, truth.dtype), truth
            )
        return image, tf.concat([predicted, truth], axis=0)

    return augment


def possible(labels, attributes, paired):
    """Returns which values of two attributes occur together.

    Args:
        labels: int64 array `(count, attributes)`, of the training part.
        attributes: See `Task`.
        paired: See `Task`.

    Returns:
        dict of each of the two to the column of the other and a bool array
        `(values of the other, values)`.
    """
    if not paired:
        return {}
    columns = [list(attributes).index(name) for name in paired]
    sizes = [len(attributes[name]) for name in paired]
    seen = np.zeros(sizes, bool)
    first, second = labels[:, columns].T
    both = (first != HIDDEN) & (second != HIDDEN)
    seen[first[both], second[both]] = True
    # A value that occurs with none, such as a bald head, lacks no pair.
    seen |= ~seen.any(axis=1, keepdims=True)
    return {
        paired[0]: (columns[1], seen.T),
        paired[1]: (columns[0], seen),
    }


def loss_of(attributes, together=None):
    """Returns the sum over attributes of the cross entropy, per image.

    Args:
        attributes: See `Task`.
        together: What `possible` returns. Values that never occur with the
            true value of the other attribute are excluded from the softmax.
            Defaults to none.
    """
    sizes = [len(values) for values in attributes.values()]

    def cross_entropy(labels, logits):
        predicted, truth = tf.split(tf.cast(labels, tf.int64), 2, axis=1)
        losses = []
        groups = tf.split(logits, sizes, axis=1)
        for column, (name, group) in enumerate(
            zip(attributes, groups, strict=True)
        ):
            if name in (together or {}):
                other, table = together[name]
                known = truth[:, other] != HIDDEN
                fits = tf.gather(table, tf.maximum(truth[:, other], 0))
                fits |= ~known[:, None]
                group = tf.where(fits, group, group - 1e4)
            right = predicted[:, column]
            entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.maximum(right, 0), group
            )
            losses.append(tf.where(right == HIDDEN, 0.0, entropy))
        return tf.add_n(losses)

    return cross_entropy


def recognized(model, images, labels, attributes):
    """Returns which predictions of a model are correct.

    Returns:
        dict of each attribute to a bool array, whether it is correct, and an
        int array, the labels, of the images that show the attribute.
    """
    _, logits = model.predict(images, batch_size=500, verbose=0)
    ends = np.cumsum([len(values) for values in attributes.values()])
    groups = np.split(logits, ends[:-1], axis=1)
    result = {}
    for name, group, right in zip(attributes, groups, labels.T, strict=True):
        shown = right != HIDDEN
        found = np.argmax(group, axis=1)
        result[name] = (found == right)[shown], right[shown]
    return result


def accuracies(recognized):
    """Returns for each attribute the share of correct images."""
    return {
        name: float(right.mean()) for name, (right, _) in recognized.items()
    }


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the best validation accuracy.

    On disk, for an interrupted run to resume with.
    """

    def __init__(self, classifier, measure, folder):
        super().__init__()
        self.classifier = classifier
        self.measure = measure
        self.weights = folder / "best.weights.h5"
        self.path = folder / "history.json"
        self.history = []
        self.seconds = 0.0
        if self.path.exists():
            stored = json.loads(self.path.read_text("utf-8"))
            self.history, self.seconds = stored["history"], stored["seconds"]

    def on_epoch_begin(self, epoch, logs=None):
        # An epoch that was measured, but not backed up, is repeated.
        self.history = self.history[:epoch]
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        found = self.measure(self.classifier)
        value = float(np.mean(list(found.values())))
        if value >= max(self.history, default=0.0):
            self.classifier.save_weights(self.weights)
        self.history.append(value)
        self.seconds += time.perf_counter() - self.start
        stored = {"history": self.history, "seconds": self.seconds}
        self.path.write_text(json.dumps(stored), "utf-8")
        shares = ", ".join(
            f"{name} {share:.4f}" for name, share in found.items()
        )
        print(f"epoch {epoch + 1}: {value:.4f} ({shares})", flush=True)


CARD = """# {name}

A small convolutional classifier of {subject}, trained for its
features: `fd_{name}` compares the {num_features} before its last layer.

| | |
|---|---|
| Images | {size}x{size}, {color}, uint8 |
| Network | {convolutions} convolution(s) per stage from {size} to 8 pixels, {width} channels at first, {parameters:,} parameters |
| Classifies | {attributes} |
| Data | {credit} |
| Parts | {parts} |
| Validation | {validation:.2%} (mean over the attributes), epoch {epoch} of {epochs} |
| Test | {test:.2%} |
| Storage | {dtype}; on the test part {stored:.2%} |
| Trained in | {minutes:.0f} minutes on {cores} processor cores ({machine}) |
| sha256 of the weights | `{sha256}` |

Test part:

| Attribute | Accuracy | {unevenness:.0f} grey levels darker, with noise of {unevenness:.0f} |
|---|---|---|
{table}

Made by `{command}`.

What it does badly: {weak}
It is for {subject} only: a Fréchet distance over its features is meaningless
for other images, and not comparable with FID.
"""  # noqa: E501


@backend.own_settings()
def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--dataset", choices=TASKS, default="fashion_mnist")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--convolutions", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--float32", action="store_true")
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)

    task = TASKS[options.dataset]()
    images, labels = task.part("train")
    channels = images.shape[-1]
    count = sum(len(values) for values in task.attributes.values())

    def build(dtype="float32"):
        return features.build_classifier(
            task.size,
            channels,
            count,
            options.width,
            options.convolutions,
            dtype,
        )

    dataset = (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(images), seed=options.seed)
        .map(augmenting(task), num_parallel_calls=2)
        .batch(options.batch_size, drop_remainder=True)
        .prefetch(4)
    )
    model = build("float32" if options.float32 else "mixed_bfloat16")
    steps = len(dataset) * options.epochs
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
        loss_of(
            task.attributes, possible(labels, task.attributes, task.paired)
        ),
    )
    state = options.folder / "unfinished"
    state.mkdir(parents=True, exist_ok=True)
    validation = task.part("validation")
    keep_best = KeepBest(
        model,
        lambda network: accuracies(
            recognized(network, *validation, task.attributes)
        ),
        state,
    )
    trained.fit(
        dataset,
        epochs=options.epochs,
        shuffle=False,  # The dataset is shuffled.
        verbose=2,
        callbacks=[
            keep_best,
            keras.callbacks.BackupAndRestore(state / "backup"),
        ],
    )

    plain = build()
    plain.load_weights(keep_best.weights)
    test = task.part("test")
    exact = accuracies(recognized(plain, *test, task.attributes))
    for dtype in ("float16", "float32"):
        features.save_classifier(
            plain,
            options.folder,
            options.folder.name,
            task.attributes,
            options.width,
            options.convolutions,
            dtype,
        )
        network = features.FeatureNetwork.load(options.folder)
        found = recognized(network.model, *test, task.attributes)
        stored = accuracies(found)
        if all(abs(stored[name] - exact[name]) < 0.001 for name in exact):
            break
    recalls = {
        name: {
            values[place]: float(right[labels == place].mean())
            for place in np.unique(labels)
        }
        for (name, (right, labels)), values in zip(
            found.items(), task.attributes.values(), strict=True
        )
    }
    change = np.random.default_rng(0).normal(
        -UNEVENNESS, UNEVENNESS, test[0].shape
    )
    uneven = np.rint(np.clip(test[0] + change, 0, 255)).astype("uint8")
    uneven = accuracies(
        recognized(network.model, uneven, test[1], task.attributes)
    )
    figures = {
        "validation_accuracy": max(keep_best.history),
        "validation_accuracy_by_epoch": keep_best.history,
        "test_accuracy": exact,
        "test_accuracy_stored": stored,
        "test_accuracy_uneven": uneven,
        "test_recall_by_value": recalls,
        "stored_as": dtype,
        "protocol": task.parts,
        "seed": options.seed,
        "training_minutes": round(keep_best.seconds / 60, 1),
    }
    (options.folder / "metrics.json").write_text(
        json.dumps(figures, indent=2) + "\n", "utf-8"
    )
    (options.folder / "README.md").write_text(
        card(options, task, network, figures), "utf-8"
    )
    shutil.rmtree(state)
    print(f"test accuracy {exact}, stored as {dtype} {stored}")


def card(options, task, network, figures):
    """Returns the text of the card."""
    worst = min(
        (share, value, name)
        for name, shares in figures["test_recall_by_value"].items()
        for value, share in shares.items()
    )
    settings = " ".join(
        f"--{key.replace('_', '-')} {value}"
        for key, value in vars(options).items()
        if key not in ("folder", "float32")
    )
    exact, stored = figures["test_accuracy"], figures["test_accuracy_stored"]
    uneven = figures["test_accuracy_uneven"]
    return CARD.format(
        name=network.name,
        subject=task.subject,
        num_features=network.num_features,
        size=task.size,
        color="grey" if network.image_shape[-1] == 1 else "color",
        convolutions=options.convolutions,
        width=options.width,
        parameters=network.model.count_params(),
        attributes=", ".join(
            f"{name} ({len(values)})"
            for name, values in task.attributes.items()
        ),
        credit=task.credit,
        parts=task.parts,
        validation=figures["validation_accuracy"],
        epoch=int(np.argmax(figures["validation_accuracy_by_epoch"])) + 1,
        epochs=options.epochs,
        test=np.mean(list(exact.values())),
        stored=np.mean(list(stored.values())),
        dtype=figures["stored_as"],
        unevenness=UNEVENNESS,
        table="\n".join(
            f"| {name} | {value:.2%} | {uneven[name]:.2%} |"
            for name, value in stored.items()
        ),
        minutes=figures["training_minutes"],
        cores=os.cpu_count(),
        machine=platform.machine(),
        sha256=network.hash,
        command=f"python -m kerasgan.classifiers {network.name} {settings}"
        + (" --float32" if options.float32 else ""),
        weak=f"of the test images with {worst[2]} {worst[1]} it recognizes "
        f"{worst[0]:.1%}.",
    )


if __name__ == "__main__":
    main()
