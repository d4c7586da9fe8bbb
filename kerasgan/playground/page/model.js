// A model of the manifest: loads it, and makes images from requests.

import {
  codeVector, lerp, oneHot, sampleClasses, sampleCodes, sampleLatents, slerp, truncate,
} from "./latents.js";
import { tokensOf } from "./words.js";

// So many images are made at once, and then shown.
const CHUNK = 4;

let worker = null;
let messages = 0;
const waiting = new Map();

function request(task, values, report) {
  if (!worker) {
    worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data: { id, result, error, ...progress } }) => {
      // Downloads go on for a while after another one has failed.
      const { resolve, reject, report } = waiting.get(id) ?? {};
      if (!resolve) return;
      if ("loaded" in progress) return report?.(progress);
      waiting.delete(id);
      if (error) reject(new Error(error));
      else resolve(result);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const error = new Error(
        `The runtime did not start (${event.message || "the browser gives no reason"}). ` +
          "The page needs a browser with WebAssembly and module workers.",
      );
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
      worker = null;
    });
  }
  const id = messages++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, report });
    worker.postMessage({ id, task, ...values });
  });
}

function stacked(rows) {
  const data = new rows[0].constructor(rows.length * rows[0].length);
  rows.forEach((row, i) => data.set(row, i * row.length));
  return data;
}

const float32 = (rows, ...shape) => ({
  type: "float32",
  data: stacked(rows),
  shape: [rows.length, ...(shape.length ? shape : [rows[0].length])],
});

function unstacked({ data, shape: [count] }) {
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) => data.slice(i * size, (i + 1) * size));
}

export class Model {
  constructor(entry, wasm) {
    Object.assign(this, entry);
    this.wasm = wasm;
    this.vectors = new Map();
  }

  load(report) {
    return request("load", { files: Object.values(this.files), wasm: this.wasm }, report);
  }

  run(graph, inputs) {
    return request("run", { path: this.files[graph].path, inputs });
  }

  // The name of the condition as an input, or null.
  get condition() {
    return (
      (this.classes && "classes") || (this.codes && "codes") ||
      (this.captions && "sentence_vectors") || null
    );
  }

  async sentenceVector(caption) {
    if (!this.vectors.has(caption)) {
      const tokens = tokensOf(caption, this.captions);
      const inputs = { tokens: { type: "int32", data: tokens, shape: [1, tokens.length] } };
      const [vector] = unstacked(await this.run("encode", inputs));
      this.vectors.set(caption, vector);
    }
    return this.vectors.get(caption);
  }

  // Returns the condition of each of `count` images of a seed. `wish` is what
  // was requested: `{first, second, share}`, classes by number, null for those
  // of the seed, or captions; or `{categories, values}`, null as above.
  async conditions(wish, seed, count) {
    if (this.classes) {
      const { names, bounds } = this.classes;
      const code = (number) => oneHot(number, names.length);
      if (wish.first === null) return sampleClasses(bounds, seed, count).map(code);
      const mixed = wish.second === null
        ? code(wish.first)
        : lerp(code(wish.first), code(wish.second), wish.share);
      return Array(count).fill(mixed);
    }
    if (this.codes) {
      return sampleCodes(this.codes, seed, count).map((own) =>
        codeVector(this.codes, {
          categories: own.categories.map((number, i) => wish.categories[i] ?? number),
          values: own.values.map((value, i) => wish.values[i] ?? value),
        }),
      );
    }
    if (this.captions) {
      let vector = await this.sentenceVector(wish.first);
      if (wish.second) vector = lerp(vector, await this.sentenceVector(wish.second), wish.share);
      return Array(count).fill(vector);
    }
    return Array(count).fill(null);
  }

  // Returns what makes each of `count` images of a seed.
  async points(seed, count, wish) {
    const conditions = await this.conditions(wish, seed, count);
    return sampleLatents(this.latents, seed, count).map((latents, i) => ({
      latents,
      condition: conditions[i],
    }));
  }

  between(start, end, t) {
    return { latents: slerp(start.latents, end.latents, t), condition: start.condition };
  }

  inputs(points, truncation) {
    const { condition } = this;
    const inputs = {
      latents: float32(
        points.map(({ latents }) =>
          this.truncation ? truncate(latents, this.truncation, truncation) : latents,
        ),
      ),
    };
    if (condition) inputs[condition] = float32(points.map((point) => point.condition));
    if (this.truncation?.kind === "styles") {
      inputs.truncation = {
        type: "float32",
        data: new Float32Array(points.length).fill(truncation ?? 1),
        shape: [points.length],
      };
    }
    return inputs;
  }

  // Returns the styles of images: the number of layers, and a row for each.
  async stylesOf(points, truncation) {
    const found = await this.run("styles", this.inputs(points, truncation));
    return { layers: found.shape[1], rows: unstacked(found) };
  }

  async imagesOfStyles(rows, layers) {
    const styles = float32(rows, layers, rows[0].length / layers);
    return unstacked(await this.run("images", { styles }));
  }

  // Yields images, some at a time, until `isStale()`.
  async *images(points, truncation, isStale) {
    for (let first = 0; first < points.length && !isStale(); first += CHUNK) {
      const chunk = points.slice(first, first + CHUNK);
      if (this.styles) {
        const { layers, rows } = await this.stylesOf(chunk, truncation);
        yield await this.imagesOfStyles(rows, layers);
      } else {
        yield unstacked(await this.run("images", this.inputs(chunk, truncation)));
      }
    }
  }

  // Yields rows of images: `rows` with the styles of `columns` in some layers.
  async *mixed(rows, columns, replaced, truncation, isStale) {
    const to = await this.stylesOf(rows, truncation);
    const from = await this.stylesOf(columns, truncation);
    const size = to.rows[0].length / to.layers;
    for (const row of to.rows) {
      if (isStale()) return;
      const mixed = from.rows.map((column) => {
        const styles = row.slice();
        for (const layer of replaced) {
          const place = layer * size;
          styles.set(column.subarray(place, place + size), place);
        }
        return styles;
      });
      yield await this.imagesOfStyles(mixed, to.layers);
    }
  }

  // Returns an image, translated. `pixels` are height x width x channels.
  async translate(graph, pixels, height, width) {
    const shape = [1, height, width, this.source_channels];
    const images = { type: "uint8", data: pixels, shape };
    return (await this.run(graph, { images })).data;
  }
}
