"""Makes the pages and notebooks of tutorials/.

    pip install -e '.[docs,data,onnx,litert]'
    python scripts/tutorials.py pages docs/tutorials [NAME ...]
    python scripts/tutorials.py notebooks FOLDER

`pages` runs each tutorial in full and writes it as Markdown, with what its
cells print and the figures that they save. `notebooks` runs nothing: it writes
the same cells as Jupyter notebooks, with the figures of docs/tutorials.
"""

import argparse
import ast
import base64
import contextlib
import io
import os
import pathlib
import re
import subprocess
import sys

import jupytext
import nbformat.v4

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = ROOT / "tutorials"
PAGES = ROOT / "docs" / "tutorials"
# A figure in the text of a tutorial.
FIGURE = re.compile(r"!\[([^\]]*)\]\(figures/([\w.]+)\)")


def names():
    """Returns the names of all tutorials, in order."""
    return sorted(path.stem for path in SOURCES.glob("*.py"))


def cells(name):
    """Returns the cells of a tutorial, as notebook nodes."""
    return jupytext.read(SOURCES / f"{name}.py").cells


def run(name):
    """Runs the cells of a tutorial in this process.

    Returns:
        list of str, what each cell printed.
    """
    namespace, printed = {"__name__": "__main__"}, []
    for number, cell in enumerate(cells(name)):
        output = io.StringIO()
        if cell.cell_type == "code":
            where = f"{name}, cell {number}"
            code = compile(ast.parse(cell.source), where, "exec")
            with contextlib.redirect_stdout(output):
                exec(code, namespace)
        printed.append(output.getvalue())
    return printed


def page(name, printed):
    """Returns a tutorial as Markdown.

    Args:
        name: str.
        printed: list of str, of each cell.
    """
    parts = []
    for cell, output in zip(cells(name), printed, strict=True):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        else:
            parts.append(f"```python\n{cell.source}\n```")
        if output.strip():
            parts.append(f"```text\n{output.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def notebook(name):
    """Returns a tutorial as a notebook whose cells show their figures."""
    found = jupytext.read(SOURCES / f"{name}.py")
    for cell in found.cells:
        if cell.cell_type == "markdown":
            # The code above shows them; a notebook is one file.
            cell.source = FIGURE.sub("", cell.source).strip()
            continue
        for path in sorted(PAGES.glob("figures/*")):
            if f'"{path.name}"' in cell.source:
                image = base64.b64encode(path.read_bytes()).decode()
                shown = {"image/png": image}
                cell.outputs.append(
                    nbformat.v4.new_output("display_data", shown)
                )
    return found


def write_pages(folder, chosen):
    for name in chosen or names():
        # A process each: seeds and TensorFlow's state are those of a reader.
        subprocess.run(
            [sys.executable, __file__, "page", folder, name], check=True
        )


def write_page(folder, name):
    # TensorFlow reads it when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    folder = pathlib.Path(folder).resolve()
    os.environ["KERASGAN_FIGURES"] = str(folder / "figures")
    text = page(name, run(name))
    (folder / f"{name}.md").write_text(text, "utf-8")


def write_notebooks(folder):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names():
        path = pathlib.Path(folder) / f"{name}.ipynb"
        jupytext.write(notebook(name), path, fmt="ipynb")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    added = commands.add_parser("pages")
    added.add_argument("folder")
    added.add_argument("chosen", metavar="NAME", nargs="*")
    added.set_defaults(run=write_pages)
    added = commands.add_parser("page")
    added.add_argument("folder")
    added.add_argument("name")
    added.set_defaults(run=write_page)
    added = commands.add_parser("notebooks")
    added.add_argument("folder")
    added.set_defaults(run=write_notebooks)
    options = vars(parser.parse_args())
    options.pop("run")(**options)


if __name__ == "__main__":
    main()
