"""Images per second, and the time to the first one, of trained models.

    pip install torch==2.13.0
    python scripts/benchmarks/generate.py [NAME ...] [--rounds 5]

Four sides, each in its own process: `generate` (or `translate`) of the model;
its SavedModel; and the same generator in PyTorch, eager and under
`torch.compile`, from the mirrors in tests/reference, with random weights, which
do not change the speed. Models without a mirror have two sides. All return
uint8 images as NumPy arrays.

The first image is timed after the imports: loading the weights, building or
compiling, and one image. Then the sides alternate, with batches of 1 and of 64
images; the table gives medians and ranges over the rounds.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

import workers

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

BATCHES = (1, 64)
# Architectures that `mirror` builds.
MIRRORED = ("DCGAN", "WGANGP", "Pix2Pix", "CycleGAN", "ProGAN", "StyleGAN")


class Kerasgan:
    """`generate` and `translate`."""

    def __init__(self):
        import zoo
        from kerasgan import models  # noqa: F401 (so that loading is all)
        from tests.support import served

        self.load, self.served = zoo.load, served

    def prepare(self, name, folder):
        gan = self.load(name)

        def images(rows):
            if gan.task == "image":
                return gan.generate(rows, seed=0, batch_size=rows)
            if gan.task == "class-to-image":
                labels = [row % gan.num_classes for row in range(rows)]
                return gan.generate(labels=labels, seed=0, batch_size=rows)
            if gan.task == "text-to-image":
                captions = ["a person"] * rows
                return gan.generate(captions=captions, seed=0, batch_size=rows)
            inputs = self.served.example_inputs(
                [gan.source_spec], rows=rows, size=gan.image_shape[0]
            )
            return gan.translate(inputs["images"], batch_size=rows)

        return images


class SavedModel:
    """The exported model, in a process without kerasgan."""

    def __init__(self):
        import tensorflow as tf

        from tests.support import served

        self.tf, self.served = tf, served

    def prepare(self, name, folder):
        loaded = self.tf.saved_model.load(folder)
        names = list(loaded.signatures)
        known = ("sample", "translate", "translate_to_b")
        chosen = next((n for n in known if n in names), names[0])
        signature = loaded.signatures[chosen]
        _, specs = signature.structured_input_signature
        size = read(folder)["arguments"]["image_size"]

        def images(rows):
            inputs = self.served.example_inputs(
                [
                    self.tf.TensorSpec(s.shape, s.dtype, n)
                    for n, s in specs.items()
                ],
                rows=rows,
                size=size,
            )
            tensors = {n: self.tf.constant(v) for n, v in inputs.items()}
            return signature(**tensors)["images"].numpy()

        return images


class Torch:
    """The mirror of the generator."""

    def __init__(self, compiled=False):
        import torch

        self.torch, self.compiled = torch, compiled

    def prepare(self, name, folder):
        torch = self.torch
        network, shape = mirror(**read(folder))
        network = network.eval()
        if self.compiled:
            network = torch.compile(network)

        def images(rows):
            with torch.inference_mode():
                batch = network(torch.randn(rows, *shape))
                batch = ((batch + 1) * 127.5).round().clamp(0, 255)
                batch = batch.to(torch.uint8).permute(0, 2, 3, 1)
                return batch.contiguous().numpy()

        return images


def read(folder):
    """Returns the description that `main` wrote beside the SavedModel."""
    return json.loads(pathlib.Path(folder, "model.json").read_text())


def mirror(architecture, arguments):
    """Returns a PyTorch generator and the shape of its inputs.

    Args:
        architecture: str. The name of the class.
        arguments: dict. Arguments of the model.

    Returns:
        Pair of a module and a tuple.
    """
    from tests.reference import (
        torch_cyclegan,
        torch_dcgan,
        torch_pix2pix,
        torch_progressive,
    )

    def some(*names, **renamed):
        chosen = {name: arguments[name] for name in names}
        for theirs, ours in renamed.items():
            chosen[theirs] = arguments[ours]
        return chosen

    square = (arguments.get("image_size"),) * 2
    grown = ("image_size", "channels", "latent_dim", "fmap_base", "fmap_max")
    if architecture in ("DCGAN", "WGANGP"):
        sizes = some("image_size", "channels", "width", "latent_dim")
        network = torch_dcgan.Generator(**sizes)
        return network, (arguments["latent_dim"],)
    if architecture == "Pix2Pix":
        sizes = some("image_size", "width", "target_channels")
        channels = arguments["source_channels"]
        network = torch_pix2pix.Generator(channels=channels, **sizes)
        return network, (channels, *square)
    if architecture == "CycleGAN":
        network = torch_cyclegan.Generator(**some("width", "blocks"))
        return network, (3, *square)
    if architecture == "ProGAN":
        network = torch_progressive.ProGANGenerator(**some(*grown))
        return network, (arguments["latent_dim"],)
    sizes = some("image_size", "channels", "w_dim", "fmap_base", "fmap_max")
    mapping = some("latent_dim", "w_dim", layers="mapping_layers")
    network = stylegan(
        torch_progressive.StyleGANMapping(**mapping),
        torch_progressive.StyleGANSynthesis(**sizes),
    )
    return network, (arguments["latent_dim"],)


def stylegan(mapping, synthesis):
    """Returns the two as one module, from latents to images."""
    import torch

    class StyleGAN(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mapping, self.synthesis = mapping, synthesis

        def forward(self, latents):
            layers, rows = self.synthesis.layers, len(latents)
            w = self.mapping(latents)[:, None].expand(-1, layers, -1)
            sizes = [4 << layer // 2 for layer in range(layers)]
            noises = [torch.randn(rows, 1, size, size) for size in sizes]
            return self.synthesis(w, noises)

    return StyleGAN()


SIDES = {
    "generate": Kerasgan,
    "SavedModel": SavedModel,
    "PyTorch eager": Torch,
    "PyTorch compiled": lambda: Torch(compiled=True),
}


def serve(side):
    """Returns a handler of the requests to a side."""
    worker, images = SIDES[side](), None

    def answer(request, *arguments):
        nonlocal images
        start = time.perf_counter()
        if request == "first":
            images = worker.prepare(*arguments)
            images(1)
            return time.perf_counter() - start
        rows, seconds = arguments
        count = 0
        while time.perf_counter() - start < seconds:
            if len(images(rows)) != rows:
                raise ValueError(f"{side} did not return {rows} images.")
            count += rows
        return count / (time.perf_counter() - start)

    return answer


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--serve", choices=SIDES)
    options = parser.parse_args()
    if options.serve:
        workers.serve(lambda: serve(options.serve))
        return
    import zoo

    print(
        "| Model | | first image, s | then one, ms "
        "| 64 at a time, images/s | range |"
    )
    print("|---|---|---|---|---|---|")
    for name in options.names or zoo.list():
        with tempfile.TemporaryDirectory() as folder:
            gan = zoo.load(name)
            gan.export(folder)
            about = {
                "architecture": type(gan).__name__,
                "arguments": gan.arguments(),
            }
            pathlib.Path(folder, "model.json").write_text(json.dumps(about))
            measure(name, folder, options.rounds, options.seconds)


def measure(name, folder, rounds, seconds):
    about = read(folder)
    has_mirror = about["architecture"] in MIRRORED
    chosen = [s for s in SIDES if has_mirror or "PyTorch" not in s]
    sides = {side: workers.Worker(side) for side in chosen}
    first = {side: sides[side]("first", name, folder) for side in chosen}
    for side in chosen:
        for rows in BATCHES:
            sides[side]("rate", rows, 0.0)  # Compiles for this batch size.
    rates = {(side, rows): [] for side in chosen for rows in BATCHES}
    for _ in range(rounds):
        for side, rows in rates:
            rates[side, rows].append(sides[side]("rate", rows, seconds))
    for side in chosen:
        one = statistics.median(1e3 / rate for rate in rates[side, 1])
        many = rates[side, 64]
        print(
            f"| {name} | {side} | {first[side]:.2f} | {one:.1f} "
            f"| {statistics.median(many):.0f} "
            f"| {min(many):.0f} to {max(many):.0f} |",
            flush=True,
        )
        sides[side].close()


if __name__ == "__main__":
    main()
