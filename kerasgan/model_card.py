"""The text of a model card: README.md of a published folder."""

import re

from kerasgan import evaluation, models, recipes, tasks
from kerasgan.data import catalog
from kerasgan.metrics import efficientnet
from zoo import cards

README = "README.md"
# Sections that are written by hand, with their options of `kerasgan publish`.
WEAKNESSES = "What it does badly"
DATA = "Data and licence"
OPTIONS = {WEAKNESSES: "--weaknesses", DATA: "--data"}
# Where such a section ends.
END = "(?:## |Licence of the weights: )"

CARD = """\
# {name}

{description} {architecture} ({paper}), trained on {dataset}. \
Intended for research, teaching and experiments: what it generates follows its \
training data and is evidence of nothing else.

{samples}

```python
{imports}

gan = {load}
{usage}
```

## Scores

{scores}

## Training

| | |
|---|---|
| Recipe | {recipe} |{twin}
| Epochs | {epochs} |
| Hours | {hours} on {cores} cores, wall time |
| Processor | {processor} |
| Precision | {precision}; weights stored in 16 bits |
| Parameters | {parameters} |
| Versions | kerasgan {commit}, Keras {keras}, TensorFlow {tensorflow} |

## What it does badly

{weaknesses}

## Data and licence

{data}

Licence of the weights: {license}.
"""
# Of weights that another framework trained.
TWIN = """
| Trained by | `scripts/train_in_pytorch.py train {twin}`, in {framework}: the \
PyTorch mirror of tests/reference, with the recipe's settings |"""
MEASURED = """\
{table}

The other columns are baselines under the same protocol, which metrics.json
states in full; docs/metrics.md explains each. `epoch 1` is the same model after
its first epoch. To score it again: `kerasgan evaluate {name}`."""
# Of features that no model was trained or chosen with.
INDEPENDENT = """ For the
features of EfficientNet-Lite0, trained on photographs by others:
`pip install 'kerasgan[features]'` and `--protocol`."""
SHARES = """

Frequency of each class or attribute value in 10,000 generated images, by the
classifier; in brackets, in the training images:

{lines}"""
CODES = """

What each category of {title} generates, of 1,000 images, by the classifier:

{lines}"""
NEIGHBORS = """

Nearest training images of {samples:,} samples, compared with those of
{held_out_pictures:,} held-out real images (docs/metrics.md, Neighbors):

| Distances in | Median | Median, real | Nearer than median real | Nearer than any real |
|---|---|---|---|---|
{table}"""  # noqa: E501
ARITHMETIC = """

The direction of {value}, the mean latent of {with_it:,} images with them minus
that of {without_it:,} without, added to the latents of {added_to:,} images
without; in brackets a random direction of the same length:

| Times | Shows {value} | Other attributes stay |
|---|---|---|
{table}"""
UNMEASURED = """\
Not measured: kerasgan has no protocol for these data. The weights are those of
epoch {epoch}, which had the lowest `{score}` of the run, {value:.4g}."""


def text(folder, recipe, metrics, weaknesses, about_data):
    """Returns the text of the model card.

    Args:
        folder: `pathlib.Path` of the model, with its figures.
        recipe: `Recipe` that it was trained by.
        metrics: dict, as metrics.json holds it.
        weaknesses: str. What the model does badly.
        about_data: str. Source, authors and licence of the data.
    """
    config, _ = cards.read(folder)
    task = tasks.TASKS[config["task"]]
    if "scores" in metrics:
        scores = MEASURED.format(table=scores_table(metrics), **config)
        if any(efficientnet.NAME in protocol for protocol in metrics["scores"]):
            scores += INDEPENDENT
        scores += _details(metrics)
        for file, caption in evaluation.FIGURES.items():
            if (folder / file).is_file():
                scores += "\n\n" + _figure(file, caption)
    else:
        scores = UNMEASURED.format(**metrics["training"]["kept"])
    caption = (
        "Generated as the recipe says, not selected."
        if recipe.sample
        else "`gan.generate(64, seed=0)`, not selected."
    )
    parameters = ", ".join(
        f"{name} {count:,}" for name, count in config["parameters"].items()
    )
    epochs = metrics["training"]["epochs"]
    stopped = f" --epochs {epochs}" if epochs < recipe.epochs else ""
    command = f"`kerasgan train {recipe.name}{stopped}`"
    if recipe.name not in recipes.names():
        command = f"`{recipe.name}`, the author's own"
    fields = {**config, **metrics["training"]}
    fields |= {"parameters": parameters, "recipe": command}
    fields["twin"] = TWIN.format(**fields) if "twin" in fields else ""
    return CARD.format(
        **fields,
        samples=_samples(folder, task, caption),
        imports=_imports(task),
        load=load(config["name"]),
        paper=paper(config["architecture"]),
        usage=_usage(config, task),
        scores=scores,
        weaknesses=weaknesses,
        data=about_data,
    )


def from_user_or_card(given, folder, heading, content):
    """Returns a section that only its author can write.

    Args:
        given: str or `None`. What the user gave.
        folder: `pathlib.Path`, with or without a card.
        heading: str. A key of `OPTIONS`.
        content: str. What the section says, for the message.

    Raises:
        ValueError: If neither the user nor the present card has it.
    """
    path = folder / README
    if not given and path.is_file():
        found = re.search(
            rf"## {heading}\n\n(.+?)\n\n{END}", path.read_text("utf-8"), re.S
        )
        given = found and found[1]
    if not given:
        raise ValueError(
            f"A card says {content}, which kerasgan cannot know: give "
            f"`{OPTIONS[heading]}`."
        )
    return given


def load(name):
    """Returns the call that loads a model, as cards show it.

    Args:
        name: str. Name, folder or address.
    """
    return f'zoo.load("{name}")'


def paper(architecture):
    """Returns the paper of an architecture as a Markdown link.

    Args:
        architecture: str. Name of a class in `kerasgan.models`.
    """
    docstring = models.architectures()[architecture].__doc__
    return re.search(r"Reference:\s+(\[.+?\]\(.+?\))", docstring, re.S)[1]


def credit(dataset):
    """Returns source, authors and licence of a data set, or `None`.

    Args:
        dataset: str.
    """
    if dataset not in catalog.CATALOG:
        return None
    return catalog.get(dataset).credit


def scores_table(metrics):
    """Returns the scores beside those of the baselines, as Markdown.

    Args:
        metrics: dict of `scores` and `yardsticks`.
    """
    columns = {"this model": metrics["scores"], **metrics["yardsticks"]}
    lines = [
        "| Protocol | Score | " + " | ".join(columns) + " |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for protocol, entry in metrics["scores"].items():
        measured = [scores.get(protocol) for scores in columns.values()]
        several = isinstance(entry["value"], dict)
        for name in entry["value"] if several else [entry["metric"]]:
            cells = [
                "–"
                if one is None or (several and name not in one["value"])
                else f"{one['value'][name] if several else one['value']:.4g}"
                for one in measured
            ]
            lines.append(f"| `{protocol}` | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _details(metrics):
    """Returns what was measured besides scores, as Markdown."""
    details = ""
    if "shares" in metrics:
        generated, real = metrics["shares"]["drawn"], metrics["shares"]["real"]
        lines = [
            f"- {attribute}: "
            + ", ".join(
                f"{value} {share:.1%} ({real[attribute][value]:.1%})"
                for value, share in values.items()
            )
            for attribute, values in generated.items()
        ]
        details += SHARES.format(lines="\n".join(lines))
    found = metrics.get("codes", [])
    for number, categories in enumerate(found, 1):
        lines = [
            f"- {category}: "
            + "; ".join(
                ", ".join(f"{v} {share:.1%}" for v, share in values.items())
                for values in attributes.values()
            )
            for category, attributes in enumerate(categories)
        ]
        title = "the code" if len(found) == 1 else f"code {number}"
        details += CODES.format(title=title, lines="\n".join(lines))
    if "neighbors" in metrics:
        rows = [
            f"| {space} | {found['median']:.4g} | "
            f"{found['held_out_median']:.4g} | "
            f"{found['nearer_than_median']:.1%} | "
            f"{found['nearer_than_any']:.1%} |"
            for space, found in metrics["neighbors"].items()
        ]
        first = next(iter(metrics["neighbors"].values()))
        details += NEIGHBORS.format(table="\n".join(rows), **first)
    if "arithmetic" in metrics:
        found = metrics["arithmetic"]
        rows = [
            f"| {times} | {one['shows_it']:.1%} ({one['random_shows_it']:.1%}) "
            f"| {one['others_kept']:.1%} ({one['random_others_kept']:.1%}) |"
            for times, one in found["times"].items()
        ]
        details += ARITHMETIC.format(table="\n".join(rows), **found)
    return details


def _samples(folder, task, caption):
    """Returns the samples of a model, as Markdown."""
    if task.output == "images":
        return _figure(task.samples, caption)
    lines = (folder / task.samples).read_text("utf-8").splitlines()
    shown = "\n".join(lines[:8])
    return f"```text\n{shown}\n```\n\n*{caption} All in {task.samples}.*"


def _figure(file, caption):
    return f"![{caption}]({file})\n\n*{caption}*"


def _imports(task):
    if task.method == "translate":
        return "import zoo\nfrom kerasgan.data import folder"
    return "import zoo"


def _usage(config, task):
    """Returns the lines that call the model, and what it returns."""
    shape = config[task.shape]
    usage = task.usage
    if task.output == "images":
        arguments, (height, width, _) = config["arguments"], shape
        usage = usage.format(
            caption=_caption(config),
            size=height if height == width else (height, width),
            channels=arguments.get("source_channels", shape[2]),
        )
    if task.output == "text":
        return f"{usage}  # 16 str"
    count = 16 if task.condition != "captions" else 1
    count = count if task.method == "generate" else 1
    kind = "float32" if task.output == "points" else "uint8"
    return f"{usage}  # {kind}, ({count}, {', '.join(map(str, shape))})"


def _caption(config):
    """Returns an example of a caption of a model's data."""
    known = catalog.CATALOG.get(config["dataset"])
    if known and known.caption:
        return known.caption
    return " ".join(config["arguments"].get("vocabulary", [])[:4])
