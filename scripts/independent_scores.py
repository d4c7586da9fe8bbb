"""Adds scores over features of no model here to the cards of faces and relief.

    pip install '.[features]'
    kerasgan data prepare personas
    kerasgan data prepare relief
    python scripts/independent_scores.py [NAME ...]
    python scripts/leaderboard.py

Their other scores are over classifiers that saw the images which the models
were trained on. EfficientNet-Lite0 was trained on photographs, by others; no
epoch and no setting was chosen with it. The scores of the models and of real
images are written to the metrics.json of each.
"""

import argparse
import json

import zoo
from kerasgan import evaluation, metrics, publishing, tasks
from kerasgan.data import catalog
from kerasgan.evaluation import baselines

DATA = ("personas", "relief")


def names():
    """Returns the models that are scored by default."""
    return [
        name
        for name in zoo.list()
        if zoo.card(name).dataset in DATA and zoo.card(name).image_shape
    ]


def protocols_of(card):
    """Returns the names of the protocols of a model.

    Args:
        card: `zoo.Card`.
    """
    features = metrics.efficientnet.NAME
    if tasks.TASKS[card.task].method == "translate":
        count = catalog.get(card.dataset).counts["test"]
        size = card.image_shape[0]
        return [f"kd{count}_{features}_{card.dataset}_test_{size}"]
    # Captions are of combinations that no training image has.
    part = "test" if tasks.TASKS[card.task].condition == "captions" else "train"
    return [f"fd10k_{features}_{part}", f"kd10k_{features}_{part}"]


def baselines_of(card, protocols):
    """Returns the scores of the baselines, by their names.

    Args:
        card: `zoo.Card`.
        protocols: list of str.
    """
    reference = evaluation.ReferenceData(card.dataset, card.image_shape[0])
    if tasks.TASKS[card.task].method == "translate":
        return baselines.pair_baselines(reference, protocols)
    return {"real": baselines.real_baseline(reference, protocols)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", metavar="NAME", nargs="*")
    known = {}
    for name in parser.parse_args().names or names():
        card = zoo.card(name)
        protocols = protocols_of(card)
        path = zoo.folder(name) / "metrics.json"
        kept = json.loads(path.read_text("utf-8"))
        kept["scores"] |= evaluation.score(name, protocols)
        # The same for models of the same data.
        of_data = card.dataset, card.image_shape[0], *protocols
        if of_data not in known:
            known[of_data] = baselines_of(card, protocols)
        for label, scores in known[of_data].items():
            kept["yardsticks"].setdefault(label, {}).update(scores)
        publishing.write_json(path, kept)
        for protocol in protocols:
            print(name, protocol, kept["scores"][protocol]["value"])


if __name__ == "__main__":
    main()
