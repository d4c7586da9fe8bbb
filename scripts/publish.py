"""Publishes a finished run: weights, scores and card in the zoo.

    python scripts/publish.py runs/dcgan_fashion_mnist_32 --commit 0123abc

Takes the best weights of the run, measures them once on the test data and
writes zoo/<name>/: config.json, model.weights.h5, metrics.json, samples.png
and README.md. What the model does badly is for a person to see; it comes from
--weaknesses, or stays as it is on the card that is there.
"""

import argparse
import json
import pathlib
import re
import sys

import zoo
from kerasgan import evaluation, publishing, training

ZOO = pathlib.Path(zoo.__file__).parent

CARD = """\
# {name}

{description} {architecture}, trained on {dataset}.

![Images 0 to 63 of seed 0, not selected](samples.png)

*`gan.generate(64, seed=0)`, not selected.*

```python
import zoo

gan = zoo.load("{name}")
images = gan.generate(16, seed=0)  # uint8, {batch_shape}
```

## Scores

{scores}

`real` is real training images in place of generated ones; `epoch 1` is the
same model after its first epoch, when the averaged generator, which draws, has
not yet left its random start. All are under the same protocol, which
metrics.json spells out; docs/metrics.md explains each. Again by
`kerasgan evaluate {name}`.

Share of each class among 10,000 images, as the classifier sees it:

{shares}

## Training

| | |
|---|---|
| Recipe | `kerasgan train {recipe}` |
| Epochs | {epochs} |
| Hours | {hours} on {cores} cores, by the clock, other work beside it |
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

DATA = {
    "fashion_mnist": (
        "Fashion-MNIST, by Xiao, Rasul and Vollgraf (2017), MIT licence: all "
        "60,000 training images, padded with black from 28x28 to 32x32. "
        "https://github.com/zalandoresearch/fashion-mnist"
    ),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--recipe", help="name or file (of the run)")
    parser.add_argument(
        "--commit", required=True, help="of kerasgan that the run was made by"
    )
    parser.add_argument("--weaknesses", help="what the model does badly")
    options = parser.parse_args()

    about = json.loads((options.run / "run.json").read_text("utf-8"))
    recipe, _ = training.load_recipe(options.recipe or about["recipe"])
    folder = ZOO / recipe.name
    weaknesses = options.weaknesses or old_weaknesses(folder / "README.md")

    first = write(recipe, options.run / "first.weights.h5", options.run)
    first_scores = evaluation.evaluate(first)
    write(recipe, options.run / "best.weights.h5", ZOO)
    metrics = {
        "scores": evaluation.evaluate(recipe.name),
        "yardsticks": {
            "real": evaluation.real_against_real(
                recipe.dataset, size=zoo.card(recipe.name).image_shape[0]
            ),
            "epoch 1": first_scores,
        },
        "class_shares": evaluation.class_shares(
            zoo.load(recipe.name).generate, recipe.dataset
        ),
        "training": {
            **publishing.training_summary(options.run),
            "commit": options.commit,
        },
    }
    publishing.write_json(folder / "metrics.json", metrics)
    (folder / "README.md").write_text(card(folder, metrics, weaknesses))
    print(f"{folder}: {scores_table(metrics)}")


def write(recipe, weights, parent):
    """Writes a folder of the zoo from one of the run's weight files."""
    gan = recipe.build()
    gan.load_weights(weights)
    folder = parent / recipe.name
    publishing.write(
        gan,
        folder,
        dataset=recipe.dataset,
        description=recipe.description,
        license=recipe.license,
        recipe=recipe.name,
        classes=recipe.classes,
        features=recipe.features,
        sample=recipe.sample,
    )
    return folder


def card(folder, metrics, weaknesses):
    """Returns the text of the model card."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    height, width, channels = config["image_shape"]
    fields = {**config, **metrics["training"]}
    fields["parameters"] = ", ".join(
        f"{name} {count:,}" for name, count in config["parameters"].items()
    )
    return CARD.format(
        **fields,
        batch_shape=f"(16, {height}, {width}, {channels})",
        scores=scores_table(metrics),
        shares=shares_table(metrics["class_shares"]),
        weaknesses=weaknesses,
        data=DATA[config["dataset"]],
    )


def scores_table(metrics):
    """Returns the scores beside their yardsticks, as Markdown."""
    columns = {"this model": metrics["scores"], **metrics["yardsticks"]}
    lines = [
        "| Protocol | Score | " + " | ".join(columns) + " |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for protocol, entry in metrics["scores"].items():
        values = [scores[protocol]["value"] for scores in columns.values()]
        if isinstance(entry["value"], dict):
            rows = {n: [v[n] for v in values] for n in entry["value"]}
        else:
            rows = {entry["metric"]: values}
        for name, row in rows.items():
            cells = " | ".join(f"{value:.4g}" for value in row)
            lines.append(f"| `{protocol}` | {name} | {cells} |")
    return "\n".join(lines)


def shares_table(shares):
    """Returns the share of each class among the images, as Markdown."""
    names = " | ".join(shares)
    cells = " | ".join(f"{share:.1%}" for share in shares.values())
    return f"| {names} |\n{'|---' * len(shares)}|\n| {cells} |"


def old_weaknesses(path):
    """Returns what the present card says the model does badly."""
    if path.exists():
        text = path.read_text("utf-8")
        found = re.search(r"## What it does badly\n\n(.+?)\n\n## ", text, re.S)
        if found:
            return found[1]
    sys.exit("Look at samples.png and say it with --weaknesses.")


if __name__ == "__main__":
    main()
