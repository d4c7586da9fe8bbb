"""Feature networks: the features over which images are compared.

A score over features means nothing without the features, so each network
carries its name and the sha256 of its weights, and reports print both.
"""

import hashlib
import json
import math
import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerasgan import backend
from kerasgan.metrics import resize
from kerasgan.weights import compact

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.weights.h5"
# That go through a network at once: 100 images for EfficientNet-Lite0, 56 for
# Inception. A thousand took 14 GB of memory.
MOST_PIXELS = 100 * 224 * 224


def build_classifier(
    image_size,
    channels,
    num_logits,
    width=32,
    convolutions=2,
    dtype="float32",
):
    """Returns a small convolutional classifier for images.

    Each stage is `convolutions` times convolution, batch normalization and
    ReLU; from stage to stage the image is halved, down to 8 pixels (32
    pixels: stages at 32, 16 and 8). The features are the average of the last
    feature maps over the image, as in Inception's pool3.

    Args:
        image_size: int. Height and width, a power of two from 8.
        channels: int. 1 for grey images, 3 for color.
        num_logits: int. One for each class, or for each value of each
            attribute.
        width: int. Channels of the first stage; they double from stage to
            stage up to four times this. Defaults to `32`.
        convolutions: int. Convolutions per stage. Defaults to `2`.
        dtype: str. Keras dtype policy of the stages; features and logits stay
            float32. Defaults to `"float32"`.

    Returns:
        A `keras.Model` from uint8 images `(batch, image_size, image_size,
        channels)` in `[0, 255]` to a list of two float32 tensors: features
        `(batch, num_features)` and raw logits `(batch, num_logits)`.

    Raises:
        ValueError: If `image_size` is not a power of two of at least 8.
    """
    if image_size < 8 or image_size & (image_size - 1):
        raise ValueError(
            "`image_size` must be a power of two of at least 8, because each "
            "stage halves the image. "
            f"Received: image_size={image_size}"
        )
    with backend.own_settings(dtype):
        return _build(image_size, channels, num_logits, width, convolutions)


def _build(image_size, channels, num_logits, width, convolutions):
    images = keras.Input(
        (image_size, image_size, channels), dtype="uint8", name="images"
    )
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(images)
    stages = stages_of(image_size)
    for stage in range(stages):
        size = image_size >> stage
        for index in range(convolutions):
            name = f"{size}_{index}"
            x = layers.Conv2D(
                width * min(2**stage, 4),
                3,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
                name=f"convolution_{name}",
            )(x)
            x = layers.BatchNormalization(
                momentum=0.9, epsilon=1e-5, name=f"norm_{name}"
            )(x)
            x = layers.ReLU(name=f"relu_{name}")(x)
        if stage < stages - 1:
            x = layers.MaxPooling2D(name=f"pool_{size}")(x)
    features = layers.GlobalAveragePooling2D(dtype="float32", name="features")(
        x
    )
    logits = layers.Dense(num_logits, dtype="float32", name="logits")(features)
    return keras.Model(images, [features, logits], name="classifier")


def stages_of(image_size):
    """Returns the number of resolutions of a classifier.

    Args:
        image_size: int. A power of two from 8.
    """
    return int(math.log2(image_size)) - 2


class FeatureNetwork:
    """A frozen network that gives features, and what identifies it.

    Grey images are repeated to three channels where the network takes
    color. Images of another size are resized by the named resizer, or
    refused if there is none.

    Args:
        model: `keras.Model` from images `(batch, height, width, channels)`,
            uint8 or, after a resizer, float32 in `[0, 255]`, to a list that
            begins with features `(batch, num_features)` and raw logits
            `(batch, num_logits)`.
        name: str. Goes into the names of scores: `fd_<name>`.
        hash: str. The sha256 of the weights.
        resizer: str or None. A name from `kerasgan.metrics.resize.RESIZERS`;
            `None` refuses images of any other size. Defaults to `None`.
        attributes: Mapping of str to sequences of str. What the network
            classifies, and the names of the values, one for each logit in
            turn. A classifier of a single attribute calls it `"class"`.
            Defaults to one attribute without names.
        layers: Sequence of str. Names of the layers whose feature maps
            `PerceptualDistance` compares. Defaults to none.

    Example:
    ```python
    features = FeatureNetwork.load("zoo/classifier_fashion_mnist_32")
    metric = FrechetDistance(features)
    ```
    """

    def __init__(
        self, model, name, hash, resizer=None, attributes=None, layers=()
    ):
        resize.get(resizer)
        self.layers = tuple(layers)
        self.model = model
        self.model.trainable = False
        self.name = name
        self.hash = hash
        self.resizer = resizer
        self.image_shape = tuple(model.input_shape[1:])
        self.num_features = model.output_shape[0][-1]
        self.num_logits = model.output_shape[1][-1]
        self.attributes = {
            attribute: tuple(values)
            for attribute, values in (attributes or {"class": ()}).items()
        }
        self._sizes = [len(v) for v in self.attributes.values()]
        if attributes is None:
            self._sizes = [self.num_logits]
        elif sum(self._sizes) != self.num_logits:
            raise ValueError(
                "There must be one name for each logit. Received: "
                f"{sum(self._sizes)} names, {self.num_logits} logits"
            )
        self._compiled = tf.function(
            self._run,
            input_signature=[tf.TensorSpec([None] * 4, tf.uint8)],
            autograph=False,
        )

    @classmethod
    def load(cls, folder):
        """Reads a classifier that `save_classifier` wrote.

        Args:
            folder: str or path. Holds `config.json` and `model.weights.h5`.

        Returns:
            A `FeatureNetwork` in float32, whatever the stored precision.

        Raises:
            OSError: If a file is missing, does not describe a classifier, or
                the checksum of the weights differs.
        """
        folder = pathlib.Path(folder)
        try:
            config = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        except ValueError as error:
            raise OSError(
                f"{folder / CONFIG_FILE} is not JSON: {error}"
            ) from None
        keys = ("name", "image_shape", "attributes", "width", "convolutions")
        if (
            not isinstance(config, dict)
            or config.get("architecture") != "classifier"
            or any(key not in config for key in (*keys, "sha256"))
            or not isinstance(config["attributes"], dict)
        ):
            raise OSError(
                f"{folder / CONFIG_FILE} does not describe a classifier: it "
                'must have architecture="classifier" and the keys '
                f"{', '.join(keys)} and sha256. Received: {str(config)[:200]}"
            )
        weights = folder / WEIGHTS_FILE
        found = hashlib.sha256(weights.read_bytes()).hexdigest()
        if found != config["sha256"]:
            raise OSError(
                f"{weights} is damaged or was replaced: its sha256 must be "
                f"{config['sha256']}. Received: {found}. Fetch it again."
            )
        height, width, channels = config["image_shape"]
        if height != width:
            raise OSError(
                f"{folder / CONFIG_FILE}: images must be square. "
                f"Received: image_shape={config['image_shape']}"
            )
        attributes = config["attributes"]
        model = build_classifier(
            height,
            channels,
            sum(len(values) for values in attributes.values()),
            config["width"],
            config["convolutions"],
        )
        model.load_weights(weights)
        # The last convolution of each resolution.
        last = config["convolutions"] - 1
        sizes = [height >> stage for stage in range(stages_of(height))]
        return cls(
            model,
            config["name"],
            config["sha256"],
            attributes=attributes,
            layers=[f"relu_{size}_{last}" for size in sizes],
        )

    @property
    def classes(self):
        """Tuple of str: names of the classes; empty if there are none."""
        return self.attributes.get("class", ())

    @property
    def num_classes(self):
        """int. How many classes there are.

        Raises:
            ValueError: If the network classifies several attributes instead.
        """
        if len(self._sizes) > 1:
            raise ValueError(
                f"The features {self.name!r} classify {len(self._sizes)} "
                "attributes and have no classes, so an Inception Score over "
                "them is undefined. Use a Fréchet or kernel distance."
            )
        return self.num_logits

    def __call__(self, images):
        """Returns the features of images.

        Args:
            images: uint8 tensor `(batch, height, width, channels)`.

        Returns:
            float32 tensor `(batch, num_features)`.

        Raises:
            TypeError: If `images` is not uint8.
            ValueError: If the shape does not fit the network.
        """
        return self.both(images)[0]

    def probabilities(self, images):
        """Returns the class probabilities of images.

        Args:
            images: uint8 tensor `(batch, height, width, channels)`.

        Returns:
            float32 tensor `(batch, num_logits)`; in each row those of one
            attribute sum to one.
        """
        return self.both(images)[1]

    def recognize(self, images, batch_size=500):
        """Returns the most probable value of each attribute.

        Args:
            images: uint8 array `(count, height, width, channels)`, of any
                count.
            batch_size: int. How many go through the network at once.
                Defaults to `500`.

        Returns:
            dict of each attribute to an int64 array `(count,)`: the position
            of the most probable value among `attributes[attribute]`.
        """
        found = {attribute: [] for attribute in self.attributes}
        for start in range(0, len(images), batch_size):
            rows = images[start : start + batch_size]
            groups = tf.split(self.probabilities(rows), self._sizes, axis=1)
            for values, group in zip(found.values(), groups, strict=True):
                values.append(np.argmax(group, axis=1))
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def both(self, images):
        """Returns features and class probabilities from one pass.

        Args:
            images: uint8 tensor `(batch, height, width, channels)`.

        Returns:
            Tuple of the two float32 tensors of `__call__` and
            `probabilities`.
        """
        images = self._checked(images)
        height, width, _ = self.image_shape
        most = max(1, MOST_PIXELS // (height * width))
        if not tf.executing_eagerly() or len(images) <= most:
            return self._compiled(images)
        parts = [
            self._compiled(images[start : start + most])
            for start in range(0, len(images), most)
        ]
        features, probabilities = zip(*parts, strict=True)
        return tf.concat(features, axis=0), tf.concat(probabilities, axis=0)

    def _checked(self, images):
        images = tf.convert_to_tensor(images)
        if images.dtype != tf.uint8:
            raise TypeError(
                "Images are scored as uint8 in [0, 255], because that is "
                "what a viewer sees. Round them first "
                "(`kerasgan.data.to_uint8`). "
                f"Received: images.dtype={images.dtype.name}"
            )
        height, width, channels = self.image_shape
        shape = tuple(images.shape)
        if len(shape) != 4 or shape[3] not in (channels, 1):
            raise ValueError(
                "Images must have shape (batch, height, width, channels) "
                f"with {channels} channels or, to be repeated, one. "
                f"Received: images.shape={shape}"
            )
        if self.resizer is None and shape[1:3] != (height, width):
            raise ValueError(
                f"The features {self.name!r} are of images of {height}x"
                f"{width} and this network has no resizer. "
                f"Received: images.shape={shape}"
            )
        return images

    def _run(self, images):
        height, width, channels = self.image_shape
        if self.resizer is not None:
            images = resize.get(self.resizer)(images, height, width)
        # Broadcasting repeats a grey batch; a color batch stays as it is.
        shape = tf.shape(images)
        images = tf.broadcast_to(images, tf.concat([shape[:3], [channels]], 0))
        images.set_shape([None, height, width, channels])
        features, logits = self.model(images, training=False)[:2]
        groups = tf.split(tf.cast(logits, tf.float32), self._sizes, axis=1)
        probabilities = tf.concat([tf.nn.softmax(g) for g in groups], axis=1)
        return tf.cast(features, tf.float32), probabilities


def save_classifier(
    model, folder, name, attributes, width, convolutions, dtype="float32"
):
    """Writes a classifier as the folder that `FeatureNetwork.load` reads.

    Args:
        model: `keras.Model`, as `build_classifier` returns it.
        folder: str or path. Made if missing.
        name: str. The name of the features.
        attributes: Mapping of str to sequences of str, one for each logit;
            see `FeatureNetwork`.
        width: int. As given to `build_classifier`.
        convolutions: int. As given to `build_classifier`.
        dtype: str. How weights are stored, `"float32"` or `"float16"`.
            Defaults to `"float32"`.

    Raises:
        ValueError: If a weight is not finite in `dtype`.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS_FILE
    if dtype == "float16":
        with tempfile.TemporaryDirectory() as scratch:
            whole = pathlib.Path(scratch, WEIGHTS_FILE)
            model.save_weights(whole)
            compact(whole, weights)
    else:
        model.save_weights(weights)
    _, height, image_width, channels = model.input_shape
    config = {
        "name": name,
        "architecture": "classifier",
        "image_shape": [height, image_width, channels],
        "attributes": {name: list(v) for name, v in attributes.items()},
        "width": width,
        "convolutions": convolutions,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    (folder / CONFIG_FILE).write_text(
        json.dumps(config, indent=2) + "\n", "utf-8"
    )
