"""The page in Chromium: every model and control, by mouse and keyboard.

Needs Debian's `chromium` and npm. With the environment variable PLAYGROUND, the
page is built in that folder once and used again. With SCREENSHOTS, screenshots
are written to that folder.
"""

import base64
import functools
import http.server
import io
import json
import os
import pathlib
import re
import shutil
import threading
import time

import numpy as np
import pytest
from PIL import Image

import zoo
from kerasgan import latents, playground
from kerasgan.playground import runtime

pytestmark = pytest.mark.browser

AXE = ("axe-core", "4.14.1")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update "
    "--disable-sync --force-color-profile=srgb"
).split()
SEEDS = range(16)
SHOWN = [name for name in zoo.list() if zoo.card(name).image_shape]
GENERATORS = [n for n in SHOWN if zoo.card(n).task != "image-to-image"]
TRANSLATORS = [n for n in SHOWN if zoo.card(n).task == "image-to-image"]
ONE = "dcgan_fashion_mnist_32"
BY_CLASS = "cgan_fashion_mnist_32"
CAPTIONS = "gan_cls_personas_64"
STYLES = "stylegan_personas_64"
BOTH_WAYS = "cyclegan_fluent_64"
CODES = "infogan_fashion_mnist_32"


@functools.lru_cache(maxsize=2)
def load(name):
    return zoo.load(name)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page with all models of the zoo."""
    folder = tmp_path_factory.mktemp("playground") / "site"
    if "PLAYGROUND" in os.environ:
        folder = pathlib.Path(os.environ["PLAYGROUND"])
    if not folder.exists():
        playground.build(folder)
    # A page that was built before may be that of older code.
    shutil.copytree(playground.PAGE, folder, dirs_exist_ok=True)
    return folder


class Handler(http.server.SimpleHTTPRequestHandler):
    """A static server that counts, and can be slow or fail."""

    def __init__(self, *args, state, **kwargs):
        self.state = state
        super().__init__(*args, **kwargs)

    def log_message(self, *args):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def do_GET(self):
        if self.state["fails"] and self.state["fails"] in self.path:
            self.send_error(503)
            return
        super().do_GET()

    def copyfile(self, source, outputfile):
        while block := source.read(1 << 18):
            self.state["bytes"] += len(block)
            outputfile.write(block)
            if self.state["slow"]:
                time.sleep(0.2)


@pytest.fixture(scope="module")
def server(site):
    state = {"bytes": 0, "slow": False, "fails": ""}
    handler = functools.partial(Handler, directory=str(site), state=state)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state["address"] = f"http://127.0.0.1:{server.server_port}/"
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium():
    from playwright import sync_api

    with sync_api.sync_playwright() as tool:
        path = shutil.which("chromium")
        browser = tool.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Page:
    """What a visitor does."""

    def __init__(self, page, address):
        self.page = page
        self.address = address
        self.problems = []
        self.requests = []
        page.set_default_timeout(300_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.context.on("request", lambda r: self.requests.append(r.url))

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.text} {message.location}")

    def open(self, query):
        self.page.goto(f"{self.address}index.html?{query}")
        self.wait()

    def wait(self):
        self.page.wait_for_selector('#result[aria-busy="false"]')

    def control(self, label):
        return self.page.get_by_label(label, exact=True)

    def choose(self, label, value):
        self.control(label).select_option(value)
        self.wait()

    def fill(self, label, value):
        self.control(label).fill(str(value))
        self.wait()

    def check(self, label):
        self.page.get_by_label(label).check()
        self.wait()

    def slide(self, label, value):
        self.control(label).evaluate(
            """(slider, value) => {
              slider.value = value;
              slider.dispatchEvent(new Event("input", {bubbles: true}));
            }""",
            value,
        )
        self.wait()

    def click(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()
        self.wait()

    def canvas(self, selector="#canvases canvas[role=img]"):
        """Returns the pixels of a canvas, `(height, width, 4)`."""
        assert self.page.is_hidden("#problem"), self.page.inner_text("#reason")
        width, height, pixels = self.page.evaluate(
            """(selector) => {
              const canvas = document.querySelector(selector);
              const {width, height} = canvas;
              const context = canvas.getContext("2d");
              const {data} = context.getImageData(0, 0, width, height);
              let text = "";
              for (let i = 0; i < data.length; i += 8192)
                text += String.fromCharCode(...data.subarray(i, i + 8192));
              return [width, height, btoa(text)];
            }""",
            selector,
        )
        pixels = np.frombuffer(base64.b64decode(pixels), np.uint8)
        return pixels.reshape(height, width, 4)

    def images(self, shape):
        """Returns the images of the grid, row by row."""
        height, width, channels = shape
        grid = self.canvas()
        rows = (grid.shape[0] + 2) // (height + 2)
        columns = (grid.shape[1] + 2) // (width + 2)
        found = np.stack(
            [
                grid[y : y + height, x : x + width]
                for y in range(0, rows * (height + 2), height + 2)
                for x in range(0, columns * (width + 2), width + 2)
            ]
        )
        if channels == 1:
            assert (found[..., :1] == found[..., :3]).all()
        return found[..., :channels]


@pytest.fixture
def page(chromium, server):
    """A page, which must neither fail nor make requests to others."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    visitor = Page(context.new_page(), server["address"])
    visitor.expected = []
    yield visitor
    context.close()
    server.update(slow=False, fails="")
    assert visitor.requests
    outside = [
        url
        for url in visitor.requests
        if not url.startswith((server["address"], "blob:", "data:"))
    ]
    assert not outside
    left = [
        problem
        for problem in visitor.problems
        if not any(text in problem for text in visitor.expected)
    ]
    assert not left


def assert_alike(found, expected):
    assert found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected).max()
    assert difference <= 1
    assert expected.std() > 1
    return difference


def conditions(name):
    """Returns the condition of one image as Python takes it."""
    if name == CAPTIONS:
        return {"captions": [caption()]}
    return {"labels": [2]} if zoo.card(name).classes else {}


def caption():
    from kerasgan.data import catalog

    return catalog.get("personas").example_captions[0]


def repeated(condition, count):
    return {key: count * value for key, value in condition.items()}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_seed_means_the_same_image(page, server, name, capsys):
    server["bytes"] = 0
    start = time.monotonic()
    page.open(f"model={name}")
    seconds = time.monotonic() - start
    loaded = server["bytes"]
    assert any(f"/models/{name}/" in url for url in page.requests)
    gan = load(name)
    page.choose("Number of images", "1")
    condition = {"captions": [caption()] * 16} if name == CAPTIONS else {}
    expected = latents.generate_seeds(gan, SEEDS, **condition)
    largest = 0
    for seed in SEEDS:
        page.fill("Seed", seed)
        found = page.images(gan.image_shape)
        difference = assert_alike(found, expected[seed : seed + 1])
        largest = max(largest, difference)
    entry = entry_of(server, name)
    share = entry["bytes"] / (4 * entry["weights"])
    assert share <= 0.5
    with capsys.disabled():
        print(
            f"\n{name}: {seconds:.1f} s to the first images, "
            f"{loaded / 1e6:.2f} MB loaded, the model {share:.1%} of its "
            f"float32 weights, images within {largest} grey level(s)"
        )


def entry_of(server, name):
    from urllib.request import urlopen

    with urlopen(f"{server['address']}manifest.json") as response:
        models = json.load(response)["models"]
    return next(model for model in models if model["name"] == name)


@pytest.mark.parametrize("name", GENERATORS)
def test_every_control_of_a_generator(page, server, name):
    gan = load(name)
    condition = conditions(name)
    page.open(f"model={name}&seed=5")
    count = {"n": 16} if name != CAPTIONS else repeated(condition, 16)
    assert_alike(page.images(gan.image_shape), gan.generate(**count, seed=5))
    if zoo.card(name).classes:
        page.choose("Class", "2")
    count = repeated(condition, 16) or {"n": 16}
    psi = {"truncation": 0.7} if entry_of(server, name)["truncation"] else {}
    if psi:
        page.slide("Truncation", 0.7)
    expected = gan.generate(**count, seed=5, **psi)
    assert_alike(page.images(gan.image_shape), expected)
    for number in (4, 9):
        page.choose("Number of images", str(number))
        found = page.images(gan.image_shape)[:number]
        assert_alike(found, expected[:number])
    code = page.page.locator("#code code")
    page.page.get_by_text("The same in Python").click()
    end = ", truncation=0.7)" if psi else ")"
    assert f"seed=5{end}" in code.inner_text()
    before = page.canvas()
    page.click("Random seed")
    assert not np.array_equal(before, page.canvas())

    page.check("Between two seeds")
    page.fill("Seed", 2)
    page.fill("Second seed", 9)
    page.slide("Position", 0.25)
    path = latents.interpolate(gan, [2, 9], 4, **condition, closed=False, **psi)
    assert_alike(page.images(gan.image_shape), path[[0, 1, 4]])
    page.slide("Position", 1)
    assert_alike(page.images(gan.image_shape), path[[0, 4, 4]])
    assert "latents.interpolate(gan, [2, 9], 100" in code.inner_text()
    if name == ONE:
        # The line of Python means this image.
        path_line = re.search("^path = .*$", code.inner_text(), re.M)
        scope = {"gan": gan, "latents": latents}
        exec(path_line.group(), scope)
        assert_alike(page.images(gan.image_shape)[1:2], scope["path"][-1:])
    with page.page.expect_download() as download:
        page.click("Save as PNG")
    assert download.value.suggested_filename == f"{name}_between_2_9.png"
    saved = np.asarray(Image.open(download.value.path()).convert("RGBA"))
    np.testing.assert_array_equal(saved, page.canvas())


@pytest.mark.parametrize("name", [n for n in SHOWN if zoo.card(n).classes])
def test_classes_and_mixtures(page, name):
    gan = load(name)
    page.open(f"model={name}&seed=3")
    page.choose("Number of images", "4")
    for number, label in enumerate(gan.class_names):
        page.choose("Class", str(number))
        expected = gan.generate(labels=[label] * 4, seed=3)
        assert_alike(page.images(gan.image_shape), expected)
    ends = [gan.generate(labels=[label] * 4, seed=3) for label in (8, 1)]
    page.choose("Class", "8")
    page.choose("Mixed with", "1")
    middle = page.images(gan.image_shape)
    for end in ends:
        assert np.abs(middle.astype(int) - end).mean() > 1
    for share, end in zip((0, 1), ends, strict=True):
        page.slide("Share of the second class", share)
        assert_alike(page.images(gan.image_shape), end)


def test_captions(page):
    gan = load(CAPTIONS)
    page.open(f"model={CAPTIONS}&seed=3")
    page.choose("Number of images", "4")
    texts = "a bald person with sunglasses", "a person with pink hair"
    page.fill("Caption", texts[0])
    expected = gan.generate(captions=texts[:1] * 4, seed=3)
    assert_alike(page.images(gan.image_shape), expected)
    page.fill("Second caption, to go to", texts[1])
    page.slide("Share of the second caption", 0.25)
    vectors = gan.encode(texts)
    vector = 0.75 * vectors[:1] + 0.25 * vectors[1:]
    expected = gan.generate(sentence_vectors=np.repeat(vector, 4, 0), seed=3)
    assert_alike(page.images(gan.image_shape), expected)
    page.fill("Caption", "a zebra")
    assert page.page.get_by_text("does not know: zebra.").is_visible()
    page.fill("Caption", " .")
    assert "needs at least one word" in page.page.inner_text("#problem")


@pytest.mark.parametrize(
    "name", [n for n in SHOWN if "StyleGAN" in zoo.card(n).architecture]
)
def test_mixed_styles(page, name):
    gan = load(name)
    page.open(f"model={name}")
    page.check("Mixed styles")
    rows, columns = [0, 7], [3, 4, 5]
    page.fill("Seeds of the rows, which are changed", "0, 7")
    page.fill("Seeds of the columns, whose styles are taken", "3 4 5")
    if zoo.card(name).classes:
        page.choose("Class", "2")
    page.slide("Truncation", 0.8)
    for which in ("Coarse", "Middle", "Fine"):
        radio = page.page.get_by_role("radio", name=which)
        if radio.count() == 0:
            assert which == "Fine" and gan.image_size < 64
            continue
        radio.check()
        page.wait()
        table = page.images(gan.image_shape).reshape(3, 4, *gan.image_shape)
        if zoo.card(name).classes:
            # No such function in Python, for want of a seed's class.
            sources = latents.generate_seeds(
                gan, columns, labels=[2] * 3, truncation=0.8
            )
            assert_alike(table[0, 1:], sources)
            continue
        mixed = latents.mix_styles(gan, rows, columns, which.lower(), 0.8)
        assert_alike(table[1:, 1:], mixed)
        for found, seeds in ((table[0, 1:], columns), (table[1:, 0], rows)):
            expected = latents.generate_seeds(gan, seeds, truncation=0.8)
            assert_alike(found, expected)


def test_codes(page):
    gan = load(CODES)
    page.open(f"model={CODES}&seed=3")
    assert_alike(page.images(gan.image_shape), gan.generate(16, seed=3))
    page.choose("Number of images", "4")
    page.choose("Categorical code 1", "2")
    codes = {"categorical": [2] * 4}
    expected = gan.generate(codes=codes, seed=3)
    assert_alike(page.images(gan.image_shape), expected)
    for number, value in ((1, -1.5), (2, 2)):
        page.check(f"Set continuous code {number}")
        page.slide(f"Continuous code {number}", value)
    codes["continuous"] = [[-1.5, 2.0]] * 4
    expected = gan.generate(codes=codes, seed=3)
    assert_alike(page.images(gan.image_shape), expected)


def png(image):
    content = io.BytesIO()
    Image.fromarray(image).save(content, "png")
    return content.getvalue()


@pytest.mark.parametrize("name", TRANSLATORS)
def test_translation(page, server, name, capsys):
    server["bytes"] = 0
    start = time.monotonic()
    page.open(f"model={name}")
    seconds = time.monotonic() - start
    loaded = server["bytes"]
    gan = load(name)
    directions = entry_of(server, name)["directions"]
    random = np.random.RandomState(0)
    size = gan.image_size
    noise = random.randint(0, 256, (8, size, size, 3)).astype("uint8")
    largest = 0
    for direction in directions:
        option = {"to": direction["to"]} if len(directions) > 1 else {}
        if option:
            page.check(f"From {direction['source']} to {direction['target']}")
        assert len(direction["examples"]) == 8
        inputs = []
        for number in range(8):
            example = f"Example {number + 1} of {direction['source']}"
            page.page.get_by_role("img", name=example).click()
            inputs.append(settled(page))
            expected = gan.translate(inputs[-1][None], **option)
            difference = assert_alike(page.images(gan.image_shape), expected)
            largest = max(largest, difference)
        assert len({image.tobytes() for image in inputs}) > 6
        for image in noise:
            page.control("Open an image").set_input_files(
                {"name": "x.png", "mimeType": "image/png", "buffer": png(image)}
            )
            np.testing.assert_array_equal(settled(page, image), image)
            expected = gan.translate(image[None], **option)
            difference = assert_alike(page.images(gan.image_shape), expected)
            largest = max(largest, difference)
    entry = entry_of(server, name)
    share = entry["bytes"] / (4 * entry["weights"])
    assert share <= 0.5
    with capsys.disabled():
        print(
            f"\n{name}: {seconds:.1f} s to the first image, "
            f"{loaded / 1e6:.2f} MB loaded, the model {share:.1%} of its "
            f"float32 weights, images within {largest} grey level(s)"
        )


def settled(page, image=None):
    """Returns the input, when it is that image or has not changed for long."""
    for _ in range(100):
        page.wait()
        found = page.canvas("canvas[role=application]")[..., :3]
        page.page.wait_for_timeout(50)
        again = page.canvas("canvas[role=application]")[..., :3]
        same = np.array_equal(found, again)
        if same and (image is None or np.array_equal(found, image)):
            page.wait()
            return found
    raise AssertionError("The input did not become the image.")


def test_painting_dropping_and_back_again(page):
    gan = load(BOTH_WAYS)
    page.open(f"model={BOTH_WAYS}")
    settled(page)
    page.click("Clear")
    white = page.canvas("canvas[role=application]")
    assert (white == 255).all()
    # By mouse.
    box = page.page.locator("canvas[role=application]").bounding_box()
    page.control("Color").fill("#00ff00")
    page.slide("Brush", 6)
    mouse = page.page.mouse
    mouse.move(box["x"] + 50, box["y"] + 50)
    mouse.down()
    mouse.move(box["x"] + 150, box["y"] + 60, steps=4)
    mouse.up()
    page.wait()
    painted = page.canvas("canvas[role=application]")
    # The stroke lies where the mouse was.
    scale = gan.image_size / box["width"]
    spot = painted[int(55 * scale), int(100 * scale), :3]
    np.testing.assert_array_equal(spot, [0, 255, 0])
    expected = gan.translate(painted[None, ..., :3].copy())
    assert_alike(page.images(gan.image_shape), expected)
    page.click("Undo")
    np.testing.assert_array_equal(
        page.canvas("canvas[role=application]"), white
    )
    # By keyboard.
    page.page.locator("canvas[role=application]").focus()
    for key in ("ArrowRight", "Space", "ArrowDown", "Shift+ArrowDown", "Space"):
        page.page.keyboard.press(key)
    page.wait()
    painted = page.canvas("canvas[role=application]")
    green = (painted[..., :3] == [0, 255, 0]).all(axis=-1)
    assert 20 < green.sum() < 200
    # Two dots, one brush and one pixel apart.
    upper, lower = np.split(np.flatnonzero(green.any(axis=1)), 2)
    np.testing.assert_array_equal(lower - upper, 7)
    assert_alike(
        page.images(gan.image_shape),
        gan.translate(painted[None, ..., :3].copy()),
    )
    # There and back.
    there = page.images(gan.image_shape)
    page.click("Translate it back")
    np.testing.assert_array_equal(settled(page), there[0])
    assert_alike(page.images(gan.image_shape), gan.translate(there, to="a"))
    # A wide image, dropped; its central square is used.
    wide = np.zeros((gan.image_size, 2 * gan.image_size, 3), np.uint8)
    wide[:, gan.image_size // 2 :] = [10, 200, 90]
    wide[:, -gan.image_size // 2 :] = [200, 20, 10]
    drop(page, "wide.png", "image/png", png(wide))
    centre = wide[:, gan.image_size // 2 : -gan.image_size // 2]
    assert_alike(settled(page, centre), centre)
    drop(page, "x.txt", "text/plain", b"no image")
    page.page.wait_for_selector("#problem:not([hidden])")
    assert "x.txt is no image" in page.page.inner_text("#problem")


def drop(page, name, kind, content):
    page.page.evaluate(
        """([name, type, text]) => {
          const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], name, {type}));
          document.querySelector(".paint").dispatchEvent(
            new DragEvent("drop", {dataTransfer, cancelable: true}));
        }""",
        [name, kind, base64.b64encode(content).decode()],
    )


def test_what_fails_is_said_and_can_be_tried_again(page, server):
    page.expected = ["503"]
    page.open(f"model={ONE}")
    server["fails"] = f"models/{BY_CLASS}"
    page.choose("Model", BY_CLASS)
    text = page.page.inner_text("#problem")
    assert f"{BY_CLASS} could not be loaded. The server answered 503" in text
    assert page.page.is_disabled("#save")
    server["fails"] = ""
    page.click("Try again")
    assert page.page.is_hidden("#problem")
    assert_alike(page.images((32, 32, 1)), load(BY_CLASS).generate(16, seed=0))
    for seed in ("-1", "", "1e3", str(2**63)):
        page.fill("Seed", seed)
        assert "A seed is a whole number" in page.page.inner_text("#problem")
        assert page.control("Seed").get_attribute("aria-invalid") == "true"
    page.fill("Seed", 2**63 - 1)
    assert_alike(
        page.images((32, 32, 1)), load(BY_CLASS).generate(16, seed=2**63 - 1)
    )


@pytest.mark.parametrize(
    "broken", ["manifest.json", "runtime/ort.wasm.gz", "runtime/ort.js"]
)
def test_a_page_that_cannot_start_says_so(page, server, broken):
    page.expected = ["503"]
    server["fails"] = broken
    page.open(f"model={ONE}")
    assert "could not" in page.page.inner_text("#problem")
    server["fails"] = ""
    page.click("Try again")
    assert_alike(page.images((32, 32, 1)), load(ONE).generate(16, seed=0))


def test_progress_is_shown(page, server):
    server["slow"] = True
    page.page.goto(f"{page.address}?model={ONE}")
    page.page.get_by_text(re.compile(r"^0\.\d of \d\.\d MB$")).wait_for()
    assert page.page.is_visible("#progress")
    page.page.get_by_text(re.compile(r"^[1-9]\.\d of \d\.\d MB$")).wait_for()
    share = "bar => bar.value / bar.max"
    assert 0.1 < page.page.eval_on_selector("#progress", share) < 1
    assert f"Loading {ONE}" in page.page.inner_text("#status")
    server["slow"] = False
    page.wait()
    assert page.page.is_hidden("#progress")


def test_the_newest_choice_wins(page):
    page.page.goto(f"{page.address}?model={STYLES}")
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


def test_everything_by_keyboard(page):
    page.open(f"model={BY_CLASS}")
    seen = []
    for _ in range(40):
        page.page.keyboard.press("Tab")
        seen.append(
            page.page.evaluate(
                """() => {
                  const element = document.activeElement;
                  const box = element.getBoundingClientRect();
                  const label = element.labels?.[0]?.textContent
                    ?? element.getAttribute("aria-label")
                    ?? element.textContent;
                  const {outlineStyle} = getComputedStyle(element);
                  return [label, box.width > 0, outlineStyle];
                }"""
            )
        )
        if seen[-1][0] == seen[0][0] and len(seen) > 1:
            break
    names = [name for name, _, _ in seen]
    order = [
        "Skip to the controls",
        "Model",
        "Save as PNG",
        "The same in Python",
        "Images of a seed",
        "Seed",
        "Random seed",
        "Number of images",
        "Class",
        "Truncation",
    ]
    places = [names.index(name) for name in order]
    assert places == sorted(places)
    assert all(visible and style != "none" for _, visible, style in seen[:10])
    before = page.canvas()
    page.page.get_by_label("Truncation").focus()
    page.page.keyboard.press("ArrowLeft")
    page.wait()
    assert not np.array_equal(before, page.canvas())
    page.page.get_by_label("Images of a seed").focus()
    page.page.keyboard.press("ArrowDown")
    page.wait()
    assert page.control("Second seed").is_visible()


VIEWS = {
    ONE: [None],
    BY_CLASS: ["Between two seeds"],
    CAPTIONS: [None],
    STYLES: ["Mixed styles"],
    BOTH_WAYS: [None],
    "pix2pix_relief_128": [None],
    CODES: [None],
}


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("axe")
    runtime.unpack(*AXE, ["axe.min.js"], folder)
    return (folder / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_it_is_accessible_and_fits(page, name, scheme, axe):
    page.page.emulate_media(color_scheme=scheme)
    page.open(f"model={name}")
    background = page.page.evaluate(
        "getComputedStyle(document.body).backgroundColor"
    )
    dark = sum(map(int, re.findall(r"\d+", background)[:3])) < 300
    assert dark == (scheme == "dark")
    for view in VIEWS[name]:
        if view:
            page.check(view)
        if name == BY_CLASS:
            page.choose("Class", "8")
            page.choose("Mixed with", "1")
        if name == CODES:
            page.check("Set continuous code 1")
        page.page.evaluate(axe)
        found = page.page.evaluate("axe.run(document)")
        assert found["passes"]
        violations = [
            (v["id"], [node["html"] for node in v["nodes"]])
            for v in found["violations"]
        ]
        assert not violations
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
