// The view of a model that translates images: opened, dropped or painted ones.

import { make, place, radios, setGrid } from "./dom.js";
import { paintable } from "./paint.js";

const SHOWN = 320;

export function translator(model, { changed, fail }) {
  const [height, width, channels] = model.shape;
  const input = paintable(height, changed, fail);
  const output = make("canvas", { role: "img" });
  const titles = [make("figcaption"), make("figcaption")];
  const examples = make("div", { className: "row examples" });
  let direction = model.directions[0];
  let pixels = null;

  function choose(graph) {
    direction = model.directions.find((other) => other.graph === graph);
    titles[0].textContent = `Input: ${direction.source}`;
    titles[1].textContent = `Output: ${direction.target}`;
    const buttons = direction.examples.map((address, i) =>
      make("button", { type: "button", click: () => input.openAddress(address).catch(fail) },
        make("img", { src: address, alt: `Example ${i + 1} of ${direction.source}`, width, height })));
    examples.replaceChildren(...buttons);
    examples.parentElement.hidden = buttons.length === 0;
  }

  const directions = model.directions.map(({ graph, source, target }) => [graph, `From ${source} to ${target}`]);
  let choices = make("div");
  function showChoices() {
    const fresh = radios("Direction", directions, direction.graph, (graph) => {
      choose(graph);
      changed();
    });
    choices.replaceWith(fresh);
    choices = fresh;
    choices.hidden = directions.length < 2;
  }

  const exampleField = make("fieldset", {}, make("legend", {}, "Examples"), examples);
  const root = make("div", {}, choices, exampleField, input.opener);
  choose(direction.graph);
  showChoices();
  const back = make("button", { type: "button", click: () => {
    const image = output.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, output.width, output.height);
    choose(model.directions.find((other) => other !== direction).graph);
    showChoices();
    input.set(image);
  } }, "Translate it back");

  let isFirst = true;
  return {
    controls: [root],
    canvases: [
      make("figure", {}, titles[0], input.frame),
      make("figure", {}, titles[1], make("div", { className: "frame" }, output)),
      input.tools,
    ],
    more: model.directions.length > 1 ? [back] : [],
    async update(isStale) {
      if (isFirst && direction.examples.length) {
        isFirst = false;
        return input.openAddress(direction.examples[0]);
      }
      const used = direction;
      pixels = await model.translate(used.graph, input.pixels(model.source_channels), height, width);
      if (isStale()) return "";
      setGrid(output, model.shape, 1, 1, SHOWN);
      place(output, pixels, [height, width, channels], 0, 0);
      output.setAttribute("aria-label", `${used.target}, by ${model.name}`);
      return `Translated from ${used.source} to ${used.target}`;
    },
    code: () => {
      const option = model.directions.length > 1 ? `, to="${direction.to}"` : "";
      return `images = gan.translate(images${option})  # uint8, (n, ${height}, ${width}, ${model.source_channels})`;
    },
    saved: () => output,
    fileName: () => `${model.name}_to_${direction.to}`,
  };
}
