// A canvas to paint on, with a mouse, a pen, a finger or the keyboard.

import { field, make, slider } from "./dom.js";

const STEPS_BACK = 30;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Returns the elements of an input image of a size. `changed` is called after
// each stroke, `fail` with what is wrong with an opened file.
export function paintable(size, changed, fail) {
  const canvas = make("canvas", {
    width: size, height: size, tabIndex: 0, role: "application",
    "aria-roledescription": "painting area",
    "aria-label": "Input image. Arrow keys move the brush, the space bar paints.",
  });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const cursor = make("div", { className: "cursor", hidden: true });
  const frame = make("div", { className: "frame paint" }, canvas, cursor);
  const color = make("input", { type: "color", value: "#e03131" });
  const brush = slider("Brush", { min: 1, max: size / 4, step: 1, value: size / 16 },
    (value) => `${value} pixels`, () => showCursor());
  const before = [];
  let position = [size / 2, size / 2];
  let last = null;

  function remember() {
    before.push(context.getImageData(0, 0, size, size));
    if (before.length > STEPS_BACK) before.shift();
    undo.disabled = false;
  }

  function replace(paint) {
    remember();
    context.fillStyle = "#fff";
    context.fillRect(0, 0, size, size);
    paint?.();
    changed();
  }

  function line([x, y]) {
    context.strokeStyle = context.fillStyle = color.value;
    context.lineWidth = brush.input.valueAsNumber;
    context.lineCap = "round";
    context.beginPath();
    if (last) {
      context.moveTo(...last);
      context.lineTo(x, y);
      context.stroke();
    } else {
      context.arc(x, y, context.lineWidth / 2, 0, 2 * Math.PI);
      context.fill();
    }
    last = [x, y];
  }

  function showCursor() {
    const width = (100 * brush.input.valueAsNumber) / size;
    cursor.style.left = `${(100 * position[0]) / size}%`;
    cursor.style.top = `${(100 * position[1]) / size}%`;
    cursor.style.width = `${width}%`;
    cursor.style.aspectRatio = "1";
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top].map((x) => (x * size) / box.width);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    cursor.hidden = true;
    remember();
    last = null;
    line((position = at(event)));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last) line((position = at(event)));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (last) changed();
      last = null;
    });
  }
  canvas.addEventListener("keydown", (event) => {
    if (event.key in MOVES) {
      const step = event.shiftKey ? 1 : brush.input.valueAsNumber;
      position = position.map((x, i) => Math.min(size, Math.max(0, x + step * MOVES[event.key][i])));
    } else if (event.key === " ") {
      remember();
      last = null;
      line(position);
      last = null;
      changed();
    } else return;
    event.preventDefault();
    cursor.hidden = false;
    showCursor();
  });
  canvas.addEventListener("blur", () => (cursor.hidden = true));

  // The central square, on white, as `kerasgan translate` reads it.
  async function open(source) {
    let image;
    try {
      image = await createImageBitmap(source);
    } catch {
      fail(new Error(`${source.name ?? "The file"} is no image that this browser reads.`));
      return;
    }
    const side = Math.min(image.width, image.height);
    context.imageSmoothingQuality = "high";
    replace(() => context.drawImage(image, (image.width - side) / 2, (image.height - side) / 2,
      side, side, 0, 0, size, size));
  }

  async function openAddress(address) {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`The server answered ${response.status} for ${address}.`);
    await open(await response.blob());
  }

  frame.addEventListener("dragover", (event) => {
    event.preventDefault();
    frame.classList.add("over");
  });
  frame.addEventListener("dragleave", () => frame.classList.remove("over"));
  frame.addEventListener("drop", (event) => {
    event.preventDefault();
    frame.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) open(file);
    else fail(new Error("Drop a file with an image."));
  });

  const file = make("input", { type: "file", accept: "image/*", change: () => file.files[0] && open(file.files[0]) });
  const clear = make("button", { type: "button", click: () => replace() }, "Clear");
  const undo = make("button", { type: "button", disabled: true, click: () => {
    context.putImageData(before.pop(), 0, 0);
    undo.disabled = before.length === 0;
    changed();
  } }, "Undo");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, size, size);
  return {
    frame,
    tools: make("div", { className: "tools" }, field("Color", color), brush.container,
      make("div", { className: "row" }, undo, clear)),
    opener: field("Open an image", file, make("p", { className: "hint" },
      `Or drop it on the input. The central square is used, at ${size} x ${size}.`)),
    openAddress,
    // Copies an image of the same size.
    set: (image) => replace(() => context.putImageData(image, 0, 0)),
    // Returns the pixels with 1 or 3 channels.
    pixels(channels) {
      const { data } = context.getImageData(0, 0, size, size);
      const found = new Uint8Array(size * size * channels);
      for (let i = 0; i < size * size; i++) {
        const [red, green, blue] = data.subarray(4 * i, 4 * i + 3);
        if (channels === 1) found[i] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
        else found.set([red, green, blue], 3 * i);
      }
      return found;
    },
  };
}
