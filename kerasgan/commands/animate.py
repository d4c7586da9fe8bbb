"""`kerasgan interpolate`, `mix` and `animate`: paths, styles, progress."""

import pathlib
import re

import zoo
from kerasgan import commands
from kerasgan.commands import Usage
from kerasgan.tasks import TASKS


def add_interpolate(command):
    """Adds the command to the parser."""
    added = command(
        interpolate, "interpolate", "Animate a path through seeds or captions."
    )
    added.add_argument("name", metavar="NAME", help="name, folder or address")
    commands.add_seeds(
        added, required=True, help="the corners, such as 1 2 3 or 0-7"
    )
    _add_output(added)
    added.add_argument(
        "--steps", type=int, default=30, help="images to the next corner (30)"
    )
    added.add_argument("--labels", nargs=1, help="the class of all images")
    added.add_argument(
        "--captions",
        nargs="+",
        help="the caption of all images, or the corners, with one seed",
    )
    added.add_argument(
        "--truncation", type=float, help="psi: less variety, fewer failures"
    )
    added.add_argument(
        "--open", action="store_true", help="do not return to the first corner"
    )


def add_mix(command):
    """Adds the command to the parser."""
    added = command(mix, "mix", "Mix the styles of images of a StyleGAN.")
    added.add_argument("name", metavar="NAME", help="name, folder or address")
    for side, words in (
        ("--rows", "of the images that are changed"),
        ("--columns", "of the images that styles are taken from"),
    ):
        added.add_argument(
            side,
            nargs="+",
            type=commands.seeds,
            metavar="SEED",
            required=True,
            help=f"seeds {words}",
        )
    added.add_argument(
        "--styles",
        choices=["coarse", "middle", "fine"],
        default="coarse",
        help="which are taken: of pose and shape, of features, or of colors "
        "and details (coarse)",
    )
    added.add_argument(
        "--truncation", type=float, help="psi: less variety, fewer failures"
    )
    added.add_argument(
        "-o", "--output", required=True, help="a .png, .jpg or .webp"
    )


def add_animate(command):
    """Adds the command to the parser."""
    added = command(animate, "animate", "Animate the samples of a run.")
    added.add_argument(
        "folder", metavar="RUN", help="runs/NAME, or any folder of images"
    )
    _add_output(added, fps=5)
    added.add_argument(
        "--hold",
        type=float,
        default=2.0,
        help="seconds for which the last image stays (2)",
    )


def _add_output(added, fps=30):
    added.add_argument(
        "-o", "--output", required=True, help="a .webp, .gif, .png or .mp4"
    )
    added.add_argument(
        "--fps",
        type=commands.positive(float),
        default=fps,
        help=f"images a second ({fps})",
    )


def interpolate(options):
    card = zoo.card(options.name)
    task = TASKS[card.task]
    if task.method != "generate" or task.output != "images":
        raise Usage(
            f"{card.name} does not generate images from latents, so there is "
            "no path between two of them."
        )
    for key in ("labels", "captions"):
        given = getattr(options, key) is not None
        if given != (key == task.condition):
            raise Usage(
                f"{card.name} is a model for {card.task}, "
                + ("which takes no " if given else "whose path needs ")
                + f"--{key}. Received: {'one' if given else 'none'}"
            )
    seeds = commands.flat(options.seeds)
    if len(seeds) < 2 and len(options.captions or ()) < 2:
        raise Usage(
            "A path needs at least two corners: --seeds 1 2. "
            f"Received: --seeds {seeds[0]}"
        )
    _check_animation(options.output)
    commands.start_tensorflow()
    from kerasgan import animations, latents

    frames = latents.interpolate(
        zoo.load(options.name),
        seeds,
        options.steps,
        labels=options.labels,
        captions=options.captions,
        truncation=options.truncation,
        closed=not options.open,
    )
    animations.write(options.output, frames, options.fps)
    print(f"{len(frames)} images of {card.name} in {options.output}")


def mix(options):
    card = zoo.card(options.name)
    if card.architecture not in ("StyleGAN", "StyleGAN2"):
        raise Usage(
            "Styles are mixed by a StyleGAN without classes. "
            f"Received: {card.name}, a {card.architecture}"
        )
    commands.check_output(options.output, (".png", ".jpg", ".jpeg", ".webp"))
    rows, columns = commands.flat(options.rows), commands.flat(options.columns)
    commands.start_tensorflow()
    import numpy as np

    from kerasgan import latents, samples

    gan = zoo.load(options.name)
    truncation = options.truncation
    mixed = latents.mix_styles(gan, rows, columns, options.styles, truncation)
    top, left = (
        latents.generate_seeds(gan, seeds, truncation=truncation)
        for seeds in (columns, rows)
    )
    # As in the paper's figure 3: the sources at the top and on the left.
    corner = np.full((1, *top.shape[1:]), 255, np.uint8)
    table = [corner, top]
    for image, row in zip(left, mixed, strict=True):
        table += [image[None], row]
    images = np.concatenate(table)
    samples.write(options.output, images, card.task, 1 + len(columns))
    print(f"{mixed.shape[0]} x {mixed.shape[1]} images in {options.output}")


def animate(options):
    _check_animation(options.output)
    folder = pathlib.Path(options.folder)
    if (folder / "samples").is_dir():
        folder = folder / "samples"
    if not folder.is_dir():
        raise Usage(f"There is no folder {folder}.")
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp")
        and not path.name.startswith(".")
    )
    paths.sort(key=lambda path: [int(n) for n in re.findall(r"\d+", path.name)])
    if not paths:
        raise Usage(
            f"A run's samples are images in its folder. Received: {folder}, "
            "which holds none"
        )
    import numpy as np
    from PIL import Image

    from kerasgan import animations

    frames = []
    for path in paths:
        with Image.open(path) as image:
            frames.append(np.asarray(image.convert("RGB")))
        if frames[-1].shape != frames[0].shape:
            raise Usage(
                "The images of an animation have one size. Received: "
                f"{paths[0].name} of {_size(frames[0])} and {path.name} of "
                f"{_size(frames[-1])}"
            )
    animations.write(options.output, frames, options.fps, options.hold)
    print(f"{len(frames)} images of {folder} in {options.output}")


def _size(frame):
    return f"{frame.shape[1]}x{frame.shape[0]}"


def _check_animation(path):
    from kerasgan import animations

    animations.check(path)
    commands.check_folder_of(path)
