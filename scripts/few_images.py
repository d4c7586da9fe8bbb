"""What augmentation adds where there are 500 images.

    kerasgan data prepare fashion_mnist
    pip install matplotlib
    python scripts/few_images.py runs/few_images

StyleGAN2 with 64 feature maps at each resolution, on the first 500 training
images of Fashion-MNIST: without augmentation, with DiffAugment and with ADA, in
three seeds each. At equal intervals it measures

- the distance of 10,000 generated images to **all** 60,000 training images;
- the mean scores of the 500 images, and of 500 others: what the first are above
  the second is what the discriminator learned by heart;
- the p of ADA.

`few_images.json` has all of it, `few_images.svg` both as curves. A stopped run
continues with the next seed; so does one with more of them.
"""

import argparse
import json
import math
import pathlib

import keras
import numpy as np

from kerasgan import augment, data
from kerasgan.data import catalog
from kerasgan.models import StyleGAN2
from kerasgan.recipes import _images

DATA = catalog.get("fashion_mnist")
BATCH_SIZE = 32
# ADA as fast as the run is short.
ARMS = {
    "none": lambda seed: None,
    "DiffAugment": lambda seed: augment.DiffAugment(
        "translation,cutout", seed=seed
    ),
    "ADA": lambda seed: augment.AdaptiveAugmentation(kimg=20, seed=seed),
}
distance = _images.distance_to_training_images(DATA)


def training_images():
    """Returns all training images, uint8."""
    return _images.training_data(DATA.name, DATA.size)[DATA.image]


def build(arm, seed, width=64):
    """Returns the model of an arm, compiled.

    Args:
        arm: str. One of `ARMS`.
        seed: int. Of the first weights and of training.
        width: int. Feature maps. Defaults to `64`.
    """
    keras.utils.set_random_seed(seed)
    gan = StyleGAN2(
        image_size=DATA.size,
        channels=1,
        latent_dim=width,
        style_dim=width,
        mapping_layers=2,
        channel_base=width * DATA.size,
        channel_max=width,
        r1_gamma=0.1,
        path_weight=0.0,
        ema_ramp=0.05,
        seed=seed,
        augment=ARMS[arm](seed),
    )
    gan.compile()
    return gan


def mean_score(gan, images):
    """Returns the mean score of images as they are."""
    scores = [
        gan.scores(data.to_float(images[start : start + 100]))
        for start in range(0, len(images), 100)
    ]
    return float(np.mean(np.concatenate(scores)))


def measured(gan, seen, others):
    """Returns what a point of the curves is made of.

    Args:
        gan: A `StyleGAN2`.
        seen: uint8 images that it is trained on.
        others: uint8 images of the same data that it is not trained on.
    """
    point = {
        **distance(gan),
        "score_seen": mean_score(gan, seen),
        "score_others": mean_score(gan, others),
    }
    if isinstance(gan.augment, augment.AdaptiveAugmentation):
        point["p"] = float(gan.augment.p.numpy())
    return point


def curve(gan, images, count, steps, points):
    """Trains a model, and returns what was measured.

    Args:
        gan: A `StyleGAN2`.
        images: uint8 images, of which the first are the few.
        count: int. How many these are; the last as many are the others.
        steps: int. Of the whole training.
        points: int. How often to measure.

    Returns:
        List of dicts.
    """
    few, others = images[:count], images[-count:]
    every, found = steps // points, []
    for point in range(points):
        stream = data.stream(
            (few,),
            BATCH_SIZE,
            transform=lambda images, _: data.to_float(images),
            seed=gan.seed + 1000 * point,
            epochs=math.ceil(every / (count // BATCH_SIZE)),
        )
        gan.fit(stream, steps_per_epoch=every, verbose=0)
        seen = (point + 1) * every * BATCH_SIZE
        found.append({"images": seen, **measured(gan, few, others)})
        print(gan.augment, found[-1], flush=True)
    return found


def summary(results):
    """Returns the lowest distance of each run, by arm.

    Args:
        results: dict of `"<arm> <seed>"` to curves.
    """
    lowest = {arm: [] for arm in ARMS}
    for name, points in results.items():
        distances = [p[f"fd_{DATA.name}_train"] for p in points]
        lowest[name.split()[0]].append(min(distances))
    return {arm: values for arm, values in lowest.items() if values}


def draw(results, path):
    """Writes the curves of all runs as a figure.

    Args:
        results: As of `summary`.
        path: Of an SVG file.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    colors = dict(zip(ARMS, ("C0", "C1", "C2"), strict=True))
    for name, points in results.items():
        arm, seed = name.split()
        x = [p["images"] / 1000 for p in points]
        style = {"color": colors[arm], "label": arm if seed == "0" else None}
        left.plot(x, [p[f"fd_{DATA.name}_train"] for p in points], **style)
        gaps = [p["score_seen"] - p["score_others"] for p in points]
        right.plot(x, gaps, **style)
    left.set_yscale("log")
    left.set_ylabel("distance to all training images")
    right.set_ylabel("score of the 500, above that of others")
    for axes in (left, right):
        axes.set_xlabel("thousand real images shown")
    left.legend()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kimg", type=float, default=400)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--width", type=int, default=64)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "few_images.json"
    results = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    images = training_images()
    steps = int(1000 * options.kimg / BATCH_SIZE)
    for seed in range(options.seeds):
        for arm in ARMS:
            if f"{arm} {seed}" in results:
                continue
            gan = build(arm, seed, options.width)
            results[f"{arm} {seed}"] = curve(
                gan, images, options.images, steps, options.points
            )
            path.write_text(json.dumps(results, indent=1), "utf-8")
            draw(results, options.folder / "few_images.svg")
    for arm, values in summary(results).items():
        print(f"{arm}: {np.mean(values):.3f}, lowest of each seed: {values}")


if __name__ == "__main__":
    main()
