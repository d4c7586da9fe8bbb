"""Images per second of training steps, compared with PyTorch in one run.

    pip install torch==2.13.0
    python scripts/benchmarks/train_step.py [MODEL ...] [--rounds 5]

Both sides have the same network, batch and optimizers. Ours runs as in
`gan.fit`, without and with `compile(jit_compile=True)`; PyTorch as in
scripts/benchmarks/torch_models.py: plain, and tuned (fused Adam, no gradients
for frozen weights), eager and under torch.compile, in both memory layouts.
PyTorch's step averages weights only where the paper does, ours always, so ours
is also timed without the average, where both do the same work.

The sides are interleaved, one process each. The table has the median of the
rounds, their spread, the share of this machine's peak in matrix products,
measured in the same rounds, and two ratios: to plain PyTorch, the faster of
eager and compiled in float32, and to the fastest PyTorch of the same precision.
Other processes slow all of them, so only the ratios compare.
"""

import argparse
import itertools
import pathlib
import statistics
import sys
import time

import workers

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

PRECISIONS = ("float32", "bfloat16")
# Like those of the zoo's recipes; arguments of both sides.
FASHION = {"image_size": 32, "channels": 1}
EMOJI = {"image_size": 64, "channels": 3, "width": 32}
GROWN = {"latent_dim": 256, "fmap_base": 512, "fmap_max": 256, "batch_size": 32}
SIZES = {
    "dcgan": {**FASHION, "width": 64, "latent_dim": 100, "batch_size": 64},
    "wgan_gp": {**FASHION, "width": 64, "latent_dim": 128, "batch_size": 32},
    "pix2pix": {**EMOJI, "batch_size": 8},
    "cyclegan": {**EMOJI, "blocks": 6, "batch_size": 4},
    "progan": {**FASHION, **GROWN},
    "stylegan": {**FASHION, **GROWN},
}
# Their papers average the weights, so both sides do.
AVERAGED = ("progan", "stylegan")


class Ours:
    """The Keras side."""

    def __init__(self):
        import numpy as np
        import tensorflow as tf

        self.np, self.tf = np, tf
        self.built = {}

    def build(self, model, mode, precision):
        from kerasgan import models

        policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
        sizes = dict(SIZES[model], dtype=policy[precision], seed=0)
        batch = sizes.pop("batch_size")
        if model == "dcgan":
            gan = models.DCGAN(**sizes)
        elif model == "wgan_gp":
            batch *= 5
            gan = models.WGANGP(critic_steps=5, **sizes)
        elif model == "pix2pix":
            channels = sizes.pop("channels")
            gan = models.Pix2Pix(
                source_channels=channels, target_channels=channels, **sizes
            )
        elif model == "cyclegan":
            gan = models.CycleGAN(**sizes)
        else:
            sizes["start_resolution"] = sizes["image_size"]  # Fully grown.
            if model == "stylegan":
                sizes["w_dim"] = sizes["latent_dim"]
            grown = {"progan": models.ProGAN, "stylegan": models.StyleGAN}
            gan = grown[model](**sizes)
        if mode == "no average":
            gan.update_average = lambda *args, **kwargs: None
        gan.compile(jit_compile=mode == "XLA")
        side = SIZES[model]["image_size"]
        shape = (batch, side, side, SIZES[model]["channels"])
        parts = 2 if model in ("pix2pix", "cyclegan") else 1
        arrays = tuple(
            self.np.random.uniform(-1, 1, shape).astype("float32")
            for _ in range(parts)
        )
        data = self.tf.data.Dataset.from_tensors(
            arrays if parts > 1 else arrays[0]
        ).repeat()
        gan.fit(data, steps_per_epoch=2, verbose=0)
        return gan, data, batch

    def rate(self, model, mode, precision, seconds):
        key = model, mode, precision
        if key not in self.built:
            self.built[key] = self.build(model, mode, precision)
        gan, data, batch = self.built[key]
        step = gan.train_function
        iterator = iter(data)
        step(iterator)
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            logs = step(iterator)
            float(self.tf.reduce_sum(next(iter(logs.values()))))
            count += 1
        return count * batch / (time.perf_counter() - start)

    def peak(self, precision, seconds):
        """Returns FLOP/s of products of 2048x2048 matrices."""
        matrix = self.tf.cast(
            self.tf.random.stateless_normal((2048, 2048), (0, 0)), precision
        )
        product = self.tf.function(lambda a: a @ a)
        product(matrix)
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            product(matrix).numpy()
            count += 1
        return count * 2 * 2048**3 / (time.perf_counter() - start)


class Torch:
    """The PyTorch side."""

    MODES = {
        "plain": {"plain": True},
        "plain, compiled": {"plain": True, "compiled": True},
        "tuned": {},
        "tuned, channels last": {"channels_last": True},
    }

    def __init__(self):
        import torch_models

        self.library = torch_models
        self.built = {}

    def build(self, model, mode, precision):
        options = self.library.Mode(
            **self.MODES[mode], bfloat16=precision == "bfloat16"
        )
        sizes = dict(SIZES[model])
        if model == "cyclegan":
            sizes["discriminator_width"] = sizes["width"]
        return self.library.MODELS[model](options, **sizes)

    def rate(self, model, mode, precision, seconds):
        key = model, mode, precision
        if key not in self.built:
            self.built[key] = self.build(model, mode, precision)
        return self.library.images_per_second(self.built[key], seconds)

    def flops(self, model):
        """Returns the FLOP of products in a step, per image."""
        from torch.utils import flop_counter
        from torch.utils._python_dispatch import TorchDispatchMode

        class Counter(TorchDispatchMode):
            # PyTorch's own counter does not take second derivatives.
            total = 0

            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                result = function(*args, **(kwargs or {}))
                count = flop_counter.flop_registry.get(function.overloadpacket)
                if count:
                    self.total += count(*args, **(kwargs or {}), out_val=result)
                return result

        built = self.build(model, "tuned", "float32")
        with Counter() as counter:
            built.step(built.batch())
        return counter.total / built.images


def serve(side):
    """Returns the handler of requests for a side."""
    worker = {"ours": Ours, "torch": Torch}[side]()
    return lambda name, *arguments: getattr(worker, name)(*arguments)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("models", nargs="*", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--serve", choices=["ours", "torch"])
    options = parser.parse_args()
    if options.serve:
        workers.serve(lambda: serve(options.serve))
        return
    for model in options.models:
        sides = [workers.Worker(side) for side in ("ours", "torch")]
        measure(model, *sides, options.rounds, options.seconds)
        for side in sides:
            side.close()


def measure(model, ours, torch, rounds, seconds):
    rates = {}
    modes = [
        mode
        for mode, options in Torch.MODES.items()
        # torch_models.CycleGAN gives the reason.
        if not (model == "cyclegan" and "channels_last" in options)
    ]
    flops = torch("flops", model)
    for _, precision in itertools.product(range(rounds), PRECISIONS):

        def add(name, value, precision=precision):
            rates.setdefault((precision, name), []).append(value)

        add("peak", ours("peak", precision, 1.0))
        add("kerasgan", ours("rate", model, "", precision, seconds))
        add("kerasgan, XLA", ours("rate", model, "XLA", precision, seconds))
        if model not in AVERAGED:
            found = ours("rate", model, "no average", precision, seconds)
            add("kerasgan, no average", found)
        for mode in modes:
            found = torch("rate", model, mode, precision, seconds)
            add(f"PyTorch {mode}", found)
    print(f"\n{model}: {flops / 1e9:.2f} GFLOP per image, forward and backward")
    print(
        "| | precision | images/s | spread | of peak "
        "| to plain | to the fastest |"
    )
    print("|---" * 7 + "|")
    middle = {key: statistics.median(values) for key, values in rates.items()}

    def fastest(names, precision):
        return max(((precision, name) for name in names), key=middle.get)

    def ratio(key, other):
        # Within each round, because the load of the machine differs between
        # rounds.
        rounds = zip(rates[key], rates[other], strict=True)
        return statistics.median(mine / theirs for mine, theirs in rounds)

    plain = fastest(["PyTorch plain", "PyTorch plain, compiled"], "float32")
    for precision, name in rates:
        if name == "peak":
            continue
        key = precision, name
        best = fastest([f"PyTorch {mode}" for mode in modes], precision)
        print(
            f"| {name} | {precision} | {middle[key]:.1f} "
            f"| {min(rates[key]):.1f} to {max(rates[key]):.1f} "
            f"| {ratio(key, (precision, 'peak')) * flops:.0%} "
            f"| {ratio(key, plain):.2f} | {ratio(key, best):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
