"""Checkpoint files that are torn, swapped, or meet a full disk."""

import errno
import os

import numpy as np
import pytest

from kerasgan import checkpoints
from tests import tiny


@pytest.fixture(scope="module")
def gan():
    return tiny.by_name("dcgan").compiled()


def test_values_come_back(gan, tmp_path):
    path = checkpoints.save(tmp_path, gan, 3, {"best": 0.5})
    assert path.name == "checkpoint-000003.npz"
    assert checkpoints.restore(tmp_path, gan) == (
        {"best": 0.5, "epoch": 3},
        [],
    )


def test_no_checkpoint_is_not_an_error(gan, tmp_path):
    assert checkpoints.restore(tmp_path / "none", gan) == (None, [])


def test_the_last_two_are_kept(gan, tmp_path):
    for epoch in (9, 10, 11):
        checkpoints.save(tmp_path, gan, epoch, {})
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint-000010.npz",
        "checkpoint-000011.npz",
    ]


def test_any_damage_is_noticed(gan, tmp_path):
    checkpoints.save(tmp_path, gan, 1, {})
    newest = checkpoints.save(tmp_path, gan, 2, {})
    whole = newest.read_bytes()
    chance = np.random.RandomState(0)
    cuts = [0, 1, 31, 32, 33, *chance.randint(34, len(whole), 20)]
    for cut in (*cuts, len(whole) - 1):
        newest.write_bytes(whole[:cut])
        values, damaged = checkpoints.restore(tmp_path, gan)
        assert (values["epoch"], damaged) == (1, [newest])
    for place in chance.randint(0, len(whole), 20):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        newest.write_bytes(bytes(flipped))
        values, damaged = checkpoints.restore(tmp_path, gan)
        assert (values["epoch"], damaged) == (1, [newest])


def test_nothing_sound_left_is_an_error(gan, tmp_path):
    checkpoints.save(tmp_path, gan, 1, {}).write_bytes(b"junk")
    with pytest.raises(checkpoints.CorruptCheckpoint, match="000001"):
        checkpoints.restore(tmp_path, gan)


def test_another_model_is_refused(gan, tmp_path):
    other = tiny.by_name("dcgan").compiled({"width": 8})
    before = [v.numpy() for v in other.weights]
    checkpoints.save(tmp_path, gan, 1, {})
    with pytest.raises(ValueError, match="of another model or optimizer"):
        checkpoints.restore(tmp_path, other)
    for weight, value in zip(other.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_a_full_disk_leaves_the_last_checkpoint(gan, tmp_path, monkeypatch):
    old = checkpoints.save(tmp_path, gan, 1, {})
    whole = old.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoints.os, "fsync", full)
    with pytest.raises(OSError, match="No space.*last checkpoint is intact"):
        checkpoints.save(tmp_path, gan, 2, {})
    assert [p.name for p in tmp_path.iterdir()] == [old.name]
    assert old.read_bytes() == whole
