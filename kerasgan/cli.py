"""The `kerasgan` command.

TensorFlow is imported by the commands that need it, so that `--help`, `list`
and `card` answer at once.
"""

import argparse
import contextlib
import dataclasses
import functools
import inspect
import os
import pathlib
import sys
import warnings

import kerasgan
import zoo
from kerasgan import commands, plain_json, serving
from kerasgan.commands import (
    Usage,
    animate,
    compare,
    completion,
    demo,
    explore,
    generate,
    playground,
    train,
)
from kerasgan.fetch import printable
from kerasgan.tasks import TASKS

# The value of `--size` for images as they are.
_OWN = "own"


def main(arguments=None):
    """Runs one command.

    Args:
        arguments: List of str. Defaults to those of the process.

    Returns:
        int, the exit status: 0, or 2 after an error, which is one line on
        standard error.
    """
    options = parser().parse_args(arguments)
    if hasattr(options, "debug"):
        options.run(options)
        return 0
    os.environ.setdefault(commands.LOG_LEVEL, "3")
    try:
        with _short_warnings():
            options.run(options)
    except KeyboardInterrupt:
        resumes = getattr(options, "resumes", "")
        print(f"kerasgan: interrupted{resumes}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        # It may quote untrusted text.
        print(f"kerasgan: {printable(text, 2000)}", file=sys.stderr)
        return 2
    return 0


@contextlib.contextmanager
def _short_warnings():
    """Shows warnings of this library as one line, without the code."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message, category, filename, *others, **kwargs):
            if category is UserWarning:
                text = " ".join(str(message).split())
                text = f"kerasgan: warning: {printable(text, 2000)}"
                print(text, file=sys.stderr)
            else:
                shown(message, category, filename, *others, **kwargs)

        warnings.showwarning = show
        yield


def parser():
    """Returns the parser of the command line."""
    # Before the command and after it.
    debug = argparse.ArgumentParser(add_help=False)
    debug.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show the traceback of an error, and all of TensorFlow's lines",
    )
    top = argparse.ArgumentParser(
        prog="kerasgan",
        description=kerasgan.__doc__.splitlines()[0],
        parents=[debug],
    )
    top.add_argument("--version", action="version", version=_version())
    added_commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(run, name, description):
        added = added_commands.add_parser(
            name, help=description, description=description, parents=[debug]
        )
        added.set_defaults(run=run)
        return added

    added = command(_list, "list", "List the models of the zoo.")
    added.add_argument("--task", help="only of this task")

    added = command(_card, "card", "Show the metadata of a model.")
    added.add_argument("name", metavar="NAME", help="name, folder or address")
    added.add_argument("--json", action="store_true", help="as JSON")

    generate.add(command)
    animate.add_interpolate(command)
    animate.add_mix(command)
    explore.add_project(command)
    explore.add_directions(command)

    added = command(_translate, "translate", "Translate images.")
    added.add_argument("name", metavar="NAME", help="name, folder or address")
    added.add_argument(
        "input", metavar="IN", help="an image, or a folder with sub-folders"
    )
    added.add_argument(
        "-o",
        "--output",
        required=True,
        help="a .png, or a folder that gets the same sub-folders",
    )
    added.add_argument(
        "--size",
        type=_size,
        help="own: whole images at their own size and shape, in one piece; "
        "or a number: the central square, resized (the size of training)",
    )
    added.add_argument("--to", choices=["a", "b"], help="CycleGAN's direction")

    train.add(command)
    animate.add_animate(command)

    added = command(_evaluate, "evaluate", "Compute the scores of a model.")
    added.add_argument("name", metavar="NAME", help="name, folder or address")
    added.add_argument("--protocol", help="of the scores (the card's)")
    added.add_argument("--truncation", type=float, help="psi (none)")
    added.add_argument("-o", "--output", default="metrics.json")

    added = command(_export, "export", "Write a model for serving.")
    added.add_argument("name", metavar="NAME", help="name, folder or address")
    added.add_argument("folder", metavar="FOLDER", help="new or empty")
    added.add_argument(
        "--format",
        choices=["saved_model", "litert", "onnx"],
        default="saved_model",
        help="file format (saved_model)",
    )
    added.add_argument(
        "--scores",
        action="store_true",
        help="also the discriminator's scores (saved_model)",
    )

    playground.add(command)

    added = command(_publish, "publish", "Publish a finished run.")
    added.add_argument("run_folder", metavar="RUN", help="runs/RECIPE")
    added.add_argument(
        "-o",
        "--output",
        required=True,
        help="folder to write; its last part is the name of the model",
    )
    added.add_argument("--push", help="also to hf://user/repository")
    added.add_argument(
        "--base-model",
        metavar="USER/REPOSITORY",
        help="with --push: the weights on the Hub that training began with",
    )
    added.add_argument("--recipe", help="name or file (the run's own)")
    added.add_argument(
        "--weaknesses", help="known weaknesses, from looking at samples"
    )
    added.add_argument(
        "--data", help="training data, with its authors and licence"
    )
    added.add_argument("--commit", help="of kerasgan during training")

    added = command(
        _convert, "convert", "Convert third-party weights, or to PyTorch."
    )
    added.add_argument(
        "architecture",
        metavar="ARCH",
        help="cyclegan, dcgan, lsgan, wgan_gp, pix2pix, stylegan or stylegan2; "
        "with --to, name of a model",
    )
    files = added.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        default=(),
        help="a checkpoint, NETWORK=FILE or FILE#PLACE; see docs/convert.md",
    )
    added.add_argument(
        "--to",
        action=functools.partial(_InsteadOf, files),
        choices=("pytorch", "safetensors"),
        help="write a model's generators for PyTorch instead",
    )
    added.add_argument(
        "-o", "--output", help="folder of the model, new (required)"
    )
    added.add_argument("--license", help="of the weights, by their authors")
    added.add_argument("--credit", help="authors and source of the weights")
    added.add_argument(
        "--explain",
        action="store_true",
        help="only print which tensor would go where",
    )
    added.add_argument(
        "--classes", type=int, help="of a one-hot code beside the latents"
    )
    added.add_argument(
        "--dataset", default="not stated", help="the training data"
    )
    added.add_argument(
        "--image-size",
        type=int,
        help="CycleGAN's or CUT's, of the training images",
    )
    added.add_argument(
        "--images", help="to translate for samples.png: a file or folder"
    )

    added = command(_serve, "serve", "Answer requests over HTTP.")
    added.add_argument(
        "names", metavar="NAME", nargs="+", help="name, folder or SavedModel"
    )
    added.add_argument(
        "--host", default="127.0.0.1", help="to listen on (%(default)s)"
    )
    added.add_argument(
        "--port", type=int, default=8501, help="0: a free one (%(default)s)"
    )
    added.add_argument(
        "--scores", action="store_true", help="also the discriminator's scores"
    )
    for limit in dataclasses.fields(serving.Limits):
        added.add_argument(
            "--" + limit.name.replace("_", "-"),
            type=commands.positive(limit.type),
            metavar="N",
            default=limit.default,
            help=f"{limit.metadata['help']} (%(default)s)",
        )

    demo.add(command)

    added = command(_data, "data", "Prepare training data.")
    kinds = added.add_subparsers(metavar="ACTION", required=True)
    prepare = kinds.add_parser(
        "prepare", help="write a data set for TFDS", parents=[debug]
    )
    prepare.add_argument("dataset", metavar="SET")
    prepare.add_argument("--data-dir", help="TFDS' folder")
    prepare.set_defaults(run=_data)

    added = command(_fid, "fid", "Fréchet distance of two sets of images.")
    added.add_argument("first", metavar="A", help="a folder or .npz")
    added.add_argument("second", metavar="B", help="a folder or .npz")
    added.add_argument(
        "--insist",
        action="store_true",
        help="also of fewer images than features, where it is far too high",
    )
    _folder_options(added)

    compare.add(command)

    added = command(_stats, "stats", "Write the statistics of a folder.")
    added.add_argument("folder", metavar="FOLDER")
    added.add_argument("-o", "--output", required=True, help="a .npz")
    _folder_options(added)

    completion.add(command, parser)
    return top


def _folder_options(added):
    added.add_argument(
        "--features",
        default="inception_2015",
        help="inception_2015, or features of the zoo such as fashion_mnist",
    )
    added.add_argument("--batch-size", type=int, default=50)
    added.add_argument(
        "--as-trained",
        action="store_true",
        help="read images as training does: upright, alpha on white, 16 bits "
        "scaled, with sub-folders (as pytorch-fid does)",
    )
    added.add_argument(
        "--size",
        type=commands.positive(int),
        metavar="N",
        help="with --as-trained: the central square, resized as in training "
        "(own size)",
    )


def _version():
    return f"%(prog)s {kerasgan.__version__}"


def _list(options):
    for name in zoo.list(options.task):
        print(f"{name:32} {zoo.card(name).description}")


def _card(options):
    card = zoo.card(options.name)
    fields = {
        # The shape is named as in config.json.
        TASKS[card.task].shape if name == "sample_shape" else name: (
            dict(value) if hasattr(value, "keys") else value
        )
        for name, value in vars(card).items()
    }
    if options.json:
        print(plain_json.dumps(fields, indent=2, ensure_ascii=False))
        return
    for name, value in fields.items():
        if name == "scores":
            print("scores:")
            for score, about in value.items():
                print(f"  {score}: {about['metric']} = {_shown(about)}")
        elif isinstance(value, dict):
            text = ", ".join(f"{k} {v:,}" for k, v in value.items())
            print(f"{name}: {text}")
        elif isinstance(value, tuple):
            print(f"{name}: {', '.join(str(v) for v in value) or 'none'}")
        else:
            print(f"{name}: {value}")


def _shown(score):
    """Returns the value of a score, or its values by name, as text."""
    if isinstance(score["value"], dict):
        return ", ".join(f"{k} {v:.4g}" for k, v in score["value"].items())
    return f"{score['value']:.4g}"


def _translate(options):
    card = zoo.card(options.name)
    task = TASKS[card.task]
    if task.method != "translate":
        raise Usage(
            f"{card.name} does not take images: use `kerasgan {task.method}`."
        )
    source, target = pathlib.Path(options.input), pathlib.Path(options.output)
    if not source.exists():
        raise Usage(f"There is no image or folder {source}.")
    commands.start_tensorflow()
    from kerasgan import data
    from kerasgan.data import folder

    if source.is_dir():
        outputs = _outputs(folder.find_images(source), source, target)
    else:
        commands.check_output(target, (task.suffix,))
        outputs = {source: target}
        if target.resolve() == source.resolve():
            raise Usage(f"The output would overwrite the input {source}.")
    gan = zoo.load(options.name)
    if options.to and "to" not in inspect.signature(gan.translate).parameters:
        raise Usage(
            f"{card.name} translates in one direction. Received: "
            f"--to {options.to}"
        )
    direction = {"to": options.to} if options.to else {}
    own = options.size == _OWN
    size = card.image_shape[0] if options.size in (None, _OWN) else options.size
    broken = {}
    for path, output in outputs.items():
        try:
            if own:
                image = folder.read_upright(path, gan.source_channels)
            else:
                image = folder.decode(path, size, gan.source_channels)
        except OSError as error:
            broken[str(path)] = error.__cause__
            continue
        images = image[None]
        if own:
            images = data.pad_to_multiple(
                images, gan.size_multiple, gan.minimum_size
            )
        translated = gan.translate(images, **direction)
        data.save_png(output, data.crop(translated, image.shape[:2])[0])
    if len(broken) < len(outputs):
        how = (
            "at their own size"
            if own
            else f"from their central squares, at {size}x{size} "
            "(--size own: whole images)"
        )
        count = len(outputs) - len(broken)
        print(f"{count} images by {card.name} in {target}, {how}")
    if broken:
        raise OSError(
            f"{len(broken)} of {len(outputs)} images cannot be read and are "
            f"not translated: {', '.join(broken)}. Received: "
            f"{next(iter(broken.values()))}"
        )


def _size(text):
    return _OWN if text == _OWN else commands.positive(int)(text)


def _outputs(paths, source, target):
    """Returns the file to write for each image, none of them twice."""
    if target.resolve().is_relative_to(source.resolve()):
        raise Usage(
            f"The output {target} must be outside the input {source}, or a "
            "second run would translate what the first has written."
        )
    inputs = {path.resolve() for path in paths}
    outputs, sources = {}, {}
    for path in paths:
        output = (target / path.relative_to(source)).with_suffix(".png")
        # Not every file system tells A.png from a.png.
        first = sources.setdefault(str(output).casefold(), path)
        if first is not path:
            raise Usage(
                f"{first} and {path} would both be written to {output}. "
                "Rename one of them."
            )
        if output.resolve() in inputs:
            raise Usage(f"The output {output} would overwrite an input.")
        outputs[path] = output
    return outputs


def _progress(done, total):
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        print(f"\r{done} of {total} images", end=end, file=sys.stderr)


def _evaluate(options):
    commands.check_folder_of(options.output)
    zoo.card(options.name)
    commands.start_tensorflow()
    from kerasgan import evaluation

    scores = evaluation.score(
        options.name, options.protocol, _progress, options.truncation
    )
    text = plain_json.dumps(scores, indent=2, ensure_ascii=False)
    pathlib.Path(options.output).write_text(text + "\n", "utf-8")
    print(text)


def _publish(options):
    commands.start_tensorflow()
    from kerasgan import publishing

    if options.push:
        # Evaluation takes long: an invalid address is refused before it.
        publishing.repository_of(options.push)
        if options.base_model:
            publishing.repository_of(f"hf://{options.base_model}")
    elif options.base_model:
        raise Usage("--base-model is of a card on the Hub: it needs --push.")
    sha256 = publishing.publish(
        options.run_folder,
        options.output,
        recipe=options.recipe,
        about_data=options.data,
        weaknesses=options.weaknesses,
        commit=options.commit,
        progress=_progress,
    )
    print(f"{options.run_folder} is published in {options.output}")
    print(f"To pin exactly this model, append #sha256={sha256} to its address")
    if options.push:
        pushed = publishing.push(
            options.output, options.push, options.base_model
        )
        print(f"Pushed: {pushed}")


def _export(options):
    zoo.card(options.name)
    commands.start_tensorflow()
    gan = zoo.load(options.name)
    written = gan.export(options.folder, options.format, options.scores)
    print(f"{options.name} as {options.format} in {options.folder}")
    print(f"signatures: {', '.join(written)}")
    missing = [name for name in gan.signatures() if name not in written]
    if missing:
        print(
            f"without: {', '.join(missing)} ({options.format} holds neither "
            "random seeds nor text: sample latents, encode captions before)"
        )


class _InsteadOf(argparse.Action):
    """An option with which another argument is not required.

    Args:
        other: The other argument.
        **kwargs: See `argparse.Action`.
    """

    def __init__(self, other, **kwargs):
        super().__init__(**kwargs)
        self.other = other

    def __call__(self, parser, options, value, name=None):
        setattr(options, self.dest, value)
        self.other.required = False


def _convert(options):
    if options.to:
        return _convert_to(options)
    commands.start_tensorflow()
    from kerasgan import convert

    roles = convert.ROLES.get(options.architecture, ())
    paths = {}
    for place, file in enumerate(options.files):
        role, separator, path = file.partition("=")
        if not separator or pathlib.Path(file).exists():
            role = roles[place] if place < len(roles) else f"network {place}"
            path = file
        if role in paths:
            raise Usage(f"There are two files for {role}.")
        paths[role] = path
    sizes = {"image_size": options.image_size, "classes": options.classes}
    if options.explain:
        print(convert.explain(options.architecture, paths, **sizes))
        return
    for name in ("output", "license", "credit"):
        if not getattr(options, name):
            raise Usage(f"--{name} is required, unless with --explain.")
    fresh = convert.convert(
        options.architecture,
        paths,
        options.output,
        license=options.license,
        credit=options.credit,
        dataset=options.dataset,
        images=options.images,
        **sizes,
    )
    print(f"{options.architecture} in {options.output}")
    if fresh:
        print(f"in no file, therefore randomly initialized: {', '.join(fresh)}")


def _convert_to(options):
    if options.files:
        raise Usage("With --to, give the name of one model and no file.")
    if not options.output:
        raise Usage("--output is required with --to.")
    commands.start_tensorflow()
    from kerasgan.convert import to_pytorch

    name = options.architecture
    card = zoo.card(name)
    written = to_pytorch.write(zoo.load(name), options.output, options.to, card)
    print(f"{name} for PyTorch in {options.output}: {', '.join(written)}")


def _serve(options):
    commands.start_tensorflow()
    from kerasgan.serving import models, server

    limits = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(serving.Limits)
    }
    served = [
        models.Model.from_saved_model(name)
        if name not in zoo.list() and models.is_saved_model(name)
        else models.Model.of(zoo.load(name), options.scores)
        for name in options.names
    ]
    server.run(served, options.host, options.port, serving.Limits(**limits))


def _data(options):
    commands.start_tensorflow()
    from kerasgan import data

    folder = data.prepare(options.dataset, options.data_dir)
    print(f"{options.dataset} in {folder}")


def _images_of(options):
    """Returns the function that reads a folder."""
    from kerasgan.metrics import folders

    if options.as_trained:
        return functools.partial(folders.training_images, size=options.size)
    if options.size:
        raise Usage("--size needs --as-trained.")
    return folders.original_images


def _fid(options):
    commands.start_tensorflow()
    from kerasgan.metrics import folders

    images = _images_of(options)
    network = commands.features(options.features)
    value = folders.fid(
        options.first,
        options.second,
        network,
        options.batch_size,
        insist=options.insist,
        images=images,
    )
    print(value)


def _stats(options):
    commands.start_tensorflow()
    from kerasgan.metrics import folders

    images = _images_of(options)
    network = commands.features(options.features)
    folders.stats(
        options.folder, options.output, network, options.batch_size, images
    )
    print(f"Statistics of {options.folder} in {options.output}")


if __name__ == "__main__":
    sys.exit(main())
