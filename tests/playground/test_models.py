"""Every model in Chromium, with every control that the page has for it.

See test_browser.py for what these tests need. A test fails, too, if it leaves
a control of the model unused.
"""

import io
import re
import time

import numpy as np
import pytest
from PIL import Image

import zoo
from kerasgan import latents
from kerasgan.data import catalog
from tests.playground.conftest import FIGURES
from tests.support.browser import INPUT, assert_alike

pytestmark = pytest.mark.browser

SEEDS = range(16)
SHOWN = [name for name in zoo.list() if zoo.card(name).image_shape]
GENERATORS = [n for n in SHOWN if zoo.card(n).task != "image-to-image"]
TRANSLATORS = [n for n in SHOWN if zoo.card(n).task == "image-to-image"]
# Others have the same list.
EVERY_COUNT = "dcgan_fashion_mnist_32"
# The choice of a model is used in test_browser.py.
ELSEWHERE = {"Model"}
STYLES = {
    "coarse": "Coarse: pose and shape",
    "middle": "Middle: features",
    "fine": "Fine: colors and details",
}


def visit(page, server, name):
    """Opens the page of a model; returns its entry, its figures as text."""
    server.bytes = 0
    start = time.monotonic()
    page.open(f"model={name}")
    seconds, loaded = time.monotonic() - start, server.bytes
    assert any(f"/models/{name}/" in url for url in page.requests)
    page.look()
    entry = server.entry(name)
    share = entry["bytes"] / (4 * entry["weights"])
    assert share <= 0.5
    return entry, (
        f"{name}: {seconds:.1f} s to the first images, {loaded / 1e6:.2f} MB "
        f"loaded, the model {share:.1%} of its float32 weights"
    )


@pytest.mark.parametrize("name", GENERATORS)
def test_a_model_that_generates(page, server, name, record_property):
    entry, figures = visit(page, server, name)
    gan = zoo.load(name)
    condition = {}
    if entry["captions"]:
        example = catalog.get(entry["dataset"]).example_captions[0]
        condition = {"captions": [example]}
    assert_alike(page.images(gan.image_shape), generate(gan, 16, 0, condition))
    page.choose("Number of images", "1")
    largest = check_seeds(page, gan, condition)
    record_property(FIGURES, f"{figures}, {largest} grey level(s) apart")
    if entry["classes"]:
        check_classes(page, gan)
        condition = {"labels": [2]}
    psi = {}
    if entry["truncation"]:
        page.slide("Truncation", 0.7)
        psi = {"truncation": 0.7}
    check_counts(page, gan, condition, psi)
    check_path(page, gan, condition, psi)
    if entry["styles"]:
        check_styles(page, gan, condition, psi)
    page.check("Images of a seed")
    page.fill("Seed", 3)
    if entry["codes"]:
        check_codes(page, gan, psi)
    if entry["captions"]:
        check_captions(page, gan, psi)
    page.look()
    assert page.seen - page.used == ELSEWHERE


def generate(gan, count, seed, condition, psi=()):
    """Returns what `generate` gives for the same condition in each image."""
    wish = {key: count * value for key, value in condition.items()}
    return gan.generate(**(wish or {"n": count}), seed=seed, **dict(psi))


def check_seeds(page, gan, condition):
    wish = {key: 16 * value for key, value in condition.items()}
    expected = latents.generate_seeds(gan, SEEDS, **wish)
    largest = 0
    for seed, image in zip(SEEDS, expected, strict=True):
        page.fill("Seed", seed)
        found = page.images(gan.image_shape)
        largest = max(largest, assert_alike(found, image[None]))
    return largest


def check_classes(page, gan):
    """Each class, and a mixture of two; leaves class 2 of seed 3."""
    page.fill("Seed", 3)
    names = gan.class_names
    expected = latents.generate_seeds(gan, len(names) * [3], labels=names)
    for number in range(len(names)):
        page.choose("Class", str(number))
        found = page.images(gan.image_shape)
        assert_alike(found, expected[number : number + 1])
    page.choose("Class", "8")
    page.choose("Mixed with", "1")
    middle = page.images(gan.image_shape)
    for share, end in ((0, 8), (1, 1)):
        end = expected[end : end + 1]
        assert np.abs(middle.astype(int) - end).mean() > 1
        page.slide("Share of the second class", share)
        assert_alike(page.images(gan.image_shape), end)
    page.choose("Mixed with", "")
    page.choose("Class", "2")


def check_counts(page, gan, condition, psi):
    """Several images of a seed, the same in Python, and a random seed."""
    page.fill("Seed", 5)
    expected = generate(gan, 64, 5, condition, psi)
    for count in (4, 9, 16, 64) if gan.name == EVERY_COUNT else (4,):
        page.choose("Number of images", str(count))
        found = page.images(gan.image_shape)
        assert_alike(found, expected[:count])
    page.unfold("The same in Python")
    # The line of Python means these images.
    images = page.code().splitlines()[-1]
    scope = {"gan": gan}
    exec(images, scope)
    assert_alike(page.images(gan.image_shape), scope["images"])
    page.choose("Number of images", "1")
    before = page.canvas()
    page.click("Random seed")
    assert not np.array_equal(before, page.canvas())


def check_path(page, gan, condition, psi):
    """Between two seeds; and what is shown, as PNG."""
    page.check("Between two seeds")
    page.fill("Seed", 2)
    page.click("Random second seed")
    page.fill("Second seed", 9)
    page.slide("Position", 0.25)
    path = latents.interpolate(gan, [2, 9], 4, **condition, closed=False, **psi)
    assert_alike(page.images(gan.image_shape), path[[0, 1, 4]])
    page.slide("Position", 1)
    assert_alike(page.images(gan.image_shape), path[[0, 4, 4]])
    if gan.name == EVERY_COUNT:
        line = re.search("^path = .*$", page.code(), re.M)
        scope = {"gan": gan, "latents": latents}
        exec(line.group(), scope)
        assert_alike(page.images(gan.image_shape)[1:2], scope["path"][-1:])
    else:
        assert "latents.interpolate(gan, [2, 9], 100" in page.code()
    with page.page.expect_download() as download:
        page.click("Save as PNG")
    name = f"{gan.name}_between_2_9.png"
    assert download.value.suggested_filename == name
    saved = np.asarray(Image.open(download.value.path()).convert("RGBA"))
    np.testing.assert_array_equal(saved, page.canvas())


def check_styles(page, gan, condition, psi):
    page.check("Mixed styles")
    rows, columns = [0, 7], [3, 4, 5]
    page.fill("Seeds of the rows, which are changed", "0, 7")
    page.fill("Seeds of the columns, whose styles are taken", "3 4 5")
    wish = {key: 5 * value for key, value in condition.items()}
    sources = latents.generate_seeds(gan, rows + columns, **wish, **psi)
    names = [
        which for which in STYLES if which != "fine" or gan.image_size > 32
    ]
    for which in names:
        page.check(STYLES[which])
        table = page.images(gan.image_shape).reshape(3, 4, *gan.image_shape)
        assert_alike(table[1:, 0], sources[:2])
        assert_alike(table[0, 1:], sources[2:])
        # No such function in Python, for want of a seed's class.
        if not condition:
            mixed = latents.mix_styles(gan, rows, columns, which, **psi)
            assert_alike(table[1:, 1:], mixed)


def check_codes(page, gan, psi):
    page.choose("Number of images", "4")
    expected = gan.generate(4, seed=3, **psi)
    assert_alike(page.images(gan.image_shape), expected)
    page.choose("Categorical code 1", "2")
    codes = {"categorical": [[2]] * 4}
    expected = gan.generate(codes=codes, seed=3, **psi)
    assert_alike(page.images(gan.image_shape), expected)
    for number, value in ((1, -1.5), (2, 2)):
        page.check(f"Set continuous code {number}")
        page.slide(f"Continuous code {number}", value)
    codes["continuous"] = [[-1.5, 2.0]] * 4
    expected = gan.generate(codes=codes, seed=3, **psi)
    assert_alike(page.images(gan.image_shape), expected)


def check_captions(page, gan, psi):
    page.unfold(f"All {len(gan.vocabulary)} words of the model")
    texts = "a bald person with sunglasses", "a person with pink hair"
    page.fill("Caption", texts[0])
    expected = gan.generate(captions=texts[:1], seed=3, **psi)
    assert_alike(page.images(gan.image_shape), expected)
    page.fill("Second caption, to go to", texts[1])
    page.slide("Share of the second caption", 0.25)
    page.look()
    vectors = gan.encode(texts)
    vector = 0.75 * vectors[:1] + 0.25 * vectors[1:]
    expected = gan.generate(sentence_vectors=vector, seed=3, **psi)
    assert_alike(page.images(gan.image_shape), expected)
    page.fill("Caption", "a zebra")
    assert page.page.get_by_text("does not know: zebra.").is_visible()
    page.fill("Caption", " .")
    assert "needs at least one word" in page.page.inner_text("#problem")
    page.fill("Caption", texts[0])


def png(image):
    content = io.BytesIO()
    Image.fromarray(image).save(content, "png")
    return content.getvalue()


@pytest.mark.parametrize("name", TRANSLATORS)
def test_a_model_that_translates(page, server, name, record_property):
    entry, figures = visit(page, server, name)
    gan = zoo.load(name)
    size, directions = gan.image_size, entry["directions"]
    random = np.random.RandomState(0)
    noise = random.randint(0, 256, (8, size, size, 3)).astype("uint8")
    largest = 0
    for direction in directions:
        option = {"to": direction["to"]} if len(directions) > 1 else {}
        if option:
            page.check(f"From {direction['source']} to {direction['target']}")
        examples = [
            np.asarray(Image.open(io.BytesIO(server.get(path))).convert("RGB"))
            for path in direction["examples"]
        ]
        assert len(examples) == 8
        assert len({image.tobytes() for image in examples}) > 6
        inputs = np.concatenate([examples, noise])
        expected = gan.translate(inputs, **option)
        for number, image in enumerate(inputs):
            if number < 8:
                page.click(f"Example {number + 1} of {direction['source']}")
            else:
                open_image(page, image)
            page.wait_for_input(image)
            found = page.images(gan.image_shape)
            difference = assert_alike(found, expected[number : number + 1])
            largest = max(largest, difference)
    record_property(FIGURES, f"{figures}, {largest} grey level(s) apart")
    if len(directions) > 1:
        there = page.images(gan.image_shape)
        page.click("Translate it back")
        page.wait_for_input(there[0])
        assert_alike(page.images(gan.image_shape), gan.translate(there, to="b"))
    check_painting(page, gan)
    page.unfold("The same in Python")
    scope = {"gan": gan, "images": page.canvas(INPUT)[None, ..., :3].copy()}
    exec(page.code().splitlines()[-1], scope)
    assert_alike(page.images(gan.image_shape), scope["images"])
    with page.page.expect_download() as download:
        page.click("Save as PNG")
    saved = np.asarray(Image.open(download.value.path()).convert("RGBA"))
    np.testing.assert_array_equal(saved, page.canvas())
    page.look()
    assert page.seen - page.used == ELSEWHERE


def open_image(page, image):
    file = {"name": "x.png", "mimeType": "image/png", "buffer": png(image)}
    page.control("Open an image").set_input_files(file)


def check_painting(page, gan):
    """By mouse and by keyboard; ends with two dots of the keyboard."""
    page.look()
    page.click("Clear")
    page.look()
    white = page.canvas(INPUT)
    assert (white == 255).all()
    width = 6
    box = page.page.locator(INPUT).bounding_box()
    page.control("Color").fill("#00ff00")
    page.slide("Brush", width)
    mouse = page.page.mouse
    mouse.move(box["x"] + 50, box["y"] + 50)
    mouse.down()
    mouse.move(box["x"] + 150, box["y"] + 60, steps=4)
    mouse.up()
    page.wait()
    painted = page.canvas(INPUT)
    # The stroke lies where the mouse was.
    scale = gan.image_size / box["width"]
    spot = painted[int(55 * scale), int(100 * scale), :3]
    np.testing.assert_array_equal(spot, [0, 255, 0])
    by_mouse = page.images(gan.image_shape)
    page.click("Undo")
    np.testing.assert_array_equal(page.canvas(INPUT), white)
    page.page.locator(INPUT).focus()
    for key in ("ArrowRight", "Space", "ArrowDown", "Shift+ArrowDown", "Space"):
        page.page.keyboard.press(key)
    page.wait()
    dots = page.canvas(INPUT)
    green = (dots[..., :3] == [0, 255, 0]).all(axis=-1)
    assert 20 < green.sum() < 200
    # Two dots, one brush and one pixel apart.
    upper, lower = np.split(np.flatnonzero(green.any(axis=1)), 2)
    np.testing.assert_array_equal(lower - upper, width + 1)
    expected = gan.translate(np.stack([painted, dots])[..., :3].copy())
    assert_alike(by_mouse, expected[:1])
    assert_alike(page.images(gan.image_shape), expected[1:])
