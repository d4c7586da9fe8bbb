// The page: reads the manifest, and makes the controls of the chosen model.
// `?model=NAME` chooses one, `&seed=7` its seed, `&embed=1` leaves the header.

import { find, make, save } from "./dom.js";
import { generator } from "./generate.js";
import { Model } from "./model.js";
import { translator } from "./translate.js";

const query = new URLSearchParams(location.search);
const result = find("result");
const status = find("status");
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

let manifest = null;
let model = null;
let view = null;
// What was requested, and what is shown.
let version = 0;
let isRunning = false;

function fail(error) {
  find("reason").textContent = error.message;
  find("problem").hidden = false;
  status.textContent = "";
}

// Called after each change of a control: shows the newest, skips others.
async function changed() {
  version++;
  result.setAttribute("aria-busy", "true");
  if (isRunning) return;
  isRunning = true;
  for (let done = -1; done !== version; ) {
    done = version;
    const isStale = () => done !== version;
    try {
      await update(isStale);
      if (!isStale()) find("problem").hidden = true;
    } catch (error) {
      if (!isStale()) fail(error);
    }
  }
  isRunning = false;
  result.setAttribute("aria-busy", "false");
}

async function update(isStale) {
  const wanted = model;
  if (!wanted.isLoaded) {
    status.textContent = `Loading ${wanted.name}, ${megabytes(wanted.bytes)} MB.`;
    find("loading").hidden = false;
    try {
      await wanted.load(({ loaded, total }) => {
        if (wanted !== model) return;
        find("progress").max = total;
        find("progress").value = loaded;
        find("amount").textContent = loaded < total
          ? `${megabytes(loaded)} of ${megabytes(total)} MB`
          : "Preparing the model";
      });
    } catch (error) {
      throw new Error(`${wanted.name} could not be loaded. ${error.message}`);
    } finally {
      find("loading").hidden = true;
    }
    wanted.isLoaded = true;
    if (isStale() && wanted !== model) return;
  }
  const start = performance.now();
  status.textContent = "Working.";
  const text = await view.update(isStale);
  if (isStale()) return;
  const seconds = ((performance.now() - start) / 1000).toFixed(2);
  status.textContent = `${text} in ${seconds} s.`;
  find("save").disabled = false;
  const code = view.code();
  find("code").hidden = !code;
  find("code").querySelector("code").textContent = code
    ? `import zoo\nfrom kerasgan import latents\n\ngan = zoo.load("${wanted.name}")\n${code}`
      .replace(code.includes("latents.") ? "" : "from kerasgan import latents\n", "")
    : "";
}

function show(name) {
  const entry = manifest.models.find((other) => other.name === name);
  if (model) model.isLoaded = false;
  model = new Model(entry, manifest.runtime);
  find("model").value = name;
  const [height, width] = entry.shape;
  find("about").textContent =
    `${entry.description} ${entry.architecture}, trained on ${entry.dataset}, ` +
    `${width}\u00a0x\u00a0${height}, weights ${entry.license}, download ${megabytes(entry.bytes)} MB.`;
  const make_ = entry.method === "translate" ? translator : generator;
  view = make_(model, { changed, fail, seed: query.get("seed") ?? "0" });
  find("controls").replaceChildren(...view.controls);
  find("canvases").replaceChildren(...view.canvases);
  find("more").replaceChildren(...(view.more ?? []));
  find("save").disabled = true;
  find("problem").hidden = true;
  changed();
}

function listModels() {
  const tasks = new Map();
  for (const { task, name } of manifest.models) {
    if (!tasks.has(task)) tasks.set(task, make("optgroup", { label: task }));
    tasks.get(task).append(make("option", { value: name }, name));
  }
  find("model").replaceChildren(...tasks.values());
}

async function start() {
  const response = await fetch("manifest.json");
  if (!response.ok) throw new Error(`The server answered ${response.status} for manifest.json.`);
  manifest = await response.json();
  listModels();
  find("version").textContent =
    `kerasgan ${manifest.kerasgan}, ${manifest.runtime.package}. No data leaves the browser.`;
  const name = query.get("model");
  const known = manifest.models.some((entry) => entry.name === name);
  document.body.classList.toggle("choose", !known);
  show(known ? name : manifest.models[0].name);
  if (name && !known) status.textContent = `There is no model ${name} here.`;
}

document.body.classList.toggle("embed", query.get("embed") === "1");
find("controls").addEventListener("submit", (event) => event.preventDefault());
find("model").addEventListener("change", () => {
  query.set("model", find("model").value);
  history.replaceState(null, "", `?${query}`);
  show(find("model").value);
});
find("again").addEventListener("click", () => (manifest ? changed() : begin()));
find("save").addEventListener("click", () => save(view.saved(), `${view.fileName()}.png`).catch(fail));
async function begin() {
  result.setAttribute("aria-busy", "true");
  find("problem").hidden = true;
  try {
    await start();
  } catch (error) {
    fail(new Error(`The page could not start. ${error.message}`));
    result.setAttribute("aria-busy", "false");
  }
}

begin();
