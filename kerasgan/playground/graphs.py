"""What the page runs of a model, and which controls it has for it.

Both follow from the model's task, which is its base class: a new architecture
needs nothing here.
"""

import numpy as np
import tensorflow as tf

from kerasgan import latents, models
from kerasgan.data import catalog
from kerasgan.tasks import TASKS

# Largest truncation that the page offers where it is a threshold: hardly any
# number of a normal lies beyond.
LARGEST_THRESHOLD = 4.0


def of(gan):
    """Returns the functions that the page runs.

    Args:
        gan: A `GAN` of images.

    Returns:
        dict of name to pair of function and list of `tf.TensorSpec`. Each
        function returns one tensor. `images` makes images; `styles` what it
        takes from latents, of a model with styles; `encode` sentence vectors
        from tokens, of one with a text encoder. A model that translates has
        one function for each direction.
    """
    if isinstance(gan, models.TranslationGAN):
        return {
            name: (_images_of(gan.signatures()[name][0]), [gan.source_spec])
            for name in _directions(gan)
        }
    vectors = tf.TensorSpec((None, gan.latent_dim), "float32", "latents")
    condition = _condition_spec(gan)
    condition = [] if condition is None else [condition]
    if isinstance(gan, models.StyledGAN):
        truncation = tf.TensorSpec((None,), "float32", "truncation")
        layers = len(_style_resolutions(gan))
        length = gan.generator.average_w.shape[0]
        styles = tf.TensorSpec((None, layers, length), "float32", "styles")

        def to_styles(latents, truncation, *condition):
            return gan.styles(latents, *condition, truncation=truncation)

        def from_styles(styles):
            return gan.to_samples(gan.from_styles(styles))

        return {
            "styles": (to_styles, [vectors, truncation, *condition]),
            "images": (from_styles, [styles]),
        }

    def images(latents, *condition):
        inputs = (latents, *condition) if condition else latents
        return gan.to_samples(gan(inputs))

    found = {"images": (images, [vectors, *condition])}
    if isinstance(gan, models.CaptionGAN):
        tokens = tf.TensorSpec((None, gan.caption_length), "int32", "tokens")
        found["encode"] = (gan.text_encoder, [tokens])
    return found


def controls(gan, card):
    """Returns what the page needs to know of a model, for its manifest.

    Args:
        gan: A `GAN` of images.
        card: Its `zoo.Card`.

    Returns:
        dict of plain values. What the model does not have is `None`.
    """
    data_set = catalog.CATALOG.get(card.dataset)
    if isinstance(gan, models.TranslationGAN):
        first, second = (data_set and data_set.sides) or ("a", "b")
        sides = {"a": first, "b": second}
        return {
            "directions": [
                {
                    "graph": name,
                    "to": to,
                    "source": sides["a" if to == "b" else "b"],
                    "target": sides[to],
                }
                for name, to in _directions(gan).items()
            ],
            "source_channels": gan.source_channels,
        }
    found = {
        "latents": latent_blocks(gan),
        "truncation": _truncation(gan),
        "classes": None,
        "codes": None,
        "captions": None,
        "styles": None,
    }
    if isinstance(gan, models.ClassGAN):
        shares = gan.class_frequencies or (1.0,) * gan.num_classes
        bounds = np.cumsum(shares)[:-1] / np.sum(shares)
        numbers = map(str, range(gan.num_classes))
        found["classes"] = {
            "names": [*(gan.class_names or numbers)],
            # As `ClassGAN.sample_condition` compares with them.
            "bounds": bounds.astype("float32").tolist(),
        }
    if isinstance(gan, models.CodeGAN):
        found["codes"] = {
            "categorical": [*gan.categorical],
            "continuous": gan.continuous,
        }
    if isinstance(gan, models.CaptionGAN):
        captions = (data_set and data_set.example_captions) or ()
        found["captions"] = {
            "vocabulary": [*gan.vocabulary],
            "length": gan.caption_length,
            "examples": [*captions] or [*gan.vocabulary[:1]],
        }
    if isinstance(gan, models.StyledGAN):
        resolutions = np.array(_style_resolutions(gan))
        layers = {
            name: np.flatnonzero((resolutions >= first) & (resolutions <= last))
            for name, (first, last) in latents.STYLES.items()
        }
        found["styles"] = {
            name: numbers.tolist()
            for name, numbers in layers.items()
            if numbers.size
        }
    return found


def is_shown(gan):
    """Returns whether the page can run a model.

    Args:
        gan: A `GAN`.

    Returns:
        bool. `False` for models of text or points, and for those that take
        sentence vectors of another library's encoder.
    """
    if isinstance(gan, models.VectorGAN):
        return isinstance(gan, models.CaptionGAN)
    return TASKS[gan.task].output == "images"


def latent_blocks(gan):
    """Returns how latents follow from a seed.

    Args:
        gan: A model with `seeded_latents`.

    Returns:
        List of dicts, one for each block of columns: `columns`, the `stream`
        of the seed, the `distribution`, `"normal"` or `"uniform"`, and the
        `scale` and `shift` of its numbers.

    Raises:
        ValueError: If they follow in another way.
    """
    found, first = [], 0
    widths = [gan.latent_dim]
    if isinstance(gan, models.AdaGAN):
        # Last the number that selects the component.
        widths = [gan.latent_dim - 1, 1]
    values = gan.seeded_latents(tf.constant(1, "int64"), 4).numpy()
    for stream, columns in enumerate(widths):
        block = values[:, first : first + columns]
        found.append(_block(block, stream))
        first += columns
    return found


def _block(block, stream):
    """Returns the distribution whose numbers of seed 1 these are."""
    for distribution, sample in (
        ("normal", tf.random.stateless_normal),
        ("uniform", tf.random.stateless_uniform),
    ):
        plain = sample(block.shape, (1, stream), alg="philox").numpy()
        scale, shift = np.polyfit(plain.ravel(), block.ravel(), 1)
        if np.allclose(scale * plain + shift, block, atol=1e-5):
            return {
                "columns": block.shape[1],
                "stream": stream,
                "distribution": distribution,
                # Without the last digits, of the fit.
                "scale": round(scale, 6),
                "shift": round(shift, 6) + 0.0,
            }
    raise ValueError(
        "The page samples latents that are normal or uniform, row by row. "
        "Received: others"
    )


def _directions(gan):
    """Returns the set that each signature of a translator translates to."""
    return {
        name: name.removeprefix("translate_to_")[-1:]
        if name.startswith("translate_to_")
        else "b"
        for name, (_, specs) in gan.signatures().items()
        if len(specs) == 1
    }


def _images_of(function):
    return lambda images: function(images)["images"]


def _condition_spec(gan):
    """Returns the condition as the networks take it."""
    if isinstance(gan, models.VectorGAN):
        return gan.vectors_spec
    return getattr(gan, "condition_spec", None)


def _style_resolutions(gan):
    return gan.average_generator.synthesis.style_resolutions


def _truncation(gan):
    """Returns how truncation changes latents or styles, or `None`."""
    if isinstance(gan, models.AdaGAN):
        return None
    try:
        gan.inputs(tf.zeros((1, gan.latent_dim)), truncation=tf.ones(1))
    except ValueError:
        return None
    if isinstance(gan, models.StyledGAN):
        return {"kind": "styles"}
    if isinstance(gan, models.BigGAN):
        return {"kind": "threshold", "largest": LARGEST_THRESHOLD}
    return {"kind": "latents", "mean": gan.latent_mean}
