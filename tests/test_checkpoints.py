"""Checkpoint files that are torn, swapped, or meet a full disk."""

import errno
import os
import resource

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
    with pytest.raises(ValueError, match="of another model, optimizer or"):
        checkpoints.restore(tmp_path, other)
    for weight, value in zip(other.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


@pytest.mark.parametrize("call", ["fsync", "replace", "open", "close"])
def test_a_crash_within_a_write_leaves_a_whole_checkpoint(
    gan, tmp_path, monkeypatch, call
):
    class Crash(BaseException):
        """What no code catches, like a kill."""

    checkpoints.save(tmp_path, gan, 1, {})
    checkpoints.save(tmp_path, gan, 2, {})
    function = getattr(os, call)
    for last in range(10):
        calls = iter(range(100))

        def crashing(*arguments, calls=calls, last=last):
            if next(calls) == last:
                raise Crash
            return function(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(checkpoints.os, call, crashing)
            try:
                checkpoints.save(tmp_path, gan, 3, {})
                crashed = False
            except Crash:
                crashed = True
        values, damaged = checkpoints.restore(tmp_path, gan)
        assert values["epoch"] in (2, 3)
        assert not damaged
        if not crashed:
            break
    assert last > 0  # It did crash at least once.
    assert values["epoch"] == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint-000002.npz",
        "checkpoint-000003.npz",
    ]


def test_a_file_that_may_not_grow_leaves_the_last_checkpoint(gan, tmp_path):
    old = checkpoints.save(tmp_path, gan, 1, {})
    whole = old.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, 1, len(whole) // 2, len(whole) - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(OSError, match="too large.*000002") as caught:
                checkpoints.save(tmp_path, gan, 2, {})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "the last checkpoint is intact" in str(caught.value)
        assert [p.name for p in tmp_path.iterdir()] == [old.name]
        assert old.read_bytes() == whole


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
