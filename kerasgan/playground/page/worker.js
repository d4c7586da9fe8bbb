// Downloads models and runs them, beside the page, which stays responsive.

import * as ort from "./runtime/ort.js";

ort.env.wasm.numThreads = 1; // Several need headers that few servers send.
ort.env.logLevel = "error";

const sessions = new Map();
let runtime = null;
let current = null;

async function download({ path, bytes }, signal, report) {
  let response;
  try {
    response = await fetch(path, { signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(`${path} cannot be reached.`);
  }
  if (!response.ok) throw new Error(`The server answered ${response.status} for ${path}.`);
  const parts = [];
  let found = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    report(Math.min(value.length, Math.max(0, bytes - found)));
    found += value.length;
  }
  const blob = new Blob(parts);
  // Some servers declare the compression, so that the browser undoes it.
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  if (first !== 0x1f || second !== 0x8b) return blob.arrayBuffer();
  const stream = blob.stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function load({ files, wasm }, send) {
  current?.abort();
  const { signal } = (current = new AbortController());
  const missing = files.filter((file) => !sessions.has(file.path));
  const wanted = runtime ? missing : [wasm, ...missing];
  const total = wanted.reduce((sum, file) => sum + file.bytes, 0);
  let loaded = 0;
  const report = (count) => send({ loaded: (loaded += count), total });
  if (!runtime) {
    runtime = download(wasm, null, report).then((binary) => {
      ort.env.wasm.wasmBinary = binary;
    });
    runtime.catch(() => (runtime = null));
  }
  const [, ...contents] = await Promise.all([
    runtime,
    ...missing.map((file) => download(file, signal, report)),
  ]);
  for (const [path, session] of sessions) {
    if (!files.some((file) => file.path === path)) {
      sessions.delete(path);
      await session.release();
    }
  }
  for (const [i, file] of missing.entries()) {
    signal.throwIfAborted();
    const options = { executionProviders: ["wasm"] };
    const content = new Uint8Array(contents[i]);
    sessions.set(file.path, await ort.InferenceSession.create(content, options));
  }
}

async function run({ path, inputs }) {
  const session = sessions.get(path);
  const feeds = {};
  for (const [name, { type, data, shape }] of Object.entries(inputs)) {
    feeds[name] = new ort.Tensor(type, data, shape);
  }
  const { outputs } = await session.run(feeds);
  return { data: outputs.data, shape: outputs.dims };
}

// One after the other: a session runs once at a time.
let queue = Promise.resolve();

addEventListener("message", ({ data: { id, task, ...values } }) => {
  const send = (message) => postMessage({ id, ...message });
  const work = task === "load" ? load(values, send) : queue.then(() => run(values));
  work.then(
    (result) => send({ result }),
    (error) => send({ error: String(error?.message ?? error) }),
  );
  if (task === "run") queue = work.catch(() => {});
});
