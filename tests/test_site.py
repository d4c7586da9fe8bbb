"""What the web site is made of; `scripts/build_site.py` builds all of it."""

import pytest

import zoo
from kerasgan import data
from tests.support.scripts import script


@pytest.fixture(scope="module")
def site():
    return script("build_site")


@pytest.mark.parametrize("name", zoo.list())
def test_a_card_begins_with_what_the_model_does_badly(site, name):
    text = (zoo.folder(name) / "README.md").read_text("utf-8")
    page = site.card(name, text, with_playground=False)
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings[0] == "## What it does badly"
    assert sorted(headings) == sorted(
        line for line in text.splitlines() if line.startswith("## ")
    )
    before = page.partition("## ")[0]
    if zoo.card(name).image_shape:
        assert "](samples.png)" in before
    else:
        lines = (zoo.folder(name) / "samples.txt").read_text("utf-8")
        assert lines.splitlines()[0] in before
    assert f'zoo.load("{name}")' in before
    assert "iframe" not in page
    for protocol in zoo.card(name).scores:
        assert f"- `{protocol}`: " in page


def test_a_card_has_its_model_to_try(site):
    name = "dcgan_fashion_mnist_32"
    text = (zoo.folder(name) / "README.md").read_text("utf-8")
    page = site.card(name, text, with_playground=True)
    assert f"playground/index.html?model={name}&amp;embed=1" in page
    assert f'title="{name} in this browser"' in page
    assert page.index("<iframe") < page.index("## What it does badly")
    name = "seqgan_captions"  # The playground shows images alone.
    text = (zoo.folder(name) / "README.md").read_text("utf-8")
    assert "<iframe" not in site.card(name, text, with_playground=True)


def test_links_to_what_is_no_page_become_text(site):
    known = {"README.md", "docs/metrics.md"}
    text = "[a](docs/metrics.md#kid) [b](tests/tiny.py) [c](https://x.org)"
    found = site.within(text, "README.md", known)
    assert found == "[a](docs/metrics.md#kid) b [c](https://x.org)"
    assert site.within("[d](#e)", "README.md", known) == "[d](#e)"
    text = "![e](ring.webp) [f](../findings) [g](../README.md)"
    found = site.within(text, "docs/mode_collapse.md", known)
    assert found == "![e](ring.webp) f [g](../README.md)"
    text = "<!-- gallery -->\n<a href='x'></a>\n<!-- /gallery -->"
    found = site.within(text, "README.md", known)
    assert "<a" not in found
    assert found.count("not selected") == sum(
        zoo.card(name).image_shape is not None for name in zoo.list()
    )


PAGE = """
<link rel="stylesheet" href="style.css"><link rel="canonical" href="https://x">
<a href="b/#here">b</a><a href="https://arxiv.org">paper</a>
<img src="image.png" srcset="image.png 1x, image.png 2x"><p id="there">
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "b" / "index.html").write_text(
        '<p id="here"><a href="..">a</a>'
    )
    (tmp_path / "style.css").write_text("p { background: url(image.png) }")
    (tmp_path / "image.png").write_text("")
    return tmp_path


def test_a_site_that_is_whole(site, folder):
    assert site.missing_targets(folder) == []
    assert site.loaded_from_elsewhere(folder) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("b/#here", "c/"),
        ("b/#here", "b/#nowhere"),
        ("b/#here", "#here"),
        ('src="image.png"', 'src="none.png"'),
        ("image.png 2x", "none.png 2x"),
        ("style.css", "none.css"),
    ],
)
def test_targets_that_are_missing(site, folder, old, new):
    (folder / "index.html").write_text(PAGE.replace(old, new))
    (line,) = site.missing_targets(folder)
    assert line.startswith("index.html: no ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("index.html", '<script src="https://cdn.org/x.js"></script>'),
        ("index.html", '<link rel="preconnect" href="//fonts.org">'),
        ("index.html", '<img srcset="https://x.org/i.png 2x">'),
        ("index.html", "<style>@import 'https://fonts.org/a.css'</style>"),
        ("style.css", "@font-face { src: url('//fonts.org/a.woff2') }"),
    ],
)
def test_what_is_loaded_from_elsewhere(site, folder, name, text):
    (folder / name).write_text(text)
    (line,) = site.loaded_from_elsewhere(folder)
    assert line.startswith(f"{name} loads ")


def test_public_names(site):
    assert set(site.public_names("kerasgan.data")) == set(data.__all__)
    assert "slerp" in site.public_names("kerasgan.latents")
    assert "_path" not in site.public_names("kerasgan.latents")


def test_a_folder_that_is_no_playground(site, tmp_path):
    with pytest.raises(RuntimeError, match="has no index.html"):
        site.build(tmp_path / "site", playground=tmp_path)
