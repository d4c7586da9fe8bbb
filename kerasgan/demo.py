"""A page to try models with, on one's own machine, by Gradio.

Which controls a model gets follows from its task: the class that it inherits
from, and the arguments of its `generate` or `translate`.
"""

import contextlib
import functools
import inspect
import random
import threading

import gradio
import numpy as np
import pandas as pd
import tensorflow as tf

from kerasgan import data, latents
from kerasgan.data import folder
from kerasgan.models import (
    ClassGAN,
    CodeGAN,
    LatentGAN,
    StyledGAN,
    TextGAN,
    TranslationGAN,
    VectorGAN,
)
from kerasgan.tasks import TASKS

ANY = "any"
# Of one request.
MOST_IMAGES, MOST_POINTS, MOST_SENTENCES = 64, 10_000, 64
# Images from one seed to the other.
STEPS = 24
# Beyond 3 lie 0.3% of a normal distribution.
WIDEST_LATENT = 3.0
LARGEST_UPLOAD = "20mb"
# Of an image, in pixels.
HEIGHT = 420
# A model's image is small: enlarged, its pixels stay visible.
STYLE = """
.output img {
  image-rendering: pixelated;
  width: 100%; height: 100%; object-fit: contain;
}
"""
# Without the one that uploads an image.
BUTTONS = ["download", "fullscreen"]
# Those of the system; others would come from another server.
FONTS = ("system-ui", "sans-serif")
MONOSPACED = ("ui-monospace", "monospace")


def run(gans, words, host="127.0.0.1", port=7860):
    """Serves the page until a signal stops the process.

    Args:
        gans: Sequence of `GAN`.
        words: Sequence of str, Markdown: what the page says about each.
        host: str. The address to listen on. Defaults to `"127.0.0.1"`, which
            no other machine can reach.
        port: int. 0 selects a free one. Defaults to `7860`.

    Raises:
        ValueError: If a model has no text encoder for its sentences.
        OSError: If the address cannot be listened on.
    """
    with running(gans, words, host, port) as address:
        names = ", ".join(gan.name for gan in gans)
        # Flushed, for a reader at the end of a pipe.
        print(f"{names} at {address}; Ctrl-C stops it.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    print("Stopped.")


@contextlib.contextmanager
def running(gans, words, host="127.0.0.1", port=0):
    """Serves the page while the context lasts.

    Args:
        gans: See `run`, like all others.
        words: As above.
        host: As above.
        port: As above. Defaults to `0`.

    Yields:
        str, the address.
    """
    page = build(gans, words)
    _, address, _ = page.launch(
        server_name=host,
        # Gradio takes a free one if it is given none.
        server_port=port or None,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        max_file_size=LARGEST_UPLOAD,
        run_history=False,
        ssr_mode=False,
        footer_links=["gradio", "settings"],
        theme=gradio.themes.Default(font=FONTS, font_mono=MONOSPACED),
        css=STYLE,
    )
    try:
        yield address
    finally:
        page.close(verbose=False)


def build(gans, words):
    """Returns the page, which is not yet served.

    Args:
        gans: See `run`.
        words: See `run`.

    Returns:
        A `gradio.Blocks`. It sends nothing to anyone.

    Raises:
        ValueError: See `run`.
    """
    for gan in gans:
        if isinstance(gan, VectorGAN) and not isinstance(gan, TextGAN):
            raise ValueError(
                "The page takes sentences, and this model has no text encoder "
                f"for them. Received: {gan.name}, a {type(gan).__name__}"
            )
    page = gradio.Blocks(
        title="kerasgan",
        analytics_enabled=False,
        # Images that nobody has read for an hour are removed.
        delete_cache=(3600, 3600),
    )
    with page:
        for gan, text in zip(gans, words, strict=True):
            with gradio.Tab(gan.name):
                gradio.Markdown(text)
                _model(gan)
    return page


def _model(gan):
    if isinstance(gan, TranslationGAN):
        with gradio.Tab("Image"):
            _translation(gan, _image, "translate")
        with gradio.Tab("Sketch"):
            _translation(gan, _canvas, "sketch")
        return
    with gradio.Tab("Sample"):
        _sampling(gan)
    if isinstance(gan, LatentGAN):
        with gradio.Tab("Interpolate"):
            _interpolation(gan)
    if isinstance(gan, CodeGAN):
        with gradio.Tab("Sweep a code"):
            _sweep(gan)
    if isinstance(gan, StyledGAN) and not isinstance(gan, ClassGAN):
        with gradio.Tab("Mix styles"):
            _mixing(gan)


# Samples


def _sampling(gan):
    output = TASKS[gan.task].output
    most = {
        "images": MOST_IMAGES,
        "points": MOST_POINTS,
        "text": MOST_SENTENCES,
    }[output]
    with gradio.Row():
        seed = _seed("Seed")
        number = gradio.Slider(
            1, most, min(16, most), step=1, precision=0, label="How many"
        )
        truncation = _truncation(gan)
    controls, arguments = conditions(gan)

    def sample(seed, number, *values):
        psi, values = _split(truncation, values)
        requested = arguments(seed, number, *values)
        return shown(gan.generate(**requested, **psi, seed=seed), output)

    _on_click(
        gan,
        "Generate",
        sample,
        [seed, number, *truncation, *controls],
        _output(output),
        "sample",
        seed,
    )


def conditions(gan):
    """Returns the controls of what is requested besides a number of samples.

    Args:
        gan: A `GAN` that generates.

    Returns:
        Pair of a list of components, and a function of seed, number and the
        components' values that returns arguments of `generate`.
    """
    if isinstance(gan, ClassGAN):
        choice = gradio.Dropdown(
            [ANY, *_classes(gan)], value=ANY, label="Class"
        )
        return [choice], functools.partial(of_class, gan)
    if isinstance(gan, TextGAN):
        sentence = gradio.Textbox(label="Sentence", lines=2)
        return [sentence], of_sentence
    if isinstance(gan, CodeGAN):
        controls = [
            gradio.Dropdown(
                [ANY, *map(str, range(size))],
                value=ANY,
                label=f"Categorical code {number}",
            )
            for number, size in enumerate(gan.categorical)
        ]
        controls += [
            gradio.Slider(-2, 2, 0, label=f"Continuous code {number}")
            for number in range(gan.continuous)
        ]
        return controls, functools.partial(of_codes, gan)
    return [], lambda seed, number: {"n": number}


def of_class(gan, seed, number, name):
    """Returns the arguments of `generate` for images of a class, or of any."""
    return {"n": number} if name == ANY else {"labels": [name] * number}


def of_sentence(seed, number, sentence):
    """Returns the arguments of `generate` for images of a sentence."""
    return {"captions": [sentence] * number}


def of_codes(gan, seed, number, *values):
    """Returns the arguments of `generate` for images of codes.

    Args:
        gan: A `CodeGAN`.
        seed: int. Of the categories that are not requested.
        number: int. How many images.
        *values: A category as str, or `ANY`, for each categorical code; a
            number for each continuous one.
    """
    codes = gan.sample_condition(seed, number).numpy()
    start = 0
    for size, value in zip(gan.categorical, values, strict=False):
        if value != ANY:
            codes[:, start : start + size] = np.eye(size)[int(value)]
        start += size
    codes[:, start:] = values[len(gan.categorical) :]
    return {"codes": codes}


def _classes(gan):
    return gan.class_names or tuple(map(str, range(gan.num_classes)))


def truncation_range(gan):
    """Returns the range of a model's truncation, whose end means none.

    Args:
        gan: A `GAN` that generates.

    Returns:
        Pair of floats, or `None` if the model has no truncation.
    """
    if "truncation" not in inspect.signature(gan.generate).parameters:
        return None
    if not isinstance(gan, LatentGAN):
        return -1.0, 1.0
    try:
        gan.inputs(
            gan.seeded_latents(0, 1),
            gan.sample_condition(0, 1),
            tf.constant([0.5]),
        )
    except ValueError:
        return None
    try:
        gan.check_truncation(-1.0)
    except ValueError:
        # A bound of the latents, not a factor.
        return 0.05, WIDEST_LATENT
    return -1.0, 1.0


def _truncation(gan):
    """Returns a list of the control of truncation, empty if there is none."""
    bounds = truncation_range(gan)
    if bounds is None:
        return []
    first, last = bounds
    label = f"Truncation ({last:g}: none)"
    return [gradio.Slider(first, last, last, step=0.05, label=label)]


def _split(truncation, values):
    """Returns the argument for truncation as a dict, and the other values."""
    if not truncation:
        return {}, values
    psi, *values = values
    return ({} if psi == truncation[0].maximum else {"truncation": psi}), values


def shown(samples, output):
    """Returns samples as the page's component takes them.

    Args:
        samples: What `generate` returns.
        output: str. See `Task.output`.
    """
    if output == "text":
        return "\n".join(samples)
    if output == "points":
        # Of more dimensions, the first two.
        columns = np.pad(samples, ((0, 0), (0, 1)))[:, :2]
        return pd.DataFrame(columns, columns=["x", "y"])
    return _grid(samples, max(1, round(len(samples) ** 0.5)))


def _grid(images, columns):
    """Returns images as one, of two axes if it is grey."""
    found = data.grid(images, columns)
    return found[..., 0] if found.shape[-1] == 1 else found


# Ways through the latents


def _interpolation(gan):
    sentences = isinstance(gan, TextGAN)
    with gradio.Row():
        first = _seed("Seed" if sentences else "First seed")
        ends = [first]
        if not sentences:
            ends.append(_seed("Second seed"))
        truncation = _truncation(gan)
    if sentences:
        controls = [
            gradio.Textbox(label="First sentence"),
            gradio.Textbox(label="Second sentence"),
        ]
    elif isinstance(gan, ClassGAN):
        names = _classes(gan)
        controls = [gradio.Dropdown([*names], value=names[0], label="Class")]
    else:
        controls = []

    def interpolate(*values):
        seeds, values = values[: len(ends)], values[len(ends) :]
        psi, values = _split(truncation, values)
        return path(gan, seeds, values, **psi)

    frames = gradio.State()

    def start(*values):
        found = interpolate(*values)
        return found, _grid(found[:1], 1), 0

    place = gradio.Slider(0, STEPS, 0, step=1, precision=0, label="Place")
    image = _output("images")
    button = gradio.Button("Interpolate", variant="primary")
    button.click(
        _in_a_sentence(start),
        [*ends, *truncation, *controls],
        [frames, image, place],
        api_name=_api_name(gan, "interpolate"),
    )
    place.input(
        _in_a_sentence(_frame),
        [frames, place],
        image,
        api_name=_api_name(gan, "place"),
    )


def path(gan, seeds, values, **truncation):
    """Returns the images from one seed or sentence to another.

    Args:
        gan: A `LatentGAN`.
        seeds: One int for a path between sentences, else two.
        values: The two sentences; a class; or nothing.
        **truncation: `truncation` or nothing.

    Returns:
        uint8 array `(STEPS + 1, height, width, channels)`.
    """
    condition = {}
    if isinstance(gan, TextGAN):
        condition["captions"] = list(values)
    elif isinstance(gan, ClassGAN):
        condition["labels"] = list(values)
    return latents.interpolate(
        gan, seeds, STEPS, **condition, **truncation, closed=False
    )


def _frame(frames, place):
    if frames is None:
        raise ValueError("There is no path yet: press Interpolate.")
    return _grid(frames[place : place + 1], 1)


def _sweep(gan):
    count = len(gan.categorical) + gan.continuous
    with gradio.Row():
        seed = _seed("Seed")
        code = gradio.Dropdown([*range(count)], value=0, label="Code")

    def sweep(seed, code):
        images = gan.sweep(code, rows=4, seed=seed)
        return _grid(images, len(images) // 4)

    _on_click(
        gan, "Sweep", sweep, [seed, code], _output("images"), "sweep", seed
    )


def _mixing(gan):
    resolutions = gan.average_generator.synthesis.style_resolutions
    names = [
        name
        for name, (first, last) in latents.STYLES.items()
        if any(first <= size <= last for size in resolutions)
    ]
    with gradio.Row():
        row = _seed("Seed of the images")
        column = _seed("Seed of the styles")
        which = gradio.Dropdown(names, value=names[0], label="Styles taken")
        truncation = _truncation(gan)

    def mix(row, column, which, *values):
        psi, _ = _split(truncation, values)
        rows, columns = (range(start, start + 4) for start in (row, column))
        mixed = latents.mix_styles(gan, rows, columns, which, **psi)
        top, left = (
            latents.generate_seeds(gan, seeds, **psi)
            for seeds in (columns, rows)
        )
        # The sources at the top and on the left.
        table = [np.full_like(top[:1], 255), top]
        for image, others in zip(left, mixed, strict=True):
            table += [image[None], others]
        return _grid(np.concatenate(table), 5)

    _on_click(
        gan,
        "Mix",
        mix,
        [row, column, which, *truncation],
        _output("images"),
        "mix",
        row,
    )


# Translation


def _image(gan):
    return gradio.Image(
        type="filepath",
        sources=["upload", "webcam", "clipboard"],
        height=HEIGHT,
        label="Input",
        buttons=BUTTONS,
        elem_classes="input",
    )


def _canvas(gan):
    size = 4 * gan.image_shape[0]
    return gradio.Sketchpad(
        type="filepath",
        image_mode="RGBA",
        canvas_size=(size, size),
        fixed_canvas=True,
        layers=False,
        brush=gradio.Brush(default_size=size // 32),
        height=HEIGHT,
        label="Input",
        buttons=BUTTONS,
    )


def _translation(gan, source_of, name):
    with gradio.Row():
        with gradio.Column():
            source, controls = source_of(gan), []
            if "to" in inspect.signature(gan.translate).parameters:
                directions = [("from A to B", "b"), ("from B to A", "a")]
                controls = [
                    gradio.Radio(directions, value="b", label="Direction")
                ]
            button = gradio.Button("Translate", variant="primary")
        output = _output("images")

    def translate(source, *to):
        # A canvas gives its layers, too.
        file = source["composite"] if isinstance(source, dict) else source
        if file is None:
            raise ValueError("There is no input: give an image or draw one.")
        return _grid(translated(gan, file, *to), 1)

    button.click(
        _in_a_sentence(translate),
        [source, *controls],
        output,
        api_name=_api_name(gan, name),
    )


def translated(gan, file, *to):
    """Returns the translation of the central square of an image.

    Args:
        gan: A `TranslationGAN`.
        file: str or path of the image. Transparent pixels are white.
        *to: `"a"` or `"b"`, of a model that has both directions.

    Returns:
        uint8 array `(1, height, width, channels)`, of the size of training.
    """
    height, width, _ = gan.image_shape
    size = height if height == width else (height, width)
    image = folder.decode(file, size, gan.source_channels)
    return gan.translate(image[None], *to)


# Parts of the page


def _seed(label):
    return gradio.Number(0, label=label, precision=0, minimum=0)


def _output(kind):
    if kind == "text":
        return gradio.Textbox(label="Output", lines=16)
    if kind == "points":
        return gradio.ScatterPlot(x="x", y="y", label="Output")
    return gradio.Image(
        # Other formats change pixels.
        format="png",
        height=HEIGHT,
        label="Output",
        buttons=BUTTONS,
        elem_classes="output",
    )


def _on_click(gan, label, function, inputs, output, name, seed):
    """Adds a button that calls a function, and one that changes the seed."""
    function = _in_a_sentence(function)
    with gradio.Row():
        button = gradio.Button(label, variant="primary")
        other = gradio.Button("Another seed")
    button.click(function, inputs, output, api_name=_api_name(gan, name))
    other.click(
        lambda: random.randrange(2**31), None, seed, api_visibility="private"
    ).then(function, inputs, output, api_visibility="private")


def _api_name(gan, name):
    return f"{gan.name}_{name}"


def _in_a_sentence(function):
    """Returns a function whose errors are shown on the page."""

    @functools.wraps(function)
    def call(*values):
        try:
            return function(*values)
        except (ValueError, OSError) as error:
            raise gradio.Error(str(error), print_exception=False) from error

    return call
