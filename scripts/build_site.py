"""Builds the web site: documents, API, cards, gallery, tutorials, playground.

    pip install '.[docs]'
    python scripts/build_site.py build/site
    python scripts/build_site.py build/site --playground build/playground

The folder can be served by any static server. The build fails on any warning,
on a link without a target and on a page that loads something from elsewhere.
The playground is the folder that `kerasgan playground` writes; with it, each
card has a block in which its model runs.
"""

import argparse
import ast
import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

import zoo
from kerasgan.tasks import TASKS

ROOT = pathlib.Path(__file__).parent.parent
# Pages at the top of the repository; README.md is the first page.
DOCUMENTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
# Their tables need the room of both menus at the side.
WIDE = ("docs/leaderboard.md",)
BARE = "---\nhide:\n- navigation\n- toc\n---\n\n"
SUFFIXES = (".png", ".svg", ".webp", ".jpg", ".gif")
# The modules of the reference. Of each, what it lists in `__all__`, or all
# that is public.
MODULES = (
    "zoo",
    "kerasgan.models",
    "kerasgan.data",
    "kerasgan.latents",
    "kerasgan.animations",
    "kerasgan.callbacks",
    "kerasgan.metrics",
    "kerasgan.losses",
    "kerasgan.penalties",
    "kerasgan.augment",
    "kerasgan.layers",
    "kerasgan.optimizers",
    "kerasgan.schedules",
    "kerasgan.recipes",
    "kerasgan.training",
    "kerasgan.evaluation",
    "kerasgan.export",
    "kerasgan.publishing",
    "kerasgan.hub_card",
    "kerasgan.convert",
    "kerasgan.tasks",
)
BADLY = "What it does badly"
PROTOCOLS = """\
### Protocols

Each score is of one protocol; scores under different ones do not compare.

{lines}
"""
PLAYGROUND = """\
## Try it

<iframe src="../../playground/index.html?model={name}&amp;embed=1"
title="{name} in this browser" loading="lazy" width="100%" height="560"
style="border: 0"></iframe>

The model runs in this browser; nothing is uploaded.
"""
TRY = """\
# Playground

The models of the zoo run in a browser, without a server: nothing is uploaded.

<a class="md-button" href="playground/index.html">Open the playground</a>
"""
CSS = """\
img { image-rendering: pixelated; }
.md-grid { max-width: 80rem; }
.md-typeset td code { white-space: nowrap; }
"""
# Tags and attributes that make a browser load something.
LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
    ("object", "data"),
    ("embed", "src"),
    ("use", "href"),
}
# A link element that loads nothing.
MERELY_NAMED = {"canonical", "next", "prev", "alternate", "license", "edit"}
IN_STYLES = re.compile(
    r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")\s]+)"
)


def main(arguments=None):
    """Builds the site as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--playground", type=pathlib.Path)
    options = parser.parse_args(arguments)
    build(options.folder, options.playground)
    print(f"{len([*pages(options.folder)])} pages in {options.folder}")


def build(folder, playground=None):
    """Builds the site.

    Args:
        folder: `pathlib.Path`. Replaced.
        playground: `pathlib.Path` of the folder of the playground, or `None`.

    Raises:
        RuntimeError: If there is a warning, a link without a target, or a
            page that loads something from elsewhere.
    """
    if playground and not (playground / "index.html").is_file():
        raise RuntimeError(
            "The playground's folder is written by `kerasgan playground`. "
            f"Received: {playground}, which has no index.html"
        )
    folder = folder.absolute()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        source = scratch / "source"
        navigation = write_sources(source, playground is not None)
        config = scratch / "mkdocs.yml"
        # YAML takes JSON.
        config.write_text(json.dumps(configuration(navigation)), "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--strict"],
            cwd=scratch,
            capture_output=True,
            text=True,
        )
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        if done.returncode or re.search(
            r"warning|^griffe: ", said, re.I | re.M
        ):
            raise RuntimeError(f"The site has warnings:\n{said}")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(scratch / "site", folder)
    if playground:
        shutil.copytree(playground, folder / "playground")
    found = [
        *missing_targets(folder),
        *missing_names(folder),
        *loaded_from_elsewhere(folder),
    ]
    if found:
        raise RuntimeError("The site is not whole:\n" + "\n".join(found))


def configuration(navigation):
    """Returns the settings of the site's generator.

    Args:
        navigation: list, as MkDocs takes it.
    """
    python = {
        "paths": [str(ROOT)],
        "options": {
            "docstring_style": "google",
            # Types are in the text of the docstrings.
            "docstring_options": {
                "warnings": False,
                "returns_multiple_items": False,
                "returns_named_value": False,
            },
            "docstring_section_style": "list",
            "filters": "public",
            "heading_level": 2,
            # The arguments of a class are in its docstring.
            "merge_init_into_class": True,
            "members_order": "source",
            "show_docstring_attributes": True,
            "show_if_no_docstring": False,
            "show_root_heading": False,
            "show_root_toc_entry": False,
            "show_source": False,
        },
    }
    schemes = (("light", "default"), ("dark", "slate"))
    return {
        "site_name": "kerasgan",
        "site_description": "Generative adversarial networks for Keras 3",
        "docs_dir": "source",
        "site_dir": "site",
        "extra_css": ["site.css"],
        "theme": {
            "name": "material",
            # Those of the system; others would come from another server.
            "font": False,
            "features": ["navigation.tabs", "navigation.top", "toc.follow"],
            "palette": [
                {
                    "media": f"(prefers-color-scheme: {mode})",
                    "scheme": scheme,
                }
                for mode, scheme in schemes
            ],
        },
        "markdown_extensions": [
            "admonition",
            "attr_list",
            "md_in_html",
            "tables",
            {"toc": {"permalink": True}},
            "pymdownx.superfences",
            "pymdownx.highlight",
        ],
        "plugins": [
            "search",
            {"mkdocstrings": {"handlers": {"python": python}}},
        ],
        "nav": navigation,
    }


def write_sources(source, with_playground):
    """Writes the pages in Markdown, and what they show.

    Args:
        source: `pathlib.Path` of a new folder.
        with_playground: bool. Whether cards have a block of the playground.

    Returns:
        list, the navigation as MkDocs takes it.
    """
    source.mkdir()
    (source / "site.css").write_text(CSS, "utf-8")
    tutorials = relative("docs/tutorials/*.md")
    documents = [*DOCUMENTS, *relative("docs/*.md"), *tutorials]
    cards = [f"zoo/{name}/README.md" for name in zoo.list()]
    known = {*documents, *cards}
    for path in documents:
        text = within((ROOT / path).read_text("utf-8"), path, known)
        put(source / path, BARE + text if path in WIDE else text)
    for path in cards:
        text = (ROOT / path).read_text("utf-8")
        name = pathlib.Path(path).parent.name
        put(source / path, card(name, text, with_playground))
    for folder in ("docs", *(f"zoo/{name}" for name in zoo.list())):
        copy_figures(ROOT / folder, source / folder)
    put(source / "gallery.md", f"# Gallery\n\n{gallery()}\n")
    for module in MODULES:
        put(source / f"api/{module}.md", f"# {module}\n\n::: {module}\n")
    navigation = [
        {"Start": [*DOCUMENTS]},
        {"Models": ["gallery.md", *cards]},
        {"Tutorials": ordered(tutorials)},
        {"Documents": relative("docs/*.md")},
        {"Reference": [{m: f"api/{m}.md"} for m in MODULES]},
    ]
    if with_playground:
        put(source / "try.md", TRY)
        navigation.append({"Playground": "try.md"})
    return [part for part in navigation if all(part.values())]


def relative(pattern):
    """Returns the paths of a pattern, relative to the repository."""
    return [
        path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob(pattern))
    ]


def put(path, text):
    """Writes a page, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def ordered(paths):
    """Returns the paths of pages, that of their index first."""
    return sorted(
        paths, key=lambda path: (not path.endswith("README.md"), path)
    )


def copy_figures(folder, target):
    """Copies the images of a folder and of those in it."""
    for path in folder.rglob("*"):
        if path.suffix in SUFFIXES:
            place = target / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)


def within(text, path, known):
    """Returns a document of the repository as a page of the site.

    A link to what is no page becomes its text; the README's gallery, which is
    HTML, becomes Markdown.

    Args:
        text: str. Markdown.
        path: str. Of the document.
        known: Set of str, the paths of all pages.
    """
    text = re.sub(
        r"(?<=<!-- gallery -->).*(?=<!-- /gallery -->)",
        lambda _: f"\n{gallery()}\n",
        text,
        flags=re.S,
    )

    def link(found):
        words, target = found.groups()
        file = target.partition("#")[0]
        if not file or re.match(r"\w+:", file):
            return found[0]
        place = (ROOT / path).parent / file
        place = place.resolve().relative_to(ROOT).as_posix()
        if place in known or place.endswith(SUFFIXES):
            return found[0]
        return words

    return re.sub(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)", link, text)


def gallery():
    """Returns all grids of samples, each a link to its card, as Markdown."""
    return "\n".join(
        f"[![{zoo.card(name).description} {name}, not selected]"
        f"(zoo/{name}/samples.png){{ width=265 }}](zoo/{name}/README.md)"
        for name in zoo.list()
        if makes_images(name)
    )


def makes_images(name):
    """Whether a model of the zoo does, as the gallery and playground need."""
    return TASKS[zoo.card(name).task].output == "images"


def card(name, text, with_playground):
    """Returns a model card as a page.

    What the model does badly comes first; each score has its protocol in full.

    Args:
        name: str. Of the model.
        text: str. The card in its folder.
        with_playground: bool. Whether there is a block of the playground.
    """
    start, *sections = re.split(r"^(?=## )", text, flags=re.M)
    by_heading = {
        section.partition("\n")[0].removeprefix("## "): section.strip()
        for section in sections
    }
    by_heading["Scores"] += "\n\n" + protocols(name)
    first = [by_heading.pop(BADLY)]
    if with_playground and makes_images(name):
        first.insert(0, PLAYGROUND.format(name=name).strip())
    text = "\n\n".join([start.strip(), *first, *by_heading.values()]) + "\n"
    # The only document that cards name.
    return text.replace(
        "docs/metrics.md", "[docs/metrics.md](../../docs/metrics.md)"
    )


def protocols(name):
    """Returns the protocols of a model's scores, in full, as Markdown."""
    lines = []
    for score, entry in zoo.card(name).scores.items():
        about = ", ".join(
            f"{key.replace('_', ' ')} {value}"
            for key, value in entry["protocol"].items()
            if key != "name" and value is not None
        )
        lines.append(f"- `{score}`: {about}")
    return PROTOCOLS.format(lines="\n".join(lines))


# Checks


class Page(html.parser.HTMLParser):
    """Collects the anchors, links and loaded files of a page."""

    def __init__(self):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[k] for k in ("id", "name") if given.get(k)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "link" and given.get("href"):
            kinds = set((given.get("rel") or "").split())
            if not kinds <= MERELY_NAMED:
                self.loaded.append(given["href"])
        for name, value in attributes:
            if value and (tag, name) in LOADED:
                self.loaded.append(value)
            if value and name == "srcset":
                parts = value.split(",")
                self.loaded += [part.split()[0] for part in parts]


def pages(folder):
    """Yields path and `Page` of each page of a site."""
    for path in sorted(folder.rglob("*.html")):
        page = Page()
        page.feed(path.read_text("utf-8"))
        yield path, page


def missing_targets(folder):
    """Returns a line for each link or loaded file that is not there.

    Args:
        folder: `pathlib.Path` of a site.
    """
    found = dict(pages(folder))
    lines = []
    for path, page in found.items():
        # Its links are from the root, wherever that will be.
        if path.name == "404.html":
            continue
        for link in (*page.links, *page.loaded):
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            place = urllib.parse.unquote(parts.path)
            start = folder if place.startswith("/") else path.parent
            target = (start / place.lstrip("/")).resolve() if place else path
            if target.is_dir():
                target = target / "index.html"
            anchor = urllib.parse.unquote(parts.fragment)
            is_there = target.is_file() and (
                not anchor
                or target not in found
                or anchor in found[target].anchors
            )
            if not is_there:
                lines.append(f"{path.relative_to(folder)}: no {link}")
    return lines


def public_names(module):
    """Returns what a module lists in `__all__`, else its public definitions.

    Args:
        module: str. Its dotted name.
    """
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    body = ast.parse(path.read_text("utf-8")).body
    for node in body:
        if isinstance(node, ast.Assign) and "__all__" in map(
            ast.unparse, node.targets
        ):
            return ast.literal_eval(node.value)
    return [
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    ]


def missing_names(folder):
    """Returns a line for each public name that the reference lacks.

    Args:
        folder: `pathlib.Path` of a site.
    """
    lines = []
    for module in MODULES:
        page = Page()
        path = folder / "api" / module / "index.html"
        page.feed(path.read_text("utf-8"))
        lines += [
            f"{path.relative_to(folder)}: no {name}"
            for name in public_names(module)
            # Constants have no docstring.
            if not name.isupper() and f"{module}.{name}" not in page.anchors
        ]
    return lines


def loaded_from_elsewhere(folder):
    """Returns a line for each thing that a page loads from another server.

    Args:
        folder: `pathlib.Path` of a site.
    """
    lines = []
    for path, page in pages(folder):
        for link in page.loaded:
            if urllib.parse.urlsplit(link).netloc:
                lines.append(f"{path.relative_to(folder)} loads {link}")
    for path in sorted([*folder.rglob("*.css"), *folder.rglob("*.html")]):
        for link in IN_STYLES.findall(path.read_text("utf-8")):
            lines.append(f"{path.relative_to(folder)} loads {link}")
    return lines


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
