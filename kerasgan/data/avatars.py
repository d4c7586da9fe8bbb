"""Avatars: the same people in two drawing styles, as a TFDS builder.

10,000 pairs of 64x64 pixels. Each is one person, described by seven attributes
and drawn twice, in the style of personas (input) and in that of Micah (target),
whose heads are turned and outlined. Everything else, such as noses and collars,
is chosen in each style on its own, so a person has many drawings.

"Personas by Draftbit" (CC BY 4.0) and "Avatar Illustration System" by Micah
Lanier (CC BY 4.0), via DiceBear (MIT).

Parts: people with the same attributes are in one part, chosen by hash; so are
the halves of unpaired training (`catalog.DataSet.halves`).
"""

import json
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import tensorflow_datasets as tfds

from kerasgan.data import cache, catalog, splits
from kerasgan.data.personas import HAIR_COLOR as HAIR_COLORS
from kerasgan.data.personas import PACKAGES as PERSONAS
from kerasgan.data.personas import render

COUNT = 10000
SIZE = catalog.get("avatars").size

# Name, version, sha256 of the tarball.
MICAH = (
    "@dicebear/micah",
    "9.4.3",
    "b948931f01e97147ce8cdcfc4dfdad5c029bcb1ad57420dc0b22bc0aeb1d3fa7",
)
PACKAGES = (*PERSONAS, MICAH)

# Each value's options in personas and in Micah. Colors are the same in both.
HAIR = {
    "bald": ("bald", "mrClean"),
    "balding": ("balding", "dougFunny"),
    "bob": ("bobCut", "pixie"),
    "bowl": ("shortCombover", "dannyPhantom"),
    "long": ("extraLong", "full"),
    "mohawk": ("mohawk", "mrT"),
    "quiff": ("fade", "fonze"),
}
HAIR_COLOR = {color: code for code, color in HAIR_COLORS.items()}
SKIN = {"dark": "92594b", "fair": "eeb4a4", "tan": "d78774"}
CLOTHING_COLOR = {
    "blue": "456dff",
    "green": "6dbb58",
    "pink": "f55d81",
    "purple": "7555ca",
    "turquoise": "54d7c7",
    "yellow": "f3b63a",
}
MOUTH = {
    "frowning": ("frown", "frown"),
    "laughing": ("bigSmile", "laughing"),
    "smiling": ("smile", "smile"),
    "surprised": ("surprise", "surprised"),
}
GLASSES = {"none": ("open", 0), "glasses": ("glasses", 100)}
BEARD = {"none": 0, "beard": 100}

ATTRIBUTES = {
    "hair": tuple(HAIR),
    "hair_color": tuple(sorted(HAIR_COLOR)),
    "skin": tuple(SKIN),
    "clothing_color": tuple(CLOTHING_COLOR),
    "mouth": tuple(MOUTH),
    "glasses": tuple(GLASSES),
    "beard": tuple(BEARD),
}

# Reads the options of one drawing a line; writes one drawing a line.
_PROGRAM = """
import { createAvatar } from '@dicebear/core';
import * as personas from '@dicebear/personas';
import * as micah from '@dicebear/micah';
import { createInterface } from 'node:readline';
const styles = { personas, micah };
for await (const line of createInterface({ input: process.stdin })) {
  const { style, options } = JSON.parse(line);
  console.log(JSON.stringify(createAvatar(styles[style], options).toString()));
}
"""

_DESCRIPTION = f"""\
{COUNT:,} people with seven attributes, each drawn in two styles at \
{SIZE}x{SIZE}: as "Personas by Draftbit" (input) and as "Avatar Illustration \
System" by Micah Lanier (target), both CC BY 4.0, via DiceBear (MIT). A \
procedural data set. People with the same attributes are in one part.\
"""


def attributes_of(name):
    """Returns the attributes of a person, chosen by hash.

    Args:
        name: str. The person's number.

    Returns:
        dict from the keys of `ATTRIBUTES` to values.
    """
    return {
        key: values[splits.digest(f"{name} {key}") % len(values)]
        for key, values in ATTRIBUTES.items()
    }


def concept_of(attributes):
    """Returns the attributes as one text, the same for the same ones.

    A bald head shows no hair color, which is left out.

    Args:
        attributes: dict from the keys of `ATTRIBUTES` to values.
    """
    shown = dict(attributes)
    if shown["hair"] == "bald":
        del shown["hair_color"]
    return ", ".join(f"{key} {value}" for key, value in shown.items())


def visible_labels(attributes):
    """Returns the labels of people, without hair colors that are not shown.

    Args:
        attributes: dict from the keys of `ATTRIBUTES` to int arrays
            `(count,)`, as `data.load` returns them.

    Returns:
        dict of int arrays `(count,)`; `hair_color` is `catalog.HIDDEN` for
        bald heads.
    """
    bald = attributes["hair"] == ATTRIBUTES["hair"].index("bald")
    color = np.where(bald, catalog.HIDDEN, attributes["hair_color"])
    return {**attributes, "hair_color": color}


def split_of(concept):
    """Returns the part that people with these attributes belong to.

    Args:
        concept: str, from `concept_of`.

    Returns:
        `"train"`, `"validation"` or `"test"`.
    """
    # The halves of the training part are by the digit before.
    digit = splits.digest(concept) % 10
    return {0: "validation", 1: "test"}.get(digit, "train")


def options_of(name, attributes):
    """Returns the options of both drawings of a person.

    Args:
        name: str. The person's number, the seed of all that is no attribute.
        attributes: dict from the keys of `ATTRIBUTES` to values.

    Returns:
        Pair of dicts, of personas and of Micah.
    """
    hair = HAIR[attributes["hair"]]
    mouth = MOUTH[attributes["mouth"]]
    eyes, glasses = GLASSES[attributes["glasses"]]
    beard = BEARD[attributes["beard"]]
    color = HAIR_COLOR[attributes["hair_color"]]
    skin = SKIN[attributes["skin"]]
    clothing = CLOTHING_COLOR[attributes["clothing_color"]]
    return (
        {
            "seed": f"personas {name}",
            "hair": [hair[0]],
            "hairColor": [color],
            "skinColor": [skin],
            "clothingColor": [clothing],
            "mouth": [mouth[0]],
            "eyes": [eyes],
            "facialHair": ["beardMustache"],
            "facialHairProbability": beard,
            "backgroundColor": ["ffffff"],
        },
        {
            "seed": f"micah {name}",
            "hair": [hair[1]],
            "hairColor": [color],
            "baseColor": [skin],
            "shirtColor": [clothing],
            "mouth": [mouth[1]],
            "eyes": ["eyes", "round"],
            "glassesColor": ["000000"],
            "glassesProbability": glasses,
            "facialHair": ["beard"],
            "facialHairColor": [color],
            "facialHairProbability": beard,
            "earringsProbability": 0,
            "backgroundColor": ["ffffff"],
        },
    )


def prepare(data_dir=None):
    """Writes the data set; does nothing where it already exists.

    Args:
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own.

    Returns:
        The prepared `tfds.core.DatasetBuilder`.

    Raises:
        OSError: If a package is not available, its checksum differs, or a
            required program is missing.
    """
    builder = Avatars(data_dir=data_dir)
    builder.download_and_prepare()
    return builder


class Avatars(tfds.core.GeneratorBasedBuilder):
    """People in two drawing styles."""

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
                    "id": tfds.features.Text(),
                    "concept": tfds.features.Text(),
                    "input": image,
                    "target": image,
                    "attributes": {
                        key: tfds.features.ClassLabel(names=list(values))
                        for key, values in ATTRIBUTES.items()
                    },
                }
            ),
            supervised_keys=("input", "target"),
            homepage="https://www.dicebear.com/styles/micah/",
            license="CC BY 4.0 (drawings), MIT (generator)",
            citation=(
                "Personas by Draftbit (https://personas.draftbit.com/), CC BY "
                "4.0, and Avatar Illustration System by Micah Lanier "
                "(https://www.figma.com/community/file/829741575478342595), "
                "CC BY 4.0, via DiceBear (https://www.dicebear.com/), MIT"
            ),
        )

    def _split_generators(self, dl_manager):
        people = list(generate_people(COUNT))
        return {
            part: self._generate_examples(
                [p for p in people if split_of(p["concept"]) == part]
            )
            for part in ("train", "validation", "test")
        }

    def _generate_examples(self, people):
        for person in people:
            first, second = person["drawings"]
            yield (
                person["id"],
                {
                    "id": person["id"],
                    "concept": person["concept"],
                    "input": render(first, SIZE),
                    "target": render(second, SIZE),
                    "attributes": person["attributes"],
                },
            )


def generate_people(count):
    """Yields people and their drawings; the first n do not depend on `count`.

    Args:
        count: int.

    Yields:
        Dictionaries with `id`, `attributes`, `concept` and `drawings`, a pair
        of vector images.

    Raises:
        OSError: If Node.js is missing or fails.
    """
    names = [f"{number:05d}" for number in range(count)]
    people = [attributes_of(name) for name in names]
    lines = []
    for name, attributes in zip(names, people, strict=True):
        for style, options in zip(
            ("personas", "micah"), options_of(name, attributes), strict=True
        ):
            options = {**options, "size": 128}
            lines.append(json.dumps({"style": style, "options": options}))
    drawings = _draw(lines)
    for number, (name, attributes) in enumerate(
        zip(names, people, strict=True)
    ):
        yield {
            "id": name,
            "attributes": attributes,
            "concept": concept_of(attributes),
            "drawings": tuple(drawings[2 * number : 2 * number + 2]),
        }


def _draw(lines):
    """Runs the generator on a line for each drawing; returns vector images."""
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
            input="\n".join(lines),
            capture_output=True,
            text=True,
        )
    drawings = result.stdout.splitlines()
    if result.returncode or len(drawings) != len(lines):
        raise OSError(
            f"Drawing with Node.js failed. Received: {len(drawings)} of "
            f"{len(lines)} drawings, {result.stderr.strip()[-300:]!r}."
        )
    return [json.loads(line) for line in drawings]
