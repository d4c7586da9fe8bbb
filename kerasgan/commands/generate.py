"""`kerasgan generate`: images in one grid, one by one, or as an array."""

import pathlib

import zoo
from kerasgan import commands
from kerasgan.commands import Usage, flag
from kerasgan.tasks import TASKS

GRIDS = (".png", ".jpg", ".jpeg", ".webp")
# Images of a folder are generated so many at a time.
CHUNK = 512


def add(command):
    """Adds the command to the parser."""
    added = command(run, "generate", "Generate images or text.")
    added.add_argument("name", metavar="NAME", help="name, folder or address")
    added.add_argument("-n", "--n", type=int, help="samples (16)")
    added.add_argument("--seed", type=int, help="same seed, same samples")
    commands.add_seeds(
        added, help="one image for each, such as 5 or 0-63, instead of -n"
    )
    added.add_argument(
        "-o",
        "--output",
        required=True,
        help="a .png, .jpg or .webp with a grid of all images; a folder, new "
        "or empty, for one file an image; an .npz for an array; or a .txt "
        "with a line a text",
    )
    added.add_argument("--columns", type=int, help="of the grid")
    added.add_argument(
        "--format",
        choices=["png", "jpg", "webp"],
        help="of the files in a folder (png)",
    )
    added.add_argument(
        "--labels",
        nargs="+",
        help="class names or numbers, one per image or one for all",
    )
    added.add_argument(
        "--captions", nargs="+", help="one text per image, or one for all"
    )
    added.add_argument(
        "--truncation", type=float, help="psi: less variety, fewer failures"
    )


def run(options):
    card = zoo.card(options.name)
    task = TASKS[card.task]
    if task.method != "generate":
        raise Usage(
            f"{card.name} translates images: use `kerasgan {task.method}`."
        )
    seeds = commands.flat(options.seeds)
    requested = _requested(options, card, task, seeds)
    folder = _check_output(options, task)
    commands.start_tensorflow()
    gan = zoo.load(options.name)
    parts = _parts(gan, requested, seeds, options.seed)
    if folder:
        count = _write_each(parts, folder, options.format or "png")
    else:
        count = _write_all(parts, options, card.task)
    kind = "texts" if task.output == "text" else task.output
    print(f"{count} {kind} of {card.name} in {options.output}")


def _requested(options, card, task, seeds):
    """Returns the arguments of `generate`, a condition for each image."""
    keys = ("n", "labels", "captions", "truncation")
    given = {k: v for k in keys if (v := getattr(options, k)) is not None}
    condition = task.condition
    # An option that says how many, where a condition is for all of them.
    allowed = {*task.options, *(["n"] if condition else [])}
    wrong = [key for key in given if key not in allowed]
    if task.output != "images":
        grids = ("columns", "format", "seeds")
        wrong += [k for k in grids if getattr(options, k) is not None]
    if wrong:
        raise Usage(
            f"{card.name} is a model for {card.task}, which takes "
            f"{', '.join(flag(key) for key in task.options)}. "
            f"Received: {flag(wrong[0])}"
        )
    if seeds is not None and (options.seed is not None or "n" in given):
        other = "n" if "n" in given else "seed"
        raise Usage(
            "--seeds gives one image for each seed, so neither -n nor --seed "
            f"goes with it. Received: --seeds and {flag(other)}"
        )
    if condition == "captions" and condition not in given:
        raise Usage(
            f"{card.name} generates what captions describe: give --captions, "
            'one text for each image or one for all, such as --captions "a '
            'smiling person with long pink hair". Received: no captions'
        )
    count = given.get("n") if seeds is None else len(seeds)
    if condition in given and count is not None:
        given.pop("n", None)
        values = given[condition]
        if len(values) not in (1, count):
            raise Usage(
                f"{flag(condition)} takes one for each of the {count} images, "
                f"or one for all. Received: {len(values)}"
            )
        given[condition] = values * (count // len(values))
    if seeds is None and not {"n", condition} & set(given):
        given["n"] = 16
    return given


def _check_output(options, task):
    """Returns the folder for single images, or `None` for one file."""
    path = pathlib.Path(options.output)
    if task.output != "images":
        commands.check_output(path, (task.suffix,))
        return None
    suffix = path.suffix.lower()
    if suffix and not path.is_dir() and not options.output.endswith("/"):
        if options.format is not None:
            raise Usage(
                "--format is of the files in a folder; a file has its suffix. "
                f"Received: --format and {path}"
            )
        commands.check_output(path, (*GRIDS, ".npz"))
        return None
    if options.columns is not None:
        raise Usage(
            "--columns is of a grid, and a folder has none. "
            f"Received: --columns and {path}"
        )
    commands.check_folder_of(path)
    if path.exists() and any(path.iterdir()):
        raise Usage(
            "The folder must be new or empty, so that no image is replaced. "
            f"Received: {path}"
        )
    return path


def _parts(gan, requested, seeds, seed):
    """Yields names and samples; of seeds, so many at a time."""
    from kerasgan import latents

    if seeds is None:
        samples = gan.generate(**requested, seed=seed)
        yield [f"{i:04}" for i in range(len(samples))], samples
        return
    for start in range(0, len(seeds), CHUNK):
        rows = slice(start, start + CHUNK)
        part = {
            key: value[rows] if isinstance(value, list) else value
            for key, value in requested.items()
        }
        images = latents.generate_seeds(gan, seeds[rows], **part)
        yield [f"seed{s:04}" for s in seeds[rows]], images


def _write_each(parts, folder, suffix):
    from kerasgan import samples

    count = 0
    for names, images in parts:
        folder.mkdir(exist_ok=True)
        for name, image in zip(names, images, strict=True):
            samples.save_image(folder / f"{name}.{suffix}", image)
        count += len(names)
    return count


def _write_all(parts, options, task):
    import numpy as np

    from kerasgan import samples

    found = [part for _, part in parts]
    found = found[0] if len(found) == 1 else np.concatenate(found)
    if options.output.lower().endswith(".npz"):
        np.savez_compressed(options.output, images=found)
    else:
        columns = options.columns or max(1, round(len(found) ** 0.5))
        samples.write(options.output, found, task, columns)
    return len(found)
