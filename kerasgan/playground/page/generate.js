// The views of a model that generates: images of a seed, images between two
// seeds, and mixed styles.

import { field, make, place, radios, select, setGrid, slider } from "./dom.js";
import { parseSeed } from "./philox.js";
import { unknownWords } from "./words.js";

const SHOWN = 560;
const CODE_RANGE = { min: -2, max: 2, step: 0.1, value: 0 };
const percent = (value) => `${Math.round(100 * value)} %`;
const python = (value) => JSON.stringify(value);

// Returns a text input of a seed, or of several, and what reads it.
function seeds(label, value, changed, several) {
  const input = make("input", { type: "text", inputMode: "numeric", className: "seed", value, autocomplete: "off" });
  input.addEventListener("input", changed);
  const other = make("button", { type: "button", click: () => {
    input.value = String(Math.floor(Math.random() * 1e6));
    changed();
  } }, "Random");
  other.setAttribute("aria-label", `Random ${label.toLowerCase()}`);
  const container = field(label, input);
  if (!several) {
    const row = make("div", { className: "row" });
    input.replaceWith(row);
    row.append(input, other);
  }
  const read = () => {
    const words = several ? input.value.split(/[\s,]+/).filter(Boolean) : [input.value];
    input.setAttribute("aria-invalid", "true");
    if (several && (words.length < 1 || words.length > several)) {
      throw new Error(`${label}: 1 to ${several} seeds. Received: ${words.length}`);
    }
    const found = words.map(parseSeed);
    input.setAttribute("aria-invalid", "false");
    return several ? found : found[0];
  };
  return { container, read };
}

function classControls({ classes }, changed) {
  const numbered = classes.names.map((name, i) => [String(i), name]);
  const first = select([["", "That of the seed"], ...numbered], "", update);
  const second = select([["", "None"], ...numbered], "", update);
  const share = slider("Share of the second class", { min: 0, max: 1, step: 0.01, value: 0.5 }, percent, changed);
  const mixture = field("Mixed with", second);
  function update() {
    mixture.hidden = first.value === "";
    share.container.hidden = mixture.hidden || second.value === "";
    changed();
  }
  mixture.hidden = share.container.hidden = true;
  const number = ({ value }) => (value === "" ? null : Number(value));
  return {
    elements: [field("Class", first), mixture, share.container],
    wish: () => ({ first: number(first), second: first.value === "" ? null : number(second), share: share.input.valueAsNumber }),
    // The argument in Python, or null if there is none that means the same.
    python: ({ first, second }, count) => {
      if (first === null) return "";
      return second === null ? `labels=[${python(classes.names[first])}] * ${count}` : null;
    },
  };
}

function captionControls({ captions }, changed) {
  const first = make("textarea", { rows: 3, value: captions.examples[0] });
  const second = make("textarea", { rows: 3, placeholder: captions.examples[1] ?? "" });
  const share = slider("Share of the second caption", { min: 0, max: 1, step: 0.01, value: 0.5 }, percent, changed);
  const hint = make("p", { className: "hint" });
  hint.setAttribute("role", "status");
  const update = () => {
    share.container.hidden = !second.value.trim();
    const unknown = unknownWords(`${first.value} ${second.value}`, captions);
    hint.textContent = unknown.length ? `Words that the model does not know: ${unknown.join(", ")}.` : "";
    changed();
  };
  for (const input of [first, second]) input.addEventListener("input", update);
  share.container.hidden = true;
  const words = make("details", { className: "field" },
    make("summary", {}, `All ${captions.vocabulary.length} words of the model`),
    make("p", { className: "hint" }, [...captions.vocabulary].sort().join(" ")));
  return {
    elements: [field("Caption", first, hint), field("Second caption, to go to", second), share.container, words],
    wish: () => ({ first: first.value, second: second.value.trim(), share: share.input.valueAsNumber }),
    python: ({ first, second }, count) => (second ? null : `captions=[${python(first)}] * ${count}`),
  };
}

function codeControls({ codes }, changed) {
  const categories = codes.categorical.map((size) =>
    select([["", "That of the seed"], ...Array.from({ length: size }, (_, i) => [String(i), String(i)])], "", changed));
  const values = Array.from({ length: codes.continuous }, (_, i) => {
    const fixed = make("input", { type: "checkbox", change: () => {
      container.hidden = !fixed.checked;
      changed();
    } });
    const label = make("label", {}, fixed, `Set continuous code ${i + 1}`);
    const { container, input } = slider(`Continuous code ${i + 1}`, CODE_RANGE, (value) => value.toFixed(1), changed);
    container.hidden = true;
    return { fixed, input, elements: [make("div", { className: "choices field" }, label), container] };
  });
  return {
    elements: [
      ...categories.map((input, i) => field(`Categorical code ${i + 1}`, input)),
      ...values.flatMap(({ elements }) => elements),
    ],
    wish: () => ({
      categories: categories.map(({ value }) => (value === "" ? null : Number(value))),
      values: values.map(({ fixed, input }) => (fixed.checked ? input.valueAsNumber : null)),
    }),
    // Python takes all codes of a kind, or none.
    python: (wish, count) => {
      const kinds = { categorical: wish.categories, continuous: wish.values };
      const given = Object.entries(kinds).filter(([, all]) => all.some((value) => value !== null));
      if (given.some(([, all]) => all.includes(null))) return null;
      const text = given.map(([kind, all]) => `"${kind}": [${python(all)}] * ${count}`);
      return given.length ? `codes={${text.join(", ")}}` : "";
    },
  };
}

const nothing = { elements: [], wish: () => null, python: () => "" };

function truncationControls({ truncation }, changed) {
  if (!truncation) return { elements: [], read: () => null };
  const isThreshold = truncation.kind === "threshold";
  const range = isThreshold
    ? { min: 0.05, max: truncation.largest, step: 0.05, value: truncation.largest }
    : { min: -1, max: 1, step: 0.05, value: 1 };
  const none = range.max;
  const { container, input } = slider("Truncation", range,
    (value) => (value === none ? "none" : value.toFixed(2)), changed);
  const hint = make("p", { className: "hint" }, isThreshold
    ? "The largest latent: less gives more typical, more similar images."
    : "Toward 0, images are more typical and more similar; below, opposite.");
  hint.id = `${input.id}-hint`;
  input.setAttribute("aria-describedby", hint.id);
  container.append(hint);
  return { elements: [container], read: () => (input.valueAsNumber === none ? null : input.valueAsNumber) };
}

export function generator(model, { changed, seed }) {
  const condition = (model.classes ? classControls : model.captions ? captionControls
    : model.codes ? codeControls : () => nothing)(model, changed);
  const truncation = truncationControls(model, changed);
  const canvas = make("canvas", { role: "img" });
  const own = make("div");
  const first = seeds("Seed", seed, changed);
  const suffix = (value) => (value === null ? "" : `, truncation=${value}`);
  let code = "";
  let fileName = model.name;

  const count = select(["1", "4", "9", "16", "64"].map((n) => [n, n]), "16", changed);
  const images = {
    label: "Images of a seed",
    elements: [first.container, field("Number of images", count)],
    async update(isStale) {
      const [chosen, number, wish, psi] = [first.read(), Number(count.value), condition.wish(), truncation.read()];
      const columns = Math.min(8, Math.ceil(Math.sqrt(number)));
      const points = await model.points(chosen, number, wish);
      let done = 0;
      for await (const found of model.images(points, psi, isStale)) {
        if (done === 0) setGrid(canvas, model.shape, Math.ceil(number / columns), columns, SHOWN);
        for (const pixels of found) {
          place(canvas, pixels, model.shape, Math.floor(done / columns), done % columns);
          done++;
        }
      }
      const argument = condition.python(wish, number);
      const start = argument ? argument : number;
      code = argument === null ? "" : `images = gan.generate(${start}, seed=${chosen}${suffix(psi)})`;
      fileName = `${model.name}_seed_${chosen}`;
      return `${number} ${number === 1 ? "image" : "images"} of seed ${chosen}`;
    },
  };

  const second = seeds("Second seed", "1", changed);
  const position = slider("Position", { min: 0, max: 1, step: 0.01, value: 0.5 }, percent, changed);
  const between = {
    label: "Between two seeds",
    elements: [first.container, second.container, position.container],
    async update(isStale) {
      const ends = [first.read(), second.read()];
      const [t, wish, psi] = [position.input.valueAsNumber, condition.wish(), truncation.read()];
      const [[start], [end]] = await Promise.all(ends.map((one) => model.points(one, 1, wish)));
      end.condition = start.condition;
      const points = [start, model.between(start, end, t), end];
      for await (const found of model.images(points, psi, isStale)) {
        setGrid(canvas, model.shape, 1, 3, SHOWN);
        found.forEach((pixels, i) => place(canvas, pixels, model.shape, 0, i));
      }
      const argument = condition.python(wish, 1);
      const isSaid = model.codes ? argument === "" : argument || (argument === "" && !model.classes);
      code = isSaid
        ? `path = latents.interpolate(gan, [${ends.join(", ")}], 100, ` +
          `${argument ? `${argument.replace(" * 1", "")}, ` : ""}closed=False${suffix(psi)})\n` +
          `image = path[${Math.round(100 * t)}]`
        : "";
      fileName = `${model.name}_between_${ends.join("_")}`;
      return `Seed ${ends[0]}, ${percent(t)} of the way, and seed ${ends[1]}`;
    },
  };

  const views = { images, between };
  if (model.styles) {
    const names = { coarse: "Coarse: pose and shape", middle: "Middle: features", fine: "Fine: colors and details" };
    let which = Object.keys(model.styles)[0];
    const rows = seeds("Seeds of the rows, which are changed", "0 1 2", changed, 6);
    const columns = seeds("Seeds of the columns, whose styles are taken", "3 4 5 6", changed, 6);
    views.mix = {
      label: "Mixed styles",
      elements: [rows.container, columns.container, radios("Styles taken",
        Object.keys(model.styles).map((name) => [name, names[name]]), which, (name) => {
          which = name;
          changed();
        })],
      async update(isStale) {
        const [left, top] = [rows.read(), columns.read()];
        const [wish, psi] = [condition.wish(), truncation.read()];
        const pointsOf = async (all) =>
          (await Promise.all(all.map((one) => model.points(one, 1, wish)))).flat();
        const [leftPoints, topPoints] = [await pointsOf(left), await pointsOf(top)];
        setGrid(canvas, model.shape, left.length + 1, top.length + 1, SHOWN);
        let done = 0;
        for await (const found of model.images([...topPoints, ...leftPoints], psi, isStale)) {
          for (const pixels of found) {
            const row = done - top.length + 1;
            place(canvas, pixels, model.shape, Math.max(0, row), row > 0 ? 0 : done + 1);
            done++;
          }
        }
        let row = 1;
        for await (const found of model.mixed(leftPoints, topPoints, model.styles[which], psi, isStale)) {
          found.forEach((pixels, i) => place(canvas, pixels, model.shape, row, i + 1));
          row++;
        }
        code = model.classes ? ""
          : `images = latents.mix_styles(gan, [${left.join(", ")}], [${top.join(", ")}], "${which}"${suffix(psi)})`;
        fileName = `${model.name}_mixed`;
        return `${left.length} by ${top.length} images with ${which} styles of the top row`;
      },
    };
  }

  let view = images;
  const showView = (name) => {
    view = views[name];
    own.replaceChildren(...view.elements);
  };
  showView("images");
  return {
    controls: [
      radios("View", Object.entries(views).map(([name, { label }]) => [name, label]), "images", (name) => {
        showView(name);
        changed();
      }),
      own, ...condition.elements, ...truncation.elements,
    ],
    canvases: [make("div", { className: "frame" }, canvas)],
    async update(isStale) {
      const text = await view.update(isStale);
      canvas.setAttribute("aria-label", `${text}, by ${model.name}`);
      return text;
    },
    code: () => code,
    saved: () => canvas,
    fileName: () => fileName,
  };
}
