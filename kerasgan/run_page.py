"""The page of a training run: losses, scores and samples in one HTML file.

`write` makes `index.html` from what else is in the run's folder; the callback
`RunPage` does so after each epoch. The file holds all that it shows, and makes
no request; while the run goes on, the browser reads it again twice a minute.
"""

import base64
import html
import io
import json
import math
import pathlib
import time

import keras
from PIL import Image

from kerasgan import checkpoints

# Samples of so many epochs are shown, the first and the last among them.
SHOWN = 12
REFRESH = 30
# Seconds between two pages of a run, at least.
PAUSE = 5
# Of a chart, in its own units; it is as wide as the page.
WIDTH, HEIGHT = 1000, 100
# Points of a line, about.
POINTS = 500
# On white, and on black.
COLORS = (
    ("#1f6fb4", "#6cb2f0"),
    ("#c8501e", "#f0936a"),
    ("#2b8a3e", "#6fcf82"),
    ("#7a3fa0", "#c79bea"),
    ("#8a6d00", "#d9bd4f"),
)

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">{refresh}
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }}
figure {{ margin: 1rem 0; }}
img {{ max-width: 100%; min-width: min(100%, 32rem);
  image-rendering: pixelated; }}
input {{ width: 100%; }}
pre {{ white-space: pre-wrap; }}
td {{ padding: 0 1rem 0 0; vertical-align: top; }}
td:first-child {{ white-space: nowrap; }}
.chart {{ display: grid; grid-template-columns: max-content 1fr;
  gap: 0 .5rem; font-size: .8rem; }}
.chart figcaption, .epochs {{ grid-column: 2; }}
.chart figcaption span {{ margin-right: 1rem; white-space: nowrap; }}
.chart svg {{ width: 100%; height: 12rem; border: solid #8888;
  border-width: 0 0 1px 1px; }}
.chart svg * {{ fill: none; stroke: currentColor; stroke-width: 1.5px;
  stroke-linecap: round; vector-effect: non-scaling-stroke; }}
.chart svg .last {{ stroke-width: 5px; }}
.values, .epochs {{ display: flex; justify-content: space-between; }}
.values {{ flex-direction: column; text-align: right; }}
{colors}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{progress}</p>
{charts}
{samples}
<h2>Run</h2>
<table>{about}</table>
</body>
</html>
"""
_SLIDER = """\
<input type="range" min="0" max="{last}" value="{last}" \
aria-label="Epoch of the samples" id="which">
<script>
const figures = document.querySelectorAll("figure.samples");
const which = document.getElementById("which");
const show = () => figures.forEach((figure, i) => {{
  figure.hidden = i != which.value;
}});
which.addEventListener("input", show);
show();
</script>
"""


class RunPage(keras.callbacks.Callback):
    """Writes `index.html` as a run goes on; give it after the other files.

    After each epoch, at most every few seconds, and at the end.

    Args:
        folder: str or path of the run's folder.
        epochs: int or `None`. After which the run is complete. Defaults to
            that of `fit`.
    """

    def __init__(self, folder, epochs=None):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.epochs = epochs
        self._encoded = {}
        self._written = -math.inf

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() - self._written > PAUSE:
            self._write()

    def on_train_end(self, logs=None):
        self._write()

    def _write(self):
        epochs = self.epochs or self.params["epochs"]
        write(self.folder, epochs, self._encoded)
        self._written = time.monotonic()


def write(folder, epochs, encoded=None):
    """Writes the page of a run.

    Args:
        folder: str or path of the run's folder, which holds `log.jsonl`.
            `run.json` and `samples/` are shown if they are there.
        epochs: int. After which the run is complete.
        encoded: dict or `None`. Keeps samples that were encoded before, from
            one call to the next. Defaults to none.

    Returns:
        `pathlib.Path` of the page.
    """
    folder = pathlib.Path(folder)
    lines = (folder / "log.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    about = {}
    if (folder / "run.json").is_file():
        about = json.loads((folder / "run.json").read_text("utf-8"))
    done = entries[-1]["epoch"] if entries else 0
    seconds = sum(entry["seconds"] for entry in entries)
    progress = f"Epoch {done} of {epochs}, {_duration(seconds)} of training"
    if 0 < done < epochs:
        left = seconds / done * (epochs - done)
        progress += f", about {_duration(left)} left"
    encoded = {} if encoded is None else encoded
    refresh = f'\n<meta http-equiv="refresh" content="{REFRESH}">'
    page = _PAGE.format(
        title=html.escape(str(about.get("recipe", folder.name))),
        colors=_colors(),
        refresh=refresh if done < epochs else "",
        progress=html.escape(progress + "."),
        charts=_charts(entries),
        samples=_samples(
            folder / "samples", {} if encoded is None else encoded
        ),
        about="".join(
            f"<tr><td>{html.escape(name)}<td>{html.escape(_text(value))}"
            for name, value in about.items()
        ),
    )
    path = folder / "index.html"
    checkpoints.write_atomically(path, page.encode())
    return path


def _charts(entries):
    """Returns a chart of the losses, and one of each score."""
    names = list(dict.fromkeys(n for entry in entries for n in entry))
    losses = [name for name in names if name.endswith("loss")]
    groups = [("Losses", losses)] if losses else []
    groups += [
        (name, [name])
        for name in names
        if name not in ("epoch", "seconds", *losses)
    ]
    return "\n".join(
        f"<h2>{html.escape(title)}</h2>\n{_chart(entries, group)}"
        for title, group in groups
    )


def _chart(entries, names):
    """Returns series of numbers over epochs as a figure."""
    series = {
        name: _thinned(
            [
                (entry["epoch"], float(entry[name]))
                for entry in entries
                if name in entry and math.isfinite(float(entry[name]))
            ]
        )
        for name in names
    }
    values = [value for points in series.values() for _, value in points]
    if not values:
        return "<p>No finite values.</p>"
    low, high = min(values), max(values)
    last = max(entries[-1]["epoch"], 2)

    def place(epoch, value):
        share = (value - low) / (high - low) if high > low else 0.5
        x = (epoch - 1) / (last - 1) * WIDTH
        return f"{x:.1f} {(1 - share) * HEIGHT:.1f}"

    names, lines = [], []
    for number, (name, points) in enumerate(series.items()):
        end = f" {points[-1][1]:.4g}" if points else ""
        color = f'class="c{number % len(COLORS)}"'
        names.append(f"<span {color}>{html.escape(name)}{end}</span>")
        if points:
            line = " L".join(place(*point) for point in points)
            # Of no length: a point, since its ends are round.
            dot = f'<path class="last" d="M{place(*points[-1])} h0"/>'
            lines.append(f'<g {color}><path d="M{line}"/>{dot}</g>')
    label = html.escape(", ".join(series))
    numbers = [f"<span>{value:.4g}</span>" for value in (high, low)]
    return "\n".join(
        [
            f'<figure class="chart"><figcaption>{"".join(names)}</figcaption>',
            f'<div class="values">{"".join(numbers)}</div>',
            # Room for half the width of a line at each border.
            f'<svg viewBox="-8 -3 {WIDTH + 16} {HEIGHT + 6}" role="img" '
            f'preserveAspectRatio="none" aria-label="{label}">',
            *lines,
            '</svg><div class="epochs"><span>epoch 1</span>'
            f"<span>{last:,}</span></div></figure>",
        ]
    )


def _thinned(points):
    """Returns some of the points of a line, the last among them."""
    step = max(1, len(points) // POINTS)
    return points[::-step][::-1]


def _colors():
    """Returns the rules for the colors of lines, in both schemes."""
    light, dark = (
        " ".join(
            f".c{number} {{ color: {pair[side]}; }}"
            for number, pair in enumerate(COLORS)
        )
        for side in (0, 1)
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}"


def _samples(folder, encoded):
    """Returns samples of some epochs, with a slider."""
    paths = sorted(folder.glob("epoch_*")) if folder.is_dir() else []
    paths = [p for p in paths if p.suffix in (".png", ".txt")]
    if not paths:
        return ""
    count = min(SHOWN, len(paths))
    places = {
        round(i * (len(paths) - 1) / max(1, count - 1)) for i in range(count)
    }
    shown = [paths[i] for i in sorted(places)]
    figures = []
    for path in shown:
        if path not in encoded:
            encoded[path] = _embedded(path)
        epoch = int(path.stem.rpartition("_")[2])
        figures.append(
            f'<figure class="samples">{encoded[path]}'
            f"<figcaption>Epoch {epoch:,}</figcaption>"
            "</figure>"
        )
    for path in encoded.keys() - set(shown):
        del encoded[path]
    slider = _SLIDER.format(last=len(figures) - 1) if len(figures) > 1 else ""
    return "<h2>Samples</h2>\n" + "\n".join(figures) + "\n" + slider


def _embedded(path):
    if path.suffix == ".txt":
        return f"<pre>{html.escape(path.read_text('utf-8'))}</pre>"
    content = io.BytesIO()
    with Image.open(path) as image:
        image.save(content, "WEBP", quality=90)
    code = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="Samples" src="data:image/webp;base64,{code}">'


def _duration(seconds):
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _text(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(v)}" for name, v in value.items())
    if isinstance(value, list):
        return " and ".join(map(_text, value))
    return str(value)
