"""`kerasgan demo`: a page to try models with."""

import importlib.util
import os

import zoo
from kerasgan import commands


def add(command):
    """Adds the command to the parser."""
    added = command(run, "demo", "Show a page to try models with.")
    added.add_argument(
        "names", metavar="NAME", nargs="+", help="name, folder or address"
    )
    added.add_argument(
        "--host", default="127.0.0.1", help="to listen on (%(default)s)"
    )
    added.add_argument(
        "--port", type=int, default=7860, help="0: a free one (%(default)s)"
    )


def run(options):
    if importlib.util.find_spec("gradio") is None:
        raise ImportError(
            "The page is made by gradio, which is not installed: "
            "`pip install 'kerasgan[demo]'`."
        )
    words = [about(zoo.card(name)) for name in options.names]
    commands.start_tensorflow()
    # Before the import, after which it counts no more.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from kerasgan import demo

    gans = [zoo.load(name) for name in options.names]
    demo.run(gans, words, options.host, options.port)


def about(card):
    """Returns what the page says about a model, as Markdown.

    Args:
        card: A `zoo.Card`.
    """
    return (
        f"{card.description} {card.architecture}, trained on {card.dataset}. "
        f"Licence of the weights: {card.license}."
    )
