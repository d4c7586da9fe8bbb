"""The page of `kerasgan demo`, used over HTTP by Gradio's own client."""

import gc
import importlib.util
import io
import json
import re
import socket
import types
import urllib.request

import numpy as np
import pytest
from PIL import Image

import zoo
from kerasgan import cli, data, latents, models
from tests import tiny
from tests.support import browser, toy_sequences

with_gradio = pytest.mark.demo
# Gradio leaves sockets open and uses what pandas deprecates.
pytestmark = pytest.mark.filterwarnings("default")
# One for each kind of controls.
NAMES = (
    "dcgan",
    "progan",
    "cgan",
    "biggan",
    "infogan",
    "gan_cls",
    "stylegan",
    "conditional_stylegan",
    "pix2pix",
    "cyclegan",
    "unrolled_gan",
)


# Without Gradio


def test_gradio_is_missing(monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "gradio" else find(name),
    )
    assert cli.main(["demo", "dcgan_fashion_mnist_32"]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert "`pip install 'kerasgan[demo]'`" in error[0]


# With it


@pytest.fixture(scope="module", autouse=True)
def leftovers():
    """Collects what Gradio left open while its warnings are no errors."""
    yield
    gc.collect()


def loopback_alone(monkeypatch):
    """Refuses every connection that leaves this machine."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *others, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        assert name in (None, "localhost", "127.0.0.1", "::1", "0.0.0.0"), host
        return real(host, *others, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(scope="module")
def gans():
    return {name: tiny.by_name(name).build(name=name) for name in NAMES}


@pytest.fixture(scope="module")
def address(gans):
    from kerasgan import demo

    with pytest.MonkeyPatch.context() as patch:
        loopback_alone(patch)
        with demo.running(gans.values(), [f"About {n}" for n in gans]) as found:
            yield found


@pytest.fixture(scope="module")
def client(address):
    from gradio_client import Client

    found = Client(address, verbose=False, analytics_enabled=False)
    yield found
    found.close()


def pixels(path):
    """Returns the pixels of a returned image."""
    return np.asarray(Image.open(path))


def grid(images, columns):
    found = data.grid(images, columns)
    return found[..., 0] if found.shape[-1] == 1 else found


@with_gradio
@pytest.mark.parametrize("name", ["dcgan", "progan", "stylegan"])
def test_samples_are_those_of_the_seed(client, gans, name):
    values = [3, 4] if name == "progan" else [3, 4, 1.0]
    found = pixels(client.predict(*values, api_name=f"/{name}_sample"))
    expected = grid(gans[name].generate(4, seed=3), 2)
    np.testing.assert_array_equal(found, expected)


@with_gradio
def test_truncation(client, gans):
    found = pixels(client.predict(3, 4, 0.5, api_name="/dcgan_sample"))
    expected = gans["dcgan"].generate(4, seed=3, truncation=0.5)
    np.testing.assert_array_equal(found, grid(expected, 2))
    # BigGAN's is a bound of the latents: 3 stands for none.
    for value, psi in ((0.5, 0.5), (3.0, None)):
        found = client.predict(3, 1, value, "any", api_name="/biggan_sample")
        expected = gans["biggan"].generate(1, seed=3, truncation=psi)
        np.testing.assert_array_equal(pixels(found), grid(expected, 1))


@with_gradio
def test_ranges_of_truncation(gans):
    from kerasgan import demo

    assert demo.truncation_range(gans["dcgan"]) == (-1.0, 1.0)
    assert demo.truncation_range(gans["progan"]) is None
    assert demo.truncation_range(gans["biggan"]) == (0.05, 3.0)
    assert demo.truncation_range(gans["unrolled_gan"]) is None


@with_gradio
def test_classes(client, gans):
    gan = gans["cgan"]
    found = client.predict(3, 4, 1.0, "2", api_name="/cgan_sample")
    expected = gan.generate(labels=[2] * 4, seed=3)
    np.testing.assert_array_equal(pixels(found), grid(expected, 2))
    found = client.predict(3, 4, 1.0, "any", api_name="/cgan_sample")
    expected = gan.generate(4, seed=3)
    np.testing.assert_array_equal(pixels(found), grid(expected, 2))


@with_gradio
def test_sentences(client, gans):
    caption = str(tiny.captions(1)[0])
    found = client.predict(3, 1, 1.0, caption, api_name="/gan_cls_sample")
    expected = gans["gan_cls"].generate(captions=[caption], seed=3)
    np.testing.assert_array_equal(pixels(found), grid(expected, 1))


@with_gradio
def test_a_mistake_is_shown_as_a_sentence(client):
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match="each needs at least one word"):
        client.predict(3, 1, 1.0, "", api_name="/gan_cls_sample")
    with pytest.raises(AppError, match="There is no input"):
        client.predict(None, api_name="/pix2pix_translate")
    # The page's limits hold for those who do not come by the page.
    with pytest.raises(AppError, match="64"):
        client.predict(3, 10**9, 1.0, api_name="/dcgan_sample")


@with_gradio
def test_codes(client, gans):
    gan = gans["infogan"]
    categorical, continuous = len(gan.categorical), gan.continuous
    values = ["1"] * categorical + [0.5] * continuous
    found = client.predict(3, 4, 1.0, *values, api_name="/infogan_sample")
    codes = {
        "categorical": np.ones((4, categorical), int),
        "continuous": np.full((4, continuous), 0.5),
    }
    expected = gan.generate(codes=codes, seed=3)
    np.testing.assert_array_equal(pixels(found), grid(expected, 2))
    # Categories that are not requested are those of the seed.
    values = ["any"] * categorical + [0.5] * continuous
    found = client.predict(3, 4, 1.0, *values, api_name="/infogan_sample")
    del codes["categorical"]
    expected = gan.generate(codes=codes, seed=3)
    np.testing.assert_array_equal(pixels(found), grid(expected, 2))
    found = client.predict(3, 0, api_name="/infogan_sweep")
    images = gan.sweep(0, rows=4, seed=3)
    expected = grid(images, gan.categorical[0])
    np.testing.assert_array_equal(pixels(found), expected)


@with_gradio
def test_a_path_between_seeds(client, gans):
    gan = gans["dcgan"]
    client.predict(3, 5, 1.0, api_name="/dcgan_interpolate")
    for place, seed in ((0, 3), (24, 5)):
        found = pixels(client.predict(place, api_name="/dcgan_place"))
        expected = gan.generate(1, seed=seed)
        # Rounding of the path's ends.
        assert np.abs(found.astype(int) - grid(expected, 1)).max() <= 1
    middle = pixels(client.predict(12, api_name="/dcgan_place"))
    expected = latents.interpolate(gan, [3, 5], 24, closed=False)[12:13]
    np.testing.assert_array_equal(middle, grid(expected, 1))


@with_gradio
def test_paths_of_classes_and_sentences(client, gans):
    client.predict(3, 5, 1.0, "2", api_name="/cgan_interpolate")
    found = pixels(client.predict(24, api_name="/cgan_place"))
    expected = gans["cgan"].generate(labels=[2], seed=5)
    assert np.abs(found.astype(int) - grid(expected, 1)).max() <= 1
    first, second = map(str, tiny.captions(2))
    client.predict(3, 1.0, first, second, api_name="/gan_cls_interpolate")
    found = pixels(client.predict(24, api_name="/gan_cls_place"))
    expected = gans["gan_cls"].generate(captions=[second], seed=3)
    assert np.abs(found.astype(int) - grid(expected, 1)).max() <= 1


@with_gradio
def test_styles_are_mixed(client, gans):
    gan = gans["stylegan"]
    found = client.predict(1, 7, "coarse", 1.0, api_name="/stylegan_mix")
    mixed = latents.mix_styles(gan, range(1, 5), range(7, 11), "coarse")
    side = 2 + gan.image_size
    # Below and beside the sources.
    row = pixels(found)[side : side + gan.image_size, side:]
    np.testing.assert_array_equal(row, grid(mixed[0], 4))


@with_gradio
def test_translation_and_sketches(client, gans, tmp_path):
    from gradio_client import handle_file

    size = gans["pix2pix"].image_shape[0]
    channels = gans["pix2pix"].source_channels
    image = np.random.RandomState(0).randint(
        0, 256, (size, 2 * size, channels), "uint8"
    )
    data.save_png(tmp_path / "input.png", image)
    file = handle_file(str(tmp_path / "input.png"))
    found = client.predict(file, api_name="/pix2pix_translate")
    square = image[:, size // 2 : size // 2 + size]
    expected = grid(gans["pix2pix"].translate(square[None]), 1)
    np.testing.assert_array_equal(pixels(found), expected)
    for to in ("a", "b"):
        found = client.predict(file, to, api_name="/cyclegan_translate")
        assert pixels(found).shape[:2] == gans["cyclegan"].image_shape[:2]
    # What is not painted on a canvas is white.
    empty = Image.new("RGBA", (4 * size, 4 * size), (0, 0, 0, 0))
    empty.save(tmp_path / "empty.png")
    file = handle_file(str(tmp_path / "empty.png"))
    canvas = {"background": file, "layers": [], "composite": file}
    found = client.predict(canvas, api_name="/pix2pix_sketch")
    white = np.full((1, size, size, channels), 255, "uint8")
    expected = grid(gans["pix2pix"].translate(white), 1)
    np.testing.assert_array_equal(pixels(found), expected)


@with_gradio
def test_points_and_text(client, gans):
    from kerasgan import demo

    plot = client.predict(3, 16, api_name="/unrolled_gan_sample")
    points = gans["unrolled_gan"].generate(16, seed=3)
    np.testing.assert_allclose(plot["data"], points[:, :2], rtol=1e-5)
    gan = toy_sequences.ToySequenceGAN()
    sentences = gan.generate(3, seed=1)
    assert demo.shown(sentences, "text").splitlines() == sentences


@with_gradio
def test_controls_follow_from_the_task(address):
    from gradio_client import Client

    about = Client(address, verbose=False, analytics_enabled=False).view_api(
        return_format="dict", print_info=False
    )
    names = {name.strip("/") for name in about["named_endpoints"]}
    translators = {
        f"{name}_{kind}"
        for name in ("pix2pix", "cyclegan")
        for kind in ("translate", "sketch")
    }
    others = {name for name in NAMES if name not in ("pix2pix", "cyclegan")}
    latent = others - {"unrolled_gan"}
    assert names == {
        *translators,
        *(f"{name}_sample" for name in others),
        *(f"{name}_interpolate" for name in latent),
        *(f"{name}_place" for name in latent),
        "infogan_sweep",
        "stylegan_mix",
    }


@with_gradio
def test_the_page_sends_nothing_to_anyone(address):
    # Connections of the server itself fail by the fixture.
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address) as answer:
        html = answer.read().decode()
    with urllib.request.urlopen(f"{address}config") as answer:
        config = answer.read().decode()
    assert '"analytics_enabled":false' in config.replace(" ", "")
    # Nor has it a button that uploads an image.
    buttons = [
        component["props"]["buttons"]
        for component in json.loads(config)["components"]
        if component["props"].get("buttons") is not None
    ]
    assert buttons
    assert not any("share" in shown for shown in buttons)
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*?>", html)
    assert loaded
    outside = [
        tag
        for tag in loaded
        if re.search(r'(?:src|href)="(?:https?:)?//(?!127\.0\.0\.1)', tag)
    ]
    assert not outside
    theme = urllib.request.urlopen(f"{address}theme.css").read().decode()
    assert not re.search(r"url\(\s*['\"]?(?:https?:)?//", theme)


@with_gradio
def test_a_model_without_a_text_encoder_is_refused():
    from kerasgan import demo

    gan = models.VectorGANCLS(sentence_dim=4, image_size=16, latent_dim=4)
    with pytest.raises(ValueError, match="no text encoder"):
        demo.build([gan], ["About it"])


@with_gradio
def test_the_command(monkeypatch, capsys):
    from kerasgan import demo

    served = []
    monkeypatch.setattr(demo, "run", lambda *values: served.append(values))
    name = "dcgan_fashion_mnist_32"
    assert cli.main(["demo", name, "--port", "0"]) == 0
    ((gan,), (words,), host, port) = served[0]
    assert (gan.name, host, port) == (name, "127.0.0.1", 0)
    assert zoo.card(name).description in words


@with_gradio
def test_it_says_where_it_is(monkeypatch, capsys, gans):
    from kerasgan import demo

    class Event:
        def wait(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(demo, "threading", types.SimpleNamespace(Event=Event))
    demo.run([gans["dcgan"]], ["x"], port=0)
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"dcgan at http://127\.0\.0\.1:\d+/; Ctrl-C.*", first)
    assert second == "Stopped."


# In Chromium, whose camera is a test image that moves


@pytest.fixture(scope="module")
def chromium():
    pytest.importorskip("playwright")
    camera = "--use-fake-device-for-media-stream"
    with browser.chromium(camera, "--use-fake-ui-for-media-stream") as found:
        yield found


@pytest.fixture
def page(chromium, address):
    """The page at the tab of a translator; it loads nothing from elsewhere."""
    context = chromium.new_context(permissions=["camera"])
    requests = []
    context.on("request", lambda request: requests.append(request.url))
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(address)
    page.get_by_role("tab", name="pix2pix", exact=True).click()
    yield page
    context.close()
    own = address, "blob:", "data:"
    assert requests
    assert [url for url in requests if not url.startswith(own)] == []


def shown_image(page, selector):
    """Returns the pixels of the image that is shown there, when it is."""
    image = page.locator(f"{selector} img").locator("visible=true")
    content = page.request.get(image.get_attribute("src")).body()
    return pixels(io.BytesIO(content))


def translation(page):
    page.get_by_role("button", name="Translate").locator("visible=true").click()
    return shown_image(page, ".output")


def of_the_square(gan, image):
    """Returns the translation of an image's central square, as it is shown."""
    from kerasgan import demo

    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    file.seek(0)
    return grid(demo.translated(gan, file), 1)


@with_gradio
def test_an_image_is_uploaded(page, gans, tmp_path):
    image = np.random.RandomState(1).randint(0, 256, (16, 32, 3), "uint8")
    data.save_png(tmp_path / "input.png", image)
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Click to Upload").locator("visible=true").click()
    chooser.value.set_files(tmp_path / "input.png")
    shown_image(page, ".input")
    expected = of_the_square(gans["pix2pix"], image)
    np.testing.assert_array_equal(translation(page), expected)


@with_gradio
def test_the_camera(page, gans):
    page.get_by_label("Capture from camera").locator("visible=true").click()
    page.get_by_text("Click to Access Webcam").click()
    # Before its first frame, the camera takes no photo.
    page.wait_for_function(
        """() => [...document.querySelectorAll("video")].some(
          (video) => video.videoWidth > 0 && video.readyState >= 2)"""
    )
    page.get_by_role("button", name="capture photo").click()
    photo = shown_image(page, ".input")
    assert photo.std() > 1
    expected = of_the_square(gans["pix2pix"], photo)
    np.testing.assert_array_equal(translation(page), expected)


@with_gradio
@pytest.mark.slow
def test_a_sketch_by_mouse(page, gans):
    gan = gans["pix2pix"]
    page.get_by_role("tab", name="Sketch").locator("visible=true").click()
    page.get_by_role("button", name="Brush", exact=True).click()
    box = page.locator("canvas").locator("visible=true").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 20, y - 20)
    page.mouse.down()
    page.mouse.move(x + 20, y + 20, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Undo").and_(
        page.locator(":enabled")
    ).locator("visible=true").wait_for()
    found = translation(page)
    shape = 1, gan.image_size, gan.image_size, gan.source_channels
    white = grid(gan.translate(np.full(shape, 255, "uint8")), 1)
    assert found.shape == white.shape
    assert (found != white).any()
