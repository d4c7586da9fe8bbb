"""A real Chromium, a static server to visit, and what a visitor does there."""

import base64
import contextlib
import functools
import http.server
import json
import pathlib
import shutil
import threading
import time
import urllib.request

import numpy as np

from kerasgan import playground

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update "
    "--disable-sync --force-color-profile=srgb"
).split()
OUTPUT = "#canvases canvas[role=img]"
INPUT = "canvas[role=application]"
# The names of all controls that can be used now, in their order.
CONTROLS = """() => {
  const name = (e) => e.labels?.[0]?.textContent ?? e.getAttribute("aria-label")
    ?? e.querySelector("img")?.alt ?? e.textContent;
  const all = document.querySelectorAll(
    "button, input, select, textarea, summary");
  return [...all].filter((e) => e.checkVisibility() && !e.disabled).map(name);
}"""
PIXELS = """(selector) => {
  const problem = document.getElementById("problem");
  if (!problem.hidden) return problem.innerText;
  const canvas = document.querySelector(selector);
  const {width, height} = canvas;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const {data} = context.getImageData(0, 0, width, height);
  let text = "";
  for (let i = 0; i < data.length; i += 8192)
    text += String.fromCharCode(...data.subarray(i, i + 8192));
  return [width, height, btoa(text)];
}"""


@contextlib.contextmanager
def chromium(*flags):
    """Yields Debian's Chromium, as a browser of Playwright."""
    from playwright import sync_api

    with sync_api.sync_playwright() as tool:
        path = shutil.which("chromium")
        browser = tool.chromium.launch(
            executable_path=path, args=[*FLAGS, *flags]
        )
        yield browser
        browser.close()


class Server:
    """A static server that counts, and can be slow or fail."""

    def __init__(self, folder):
        self.bytes, self.slow, self.fails = 0, False, ""
        handler = functools.partial(Handler, directory=folder, state=self)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def get(self, path):
        with urllib.request.urlopen(self.address + path) as response:
            return response.read()

    def entry(self, name):
        """Returns the entry of a model in the manifest."""
        models = json.loads(self.get("manifest.json"))["models"]
        return next(model for model in models if model["name"] == name)


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args, state, **kwargs):
        self.state = state
        super().__init__(*args, **kwargs)

    def log_message(self, *args):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def translate_path(self, path):
        found = pathlib.Path(super().translate_path(path))
        # The playground may have been built by older code.
        own = playground.PAGE / found.name
        is_at_top = (found.parent / "manifest.json").is_file()
        return str(own if is_at_top and own.is_file() else found)

    def do_GET(self):
        if self.state.fails and self.state.fails in self.path:
            self.send_error(503)
            return
        super().do_GET()

    def copyfile(self, source, outputfile):
        while block := source.read(1 << 18):
            self.state.bytes += len(block)
            outputfile.write(block)
            if self.state.slow:
                time.sleep(0.2)


class Visitor:
    """What a visitor of the playground does, and which controls it used."""

    def __init__(self, page, address):
        self.page = page
        self.address = address
        self.problems, self.requests, self.expected = [], [], []
        self.seen, self.used = set(), set()
        page.set_default_timeout(300_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.context.on("request", lambda r: self.requests.append(r.url))

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.text} {message.location}")

    def check_requests(self):
        """Neither did anything fail, nor was another server asked."""
        assert self.requests
        own = self.address, "blob:", "data:"
        assert [u for u in self.requests if not u.startswith(own)] == []
        assert [
            problem
            for problem in self.problems
            if not any(text in problem for text in self.expected)
        ] == []

    def open(self, query):
        self.page.goto(f"{self.address}index.html?{query}")
        self.wait()

    def wait(self):
        self.page.wait_for_selector('#result[aria-busy="false"]')

    def look(self):
        """Remembers the controls that are shown."""
        names = self.page.evaluate(CONTROLS)
        self.seen.update(names)
        return names

    def control(self, label):
        self.used.add(label)
        return self.page.get_by_label(label, exact=True)

    def choose(self, label, value):
        self.control(label).select_option(value)
        self.wait()
        self.look()

    def fill(self, label, value):
        self.control(label).fill(str(value))
        self.wait()

    def check(self, label):
        self.control(label).check()
        self.wait()
        self.look()

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
        self.used.add(name)
        self.page.get_by_role("button", name=name, exact=True).click()
        self.wait()

    def unfold(self, summary):
        self.used.add(summary)
        self.page.get_by_text(summary, exact=True).click()

    def code(self):
        return self.page.locator("#code code").inner_text()

    def canvas(self, selector=OUTPUT):
        """Returns the pixels of a canvas, `(height, width, 4)`."""
        found = self.page.evaluate(PIXELS, selector)
        assert not isinstance(found, str), found
        width, height, pixels = found
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

    def wait_for_input(self, image):
        """Waits until a translator's input is an image, and is translated."""
        end = time.monotonic() + 60
        while not np.array_equal(self.canvas(INPUT)[..., :3], image):
            assert time.monotonic() < end, "The input did not become the image."
        self.wait()


def assert_alike(found, expected):
    """Images are equal, to one grey level; returns the largest difference."""
    assert found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected).max()
    assert difference <= 1
    assert expected.std() > 1
    return difference
