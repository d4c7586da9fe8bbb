"""`kerasgan playground`: a page on which models run in the browser."""

from kerasgan import commands


def add(command):
    """Adds the command to the parser."""
    added = command(
        run, "playground", "Write a page whose models run in the browser."
    )
    added.add_argument("folder", metavar="FOLDER", help="new or empty")
    added.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="name, folder or address (all models of the zoo)",
    )
    added.add_argument(
        "--runtime",
        metavar="PATH",
        help="folder of the npm package onnxruntime-web (npm fetches it)",
    )


def run(options):
    commands.start_tensorflow()
    from kerasgan import playground

    playground.build(
        options.folder,
        options.names or None,
        options.runtime,
        progress=_show,
    )
    print(f"The page is in {options.folder}. To look at it:")
    print(f"python -m http.server --bind 127.0.0.1 -d {options.folder}")


def _show(entry):
    size = entry["bytes"] / 1e6
    share = entry["bytes"] / (4 * entry["weights"])
    print(
        f"{entry['name']}: {size:.2f} MB, {share:.0%} of its float32 weights",
        flush=True,
    )
