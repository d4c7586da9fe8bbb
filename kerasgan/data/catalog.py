"""The prepared data sets: every fact about them that other code relies on.

A further data set is one entry here and a module of its name that prepares
it. Nothing here imports TensorFlow.

Only the training part is ever trained on. The validation part chooses
between runs and epochs; the test part is for published scores.

| Set | How the parts differ |
|---|---|
| `avatars` | by attributes: people who share all are in one part |
| `fashion_mnist` | as published; it has no validation part |
| `fluent` | by concept: tones and genders of one emoji are in one part |
| `personas` | test: pairs of hair style and hair color that no training image has; validation: other captions |
| `relief` | bands of longitude, 54 degrees for training, then 18 and 18 |
"""  # noqa: E501

import dataclasses
import types
from collections.abc import Callable

from kerasgan import names
from kerasgan.data import splits

# Label of an attribute that an image does not show.
HIDDEN = -1


@dataclasses.dataclass(frozen=True)
class DataSet:
    """What is known about one prepared data set.

    Attributes:
        name: str. As TFDS calls it; `kerasgan.data.<name>` prepares it.
        size: int. Height and width at which images are read by default.
            Images that are stored smaller are padded with black to it.
        stored_sizes: Tuple of int. Heights and widths in which TFDS stores
            the images; with several, each is a configuration of that name
            and the first one is the default.
        counts: dict of part to its number of examples, at the first of
            `stored_sizes`.
        image: str. Feature that holds the images to be generated.
        held_out_split: str. Part whose images come from the distribution of the
            training part without being in it.
        credit: str. Source, authors and licence of the data, for cards.
        license: str. Of weights trained on it.
        input: str or `None`. Feature that holds the input images of pairs,
            whose targets are `image`. `None` for a set without pairs.
        halves: Callable from the examples of a set of pairs to a bool array,
            or `None`. Separates the examples of which unpaired training sees
            the target from those of which it sees the input.
        conditions: Tuple of str. Features that a model can be conditioned
            on: `"label"`, `"caption"`.
        classes: Tuple of str. Names of the classes, by label.
        in_captions: Tuple of str. Attributes of the feature network that the
            captions name.
        features: dict of image size to the name of the zoo's feature network
            that was trained on the data.
        caption: str or `None`. An example of a caption.
        hub: str or `None`. Its name on the Hugging Face Hub, if it is there.
        protocols: dict of task to the names of the protocols that measure a
            model by default; the first one is what the leaderboard shows.
            Those of pairs depend on the size: `kerasgan.evaluation`.
        example_captions: Tuple of str. For pages to begin with.
        sides: Pair of str: what the inputs and the targets of pairs show.
            `None` for a set without pairs.
    """

    name: str
    size: int
    stored_sizes: tuple
    counts: dict
    image: str
    held_out_split: str
    credit: str
    license: str
    input: str | None = None
    halves: Callable | None = None
    conditions: tuple = ()
    classes: tuple = ()
    in_captions: tuple = ()
    caption: str | None = None
    hub: str | None = None
    features: dict = dataclasses.field(default_factory=dict)
    protocols: dict = dataclasses.field(default_factory=dict)
    example_captions: tuple = ()
    sides: tuple | None = None

    @property
    def has_pairs(self):
        """bool. Whether the set holds pairs of an input and a target."""
        return self.input is not None


_CLOTHING_PROTOCOLS = (
    "fd10k_fashion_mnist_test",
    "kd10k_fashion_mnist_test",
    "pr10k_fashion_mnist_test",
    "is10k_fashion_mnist",
)

CATALOG = types.MappingProxyType(
    {
        data_set.name: data_set
        for data_set in (
            DataSet(
                name="avatars",
                size=64,
                stored_sizes=(64,),
                counts={"train": 7970, "validation": 1066, "test": 964},
                image="target",
                held_out_split="test",
                credit=(
                    "Personas, by Draftbit, and Avatar Illustration System, "
                    "by Micah Lanier, both CC BY 4.0, drawn by DiceBear, MIT "
                    "licence: the training part of the pairs. "
                    "https://www.dicebear.com/styles/"
                ),
                license="CC-BY-4.0",
                input="input",
                halves=splits.concept_halves,
            ),
            DataSet(
                name="fashion_mnist",
                # Networks halve and double; 28 is not a power of two.
                size=32,
                stored_sizes=(28,),
                counts={"train": 60000, "test": 10000},
                image="image",
                held_out_split="test",
                credit=(
                    "Fashion-MNIST, by Xiao, Rasul and Vollgraf (2017), MIT "
                    "licence: all 60,000 training images, padded with black "
                    "from 28x28 to 32x32. "
                    "https://github.com/zalandoresearch/fashion-mnist"
                ),
                license="MIT",
                hub="zalando-datasets/fashion_mnist",
                conditions=("label",),
                # As the authors name them.
                classes=(
                    "T-shirt/top",
                    "Trouser",
                    "Pullover",
                    "Dress",
                    "Coat",
                    "Sandal",
                    "Shirt",
                    "Sneaker",
                    "Bag",
                    "Ankle boot",
                ),
                features={32: "classifier_fashion_mnist_32"},
                protocols={
                    "image": _CLOTHING_PROTOCOLS,
                    "class-to-image": (
                        *_CLOTHING_PROTOCOLS,
                        "agreement10k_fashion_mnist",
                    ),
                },
            ),
            DataSet(
                name="fluent",
                size=128,
                stored_sizes=(128,),
                counts={"train": 2201, "validation": 309, "test": 351},
                image="target",
                held_out_split="test",
                credit=(
                    "Fluent Emoji, by Microsoft, MIT licence: the training "
                    "part of the pairs of flat and rendered emoji. "
                    "https://github.com/microsoft/fluentui-emoji"
                ),
                license="MIT",
                input="input",
                halves=splits.concept_halves,
                sides=("flat emoji", "3D emoji"),
            ),
            DataSet(
                name="personas",
                size=64,
                stored_sizes=(64, 128),
                counts={"train": 15687, "validation": 834, "test": 3479},
                image="image",
                # The test part differs: pairs that the training part lacks.
                held_out_split="validation",
                credit=(
                    "Personas, by Draftbit, CC BY 4.0, drawn by DiceBear, MIT "
                    "licence: the training part. "
                    "https://personas.draftbit.com/"
                ),
                license="CC-BY-4.0",
                conditions=("caption",),
                caption="a smiling person with long pink hair",
                # The pattern of a shirt is in captions too, but not its cut.
                in_captions=(
                    "hair",
                    "hair_color",
                    "eyes",
                    "mouth",
                    "skin",
                    "clothing_color",
                    "facial_hair",
                ),
                features={64: "classifier_personas_64"},
                protocols={
                    "image": (
                        "fd10k_personas_train",
                        "kd10k_personas_train",
                        "pr10k_personas_train",
                    ),
                    "text-to-image": (
                        "agreement3479_personas_test",
                        "fd3479_personas_test",
                        "kd3479_personas_test",
                        "pr3479_personas_test",
                    ),
                    "text": ("captions10k_personas_test",),
                },
                example_captions=(
                    "a smiling person with fair skin, long red hair, glasses, "
                    "wearing a blue shirt",
                    "a frowning person with dark skin, a bald head, "
                    "sunglasses, a beard, wearing a yellow shirt",
                ),
            ),
            DataSet(
                name="relief",
                size=128,
                stored_sizes=(128, 64),
                # 1052, 531 and 483 at 64 pixels.
                counts={"train": 891, "validation": 357, "test": 340},
                image="target",
                held_out_split="test",
                credit=(
                    "Blue Marble Next Generation, by NASA Earth Observatory, "
                    "and shaded relief of Natural Earth, by Tom Patterson, "
                    "both in the public domain: the training part of the "
                    "patches. "
                    "https://visibleearth.nasa.gov/collection/1484/blue-marble"
                ),
                license="Apache-2.0",
                input="input",
                halves=splits.longitude_halves,
                sides=("shaded relief", "satellite image"),
                features={128: "classifier_relief_128"},
            ),
        )
    }
)

NAMES = tuple(CATALOG)


def get(name):
    """Returns a data set of the catalog.

    Args:
        name: str. One of `NAMES`.

    Returns:
        A `DataSet`.

    Raises:
        ValueError: If the name is not one of `NAMES`.
    """
    if name not in CATALOG:
        raise ValueError(
            f"Unknown data set: {name!r}. {names.hint(name, NAMES)}"
            f"There are {', '.join(NAMES)}."
        )
    return CATALOG[name]
