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
        "of equal names), cyclegan, cut and fastcut, or one with "
        "--side-by-side",
    )
    own.add_argument(
        "--side-by-side",
        choices=["left", "right"],
        help="for models of two folders: each file shows input and target side "
        "by side; which half is the input",
    )
    own.add_argument(
        "--size",
        type=commands.image_size,
        help="height and width (64); or width x height, such as 128x64, for "
        "dcgan, lsgan, pearson_lsgan, wgan_gp, cgan and acgan",
    )
    commands.add_fit(own)
    own.add_argument(
        "--set",
        nargs="+",
        action="extend",
        metavar="NAME=VALUE",
        default=[],
        help="epochs, batch_size, lr, augment, channels ... and the arguments "
        "of the architecture, such as latent_dim=64; a wrong name lists all",
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
    own = ("data", "set", "size", "fit", "side_by_side")
    given = [f"--{k.replace('_', '-')}" for k in own if getattr(options, k)]
    if options.recipe is not None and given:
        raise Usage(
            "A recipe brings its own data and settings; these options go with "
            f"--arch. Received: {options.recipe} with {', '.join(given)}"
        )
    if options.arch is not None and not options.data:
        raise Usage("With --arch comes --data, a folder of images.")
    settings = dict(map(_setting, options.set))
    if options.fit:
        settings["fit"] = options.fit
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

        what = (options.arch, _images(options), options.size or 64)
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


def _images(options):
    """Returns what `recipes.for_images` takes as images."""
    folders = options.data if len(options.data) > 1 else options.data[0]
    if not options.side_by_side:
        return folders
    if len(options.data) > 1:
        raise Usage(
            "With --side-by-side each file shows both images, so --data takes "
            f"one folder. Received: {', '.join(options.data)}"
        )
    from kerasgan import data

    return data.SideBySide(folders, options.side_by_side)


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
