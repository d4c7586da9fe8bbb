// From seeds to what generators take, as kerasgan computes it in Python:
// `seeded_latents`, `sample_condition`, `inputs` and `kerasgan.latents`.

import { normal, uniform } from "./philox.js";

const round = Math.fround;

// Returns the latents of a seed, `count` rows.
export function sampleLatents(blocks, seed, count) {
  const parts = blocks.map((block) => {
    const sample = block.distribution === "normal" ? normal : uniform;
    return sample(seed, block.stream, count * block.columns).map(
      (x) => round(block.scale * x) + block.shift,
    );
  });
  return Array.from({ length: count }, (_, row) =>
    Float32Array.from(
      blocks.flatMap((block, i) =>
        Array.from(parts[i].subarray(row * block.columns, (row + 1) * block.columns)),
      ),
    ),
  );
}

// Returns the class of each image of a seed.
export function sampleClasses(bounds, seed, count) {
  return Array.from(uniform(seed, 1, count), (u) => bounds.filter((bound) => bound <= u).length);
}

export function oneHot(number, size) {
  const code = new Float32Array(size);
  code[number] = 1;
  return code;
}

// Returns the codes of each image of a seed: categories, then values.
export function sampleCodes({ categorical, continuous }, seed, count) {
  const width = categorical.length + continuous;
  const numbers = uniform(seed, 1, count * width);
  return Array.from({ length: count }, (_, row) => {
    const own = numbers.subarray(row * width, (row + 1) * width);
    return {
      categories: categorical.map((size, i) => Math.trunc(round(size * own[i]))),
      values: Array.from(own.subarray(categorical.length), (u) => 2 * u - 1),
    };
  });
}

export function codeVector({ categorical }, { categories, values }) {
  const parts = categorical.map((size, i) => Array.from(oneHot(categories[i], size)));
  return Float32Array.from([...parts.flat(), ...values]);
}

export function lerp(start, end, t) {
  return start.map((x, i) => (1 - t) * x + t * end[i]);
}

// On the arc, with a norm between those of the ends: White, 2016.
export function slerp(start, end, t) {
  const norm = (x) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
  const lengths = [norm(start), norm(end)];
  const cosine = start.reduce((sum, x, i) => sum + x * end[i], 0) / (lengths[0] * lengths[1]);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const share = (s) => (angle < 1e-8 ? s : Math.sin(s * angle) / Math.sin(angle));
  const length = (1 - t) * lengths[0] + t * lengths[1];
  const [first, second] = [share(1 - t) / lengths[0], share(t) / lengths[1]];
  return start.map((x, i) => length * (first * x + second * end[i]));
}

// The complementary error function of x >= 0, with a relative error of 1.2e-7:
// Press et al., "Numerical Recipes", section 6.2.
function erfc(x) {
  const t = 1 / (1 + 0.5 * x);
  const terms = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806,
    0.09678418, 0.37409196, 1.00002368, -1.26551223,
  ];
  return t * Math.exp(-x * x + terms.reduce((sum, term) => sum * t + term));
}

// The probability of a larger number.
const tail = (x) =>
  x < 0 ? 1 - 0.5 * erfc(-x * Math.SQRT1_2) : 0.5 * erfc(x * Math.SQRT1_2);

// Replaces numbers beyond a threshold by a function of them: BigGAN's
// truncation, `kerasgan.models.biggan.truncated`.
export function truncateAt(latents, threshold) {
  const largest = tail(threshold);
  return latents.map((z) => {
    if (Math.abs(z) <= threshold) return z;
    const share = Math.min(1, tail(Math.abs(z)) / largest);
    const probability = largest + share * (1 - 2 * largest);
    let [low, high] = [-threshold, threshold];
    for (let step = 0; step < 50; step++) {
      const middle = (low + high) / 2;
      if (1 - tail(middle) < probability) low = middle;
      else high = middle;
    }
    return low;
  });
}

export function truncate(latents, { kind, mean }, value) {
  if (value === null || kind === "styles") return latents;
  if (kind === "threshold") return truncateAt(latents, value);
  return latents.map((z) => mean + round(round(value) * (z - mean)));
}
