// Elements, and images on canvases.

export const find = (id) => document.getElementById(id);

// Returns an element; functions among the attributes listen to events.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

let number = 0;

// Returns a control with its label, and what describes it.
export function field(label, control, ...more) {
  control.id ||= `control-${number++}`;
  const hints = more.filter((element) => element.className === "hint");
  for (const hint of hints) hint.id ||= `hint-${number++}`;
  if (hints.length) control.setAttribute("aria-describedby", hints.map(({ id }) => id).join(" "));
  return make("div", { className: "field" }, make("label", { htmlFor: control.id }, label), control, ...more);
}

// Returns a slider in its field; `show` turns its value into text.
export function slider(label, { min, max, step, value }, show, changed) {
  const text = make("span", { className: "value" });
  const input = make("input", { type: "range", min, max, step, value });
  const update = () => {
    text.textContent = show(input.valueAsNumber);
    input.setAttribute("aria-valuetext", text.textContent);
  };
  input.addEventListener("input", () => {
    update();
    changed();
  });
  update();
  const container = field(label, input);
  container.prepend(text);
  return { container, input };
}

// Returns radio buttons in their fieldset; `choices` are value and label.
export function radios(legend, choices, chosen, changed) {
  const name = `control-${number++}`;
  const labels = choices.map(([value, label]) =>
    make("label", {}, make("input", {
      type: "radio", name, value, checked: value === chosen, change: () => changed(value),
    }), label),
  );
  return make("fieldset", {}, make("legend", {}, legend), make("div", { className: "choices" }, ...labels));
}

export const select = (choices, chosen, changed) =>
  make("select", { change: changed }, ...choices.map(([value, label]) =>
    make("option", { value, selected: value === chosen }, label),
  ));

// Returns pixels with 1, 3 or 4 channels (of others the first) as RGBA.
export function toImageData(pixels, [height, width, channels]) {
  const data = new Uint8ClampedArray(height * width * 4).fill(255);
  const colors = channels === 3 || channels === 4 ? channels : 1;
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = pixels[i * channels + (colors === 1 ? 0 : c)];
    if (colors === 4) data[4 * i + 3] = pixels[i * channels + 3];
  }
  return new ImageData(data, width, height);
}

export const GAP = 2;

// Makes a canvas large enough for a grid, shown about `shown` pixels wide.
export function setGrid(canvas, [height, width], rows, columns, shown) {
  const size = [columns * (width + GAP) - GAP, rows * (height + GAP) - GAP];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  canvas.style.width = `${size[0] * Math.max(1, Math.round(shown / size[0]))}px`;
}

export function place(canvas, pixels, shape, row, column) {
  const [height, width] = shape;
  const image = toImageData(pixels, shape);
  canvas.getContext("2d", { willReadFrequently: true }).putImageData(image, column * (width + GAP), row * (height + GAP));
}

export function save(canvas, name) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (!blob) return reject(new Error("The browser could not write the PNG."));
      const href = URL.createObjectURL(blob);
      make("a", { href, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(href), 1000);
      resolve();
    }, "image/png");
  });
}
