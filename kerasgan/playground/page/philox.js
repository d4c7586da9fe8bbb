// TensorFlow's stateless random numbers: Philox 4x32-10 of a seed, as
// `tf.random.stateless_normal(shape, (seed, stream), alg="philox")` and
// `stateless_uniform` give them, so that a seed means the same image as in
// Python.
//
// Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.

const LIMIT = 1n << 63n;

// Returns a seed as BigInt, from a number or text, or throws.
export function parseSeed(text) {
  const digits = String(text).trim();
  if (!/^\d{1,19}$/.test(digits) || BigInt(digits) >= LIMIT) {
    throw new Error(
      `A seed is a whole number from 0 to ${LIMIT - 1n}. Received: ${digits || "nothing"}`,
    );
  }
  return BigInt(digits);
}

// The upper 32 bits of the product of two unsigned 32-bit numbers.
function multiplyHigh(a, b) {
  const aLow = a & 0xffff, aHigh = a >>> 16;
  const bLow = b & 0xffff, bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

function philox(counter, key) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(c0, 0xd2511f53), low0 = Math.imul(c0, 0xd2511f53);
    const high1 = multiplyHigh(c2, 0xcd9e8d57), low1 = Math.imul(c2, 0xcd9e8d57);
    [c0, c1, c2, c3] = [high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0].map((x) => x >>> 0);
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

const words = (seed) => [Number(seed & 0xffffffffn), Number(seed >> 32n)];

// Yields 32-bit numbers, four of each value of the counter.
function* bits(seed, stream) {
  // TensorFlow scrambles the seed into a key and the counter's upper half.
  const start = [...words(BigInt(seed)), ...words(BigInt(stream))];
  const [k0, k1, c2, c3] = philox(start, [0x3ec8f720, 0x02461e29]);
  const counter = [0, 0, c2, c3];
  for (;;) {
    yield* philox(counter, [k0, k1]);
    // A carry into the upper half would take 2 ** 64 steps.
    counter[0] = (counter[0] + 1) >>> 0;
    if (counter[0] === 0) counter[1] = (counter[1] + 1) >>> 0;
  }
}

// 23 bits as a float32 in [0, 1).
const toUnit = (x) => (x & 0x7fffff) / 0x800000;

export function uniform(seed, stream, count) {
  const source = bits(seed, stream);
  return Float32Array.from({ length: count }, () => toUnit(source.next().value));
}

// The method of Box and Muller, rounded where TensorFlow rounds to float32.
export function normal(seed, stream, count) {
  const source = bits(seed, stream);
  const round = Math.fround;
  const found = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const u = Math.max(toUnit(source.next().value), round(1e-7));
    const angle = round(2 * Math.PI * toUnit(source.next().value));
    const radius = round(Math.sqrt(round(-2 * round(Math.log(u)))));
    found[i] = round(Math.sin(angle)) * radius;
    if (i + 1 < count) found[i + 1] = round(Math.cos(angle)) * radius;
  }
  return found;
}
