"""Runs on several replicas, and of several processes on this machine."""

import io

import numpy as np
import pytest
import tensorflow as tf

from kerasgan import checkpoints, cli, recipes, replicas, training
from tests.support import runs


@pytest.mark.parametrize("dtype", ["uint8", "bool", "bfloat16", "float64"])
def test_all_numbers_are_gathered(dtype, mirrored):
    def rows():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.cast(
            tf.fill((2, 3), tf.cast(replica, tf.float32) * 1.5), dtype
        )

    gathered = mirrored.run(tf.function(lambda: replicas.gather(rows())))
    expected = tf.cast(np.repeat([[0.0] * 3, [1.5] * 3], 2, axis=0), dtype)
    for copy in mirrored.experimental_local_results(gathered):
        assert copy.dtype == dtype
        np.testing.assert_array_equal(copy, expected)


@pytest.mark.slow
def test_a_run_on_replicas_is_resumed_exactly(mirrored, tmp_path):
    """With pools, of which each replica has its own."""
    path = runs.write_recipe(tmp_path, "cyclegan", epochs=2)
    recipe, _ = recipes.load(path)

    def run(folder, epochs=None):
        training.train(
            recipe, tmp_path / folder, epochs, verbose=0, strategy=mirrored
        )

    run("straight")
    run("stopped", 1)
    run("stopped")
    straight, stopped = (
        runs.left(tmp_path / n) for n in ("straight", "stopped")
    )
    assert straight == stopped
    newest = tmp_path / "straight/checkpoints/checkpoint-000002.npz"
    content = newest.read_bytes()[: -checkpoints.DIGEST_BYTES]
    written = dict(np.load(io.BytesIO(content)))
    pools = [v for n, v in written.items() if v.ndim == 5]
    assert pools
    assert all(p.shape[0] == 2 and (p[0] != p[1]).any() for p in pools)


def test_another_number_of_replicas_is_refused(mirrored, tmp_path):
    path = runs.write_recipe(tmp_path, "dcgan", epochs=1)
    recipe, _ = recipes.load(path)
    training.train(recipe, tmp_path / "run", verbose=0)
    with pytest.raises(ValueError, match="another run.*differs in replicas"):
        training.train(recipe, tmp_path / "run", verbose=0, strategy=mirrored)


@pytest.mark.parametrize(
    "config",
    [
        None,
        "{",
        '{"cluster": {"worker": ["127.0.0.1:1"]}}',
        '{"cluster": {"worker": ["127.0.0.1:1"]}, '
        '"task": {"type": "worker", "index": 1}}',
        '{"cluster": {"ps": ["127.0.0.1:1"]}, '
        '"task": {"type": "ps", "index": 0}}',
    ],
)
def test_a_cluster_that_is_not_one_is_refused(config, monkeypatch, capsys):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    status = cli.main(
        ["train", "dcgan_fashion_mnist_32", "--strategy", "multiworker"]
    )
    assert status == 2
    errors = capsys.readouterr().err
    assert errors.startswith("kerasgan: With several workers TF_CONFIG must")
    assert errors.count("\n") == 1


class Cluster:
    """Stands for the strategy of one of several workers."""

    def __init__(self, jobs, kind, number):
        self.cluster_resolver = self
        self.task_type, self.task_id = kind, number
        self.cluster_spec = lambda: tf.train.ClusterSpec(jobs)


def test_one_process_is_the_chief(mirrored):
    assert checkpoints.is_chief(tf.distribute.get_strategy())
    assert checkpoints.is_chief(mirrored)
    workers = {"worker": ["a:1", "b:1"]}
    assert checkpoints.is_chief(Cluster(workers, "worker", 0))
    assert not checkpoints.is_chief(Cluster(workers, "worker", 1))
    named = {"chief": ["a:1"], "worker": ["b:1"]}
    assert checkpoints.is_chief(Cluster(named, "chief", 0))
    assert not checkpoints.is_chief(Cluster(named, "worker", 0))


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Returns the folder of a run of two workers without interruption."""
    made = {}

    def run(name, epochs, **options):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            recipe = runs.write_recipe(folder, name, epochs, **options)
            both = runs.start_workers(
                recipe,
                folder / "run",
                [folder / "0.npz", folder / "1.npz"],
            )
            ends = [runs.finish(process) for process in both]
            assert [status for status, _ in ends] == [0, 0], ends
            made[name] = folder
        return made[name]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", runs.MODELS)
def test_two_workers_end_with_the_same_weights(straight, name):
    folder = straight(name, epochs=16)
    runs.assert_same_weights(folder / "0.npz", folder / "1.npz")
    epochs = list(range(1, 17))
    assert [entry["epoch"] for entry in runs.log(folder / "run")] == epochs
    left = runs.left(folder / "run")
    # Two event files an epoch: numbers, and the image.
    assert left["events"] == sorted(
        f"epoch_{epoch:06d}" for epoch in (*epochs, *epochs)
    )
    assert sum(n.startswith("samples/") for n in left) == 16
    assert not [n for n in left if ".part" in n]


@pytest.mark.slow
def test_two_workers_share_each_batch(tmp_path):
    """They end like one process that has whole batches."""
    optimizers = "keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05)"
    recipe = runs.write_recipe(tmp_path, "dcgan", 2, optimizers)
    both = runs.start_workers(
        recipe, tmp_path / "two", [tmp_path / "0.npz", tmp_path / "1.npz"]
    )
    ends = [runs.finish(process) for process in both]
    alone = runs.start(
        recipe,
        tmp_path / "one",
        "--strategy=mirrored",
        DUMP=str(tmp_path / "a.npz"),
    )
    ends.append(runs.finish(alone))
    assert [status for status, _ in ends] == [0, 0, 0], ends
    with np.load(tmp_path / "a.npz") as one, np.load(tmp_path / "0.npz") as two:
        for name in one.files:
            np.testing.assert_allclose(
                one[name], two[name], rtol=1e-3, atol=1e-4, err_msg=name
            )


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, killed, epoch",
    # ProGAN grows within the ninth.
    [("cyclegan", 1, 3), ("progan", 0, 9)],
)
def test_a_killed_worker_ends_the_run_and_it_goes_on(
    straight, tmp_path, name, killed, epoch
):
    recipe = runs.write_recipe(tmp_path, name, epochs=16)
    dumps = [tmp_path / "0.npz", tmp_path / "1.npz"]
    both = runs.start_workers(recipe, tmp_path / "run", dumps)
    runs.wait_for_epoch(tmp_path / "run", epoch, both[0])
    runs.kill(both[killed])
    status, message = runs.finish(both[1 - killed], seconds=60)
    assert status == 2
    assert message.startswith("kerasgan: Another worker of this run has ended")
    assert epoch <= runs.epochs_done(tmp_path / "run") < 16

    both = runs.start_workers(recipe, tmp_path / "run", dumps)
    ends = [runs.finish(process) for process in both]
    assert [status for status, _ in ends] == [0, 0], ends
    folder = straight(name, epochs=16)
    for number in (0, 1):
        runs.assert_same_weights(dumps[number], folder / f"{number}.npz")
    assert runs.left(tmp_path / "run") == runs.left(folder / "run")
