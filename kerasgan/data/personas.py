"""Personas: drawn faces with attributes and captions, as a TFDS builder.

20,000 faces, composed at random from the parts of an artist's avatar set, like
Google's Cartoon Set: a procedural data set, not photographs. Each face comes
with its attributes and with one sentence that names them, so text-to-image
results can be checked by classifiers.

"Personas by Draftbit" (CC BY 4.0), via DiceBear (MIT).

Two configurations: `personas/64` (the default), the size of the artist's
canvas, and `personas/128`. Faces are vector images, rendered at each size; at
128 pixels edges are sharper, and nothing else is to be seen.

Parts: a fifth of the pairs of hair style and hair color (`HELD_OUT`) is seen
in the test part only. Of the other faces those of every twentieth caption,
by hash, are the validation part, so no caption is in two parts.
"""

import functools
import hashlib
import io
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from kerasgan.data import cache, catalog, splits

COUNT = 20000
SIZES = catalog.get("personas").stored_sizes

# Name, version, sha256 of the tarball.
PACKAGES = (
    (
        "@dicebear/core",
        "9.4.3",
        "6ca7dae651c74ad547e548fbe7c41f49aaa377cf4617259277518389bf6b1a3d",
    ),
    (
        "@dicebear/personas",
        "9.4.3",
        "6f5b4765c4d54444ab0330c4a89da53636662de3b04118b827f005a31332d002",
    ),
)

# The generator's names, with the words that captions have for them.
HAIR = {
    "bald": "a bald head",
    "balding": "balding {color} hair",
    "beanie": "a beanie",
    "bobBangs": "a {color} bob with bangs",
    "bobCut": "a {color} bob cut",
    "bunUndercut": "a {color} bun with undercut",
    "buzzcut": "a {color} buzz cut",
    "cap": "a cap",
    "curly": "big curly {color} hair",
    "curlyBun": "a curly {color} bun",
    "curlyHighTop": "a curly {color} high top",
    "extraLong": "very long {color} hair",
    "fade": "a {color} fade",
    "long": "long {color} hair",
    "mohawk": "a {color} mohawk",
    "pigtails": "{color} pigtails",
    "shortCombover": "short combed {color} hair",
    "shortComboverChops": "short {color} hair and sideburns",
    "sideShave": "side-shaved {color} hair",
    "straightBun": "a straight {color} bun",
}
HAIR_COLOR = {
    "362c47": "black",
    "dee1f5": "white",
    "f29c65": "blond",
    "6c4545": "brown",
    "f27d65": "orange",
    "e16381": "pink",
    "e15c66": "red",
}
CLOTHING_COLOR = {
    "456dff": "blue",
    "6dbb58": "green",
    "f55d81": "pink",
    "7555ca": "purple",
    "e24553": "red",
    "54d7c7": "turquoise",
    "f3b63a": "yellow",
}
SKIN = {
    "eeb4a4": "fair",
    "e7a391": "fair",
    "e5a07e": "fair",
    "d78774": "tan",
    "b16a5b": "tan",
    "92594b": "dark",
    "623d36": "dark",
}
MOUTH = {
    "bigSmile": "laughing",
    "frown": "frowning",
    "lips": "with full lips",
    "pacifier": "with a pacifier",
    "smile": "smiling",
    "smirk": "smirking",
    "surprise": "surprised",
}
EYES = {
    "glasses": "glasses",
    "happy": "happy eyes",
    "open": "open eyes",
    "sleep": "closed eyes",
    "sunglasses": "sunglasses",
    "wink": "a winking eye",
}
FACIAL_HAIR = {
    "beardMustache": "beard and mustache",
    "goatee": "goatee",
    "none": "",
    "pyramid": "pyramid mustache",
    "shadow": "stubble beard",
    "soulPatch": "soul patch",
    "walrus": "walrus mustache",
}
BODY = ("checkered", "rounded", "small", "squared")
NOSE = ("mediumRound", "smallRound", "wrinkles")

ATTRIBUTES = {
    "hair": tuple(HAIR),
    "hair_color": tuple(sorted(HAIR_COLOR.values())),
    "eyes": tuple(EYES),
    "mouth": tuple(MOUTH),
    "skin": ("dark", "fair", "tan"),
    "clothing_color": tuple(sorted(CLOTHING_COLOR.values())),
    "body": BODY,
    "facial_hair": tuple(FACIAL_HAIR),
    "nose": NOSE,
}


def _held_out():
    """Every style loses one color, and the first seven lose a second one.

    24 of the 119 pairs of a style whose caption names the color. Steps of 3
    and 5 spread them: each color still has 13 styles or more in training.
    """
    styles = [style for style, words in HAIR.items() if "{color}" in words]
    colors = ATTRIBUTES["hair_color"]
    pairs = {(s, colors[3 * i % 7]) for i, s in enumerate(styles)}
    pairs |= {(s, colors[(3 * i + 5) % 7]) for i, s in enumerate(styles[:7])}
    return frozenset(pairs)


# Pairs (hair, hair_color) that only the test part has.
HELD_OUT = _held_out()

# Reads one seed a line; writes one face a line.
_PROGRAM = """
import { createAvatar } from '@dicebear/core';
import * as personas from '@dicebear/personas';
import { createInterface } from 'node:readline';
for await (const seed of createInterface({ input: process.stdin })) {
  const options = { seed, size: 128, backgroundColor: ['ffffff'] };
  const face = createAvatar(personas, options);
  const extra = face.toJson().extra;
  console.log(JSON.stringify({ svg: face.toString(), extra }));
}
"""

_DESCRIPTION = f"""\
{COUNT:,} drawn faces with nine attributes and a caption. Composed at random \
from the parts of "Personas by Draftbit" (CC BY 4.0), via DiceBear (MIT); a \
procedural data set, not photographs. The test part has the pairs of hair \
style and hair color that the other parts lack; the validation part has other \
captions than the training part.\
"""


def caption_of(attributes):
    """Describes a face in one sentence.

    Args:
        attributes: Dictionary from the keys of `ATTRIBUTES` to values.

    Returns:
        str, such as `"a smiling person with fair skin, a red bob cut, open
        eyes, wearing a blue shirt"`.
    """
    mouth = MOUTH[attributes["mouth"]]
    before, after = (
        ("", f", {mouth}") if mouth.startswith("with") else (f"{mouth} ", "")
    )
    hair = HAIR[attributes["hair"]].format(color=attributes["hair_color"])
    beard = FACIAL_HAIR[attributes["facial_hair"]]
    beard = f", a {beard}" if beard else ""
    pattern = "checkered " if attributes["body"] == "checkered" else ""
    return (
        f"a {before}person with {attributes['skin']} skin, {hair}, "
        f"{EYES[attributes['eyes']]}{beard}, wearing a "
        f"{attributes['clothing_color']} {pattern}shirt{after}"
    )


def is_caption(text):
    """Returns whether a sentence could be a caption: `caption_of` some face.

    Args:
        text: str.

    Returns:
        bool.
    """
    return _grammar().fullmatch(text) is not None


@functools.cache
def _grammar():
    """The regular expression of all captions."""

    def one_of(words):
        return f"(?:{'|'.join(map(re.escape, sorted(set(words))))})"

    after = [mouth for mouth in MOUTH.values() if mouth.startswith("with")]
    before = [mouth for mouth in MOUTH.values() if mouth not in after]
    colors = one_of(HAIR_COLOR.values())
    hair = [
        colors.join(map(re.escape, words.split("{color}")))
        for words in HAIR.values()
    ]
    beards = one_of(beard for beard in FACIAL_HAIR.values() if beard)
    face = (
        f"person with {one_of(SKIN.values())} skin, (?:{'|'.join(hair)}), "
        f"{one_of(EYES.values())}(?:, a {beards})?, wearing a "
        f"{one_of(CLOTHING_COLOR.values())} (?:checkered )?shirt"
    )
    return re.compile(f"a (?:{one_of(before)} {face}|{face}, {one_of(after)})")


def visible_labels(attributes):
    """Returns the labels of faces, without hair colors that are not shown.

    Args:
        attributes: dict from the keys of `ATTRIBUTES` to int arrays
            `(count,)`, as `data.load` returns them.

    Returns:
        dict of int arrays `(count,)`. `hair_color` is `catalog.HIDDEN` for
        faces whose hair style shows none, and whose caption names none.
    """
    shows = np.array(["{color}" in HAIR[style] for style in HAIR])
    color = np.where(
        shows[attributes["hair"]], attributes["hair_color"], catalog.HIDDEN
    )
    return {**attributes, "hair_color": color}


def split_of(attributes):
    """Returns the part that a face belongs to.

    Args:
        attributes: Dictionary from the keys of `ATTRIBUTES` to values.

    Returns:
        `"train"`, `"validation"` or `"test"`.
    """
    if (attributes["hair"], attributes["hair_color"]) in HELD_OUT:
        return "test"
    if splits.digest(caption_of(attributes)) % 20 == 0:
        return "validation"
    return "train"


def prepare(data_dir=None):
    """Writes both configurations; does nothing where they already exist.

    Args:
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own.

    Returns:
        The prepared `tfds.core.DatasetBuilder` of the default configuration.

    Raises:
        OSError: If a package is not available, its checksum differs, or a
            required program is missing.
    """
    builders = [Personas(config=str(size), data_dir=data_dir) for size in SIZES]
    for builder in builders:
        builder.download_and_prepare()
    return builders[0]


class Personas(tfds.core.GeneratorBasedBuilder):
    """Faces with attributes and captions."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(
            name=str(size), description=f"Faces of {size}x{size} pixels."
        )
        for size in SIZES
    ]

    def _info(self):
        size = int(self.builder_config.name)
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "id": tfds.features.Text(),
                    "image": tfds.features.Image(
                        shape=(size, size, 3), encoding_format="png"
                    ),
                    "caption": tfds.features.Text(),
                    "attributes": {
                        key: tfds.features.ClassLabel(names=list(values))
                        for key, values in ATTRIBUTES.items()
                    },
                }
            ),
            supervised_keys=("caption", "image"),
            homepage="https://personas.draftbit.com/",
            license="CC BY 4.0 (drawings), MIT (generator)",
            citation=(
                "Personas by Draftbit (https://personas.draftbit.com/), "
                "CC BY 4.0, via DiceBear (https://www.dicebear.com/), MIT"
            ),
        )

    def _split_generators(self, dl_manager):
        faces = list(generate_faces(COUNT))
        return {
            part: self._generate_examples(
                [face for face in faces if split_of(face["attributes"]) == part]
            )
            for part in ("train", "validation", "test")
        }

    def _generate_examples(self, faces):
        size = int(self.builder_config.name)
        for face in faces:
            yield (
                face["id"],
                {
                    "id": face["id"],
                    "image": render(face["svg"], size),
                    "caption": caption_of(face["attributes"]),
                    "attributes": face["attributes"],
                },
            )


def generate_faces(count):
    """Yields drawn faces; the first n are the same whatever `count` is.

    Args:
        count: int.

    Yields:
        Dictionaries with `id`, `svg` and `attributes`.

    Raises:
        OSError: If Node.js is missing or fails.
    """
    names = [f"{number:05d}" for number in range(count)]
    seeds = [hashlib.md5(name.encode()).hexdigest() for name in names]
    if shutil.which("node") is None:
        raise OSError(
            "The command `node` is missing. Install Node.js, 18 or newer, to "
            "prepare this data set."
        )
    sources = [cache.npm_package(*package) for package in PACKAGES]
    with tempfile.TemporaryDirectory() as folder:
        # Node.js looks for packages in the folder of this name.
        modules = pathlib.Path(folder, "node_modules")
        for (name, _, _), source in zip(PACKAGES, sources, strict=True):
            shutil.copytree(source, modules / name)
        result = subprocess.run(
            ["node", "--input-type=module", "--eval", _PROGRAM],
            cwd=folder,
            input="\n".join(seeds),
            capture_output=True,
            text=True,
        )
    lines = result.stdout.splitlines()
    if result.returncode or len(lines) != count:
        raise OSError(
            f"Drawing faces with Node.js failed. Received: {len(lines)} of "
            f"{count} faces, {result.stderr.strip()[-300:]!r}."
        )
    for name, line in zip(names, lines, strict=True):
        face = json.loads(line)
        yield {
            "id": name,
            "svg": face["svg"],
            "attributes": attributes_of(face["extra"]),
        }


def attributes_of(extra):
    """Translates the generator's record of a face.

    Args:
        extra: Dictionary, as the generator wrote it.

    Returns:
        Dictionary from the keys of `ATTRIBUTES` to values.
    """

    def color(key):
        return extra[key].removeprefix("#")

    return {
        "hair": extra["hair"],
        "hair_color": HAIR_COLOR[color("hairColor")],
        "eyes": extra["eyes"],
        "mouth": extra["mouth"],
        "skin": SKIN[color("skinColor")],
        "clothing_color": CLOTHING_COLOR[color("clothingColor")],
        "body": extra["body"],
        "facial_hair": extra.get("facialHair") or "none",
        "nose": extra["nose"],
    }


def render(svg, size):
    """Renders a vector image on white.

    Args:
        svg: str.
        size: int. Height and width.

    Returns:
        uint8 array `(size, size, 3)`.
    """
    # Imported here: reading the prepared data set needs no renderer.
    import resvg_py

    png = resvg_py.svg_to_bytes(
        svg_string=svg,
        width=size,
        height=size,
        background="#ffffff",
        skip_system_fonts=True,
    )
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))
