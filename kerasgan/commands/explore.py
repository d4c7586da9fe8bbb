"""`kerasgan project` and `directions`: latents of an image, and where to go."""

import pathlib
import sys

import zoo
from kerasgan import commands
from kerasgan.commands import Usage
from kerasgan.tasks import TASKS

FIGURES = (".png", ".jpg", ".jpeg", ".webp")
PIXELS = "pixels"
LITE0 = "efficientnet_lite0"


def add_project(command):
    """Adds the command to the parser."""
    added = command(project, "project", "Find latents of a given image.")
    added.add_argument("name", metavar="NAME", help="name, folder or address")
    added.add_argument("image", metavar="IMAGE", help="an image of any size")
    added.add_argument(
        "-o",
        "--output",
        required=True,
        help="a .png of the image that was found; beside it a .npz with its "
        "latents and a .webp with the search are written",
    )
    added.add_argument(
        "--space",
        choices=["z", "w", "w+"],
        help="what is searched: latents (z), or of a StyleGAN one style for "
        "all layers (w, its default) or one for each (w+)",
    )
    added.add_argument(
        "--steps",
        type=commands.positive(int),
        default=300,
        help="of the search (300)",
    )
    added.add_argument(
        "--distance",
        help="features of the zoo such as personas, efficientnet_lite0 (extra "
        "`features`), or pixels (the classifier of the model's data, else "
        "efficientnet_lite0)",
    )
    commands.add_fit(added)
    _add_seed(added, "of the starts of the search (0)")
    _add_condition(added)


def add_directions(command):
    """Adds the command to the parser."""
    added = command(
        directions,
        "directions",
        "Find the directions in which images change most.",
    )
    added.add_argument("name", metavar="NAME", help="name, folder or address")
    added.add_argument(
        "-o",
        "--output",
        required=True,
        help="a .png, .jpg or .webp with a row for each direction; beside it a "
        ".npz with the directions is written",
    )
    added.add_argument(
        "--count",
        type=commands.positive(int),
        default=5,
        help="of directions, the strongest ones (5)",
    )
    added.add_argument(
        "--strength",
        type=commands.positive(float),
        default=3.0,
        help="of the first and last image, in standard deviations (3)",
    )
    added.add_argument(
        "--columns",
        type=commands.positive(int),
        default=7,
        help="images of a row (7)",
    )
    added.add_argument(
        "--styles",
        choices=["coarse", "middle", "fine"],
        help="of a StyleGAN: only of pose and shape, of features, or of colors "
        "and details (all)",
    )
    _add_seed(added, "of the image in the middle (0)")
    _add_condition(added)


def _add_seed(added, text):
    added.add_argument("--seed", type=int, default=0, help=text)


def _add_condition(added):
    added.add_argument("--labels", nargs=1, help="the class (any)")
    added.add_argument("--captions", nargs=1, help="the caption")


def project(options):
    card = _checked(options, "no latents to find")
    commands.check_output(options.output, (".png",))
    source, target = pathlib.Path(options.image), pathlib.Path(options.output)
    if not source.is_file():
        raise Usage(f"There is no image {source}.")
    if source.resolve() == target.resolve():
        raise Usage(f"The output would overwrite the image {source}.")
    height, width, channels = card.image_shape
    commands.start_tensorflow()
    import numpy as np
    import tqdm

    from kerasgan import animations, data, metrics, projection
    from kerasgan.data import folder

    fit = options.fit or folder.CROP
    image = folder.decode(source, (height, width), channels, fit)
    arguments = {"distance": _distance(options.distance, card)}
    if arguments["distance"] is metrics.pixel_distance:
        arguments["pixel_weight"] = 0.0
    gan = zoo.load(options.name)
    with tqdm.tqdm(
        total=options.steps, unit="step", disable=not sys.stderr.isatty()
    ) as bar:
        found = projection.project(
            gan,
            image,
            space=options.space,
            steps=options.steps,
            labels=options.labels,
            captions=options.captions,
            seed=options.seed,
            progress=lambda done, total: bar.update(done - bar.n),
            **arguments,
        )
    data.save_png(target, found.image)
    found.save(target.with_suffix(".npz"))
    beside = np.broadcast_to(image, found.frames.shape)
    frames = np.concatenate([beside, found.frames], axis=2)
    animations.write(target.with_suffix(".webp"), frames, fps=15, hold=2.0)
    psnr = float(metrics.psnr(image[None], found.image[None])[0])
    print(
        f"{target}, at {psnr:.1f} dB; {found.space} of {card.name} in "
        f"{target.with_suffix('.npz')}, the search in "
        f"{target.with_suffix('.webp')}"
    )


def directions(options):
    card = _checked(options, "no directions")
    commands.check_output(options.output, FIGURES)
    commands.start_tensorflow()
    import numpy as np

    from kerasgan import directions, samples

    gan = zoo.load(options.name)
    vectors, strengths = directions.directions(
        gan, options.count, options.styles
    )
    steps = np.linspace(-1.0, 1.0, options.columns) * options.strength
    images = directions.images_along(
        gan,
        vectors,
        options.seed,
        steps,
        options.styles,
        options.labels,
        options.captions,
    )
    flat = images.reshape(-1, *images.shape[2:])
    samples.write(options.output, flat, card.task, options.columns)
    arrays = pathlib.Path(options.output).with_suffix(".npz")
    np.savez(arrays, directions=vectors, strengths=strengths)
    print(
        f"{len(vectors)} directions of {card.name} in {options.output}, from "
        f"-{options.strength:g} to {options.strength:g} standard deviations, "
        f"and in {arrays}"
    )


def _checked(options, what):
    """Returns the card, of a model with what the options give."""
    card = zoo.card(options.name)
    task = TASKS[card.task]
    if task.method != "generate" or task.output != "images":
        raise Usage(
            f"{card.name} does not generate images from latents, so it has "
            f"{what}."
        )
    for key in ("labels", "captions"):
        given = getattr(options, key) is not None
        needs = key == "captions" == task.condition
        if given and key != task.condition or needs and not given:
            raise Usage(
                f"{card.name} is a model for {card.task}, which "
                + (f"needs --{key}" if needs else f"takes no --{key}")
                + f". Received: {'one' if given else 'none'}"
            )
    return card


def _distance(name, card):
    """Returns the distance of a name, by default one that fits the model."""
    from kerasgan import metrics
    from kerasgan.data import catalog

    if name == PIXELS:
        return metrics.pixel_distance
    if name is None:
        data_set = catalog.CATALOG.get(card.dataset)
        size = card.image_shape[0]
        known = data_set is not None and size in data_set.features
        name = card.dataset if known else LITE0
    network = commands.features(name)
    if not network.layers:
        raise Usage(
            "A distance needs features of the zoo, efficientnet_lite0 or "
            f"{PIXELS}. Received: --distance {name}"
        )
    return metrics.PerceptualDistance(network)
