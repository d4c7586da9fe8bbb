"""Time and memory of `kerasgan convert` for a file of 30 million parameters.

    python scripts/benchmarks/convert.py

Writes a U-Net of pix2pix in PyTorch's format to a temporary folder, and
measures, each in a process of its own and after the same with a tiny file,
which imports and compiles what is needed:

- `torch.load` of the file and one forward pass of the Keras model, which
  includes building it;
- `convert.load` of the file, which includes building it as well;
- how much memory each takes at its peak, beside what the tiny file took.

Needs the extra `parity`. The targets: at most 1.5 times the processor time of
the first, and at most 3 times the file of memory.
"""

import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

WIDTH = 48


def write(path, width):
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
    return sum(tensor.numel() for tensor in state.values())


def norm(state, name, maps):
    import torch

    for part in ("weight", "running_var"):
        state[f"{name}.{part}"] = torch.ones(maps)
    for part in ("bias", "running_mean"):
        state[f"{name}.{part}"] = torch.zeros(maps)


def peak():
    """Returns the most memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(what, path, width):
    import tensorflow as tf

    from kerasgan import convert, models

    if what == "load and forward":
        import torch

        torch.load(path, map_location="cpu", weights_only=True)
        models.Pix2Pix(256, width=width)(tf.zeros((1, 256, 256, 3)))
    else:
        convert.load("pix2pix", {"generator": path})


def measure(what, path):
    tiny = pathlib.Path(path).with_name("tiny.pth")
    run(what, tiny, 1)
    # Of the processor, since other programs may take turns with this one.
    before, start = peak(), time.process_time()
    run(what, path, WIDTH)
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "bytes": peak() - before}))


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.pth")
        write(path.with_name("tiny.pth"), 1)
        count = write(path, WIDTH)
        size = path.stat().st_size
        print(f"{count / 1e6:.1f} million parameters, {size / 1e6:.0f} MB")
        found = {}
        for what in ("load and forward", "convert"):
            runs = [
                json.loads(
                    subprocess.run(
                        [sys.executable, __file__, what, str(path)],
                        check=True,
                        capture_output=True,
                        text=True,
                    ).stdout.splitlines()[-1]
                )
                for _ in range(3)
            ]
            found[what] = best = {k: min(r[k] for r in runs) for k in runs[0]}
            print(
                f"{what}: {best['seconds']:.2f} s, {best['bytes'] / 1e6:.0f} "
                f"MB, {best['bytes'] / size:.2f} times the file"
            )
        ratio = found["convert"]["seconds"]
        ratio /= found["load and forward"]["seconds"]
        print(f"time of converting: {ratio:.2f} times loading and a pass")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(*sys.argv[1:])
    else:
        main()
