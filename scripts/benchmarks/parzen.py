"""What Parzen windows say of sets that are not generated: docs/metrics.md.

    kerasgan data prepare fashion_mnist
    python scripts/benchmarks/parzen.py

Under parzen10k_fashion_mnist_test: real images, their mean, noise; then real
images and centroids of k-means, a thousand of each, where the centroids score
higher (Theis et al., 2016, https://arxiv.org/abs/1511.01844, section 4.2).
"""

import numpy as np
from scipy.cluster import vq

from kerasgan import evaluation, metrics

PROTOCOL = metrics.PROTOCOLS["parzen10k_fashion_mnist_test"]
FEW = 1000


def main():
    reference = evaluation.ReferenceData(PROTOCOL.dataset, 32)
    training = reference.images("train")
    random = np.random.default_rng(0)
    mean = training.mean(axis=0).round().astype("uint8")
    flat = PROTOCOL.pixels(training).reshape(len(training), -1)
    centroids, _ = vq.kmeans2(flat, FEW, iter=10, minit="points", rng=0)
    sets = {
        "10,000 training images": PROTOCOL.pixels(training[:10_000]),
        "the mean image, 10,000 times": PROTOCOL.pixels(
            np.repeat(mean[None], 10_000, axis=0)
        ),
        "uniform noise, 10,000 images": random.uniform(
            size=(10_000, flat.shape[1])
        ),
        "1,000 training images": flat[:FEW],
        "1,000 centroids of k-means": centroids,
    }
    validation = flat[slice(*PROTOCOL.validation)]
    test = PROTOCOL.pixels(reference.images("test"))
    test = test.reshape(len(test), -1)
    print("| Samples | log-likelihood | sigma |\n|---|---|---|")
    for name, samples in sets.items():
        found = metrics.parzen(
            samples.reshape(len(samples), -1), validation, test
        )
        print(
            f"| {name} | {found['log_likelihood']:.1f} "
            f"± {found['standard_error']:.1f} | {found['sigma']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
