"""What the training of the zoo's feature networks rests on."""

import types

import numpy as np
import pytest

from kerasgan import classifiers, data


def test_hidden_attributes_have_no_loss():
    attributes = {"eyes": ("open", "closed"), "hair": ("red", "fair", "none")}
    loss = classifiers.loss_of(attributes)
    logits = np.log([[0.8, 0.2, 0.5, 0.3, 0.2]] * 3).astype("float32")
    labels = np.array(
        [[0, 1], [1, classifiers.HIDDEN], [classifiers.HIDDEN, 2]]
    )
    np.testing.assert_allclose(
        loss(np.tile(labels, 2), logits),
        [-np.log(0.8) - np.log(0.3), -np.log(0.2), -np.log(0.2)],
        rtol=1e-5,
    )

    class Model:
        def predict(self, images, **kwargs):
            return None, logits

    found = classifiers.recognized(Model(), None, labels, attributes)
    assert classifiers.accuracies(found) == {"eyes": 0.5, "hair": 0.0}


def test_pairs_that_training_lacks_are_no_evidence():
    attributes = {"hair": ("cap", "long", "mohawk"), "color": ("pink", "red")}
    # No pink mohawk; under a cap color is hidden.
    labels = np.array([[0, -1], [1, 1], [1, 0], [2, 1]])
    together = classifiers.possible(labels, attributes, ("hair", "color"))
    loss = classifiers.loss_of(attributes, together)
    logits = np.log([[0.5, 0.3, 0.2, 0.6, 0.4]] * 4).astype("float32")
    np.testing.assert_allclose(
        loss(np.concatenate([labels, labels], axis=1), logits),
        [
            -np.log(0.5),
            -np.log(0.3) - np.log(0.4),
            # No mohawk among the pink ones, and no pink among the mohawks.
            -np.log(0.3 / 0.8) - np.log(0.6),
            -np.log(0.2),
        ],
        rtol=1e-4,
    )


def test_colors_are_not_predicted_where_channels_are_permuted():
    task = types.SimpleNamespace(
        attributes={"hair": ("a", "b"), "color": ("c", "d")},
        colors=("color",),
        shift=1,
        unevenness=0.0,
        upside_down=False,
    )
    image = np.zeros((4, 4, 3), "uint8") + np.uint8([10, 20, 30])
    augment = classifiers.augmenting(task)
    seen = set()
    for _ in range(60):
        changed, labels = augment(image, np.array([1, 1]))
        changed, labels = np.array(changed), np.array(labels)
        assert labels[[0, 2, 3]].tolist() == [1, 1, 1]
        if (changed == image).all():
            seen.add("same")
        else:
            assert sorted(changed[0, 0]) == [10, 20, 30]
            assert labels[1] == classifiers.HIDDEN
            seen.add("changed")
    assert seen == {"same", "changed"}


def test_images_are_uneven_by_every_amount_up_to_the_largest():
    task = types.SimpleNamespace(
        attributes={"hair": ("a", "b")},
        colors=(),
        shift=1,
        unevenness=20.0,
        upside_down=False,
    )
    image = np.full((32, 32, 3), 128, "uint8")
    augment = classifiers.augmenting(task)
    found = [np.array(augment(image, np.array([1]))[0]) for _ in range(100)]
    assert {changed.dtype for changed in found} == {np.dtype("uint8")}
    # A flat image has no contrast.
    levels = [changed.mean() - 128 for changed in found]
    assert np.quantile(levels, (0.1, 0.5, 0.9)) == pytest.approx(
        (-16, 0, 16), abs=6
    )
    assert np.abs(levels).max() < 21
    grain = [changed.std() for changed in found]
    assert np.quantile(grain, (0.1, 0.5, 0.9)) == pytest.approx(
        (2, 10, 18), abs=4
    )
    assert max(grain) < 21


def test_places_and_ruggedness_of_satellite_patches(monkeypatch):
    def patches(contrasts, latitudes):
        maps = np.full((len(contrasts), 128, 128, 3), 100, "uint8")
        maps[:, ::2] += np.array(contrasts, "uint8")[:, None, None, None]
        return {
            "input": maps,
            "target": np.zeros_like(maps),
            "latitude": np.array(latitudes, "float32"),
        }

    parts = {
        "train": patches(range(0, 100, 4), [0] * 25),
        # Just below 60 and 42 degrees north, and the farthest south.
        "test": patches((5, 40, 60, 90), (60.0, 42.0, -11.9, -47.4)),
    }
    monkeypatch.setattr(data, "load", lambda _, part, size: parts[part])
    task = classifiers.relief()
    _, labels = task.part("test")
    assert labels.tolist() == [[0, 0], [1, 1], [3, 2], [5, 3]]
    sizes = [len(values) for values in task.attributes.values()]
    assert (labels < sizes).all()
