"""`kerasgan train`: by a recipe, or an architecture on images of one's own."""

import ast
import os
import pathlib
import sys

from kerasgan import commands, recipes
from kerasgan.commands import Usage


def add(command):
    """Adds the command to the parser."""
    added = command(
        run,
        "train",
        "Train by a recipe or on your own images, or resume a run.",
    )
    added.set_defaults(resumes="; the same command resumes the run")
    added.add_argument(
        "recipe", metavar="RECIPE", nargs="?", help="a name or .py file"
    )
    own = added.add_argument_group("on your own images, instead of a recipe")
    own.add_argument("--arch", help=", ".join(recipes.ARCHITECTURES))
    own.add_argument(
        "--data",
        nargs="+",
        metavar="FOLDER",
        help="of images; with a sub-folder for each class for acgan, cgan, "
        "conditional_stylegan and mlp_cgan; two folders for pix2pix (images "
        "of equal names) and cyclegan",
    )
    own.add_argument(
        "--size", type=int, default=64, help="height and width (64)"
    )
    own.add_argument(
        "--set",
        nargs="+",
        action="extend",
        metavar="NAME=VALUE",
        default=[],
        help="epochs, batch_size, lr, augment, channels ... and the arguments "
        "of the architecture; a wrong name lists all",
    )
    added.add_argument("-o", "--output", help="folder of the run (runs/NAME)")
    added.add_argument(
        "--epochs", type=int, help="stop after this many; resume later"
    )
    added.add_argument(
        "--dry-run",
        action="store_true",
        help="check model and data, say what would run, and write no run",
    )
    added.add_argument(
        "--strategy",
        choices=["mirrored", "multiworker"],
        help="all GPUs, or the processes in TF_CONFIG (one device)",
    )
    added.add_argument(
        "--deterministic",
        action="store_true",
        default=None,
        help="resume exactly on a GPU, too, where this is slow; docs/gpu.md",
    )


def run(options):
    if (options.recipe is None) == (options.arch is None):
        raise Usage(
            "Training takes either a recipe, or --arch and --data. Received: "
            + ("neither" if options.recipe is None else "both")
        )
    if options.recipe is not None and (options.data or options.set):
        raise Usage(
            "A recipe brings its own data and settings; --data and --set go "
            f"with --arch. Received: {options.recipe} with them"
        )
    if options.arch is not None and not options.data:
        raise Usage("With --arch comes --data, a folder of images.")
    settings = dict(map(_setting, options.set))
    if options.arch is None:
        recipes.check(options.recipe)
    else:
        recipes.architecture_of(options.arch)
    commands.start_tensorflow()
    from kerasgan import checkpoints, training

    # Before a recipe can create a first tensor.
    strategy = options.strategy and training.strategy(options.strategy)
    if options.arch is None:
        recipe, text = recipes.load(options.recipe)
    else:
        from kerasgan.recipes import _own

        images = options.data if len(options.data) > 1 else options.data[0]
        what = (options.arch, images, options.size)
        recipe = recipes.for_images(*what, **settings)
        text = _own.text(*what, **settings)
    folder = pathlib.Path(options.output or f"runs/{recipe.name}")
    with recipes.explained(pathlib.Path(options.recipe or os.devnull)):
        if options.dry_run:
            print(training.plan(recipe, folder, strategy))
            return
        gan = training.train(
            recipe,
            folder,
            options.epochs,
            # Keras' progress bar is for terminals.
            verbose="auto" if sys.stdout.isatty() else 2,
            strategy=strategy,
            deterministic=options.deterministic,
        )
    if checkpoints.is_chief(gan.distribute_strategy):
        (folder / "recipe.py").write_text(text, "utf-8")
        print(f"{recipe.name}: trained in {folder}")


def _setting(text):
    """Returns name and value of `NAME=VALUE`, numbers and lists as such."""
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise Usage(
            "--set takes NAME=VALUE, such as batch_size=32. "
            f"Received: --set {text}"
        )
    words = {"true": True, "false": False, "none": None}
    if value.lower() in words and name != "augment":
        return name, words[value.lower()]
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
