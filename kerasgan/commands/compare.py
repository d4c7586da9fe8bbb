"""`kerasgan compare`: all scores of two sets of images, at any number."""

import json
import pathlib

from kerasgan import commands
from kerasgan.commands import Usage


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
        "--features",
        default="inception_2015",
        help="inception_2015, or features of the zoo such as fashion_mnist",
    )
    added.add_argument("--batch-size", type=int, default=50)
    added.add_argument("--json", action="store_true", help="as JSON")


def run(options):
    for path in (options.reference, options.generated):
        if not pathlib.Path(path).exists():
            raise Usage(f"There is no folder or .npz file {path}.")
    commands.start_tensorflow()
    from kerasgan.metrics import comparison

    sides = [
        comparison.check_source(path)
        for path in (options.reference, options.generated)
    ]
    features = commands.features(options.features)
    scores = comparison.compare(*sides, features, options.batch_size)
    if options.json:
        print(json.dumps(scores, indent=2))
        return
    for name, value in scores.items():
        if value is None:
            shown = f"not given: fewer images than {features.num_features:,}"
        else:
            shown = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
        print(f"{name:40} {shown}")
