"""The card of a model on the Hugging Face Hub: metadata, and its own address.

The Hub reads the metadata from YAML at the top of README.md; `huggingface_hub`
writes it. https://huggingface.co/docs/hub/model-cards
"""

import math
import re

from kerasgan import model_card, tasks
from kerasgan.data import catalog
from zoo import cards, remote

# What the Hub takes as `license`, of those that models have; another one is
# `other`, with its name.
# https://huggingface.co/docs/hub/repositories-licenses
LICENSES = frozenset(
    """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigcode-openrail-m
    bigscience-openrail-m bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0
    c-uda cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0
    cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
    cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0
    cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
    creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 gpl-2.0
    gpl-3.0 isc lgpl-2.1 lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl ofl-1.1
    openrail osl-3.0 pddl postgresql unlicense wtfpl zlib
    """.split()
)
INSTALL = """\
```
pip install 'kerasgan[hub]'
```

"""
PIN = """
An address that ends in `#sha256={sha256}`
loads exactly this model or none.
"""


def text(folder, address, sha256, base_model=None):
    """Returns the card of a published folder as the Hub takes it.

    Args:
        folder: `pathlib.Path`, as `publish` made it.
        address: str. `hf://user/repository`, where it will be.
        sha256: str. Of config.json.
        base_model: str or `None`. `user/repository` of the weights that it was
            trained from.

    Returns:
        str. The card, with metadata, and with `address` where the folder's
        card has the name.

    Raises:
        ValueError: If the folder's card does not show how to load the model.
        ImportError: If the extra `hub` is not installed.
    """
    config, metrics = cards.read(folder)
    card = cards.own_file(folder, model_card.README).read_text("utf-8")
    # With the lines before it, down to the end of its block.
    snippet = re.search(
        rf"```python\n(?:(?!```).*\n)*gan = "
        rf"{re.escape(model_card.load(config['name']))}\n(?:(?!```).*\n)*```\n",
        card,
    )
    if not snippet:
        raise ValueError(
            "A card on the Hub shows how to load the model: there must be a "
            f"block with `gan = {model_card.load(config['name'])}`. Received: "
            f"{folder / model_card.README} without it"
        )
    shown = snippet[0].replace(
        model_card.load(config["name"]), model_card.load(address)
    )
    card = (
        f"{card[: snippet.start()]}{INSTALL}{shown}{PIN.format(sha256=sha256)}"
        f"{card[snippet.end() :]}"
    ).replace(
        f"`kerasgan evaluate {config['name']}`",
        f"`kerasgan evaluate {address}`",
    )
    front = metadata(config, metrics, base_model).to_yaml()
    return f"---\n{front}\n---\n\n{card}"


def metadata(config, metrics, base_model=None):
    """Returns what the Hub reads about a model.

    Args:
        config: dict, as config.json holds it.
        metrics: dict, as metrics.json holds it.
        base_model: See `text`.

    Returns:
        A `huggingface_hub.ModelCardData`.

    Raises:
        ImportError: If the extra `hub` is not installed.
    """
    task = tasks.TASKS[config["task"]]
    results = scores(config, metrics)
    data = catalog.CATALOG.get(config["dataset"])
    architecture = config["architecture"].lower()
    fields = {
        "library_name": "kerasgan",
        **license_of(config["license"]),
        "tags": ["keras", "tensorflow", "gan", architecture, config["task"]],
        "pipeline_tag": task.pipeline,
        "language": "en" if task.condition == "captions" else None,
        "datasets": [data.hub] if data and data.hub else None,
        "base_model": base_model,
    }
    if task.output == "images":
        text = f"{config['description']} Not selected."
        output = {"url": task.samples}
        fields["widget"] = [{"text": text, "output": output}]
    if results:
        fields |= {"model_name": config["name"], "eval_results": results}
    return remote.client().ModelCardData(**fields)


def license_of(name):
    """Returns the fields of a licence.

    Args:
        name: str. As the card has it, such as `"CC-BY-4.0"`.

    Returns:
        dict of `license`, an identifier of the Hub; of `license_name`, too,
        where it is `"other"`.
    """
    slug = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")
    known = re.sub(r"-(only|or-later)$", "", slug)
    if known in LICENSES:
        return {"license": known}
    return {"license": "other", "license_name": slug}


def scores(config, metrics):
    """Returns the scores of a model, each under the name of its protocol.

    Args:
        config: dict, as config.json holds it.
        metrics: dict, as metrics.json holds it.

    Returns:
        List of `huggingface_hub.EvalResult`. The Hub takes no number that is
        infinite or NaN: those are left out.
    """
    task = tasks.TASKS[config["task"]]
    data = catalog.CATALOG.get(config["dataset"])
    found = []
    for protocol, entry in metrics.get("scores", {}).items():
        values = entry["value"]
        if not isinstance(values, dict):
            values = {None: values}
        for part, value in values.items():
            if not math.isfinite(value):
                continue
            found.append(
                remote.client().EvalResult(
                    task_type=task.pipeline or task.name,
                    dataset_type=(data and data.hub) or config["dataset"],
                    dataset_name=config["dataset"],
                    dataset_split=entry["protocol"].get("reference_split"),
                    metric_type=part or entry["metric"],
                    metric_name=f"{protocol} {part}" if part else protocol,
                    metric_value=value,
                )
            )
    return found
