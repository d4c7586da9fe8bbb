import sys

import keras
import numpy as np
import pytest

from kerasgan.metrics import features


@pytest.fixture(scope="session")
def network():
    """A classifier of 8x8 grey images with random weights."""
    keras.utils.set_random_seed(3)
    model = features.build_classifier(8, 1, num_logits=5, width=6)
    generator = np.random.default_rng(0)
    model.set_weights(
        [
            weight + generator.uniform(0, 0.5, weight.shape)
            for weight in model.get_weights()
        ]
    )
    return features.FeatureNetwork(model, "tiny", hash="0" * 64)


@pytest.fixture
def make_images():
    def draw(count, seed=0, low=0, high=256, size=8, channels=1):
        return np.random.default_rng(seed).integers(
            low, high, (count, size, size, channels), dtype=np.uint8
        )

    return draw


@pytest.fixture(scope="session")
def torchvision():
    """torchvision, also where its compiled part does not fit this torch.

    A processor-only build of torch refuses the compiled part of the
    torchvision on the package index. pytorch-fid and torch-fidelity need its
    networks alone, which are Python; they import once the two operators that
    torchvision describes at import are declared.
    """
    torch = pytest.importorskip("torch", reason="in the extra parity")
    try:
        import torchvision
    except RuntimeError:
        for name in [n for n in sys.modules if n.startswith("torchvision")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(
                f"{name}(Tensor dets, Tensor scores, float iou) -> Tensor"
            )
        import torchvision

        # The declaration lasts as long as this object.
        torchvision.declared_operators = library
    return torchvision
