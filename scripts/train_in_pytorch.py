r"""Trains a PyTorch mirror on a GPU, and keeps its weights for kerasgan.

    python scripts/train_in_pytorch.py data fashion_mnist clothes.npz
    python scripts/train_in_pytorch.py train lsgan OUT --data clothes.npz \
        --images 3000000 --device cuda
    python scripts/train_in_pytorch.py keep lsgan OUT runs/NAME
    kerasgan publish runs/NAME -o zoo/NAME

`data` and `keep` need kerasgan and the prepared data set, `train` needs only
PyTorch and NumPy. The mirrors are written from the papers, not from kerasgan
(tests/reference); `twins` has their training steps. A whole step is captured in
a CUDA graph, because the kernels of small networks take less time than it takes
to launch them.
"""

import argparse
import importlib
import io
import json
import os
import pathlib
import sys
import time
import zipfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# Steps before the capture, and between looks at the clock.
WARM_UP, LOOK = 3, 50
# Seconds between lines of the log.
EVERY = 10.0


def twin_class(name):
    """Returns the class of a twin."""
    return importlib.import_module(f"scripts.twins.{name}").Twin


# The data


def write_data(name, path):
    """Writes the training images of a data set, and labels if it has some."""
    from kerasgan import data
    from kerasgan.data import catalog

    examples = data.load(name, "train")
    arrays = {"images": examples[catalog.get(name).image]}
    if "label" in examples:
        arrays["labels"] = examples["label"].astype("uint8")
    # NumPy reads it like its own compressed files, which are larger.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        for key, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            file.writestr(f"{key}.npy", content.getvalue())


# Training


def train(name, folder, arguments):
    """Trains a twin and writes its log and its snapshots."""
    start = time.monotonic()
    import torch

    device = torch.device(arguments.device)
    torch.manual_seed(arguments.seed)
    # Trying all algorithms takes half a minute.
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.benchmark_limit = 3
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    twin = twin_class(name)(device, arguments.images, **arguments.options)
    run = Run(name, pathlib.Path(folder), twin, device, arguments, start)
    phases = getattr(twin, "phases", None) or [(1, twin.step)]
    phases = [(every, Phase(run, method)) for every, method in phases]
    run.say(f"{name} on {run.about['device']}, PyTorch {torch.__version__}")
    for _ in range(WARM_UP):
        run.draw()
        for _, phase in phases:
            phase.eagerly()
    if device.type == "cuda" and not arguments.eager:
        for _, phase in phases:
            phase.capture()
    while not run.is_done():
        run.draw()
        for every, phase in phases:
            if run.steps % every == 0:
                phase()
    run.say("done")
    run.log.close()


def precision_of(twin, device):
    """Returns what the card says of the twin's arithmetic."""
    if device.type != "cuda":
        return "float32"
    default = "float32 with TensorFloat-32 products"
    return getattr(twin, "precision", default)


class Phase:
    """A method of a twin on the present batch, captured if possible.

    Args:
        run: The `Run` that draws the batches and adds up the losses.
        method: Callable from images and labels to a dict of tensors.
    """

    def __init__(self, run, method):
        self.run = run
        self.method = method
        self.sums = {}
        self.count = 0
        self.graph = None
        run.phases.append(self)

    def __call__(self):
        self.count += 1
        if self.graph is None:
            self.add()
        else:
            self.graph.replay()

    def add(self):
        losses = self.method(*self.run.batch())
        for name, loss in losses.items():
            if name not in self.sums:
                self.sums[name] = loss.detach().clone().zero_()
            self.sums[name] += loss.detach()

    def eagerly(self):
        """Takes a step as the capture needs it: on a stream of its own."""
        import torch

        self.count += 1
        if self.run.device.type != "cuda":
            self.add()
            return
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.add()
        torch.cuda.current_stream().wait_stream(stream)

    def capture(self):
        """Captures the method; if that fails, begins again without."""
        import torch

        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self.add()
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            self.run.say(f"{self.method.__name__} is not captured: {reason}")
            self.run.log.close()
            # Random numbers do not recover from it within the process.
            os.execv(sys.executable, [sys.executable, *sys.argv, "--eager"])
        self.graph = graph

    def means(self):
        """Returns the mean losses since the last call."""
        means = {}
        for name, total in self.sums.items():
            means[name] = float(total) / max(self.count, 1)
            total.zero_()
        self.count = 0
        return means


class Run:
    """The data on the device, the clock, the log and the snapshots."""

    def __init__(self, name, folder, twin, device, arguments, start):
        import torch

        self.start = start
        self.torch, self.twin, self.device = torch, twin, device
        self.name, self.folder, self.arguments = name, folder, arguments
        folder.mkdir(parents=True, exist_ok=True)
        self.log = open(folder / f"{name}.log", "w", encoding="utf-8")
        with np.load(arguments.data) as file:
            arrays = {key: torch.from_numpy(file[key]) for key in file.files}
        self.images = arrays["images"].to(device)
        self.labels = None
        if "labels" in arrays:
            self.labels = arrays["labels"].long().to(device)
        self.indices = torch.zeros(
            twin.batch_size, dtype=torch.long, device=device
        )
        self.order, self.place = torch.zeros(0), 0
        self.phases = []
        # Twins without schedules need not have these.
        self.progress = getattr(twin, "progress", lambda share: None)
        self.steps = self.said = 0
        # Shares of the training; another snapshot follows the first pass.
        self.due = list(np.linspace(0.0, 1.0, arguments.snapshots)[1:])
        self.last = None
        self.about = {
            "name": name,
            "count": len(self.images),
            "batch_size": twin.batch_size,
            "seed": arguments.seed,
            "options": arguments.options,
            "device": torch.cuda.get_device_name(device)
            if device.type == "cuda"
            else "CPU",
            "cores": os.cpu_count(),
            "torch": torch.__version__,
            "precision": precision_of(twin, device),
        }

    @property
    def seen(self):
        """int. Images so far."""
        return self.steps * self.twin.batch_size

    def draw(self):
        """Chooses the next batch; each pass over the data has a new order."""
        size = self.twin.batch_size
        if self.ends_pass():
            self.order = self.torch.randperm(
                len(self.images), device=self.device
            )
            self.place = 0
        self.indices.copy_(self.order[self.place : self.place + size])
        self.place += size
        self.steps += 1

    def batch(self):
        """Returns images `[batch, channels, height, width]`, and labels."""
        images = self.images[self.indices].permute(0, 3, 1, 2)
        images = images.to(self.torch.float32) / 127.5 - 1.0
        labels = None if self.labels is None else self.labels[self.indices]
        return images, labels

    def is_done(self):
        """Looks at the clock, lowers the rates, writes what is due."""
        is_first_pass = self.last is None and self.ends_pass()
        is_last = self.seen >= self.arguments.images
        if self.device.type == "cuda":
            if self.steps % LOOK and not is_last and not is_first_pass:
                return False
            self.torch.cuda.synchronize()
        seconds = time.monotonic() - self.start
        share = max(
            self.seen / self.arguments.images, seconds / self.arguments.seconds
        )
        share = min(share, 1.0)
        self.progress(share)
        if seconds - self.said >= EVERY:
            self.said = seconds
            losses = ", ".join(
                f"{name} {float(total) / max(phase.count, 1):.4f}"
                for phase in self.phases
                for name, total in phase.sums.items()
            )
            self.say(
                f"{seconds:.0f} s, {self.seen:,} images, "
                f"{self.seen / seconds:.0f} per second, {share:.1%}: {losses}"
            )
        is_due = self.due[0] <= share
        self.due = [other for other in self.due if other > share]
        if is_due or is_first_pass:
            self.snapshot(seconds)
        return share >= 1.0

    def ends_pass(self):
        """Whether the next batch begins a pass over the data."""
        return self.place + self.twin.batch_size > len(self.order)

    def snapshot(self, seconds):
        """Writes the weights, and what is known about them."""
        losses = {}
        for phase in self.phases:
            losses |= phase.means()
        about = {
            **self.about,
            "images": self.seen,
            "seconds": round(seconds, 1),
            "losses": losses,
        }
        arrays = {"about": np.array(json.dumps(about))}
        dtype = "float16" if self.arguments.half else "float32"
        for name, module in self.twin.networks().items():
            if name in self.arguments.without:
                continue
            for key, tensor in module.state_dict().items():
                if tensor.is_floating_point():
                    array = tensor.detach().float().cpu().numpy()
                    arrays[f"{name}/{key}"] = array.astype(dtype)
        self.last = self.folder / f"{self.name}-{self.seen}.npz"
        np.savez(self.last, **arrays)
        size = self.last.stat().st_size / 2**20
        self.say(f"{self.last.name}: {size:.1f} MiB")

    def say(self, line):
        """Prints a line and writes it to the log."""
        print(f"{self.name}: {line}", flush=True)
        self.log.write(f"{line}\n")
        self.log.flush()


# After training


def keep(name, snapshots, run):
    """Makes the folder of a run, as `kerasgan publish` reads it.

    Scores every snapshot by the recipe's own score, on training images, and
    keeps the best one.
    """
    from kerasgan import plain_json, recipes, samples, training

    paths = list(pathlib.Path(snapshots).glob(f"{name}-*.npz"))
    paths.sort(key=lambda path: int(path.stem.rsplit("-", 1)[1]))
    if not paths:
        raise FileNotFoundError(f"{snapshots} has no snapshot of {name}.")
    about = load(None, paths[0])
    twin = twin_class(name)("cpu", about["images"], **about["options"])
    recipe, _ = recipes.load(twin.recipe)
    gan = training.build(recipe)
    run = pathlib.Path(run)
    (run / "samples").mkdir(parents=True, exist_ok=True)
    lines, best, before = [], None, 0.0
    for path in paths:
        about = load(twin, path)
        twin.give(gan)
        if not lines:
            gan.save_weights(run / "first.weights.h5")
        scores = recipe.score(gan)
        value = next(iter(scores.values()))
        if best is None or value < best:
            best = value
            gan.save_weights(run / "best.weights.h5")
        epoch = round(about["images"] / about["count"])
        shown = (recipe.sample or sample)(gan)
        path = run / "samples" / f"epoch_{epoch:04d}.png"
        samples.write(path, shown, gan.task)
        seconds = round(about["seconds"] - before, 1)
        entry = {"epoch": epoch, "seconds": seconds}
        lines.append(plain_json.dumps({**entry, **about["losses"], **scores}))
        before = about["seconds"]
        print(lines[-1], flush=True)
    (run / "log.jsonl").write_text("".join(f"{line}\n" for line in lines))
    trained = {
        **training.describe(recipe, gan),
        "images": about["images"],
        "seconds": about["seconds"],
        "processor": about["device"],
        "cores": about["cores"],
        "precision": about["precision"],
        "seed": about["seed"],
        "framework": f"PyTorch {about['torch']}",
        "twin": name,
        "options": about["options"],
    }
    (run / "run.json").write_text(json.dumps(trained, indent=2) + "\n")


def sample(gan):
    """Returns the samples of recipes that name none."""
    return gan.generate(64, seed=0)


def load(twin, path):
    """Gives a twin the weights of a snapshot; returns what is known of it.

    Args:
        twin: A `Twin`, or `None` to read alone.
        path: `pathlib.Path`.
    """
    import torch

    with np.load(path) as file:
        about = json.loads(str(file["about"]))
        if twin is None:
            return about
        for name, module in twin.networks().items():
            # Publishing replaces the trained generator by the average.
            is_saved = any(key.startswith(f"{name}/") for key in file.files)
            prefix = f"{name}/" if is_saved else f"average_{name}/"
            state = {
                key.removeprefix(prefix): torch.from_numpy(
                    file[key].astype("float32")
                )
                for key in file.files
                if key.startswith(prefix)
            }
            missing, unknown = module.load_state_dict(state, strict=False)
            missing = [k for k in missing if "num_batches_tracked" not in k]
            if missing or unknown:
                raise ValueError(
                    f"{path} does not fit {name}. Received: without {missing}, "
                    f"and with {unknown}"
                )
    return about


def option(text):
    """Returns a pair of a name and a value, a number if it is one."""
    name, value = text.split("=", 1)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main(arguments=None):
    """Runs one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("data", help="write the training images")
    command.add_argument("name")
    command.add_argument("path")
    command = commands.add_parser("train", help="train a twin")
    command.add_argument("name")
    command.add_argument("folder")
    command.add_argument("--data", required=True)
    command.add_argument("--images", type=int, required=True)
    command.add_argument("--seconds", type=float, default=float("inf"))
    command.add_argument("--device", default="cuda")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--snapshots", type=int, default=8)
    command.add_argument("--half", action="store_true", help="16-bit snapshots")
    command.add_argument(
        "--without", action="append", default=[], help="network not to save"
    )
    command.add_argument("--eager", action="store_true", help="do not capture")
    command.add_argument("--option", action="append", type=option, default=[])
    command = commands.add_parser("keep", help="make the folder of a run")
    command.add_argument("name")
    command.add_argument("snapshots")
    command.add_argument("run")
    given = parser.parse_args(arguments)
    if given.command == "data":
        write_data(given.name, given.path)
    elif given.command == "keep":
        keep(given.name, given.snapshots, given.run)
    else:
        given.options = dict(given.option)
        train(given.name, given.folder, given)


if __name__ == "__main__":
    main()
