"""Time and memory of `kerasgan convert` for files of millions of parameters.

    python -m scripts.benchmarks.convert

Writes a U-Net of pix2pix, of 30 million parameters, in PyTorch's format and a
snapshot of StyleGAN2-ADA's form, of 74 million in three networks for 256x256,
to a temporary folder, and measures, each in a process of its own and after the
same with a tiny file, which imports and compiles what is needed:

- `torch.load` or `pickle.load` of the file and one forward pass of the Keras
  model, which includes building it;
- `convert.load` of the file, which includes building it as well;
- how much memory each takes at its peak, beside what the tiny file took.

The two take turns. Needs the extra `parity`. The targets: at most 1.5 times the
processor time of the first, and at most 3 times the file of memory.
"""

import json
import pathlib
import pickle
import resource
import subprocess
import sys
import tempfile
import time
import types

ARCHITECTURES = ("pix2pix", "stylegan2")
REPEATS = 3


def write_unet(path, width):
    import torch

    state = {}
    widths = [width * min(2**i, 8) for i in range(8)]
    for i, (maps, maps_in) in enumerate(
        zip(widths, [3, *widths], strict=False)
    ):
        state[f"down{i}.weight"] = torch.randn(maps, maps_in, 4, 4) / 50
        if 0 < i < 7:
            norm(state, f"down{i}_norm", maps)
    for i in reversed(range(7)):
        maps_in = widths[i + 1] * (1 if i == 6 else 2)
        state[f"up{i}.weight"] = torch.randn(maps_in, widths[i], 4, 4) / 50
        norm(state, f"up{i}_norm", widths[i])
    state["last.weight"] = torch.randn(2 * width, 3, 4, 4) / 50
    state["last.bias"] = torch.zeros(3)
    torch.save(state, path)


def norm(state, name, maps):
    import torch

    for part in ("weight", "running_var"):
        state[f"{name}.{part}"] = torch.ones(maps)
    for part in ("bias", "running_mean"):
        state[f"{name}.{part}"] = torch.zeros(maps)


def peak():
    """Returns the most memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def write_snapshot(path, settings):
    from tests.support import snapshots

    networks = snapshots.Networks(**settings)
    path.write_bytes(snapshots.dumps(networks.snapshot()))


# Arguments of the tiny file and of the large one.
FILES = {
    "pix2pix": (write_unet, 1, 48),
    "stylegan2": (
        write_snapshot,
        {},
        {
            "image_size": 256,
            "maps": {s: min(16384 // s, 512) for s in (4, 8, 16, 32, 64)}
            | {128: 128, 256: 64},
            "latent_dim": 512,
            "style_dim": 512,
            "depth": 8,
        },
    ),
}


class Module:
    """What a module of the authors becomes in `pickle.load`."""

    def __init__(self, meta):
        self.__dict__.update(meta["state"])


def unpickled(path):
    """Returns what `pickle.load` makes of a snapshot, with `Module`s."""
    import torch  # noqa: F401

    for package, name, value in (
        ("torch_utils.persistence", "_reconstruct_persistent_obj", Module),
        ("dnnlib.util", "EasyDict", dict),
    ):
        for part in (package.partition(".")[0], package):
            sys.modules.setdefault(part, types.ModuleType(part))
        setattr(sys.modules[package], name, value)
    with open(path, "rb") as file:
        return pickle.load(file)


def run(what, architecture, path, large):
    import tensorflow as tf

    from kerasgan import convert, models

    settings = FILES[architecture][1 + large]
    if what == "convert":
        return convert.load(architecture, {"generator": path})
    if architecture == "pix2pix":
        import torch

        loaded = torch.load(path, map_location="cpu", weights_only=True)
        gan = models.Pix2Pix(256, width=settings)
        gan(tf.zeros((1, 256, 256, 3)))
    else:
        loaded = unpickled(path)
        maps = settings.get("maps", {4: 6, 8: 4})
        gan = models.StyleGAN2(
            settings.get("image_size", 8),
            latent_dim=settings.get("latent_dim", 5),
            style_dim=settings.get("style_dim", 4),
            mapping_layers=settings.get("depth", 2),
            channel_base=max(size * count for size, count in maps.items()),
            channel_max=max(maps.values()),
        )
        gan(tf.zeros((1, gan.latent_dim)))
    return loaded, gan


def measure(what, architecture, path):
    tiny = pathlib.Path(path).with_name(f"tiny_{architecture}")
    run(what, architecture, tiny, False)
    # Of the processor, since other programs may take turns with this one.
    before, start = peak(), time.process_time()
    kept = run(what, architecture, path, True)
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "bytes": peak() - before}))
    return kept


def main():
    with tempfile.TemporaryDirectory() as folder:
        for architecture in ARCHITECTURES:
            write, *arguments = FILES[architecture]
            path = pathlib.Path(folder, architecture)
            write(path.with_name(f"tiny_{architecture}"), arguments[0])
            write(path, arguments[1])
            compare(architecture, path)


def compare(architecture, path):
    size = path.stat().st_size
    print(f"{architecture}: {size / 1e6:.0f} MB")
    runs = {"load and forward": [], "convert": []}
    for _ in range(REPEATS):
        for what, found in runs.items():
            command = [sys.executable, "-m", "scripts.benchmarks.convert"]
            output = subprocess.run(
                [*command, what, architecture, str(path)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            found.append(json.loads(output.splitlines()[-1]))
    best = {}
    for what, found in runs.items():
        best[what] = {k: min(run[k] for run in found) for k in found[0]}
        seconds, used = best[what]["seconds"], best[what]["bytes"]
        print(
            f"{what}: {seconds:.2f} s, {used / 1e6:.0f} MB, "
            f"{used / size:.2f} times the file"
        )
    ratio = best["convert"]["seconds"] / best["load and forward"]["seconds"]
    print(f"time of converting: {ratio:.2f} times loading and a pass")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(*sys.argv[1:])
    else:
        main()
