import keras
import numpy as np
import pytest

from kerasgan.metrics import features


@pytest.fixture(scope="session")
def network():
    """A classifier of 8x8 grey pictures with random weights."""
    keras.utils.set_random_seed(3)
    model = features.build_classifier(8, 1, num_classes=5, width=6)
    generator = np.random.default_rng(0)
    model.set_weights(
        [
            weight + generator.uniform(0, 0.5, weight.shape)
            for weight in model.get_weights()
        ]
    )
    return features.FeatureNetwork(model, "tiny", hash="0" * 64)


@pytest.fixture
def pictures():
    def draw(count, seed=0, low=0, high=256, size=8, channels=1):
        return np.random.default_rng(seed).integers(
            low, high, (count, size, size, channels), dtype=np.uint8
        )

    return draw
