"""`kerasgan compare`: all scores of two sets of images, at any number."""

import pathlib
import warnings

from kerasgan import commands, names, plain_json
from kerasgan.commands import Usage

INCEPTION = "inception_2015"
# Of the zoo, for images in color where Inception cannot be had.
INSTEAD = "personas"
# What only a network of features can tell.
SCORES = "Fréchet or kernel distance, IS, precision or recall"


def add(command):
    """Adds the command to the parser."""
    added = command(run, "compare", "Compare two sets of images by all scores.")
    added.add_argument(
        "reference", metavar="A", help="real images: a folder or .npz"
    )
    added.add_argument(
        "generated", metavar="B", help="generated images: a folder or .npz"
    )
    added.add_argument(
        "--size",
        type=commands.image_size,
        metavar="SIZE",
        help="that both are read at, as in training: 64, or width x height "
        "such as 128x64 (that of B)",
    )
    commands.add_fit(added)
    added.add_argument(
        "--features",
        help=f"{INCEPTION} (the default, fetched once: FID, KID, IS); features "
        "of the zoo, made for other images: fashion_mnist, personas or relief; "
        "or none: the sliced Wasserstein distance alone",
    )
    added.add_argument("--batch-size", type=commands.positive(int), default=50)
    added.add_argument("--json", action="store_true", help="as JSON")


def run(options):
    for path in (options.reference, options.generated):
        if not pathlib.Path(path).exists():
            raise Usage(f"There is no folder or .npz file {path}.")
    commands.start_tensorflow()
    from kerasgan.metrics import comparison

    reference, generated = (
        comparison.check_source(path)
        for path in (options.reference, options.generated)
    )
    size = options.size or comparison.common_size(generated, reference)
    if size is None:
        raise Usage(
            "The images of both folders have several sizes, and are compared "
            "at one: give that of training, such as --size 64 or --size "
            "128x64 (width x height). Received: no --size"
        )
    features = _features(options.features)
    scores = {
        "size": names.size_text(size),
        "features": features.name if features else None,
        **comparison.compare(
            *(reference, generated, size, options.fit or "crop", features),
            options.batch_size,
        ),
    }
    if options.json:
        print(plain_json.dumps(scores, indent=2))
        return
    for name, value in scores.items():
        print(f"{name:40} {_shown(name, value, features)}")


def _features(name):
    """Returns the network of that name, by default Inception if possible."""
    if name == "none":
        return None
    if name is not None:
        return commands.features(name)
    try:
        return commands.features(INCEPTION)
    except OSError as error:
        network = commands.features(INSTEAD)
        warnings.warn(
            f"FID, KID and IS need Inception: {error} Instead the features of "
            f"{network.name} are used, a classifier of other images: its "
            "scores say which of two sets is nearer to A, and compare with no "
            "others. `--features` names other ones, or none.",
            stacklevel=2,
        )
        return network


def _shown(name, value, features):
    if value is not None:
        if isinstance(value, float):
            return f"{value:.4g}"
        return f"{value:,}" if isinstance(value, int) else value
    if name == "features":
        return f"none: no {SCORES}"
    if name.startswith("is"):
        return "not given: the features have no classes"
    return f"not given: fewer images than {features.num_features:,}"
