"""The page in Chromium: what fails, loading, the keyboard, accessibility.

Needs Debian's `chromium` and npm. Environment variables: PLAYGROUND, the folder
of the playground, which else is built; SITE, that of the web site, for a card;
SCREENSHOTS, a folder to write screenshots to.
"""

import functools
import os
import pathlib
import re

import numpy as np
import pytest

import zoo
from kerasgan.playground import runtime
from tests.playground.test_models import png
from tests.support import browser
from tests.support.browser import assert_alike

pytestmark = pytest.mark.browser

AXE = ("axe-core", "4.14.1")
ONE = "dcgan_fashion_mnist_32"
BY_CLASS = "cgan_fashion_mnist_32"
CAPTIONS = "gan_cls_personas_64"
STYLES = "stylegan_personas_64"
BOTH_WAYS = "cyclegan_fluent_64"
CODES = "infogan_fashion_mnist_32"


@functools.cache
def load(name):
    return zoo.load(name)


def test_dropping(page):
    page.open(f"model={BOTH_WAYS}")
    size = 64
    # A wide image; its central square is used.
    wide = np.zeros((size, 2 * size, 3), np.uint8)
    wide[:, size // 2 :] = [10, 200, 90]
    wide[:, -size // 2 :] = [200, 20, 10]
    drop(page, "wide.png", "image/png", png(wide))
    page.wait_for_input(wide[:, size // 2 : -size // 2])
    drop(page, "x.txt", "text/plain", b"no image")
    page.page.wait_for_selector("#problem:not([hidden])")
    assert "x.txt is no image" in page.page.inner_text("#problem")


def drop(page, name, kind, content):
    page.page.evaluate(
        """([name, type, bytes]) => {
          const dataTransfer = new DataTransfer();
          const file = new File([Uint8Array.from(bytes)], name, {type});
          dataTransfer.items.add(file);
          document.querySelector(".paint").dispatchEvent(
            new DragEvent("drop", {dataTransfer, cancelable: true}));
        }""",
        [name, kind, [*content]],
    )


def test_what_fails_is_said_and_can_be_tried_again(page, server):
    page.expected = ["503"]
    page.open(f"model={BY_CLASS}")
    server.fails = f"models/{ONE}"
    page.choose("Model", ONE)
    text = page.page.inner_text("#problem")
    assert f"{ONE} could not be loaded. The server answered 503" in text
    assert page.page.is_disabled("#save")
    server.fails = ""
    page.click("Try again")
    assert page.page.is_hidden("#problem")
    assert_alike(page.images((32, 32, 1)), load(ONE).generate(16, seed=0))
    for seed in ("-1", "", "1e3", str(2**63)):
        page.fill("Seed", seed)
        assert "A seed is a whole number" in page.page.inner_text("#problem")
        assert page.control("Seed").get_attribute("aria-invalid") == "true"
    page.fill("Seed", 2**63 - 1)
    assert_alike(
        page.images((32, 32, 1)), load(ONE).generate(16, seed=2**63 - 1)
    )


@pytest.mark.parametrize(
    "broken", ["manifest.json", "runtime/ort.wasm.gz", "runtime/ort.js"]
)
def test_a_page_that_cannot_start_says_so(page, server, broken):
    page.expected = ["503"]
    server.fails = broken
    page.open(f"model={ONE}")
    assert "could not" in page.page.inner_text("#problem")
    server.fails = ""
    page.click("Try again")
    assert_alike(page.images((32, 32, 1)), load(ONE).generate(16, seed=0))


def test_progress_is_shown(page, server):
    server.slow = True
    page.page.goto(f"{page.address}index.html?model={ONE}")
    page.page.get_by_text(re.compile(r"^0\.\d of \d\.\d MB$")).wait_for()
    assert page.page.is_visible("#progress")
    page.page.get_by_text(re.compile(r"^[1-9]\.\d of \d\.\d MB$")).wait_for()
    share = "bar => bar.value / bar.max"
    assert 0.1 < page.page.eval_on_selector("#progress", share) < 1
    assert f"Loading {ONE}" in page.page.inner_text("#status")
    server.slow = False
    page.wait()
    assert page.page.is_hidden("#progress")


def test_the_newest_choice_wins(page):
    page.page.goto(f"{page.address}index.html?model={STYLES}")
    for name in (BY_CLASS, STYLES, ONE):
        page.control("Model").select_option(name)
    page.wait()
    assert_alike(page.images((32, 32, 1)), load(ONE).generate(16, seed=0))
    assert f"model={ONE}" in page.page.url
    # A slider that is moved quickly.
    for value in np.arange(1, 0.45, -0.05):
        page.control("Truncation").evaluate(
            """(slider, value) => {
              slider.value = value;
              slider.dispatchEvent(new Event("input"));
            }""",
            float(value),
        )
    page.wait()
    expected = load(ONE).generate(16, seed=0, truncation=0.5)
    assert_alike(page.images((32, 32, 1)), expected)


def test_embedded_and_unknown(page):
    page.open(f"model={ONE}&embed=1")
    assert page.page.is_hidden("header") and page.page.is_hidden("#model")
    page.canvas()
    page.open("model=none&embed=1")
    assert page.page.is_visible("#model")
    page.canvas()


# What the page looks like with a model of each task and set of controls: the
# view, and more to choose.
VIEWS = {
    STYLES: ("Mixed styles", {}),
    CODES: ("Images of a seed", {"Categorical code 1": "2"}),
    BY_CLASS: ("Between two seeds", {"Class": "8", "Mixed with": "1"}),
    CAPTIONS: ("Images of a seed", {}),
    BOTH_WAYS: (None, {}),
}
TOP = ["Skip to the controls", "Model"]
RESULT = ["Save as PNG", "The same in Python"]
# The names of what Tab visits, in its order. Of radio buttons, it visits the
# chosen one.
ORDER = {
    STYLES: [
        *TOP,
        *RESULT,
        "Mixed styles",
        "Seeds of the rows, which are changed",
        "Seeds of the columns, whose styles are taken",
        "Coarse: pose and shape",
        "Truncation",
    ],
    CODES: [
        *TOP,
        "Save as PNG",
        "Images of a seed",
        "Seed",
        "Random seed",
        "Number of images",
        "Categorical code 1",
        "Set continuous code 1",
        "Continuous code 1",
        "Set continuous code 2",
        "Truncation",
    ],
    BY_CLASS: [
        *TOP,
        "Save as PNG",
        "Between two seeds",
        "Seed",
        "Random seed",
        "Second seed",
        "Random second seed",
        "Position",
        "Class",
        "Mixed with",
        "Share of the second class",
        "Truncation",
    ],
    CAPTIONS: [
        *TOP,
        *RESULT,
        "Images of a seed",
        "Seed",
        "Random seed",
        "Number of images",
        "Caption",
        "Second caption, to go to",
        "All 73 words of the model",
        "Truncation",
    ],
    BOTH_WAYS: [
        *TOP,
        "Input image. Arrow keys move the brush, the space bar paints.",
        "Color",
        "Brush",
        "Undo",
        "Clear",
        "Save as PNG",
        "Translate it back",
        "The same in Python",
        "From flat emoji to 3D emoji",
        *(f"Example {number} of flat emoji" for number in range(1, 9)),
        "Open an image",
    ],
}
FOCUSED = """() => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const {outlineStyle, outlineWidth} = getComputedStyle(element);
  const {left, top, width, height} = element.getBoundingClientRect();
  const there = document.elementFromPoint(left + width / 2, top + height / 2);
  const hasOutline = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return [element.contains(there), hasOutline];
}"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("axe")
    runtime.unpack(*AXE, ["axe.min.js"], folder)
    return (folder / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("name", VIEWS)
def test_it_is_accessible_and_fits(page, name, axe):
    page.page.emulate_media(color_scheme="light")
    page.open(f"model={name}")
    view, choices = VIEWS[name]
    if view:
        page.check(view)
    for label, value in choices.items():
        page.choose(label, value)
    if name == CODES:
        page.check("Set continuous code 1")
    check_focus(page, ORDER[name])
    page.page.evaluate(axe)
    for scheme, rules in (("light", None), ("dark", ["color-contrast"])):
        page.page.emulate_media(color_scheme=scheme)
        assert (brightness(page) < 300) == (scheme == "dark")
        check_with_axe(page, rules)
        for width in (1280, 390, 320):
            page.page.set_viewport_size({"width": width, "height": 844})
            overflow = page.page.evaluate(
                "document.documentElement.scrollWidth - innerWidth"
            )
            assert overflow <= 0, width
            if "SCREENSHOTS" in os.environ and width > 320:
                folder = pathlib.Path(os.environ["SCREENSHOTS"])
                folder.mkdir(parents=True, exist_ok=True)
                page.page.screenshot(
                    path=folder / f"{name}_{scheme}_{width}.png",
                    full_page=True,
                )


def brightness(page):
    background = page.page.evaluate(
        "getComputedStyle(document.body).backgroundColor"
    )
    return sum(map(int, re.findall(r"\d+", background)[:3]))


def check_with_axe(page, rules):
    options = {"runOnly": rules} if rules else {}
    found = page.page.evaluate("options => axe.run(document, options)", options)
    assert found["passes"]
    assert [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found["violations"]
    ] == []


def check_focus(page, order):
    """Tab visits all controls in their order, and Shift+Tab back, on a phone.

    Each has a name, an outline, and nothing that covers it.
    """
    accessible = page.page.context.new_cdp_session(page.page)
    page.page.keyboard.press("Tab")
    page.page.locator(".skip").focus()
    for key, width in (("Tab", 1280), ("Shift+Tab", 390)):
        page.page.set_viewport_size({"width": width, "height": 844})
        found = [name_of_focused(accessible)]
        for _ in order[1:]:
            page.page.keyboard.press(key)
            found.append(name_of_focused(accessible))
            focused = page.page.evaluate(FOCUSED)
            assert focused == [True, True], (width, found[-1])
        assert found == order
        order = order[::-1]
    # No other one comes before the first or after the last.
    page.page.keyboard.press("Shift+Tab")
    if page.page.evaluate(FOCUSED):
        assert name_of_focused(accessible) == order[-1]


def name_of_focused(accessible):
    """Returns the name that a screen reader says of what has the focus."""
    node = accessible.send(
        "Runtime.evaluate", {"expression": "document.activeElement"}
    )
    tree = accessible.send(
        "Accessibility.getPartialAXTree",
        {
            "objectId": node["result"]["objectId"],
            "fetchRelatives": False,
        },
    )
    return tree["nodes"][0]["name"]["value"]


def test_everything_by_keyboard(page):
    page.open(f"model={BY_CLASS}")
    before = page.canvas()
    page.control("Truncation").focus()
    page.page.keyboard.press("ArrowLeft")
    page.wait()
    assert not np.array_equal(before, page.canvas())
    page.control("Images of a seed").focus()
    page.page.keyboard.press("ArrowDown")
    page.wait()
    assert page.control("Second seed").is_visible()
    page.page.get_by_text("Skip to the controls").focus()
    page.page.keyboard.press("Enter")
    page.page.keyboard.press("Tab")
    focused = "document.activeElement.labels[0].textContent"
    assert page.page.evaluate(focused) == "Between two seeds"


@pytest.mark.skipif("SITE" not in os.environ, reason="needs the web site")
def test_a_card_has_its_model_to_try(chromium):
    server = browser.Server(os.environ["SITE"])
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    visitor = browser.Visitor(context.new_page(), server.address)
    try:
        visitor.page.goto(f"{server.address}zoo/{ONE}/")
        frame = visitor.page.frame_locator(f'iframe[title^="{ONE}"]')
        visitor.page.locator("iframe").scroll_into_view_if_needed()
        frame.locator('#result[aria-busy="false"]').wait_for()
        visitor.page = next(f for f in visitor.page.frames if "embed=" in f.url)
        found = visitor.images((32, 32, 1))
        assert_alike(found, load(ONE).generate(16, seed=0))
        visitor.check_requests()
    finally:
        context.close()
        server.close()
