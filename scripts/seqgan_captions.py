"""What the adversarial steps of seqgan_captions add, beside two controls.

    python scripts/seqgan_captions.py train RESULTS [ARM ...] [--seeds 1]
    python scripts/seqgan_captions.py table RESULTS

All arms of a seed start from one generator, trained by maximum likelihood as in
the recipe, and take as many steps of the policy gradient: with rewards of the
discriminator less their mean, the recipe's; with these rewards as they are, as
in the paper; with the same rewards, shuffled among the sentences of a batch,
less their mean; and with constant rewards. One arm goes on with maximum
likelihood instead, for as many epochs as before. A judge, a wider generator of
another seed, is trained by maximum likelihood for longer. `train` adds to
RESULTS, a JSON file, what is missing, so that it can be stopped; `table` prints
the means over the seeds.
"""

import argparse
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

from kerasgan import random
from kerasgan.evaluation.sentences import score_captions
from kerasgan.models import CenteredSeqGAN, ConstantRewardSeqGAN, SeqGAN
from kerasgan.optimizers import Adam
from kerasgan.recipes import _sentences, seqgan_captions


class ShuffledSeqGAN(CenteredSeqGAN):
    """Centered rewards, but of other sentences of the batch."""

    def rewards(self, tokens):
        rewards = super().rewards(tokens)
        count = tf.shape(tokens)[0]
        numbers = random.uniform(self.seed_generator, (count,))
        return tf.gather(rewards, tf.argsort(numbers))


ARMS = {
    "maximum likelihood": None,
    "maximum likelihood, twice as long": "longer",
    "SeqGAN with a baseline": CenteredSeqGAN,
    "SeqGAN": SeqGAN,
    "shuffled rewards": ShuffledSeqGAN,
    "constant rewards": ConstantRewardSeqGAN,
}


def pretrained(seed):
    """Returns a model after the pretraining of the recipe."""
    keras.utils.set_random_seed(seed)
    gan = seqgan_captions.build()
    seqgan_captions.pretrain(gan)
    return gan


def judge():
    keras.utils.set_random_seed(1000)
    gan = seqgan_captions.build(units=128)
    tokens = _sentences.tokens("train", seqgan_captions.LENGTH)
    gan.pretrain(tokens, 25, seqgan_captions.BATCH_SIZE, optimizer=Adam(2e-3))
    return gan


def trained(arm, start):
    """Returns a model after the further training of an arm."""
    if arm is None:
        return start
    gan = seqgan_captions.build(SeqGAN if arm == "longer" else arm)
    gan.set_weights(start.get_weights())
    if arm == "longer":
        gan.pretrain(
            _sentences.tokens("train", seqgan_captions.LENGTH),
            seqgan_captions.MLE_EPOCHS,
            seqgan_captions.BATCH_SIZE,
            optimizer=seqgan_captions.mle(),
        )
        return gan
    gan.fit(
        seqgan_captions.batches(0),
        steps_per_epoch=seqgan_captions.STEPS,
        epochs=seqgan_captions.EPOCHS,
        verbose=0,
    )
    return gan


def train(options):
    path = pathlib.Path(options.results)
    results = json.loads(path.read_text()) if path.exists() else []
    done = {(entry["arm"], entry["seed"]) for entry in results}
    reference = judge()
    for seed in range(options.seeds):
        arms = options.arms or ARMS
        missing = [arm for arm in arms if (arm, seed) not in done]
        start = pretrained(seed) if missing else None
        for arm in missing:
            gan = trained(ARMS[arm], start)
            found = score_captions(gan, reference)
            results.append({"arm": arm, "seed": seed, **found})
            path.write_text(json.dumps(results, indent=1) + "\n")
            print(arm, seed, found, flush=True)


def table(options):
    results = json.loads(pathlib.Path(options.results).read_text())
    names = [name for name in results[0] if name not in ("arm", "seed")]
    print("| |", " | ".join(f"`{name}`" for name in names), "|")
    print("|---" * (len(names) + 1) + "|")
    for arm in ARMS:
        rows = [entry for entry in results if entry["arm"] == arm]
        if rows:
            means = [np.mean([row[name] for row in rows]) for name in names]
            print(f"| {arm} |", " | ".join(f"{m:.3f}" for m in means), "|")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    added = commands.add_parser("train")
    added.add_argument("results")
    added.add_argument("arms", nargs="*")
    added.add_argument("--seeds", type=int, default=1)
    added.set_defaults(run=train)
    added = commands.add_parser("table")
    added.add_argument("results")
    added.set_defaults(run=table)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
