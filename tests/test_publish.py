"""Packing a run on a user's own data into a folder, and pushing it."""

import hashlib
import json
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf

import zoo
from kerasgan import (
    cli,
    data,
    evaluation,
    hub_card,
    model_card,
    publishing,
    recipes,
    samples,
    tasks,
)
from tests import tiny
from tests.support import hub as hubs
from tests.support import server as servers
from zoo import cards

# A recipe on data that kerasgan does not know.
RECIPE = """
import numpy as np

from kerasgan import data, models
from kerasgan.recipes import Recipe

images = np.random.RandomState(0).randint(0, 256, (16, 16, 16, 1), "uint8")


def build():
    gan = models.DCGAN(
        image_size=16, channels=1, width=4, latent_dim=4, seed=7
    )
    gan.compile()
    return gan


def batches(first_epoch):
    return data.stream(
        images,
        8,
        transform=lambda batch, _: data.to_float(batch),
        first_epoch=first_epoch,
        epochs=2 - first_epoch,
    )


def grey(gan):
    return {"grey": float(abs(gan.generate(4, seed=1).mean() - 100))}


def recipe():
    return Recipe(
        name="my_images_16",
        dataset="my_images",
        description="Draws what I like.",
        license="CC0-1.0",
        build=build,
        batches=batches,
        steps_per_epoch=2,
        epochs=2,
        score=grey,
    )
"""
ABOUT = ["--weaknesses", "All of it is noise.", "--data", "16 of mine, CC0."]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run by that recipe."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(RECIPE)
    run = folder / "run"
    assert cli.main(["train", str(folder / "mine.py"), "-o", str(run)]) == 0
    return run


@pytest.fixture(scope="module")
def packed_once(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed") / "my_images_16"
    assert cli.main(["publish", str(trained), "-o", str(folder), *ABOUT]) == 0
    return folder


@pytest.fixture
def packed(packed_once, tmp_path):
    """A copy of the packed run, for a test to change."""
    return shutil.copytree(packed_once, tmp_path / "out" / packed_once.name)


def failed(capsys, *arguments):
    """Returns the one line that a command ends with."""
    assert cli.main(list(map(str, arguments))) == 2
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if line.startswith("kerasgan: ")][-1]


def test_a_run_on_own_data(trained, packed):
    assert sorted(p.name for p in packed.iterdir()) == sorted(
        publishing.files("image")
    )
    card = zoo.card(packed)
    assert (card.name, card.dataset) == ("my_images_16", "my_images")
    assert not card.scores
    text = (packed / "README.md").read_text("utf-8")
    for part in (
        "# my_images_16",
        "Draws what I like.",
        "All of it is noise.",
        "16 of mine, CC0.",
        "Not measured",
        "`my_images_16`, the author's own",
        "Licence of the weights: CC0-1.0.",
    ):
        assert part in text
    lines = (trained / "log.jsonl").read_text().splitlines()
    greys = [json.loads(line)["grey"] for line in lines]
    assert f"epoch {1 + greys.index(min(greys))}, which had the" in text
    assert f"`grey` of the run, {min(greys):.4g}" in " ".join(text.split())


def test_what_is_packed_is_the_best_of_the_run(trained, packed):
    recipe, _ = recipes.load(trained / "recipe.py")
    gan = recipe.build()
    gan.load_weights(trained / "best.weights.h5")
    images = gan.generate(9, seed=4).astype(int)
    # Its weights have 16 bits.
    assert np.abs(images - zoo.load(packed).generate(9, seed=4)).max() <= 2


def test_the_address_that_is_printed(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path / "home"))
    folder = tmp_path / "my_images_16"
    cli.main(["publish", str(trained), "-o", str(folder), *ABOUT])
    out = capsys.readouterr().out
    pin = out.split("append ")[1].split(" ")[0]
    with servers.running() as server:
        for path in folder.iterdir():
            server.files[f"/a/{path.name}"] = path.read_bytes()
        address = f"{server.url}/a{pin}"
        assert cli.main(["card", address]) == 0
        assert zoo.card(address) == zoo.card(folder)


def test_sections_of_the_author_stay(trained, packed):
    before = (packed / "README.md").read_text("utf-8")
    changed = ["--weaknesses", "Much.\n\nMore."]
    cli.main(["publish", str(trained), "-o", str(packed), *changed])
    cli.main(["publish", str(trained), "-o", str(packed)])
    text = (packed / "README.md").read_text("utf-8")
    assert text == before.replace("All of it is noise.", "Much.\n\nMore.")


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ([], "give `--weaknesses`"),
        (ABOUT[:2], "give `--data`"),
        ([*ABOUT, "--recipe", "dcgan_fashion_mnist_32"], "not made by this"),
        ([*ABOUT, "--push", "https://a/b"], "hf://user/repository"),
        ([*ABOUT, "--base-model", "a/b"], "needs --push"),
        ([*ABOUT, "--push", "hf://user/model@main"], "not to a revision"),
    ],
)
def test_what_is_refused_before_anything_is_done(
    trained, tmp_path, capsys, about, message
):
    folder = tmp_path / "new" / "my_images_16"
    assert message in failed(capsys, "publish", trained, "-o", folder, *about)
    assert not folder.parent.exists()


def test_a_folder_must_have_a_name(trained, tmp_path, capsys):
    folder = tmp_path / "my images"
    error = failed(capsys, "publish", trained, "-o", folder, *ABOUT)
    assert "Received: 'my images'" in error
    with pytest.raises(ValueError, match="Received: 'my images'"):
        publishing.write(
            tiny.by_name("dcgan").build(),
            folder,
            dataset="",
            description="",
            license="",
            recipe="",
        )
    assert not folder.exists()


def test_a_run_that_is_not_finished(trained, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "best.weights.h5").unlink()
    error = failed(capsys, "publish", run, "-o", tmp_path / "x", *ABOUT)
    assert "there is no best.weights.h5" in error


def test_a_recipe_that_was_changed_since(trained, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    text = RECIPE.replace("seed=7", "seed=8")
    (run / "recipe.py").write_text(text)
    error = failed(capsys, "publish", run, "-o", tmp_path / "x", *ABOUT)
    assert "was not made by this recipe: its arguments" in error


def test_trouble_leaves_the_folder_as_it_was(
    trained, packed, capsys, monkeypatch
):
    before = {p.name: p.read_bytes() for p in packed.iterdir()}

    def fail(*arguments, **options):
        raise OSError("the disk is full")

    monkeypatch.setattr(model_card, "text", fail)
    assert "disk is full" in failed(capsys, "publish", trained, "-o", packed)
    assert {p.name: p.read_bytes() for p in packed.iterdir()} == before
    assert [p.name for p in packed.parent.iterdir()] == [packed.name]


def test_samples_of_another_model_are_noticed(
    trained, packed, capsys, monkeypatch
):
    # Two sheets are written, of the first epoch and the best; one is compared.
    greys = iter([0, 0, 255])

    def grid(images, columns):
        return np.full((8, 8, 1), next(greys), "uint8")

    monkeypatch.setattr(samples.data, "grid", grid)
    error = failed(capsys, "publish", trained, "-o", packed)
    assert "does not generate the samples of samples.png" in error


def test_scores_on_the_card(trained, packed, monkeypatch):
    """Evaluation itself is replaced: tests/test_evaluation.py tests it."""

    def entry(value):
        return {"fd": {"metric": "fd_x", "value": value}}

    def measure(name, folder, earlier, progress):
        data.save_png(folder / "neighbors.png", np.zeros((8, 8, 3), "uint8"))
        assert zoo.card(earlier["epoch 1"]).name == "my_images_16"
        distances = {"median": 2.0, "held_out_median": 3.0}
        nearer = {"nearer_than_median": 0.625, "nearer_than_any": 0.125}
        counts = {"samples": 1000, "held_out_pictures": 900}
        step = {"shows_it": 0.75, "others_kept": 0.5}
        step |= {f"random_{name}": share / 2 for name, share in step.items()}
        return {
            "scores": {**entry(1.5), "cycle": {"metric": "c", "value": 4.5}},
            "yardsticks": {"real": entry(0.25), "epoch 1": entry(99.5)},
            "shares": {
                "drawn": {"eyes": {"open": 0.875, "shut": 0.125}},
                "real": {"eyes": {"open": 0.25, "shut": 0.75}},
            },
            "neighbors": {"pixels": {**distances, **nearer, **counts}},
            "codes": [
                [{"eyes": {"open": 1.0}}, {"eyes": {"shut": 0.5, "open": 0.5}}]
            ],
            "arithmetic": {
                "value": "glasses",
                "with_it": 100,
                "without_it": 900,
                "added_to": 50,
                "times": {"1": step},
            },
        }

    monkeypatch.setattr(evaluation, "is_measured", lambda *_: True)
    monkeypatch.setattr(evaluation, "measure", measure)
    assert cli.main(["publish", str(trained), "-o", str(packed)]) == 0
    assert zoo.card(packed).scores["fd"]["value"] == 1.5
    text = (packed / "README.md").read_text("utf-8")
    assert "| `fd` | fd_x | 1.5 | 0.25 | 99.5 |" in text
    assert "| `cycle` | c | 4.5 | – | – |" in text
    assert "- eyes: open 87.5% (25.0%), shut 12.5% (75.0%)\n" in text
    assert "category of the code generates" in text
    assert "\n- 0: open 100.0%\n- 1: shut 50.0%, open 50.0%" in text
    assert "| pixels | 2 | 3 | 62.5% | 12.5% |" in text
    assert "| 1 | 75.0% (37.5%) | 50.0% (25.0%) |" in text
    assert "](neighbors.png)" in text
    assert (packed / "neighbors.png").is_file()
    assert "](arithmetic.png)" not in text


def test_image_pools_are_not_published(tmp_path):
    gan = tiny.by_name("cyclegan").build()
    for pool in (gan.pool_a, gan.pool_b):
        pool.images.assign(np.ones(pool.images.shape))
        pool.filled.assign(4)
    publishing.write(
        gan,
        tmp_path / "cyclegan_noise_24",
        dataset="noise",
        description="Noise.",
        license="none",
        recipe="none",
        sample=lambda gan: gan.translate(tiny.images_to_translate(4)),
    )
    loaded = zoo.load(tmp_path / "cyclegan_noise_24")
    for pool in (loaded.pool_a, loaded.pool_b):
        assert int(pool.filled) == 0
        assert not np.any(pool.images)
    assert int(gan.pool_a.filled) == 4


def test_an_averaged_discriminator_is_published_once(tmp_path):
    gan = tiny.improved_gan()
    for weight in gan.average_discriminator.weights:
        weight.assign(tf.ones_like(weight))
    publishing.write(
        gan,
        tmp_path / "improved_gan_noise_8",
        dataset="noise",
        description="Noise.",
        license="none",
        recipe="none",
    )
    loaded = zoo.load(tmp_path / "improved_gan_noise_8")
    for network in (loaded.average_discriminator, loaded.discriminator):
        for weight in network.get_weights():
            np.testing.assert_array_equal(weight, 1.0)


def test_the_resolution_is_no_score(tmp_path):
    """Growing models log it; the first score that is one decides."""
    about = ("processor", "cores", "precision", "seed")
    versions = ("kerasgan", "keras", "tensorflow")
    (tmp_path / "run.json").write_text(
        json.dumps(dict.fromkeys([*about, *versions], "x"))
    )
    entries = [
        {"epoch": 1, "seconds": 1.0, "d_loss": 0.0, "resolution": 4, "fd": 9.0},
        {"epoch": 2, "seconds": 1.0, "d_loss": 0.0, "resolution": 8, "fd": 3.0},
    ]
    lines = "".join(f"{json.dumps(entry)}\n" for entry in entries)
    (tmp_path / "log.jsonl").write_text(lines)
    found = publishing.training_summary(tmp_path, ("d_loss",))["kept"]
    assert found == {"epoch": 2, "score": "fd", "value": 3.0}


def test_samples_of_text(tmp_path):
    """Lines of a file, compared to the letter."""
    path, sentences = tmp_path / "samples.txt", ["a smile", "über", ""]
    samples.write(path, sentences, "text")
    assert path.read_text("utf-8") == "a smile\nüber\n\n"
    assert samples.matches(path, sentences, "text")
    assert not samples.matches(path, ["a Smile", "über", ""], "text")
    assert "samples.txt" in publishing.files("text")
    assert "samples.png" not in publishing.files("text")
    task = tasks.TASKS["text"]
    shown = model_card._samples(tmp_path, task, "Not selected.")
    assert "```text\na smile\nüber\n" in shown


# The Hub, with its real client and a local server


@pytest.fixture
def hub(monkeypatch, tmp_path):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with hubs.running() as found:
        template = found.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", found.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield found


def test_pushed_and_loaded_again(hub, trained, packed, capsys):
    (packed / "secret.txt").write_text("not for others")
    push = ["--push", "hf://user/mine", "--base-model", "someone/first"]
    assert cli.main(["publish", str(trained), "-o", str(packed), *push]) == 0
    address = capsys.readouterr().out.split("Pushed: ")[1].strip()
    assert address == f"hf://user/mine@{hubs.commit_name(1)}"
    pushed = hub.commits["user/mine"][-1]
    assert sorted(pushed) == sorted(publishing.files("image"))
    readme = pushed.pop("README.md").decode()
    assert "\nbase_model: someone/first\n" in readme
    for name, content in pushed.items():
        assert content == (packed / name).read_bytes()
    np.testing.assert_array_equal(
        zoo.load(address).generate(4, seed=1),
        zoo.load(packed).generate(4, seed=1),
    )
    pin = hashlib.sha256((packed / "config.json").read_bytes()).hexdigest()
    assert f"`#sha256={pin}`" in readme
    assert zoo.card(f"hf://user/mine#sha256={pin}") == zoo.card(packed)


@pytest.mark.parametrize("name", ["gan_cls_personas_64", "pix2pix_fluent_64"])
def test_the_lines_of_a_pushed_card_run(hub, name, tmp_path, monkeypatch):
    publishing.push(zoo.folder(name), "hf://user/mine")
    card = hub.commits["user/mine"][-1]["README.md"].decode()
    lines = re.search("```python\n(.*?)```", card, re.S)[1]
    assert 'gan = zoo.load("hf://user/mine")' in lines.splitlines()
    image = np.random.RandomState(0).randint(0, 256, (70, 90, 3), "uint8")
    data.save_png(tmp_path / "input.png", image)
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(lines, found)
    assert found["images"].shape == (1, 64, 64, 3)
    # It was this model, from the hub.
    assert found["gan"].name == name
    assert any(path.endswith("/model.weights.h5") for _, path in hub.requests)
    # What the Hub reads, by its own client.
    about = hub_card.remote.client().ModelCard(card).data
    task = tasks.TASKS[found["gan"].task]
    assert about.pipeline_tag == task.pipeline
    assert about.library_name == "kerasgan"
    assert about.widget[0]["output"]["url"] in hub.commits["user/mine"][-1]
    kept = zoo.card(name)
    assert about.license == kept.license.lower()
    for protocol, entry in kept.scores.items():
        values = entry["value"]
        if not isinstance(values, dict):
            values = {"": values}
        for part, value in values.items():
            (shown,) = [
                result.metric_value
                for result in about.eval_results
                if result.metric_name == f"{protocol} {part}".strip()
            ]
            assert shown == value


def test_metadata_of_models_without_scores_or_images(packed):
    pytest.importorskip("huggingface_hub")
    config = json.loads((packed / "config.json").read_text("utf-8"))
    about = hub_card.metadata(config, {}).to_dict()
    assert "model-index" not in about
    assert "datasets" not in about
    score = {"metric": "fd", "value": float("inf"), "protocol": {"name": "x"}}
    assert not hub_card.scores(config, {"scores": {"x": score}})
    points = {**config, "task": "points", "point_shape": [2]}
    about = hub_card.metadata(points, {}).to_dict()
    assert not {"widget", "pipeline_tag"} & set(about)


def test_data_that_are_on_the_hub(hub):
    config, metrics = cards.read(zoo.folder("cgan_fashion_mnist_32"))
    about = hub_card.metadata(config, metrics)
    assert about.datasets == ["zalando-datasets/fashion_mnist"]
    assert {r.dataset_type for r in about.eval_results} == {*about.datasets}


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("GPL-3.0-only", {"license": "gpl-3.0"}),
        ("not stated", {"license": "other", "license_name": "not-stated"}),
    ],
)
def test_licences_of_the_hub(name, fields):
    assert hub_card.license_of(name) == fields


def test_a_card_that_does_not_load_the_model_is_not_pushed(hub, packed):
    text = (packed / "README.md").read_text("utf-8")
    (packed / "README.md").write_text(text.replace("zoo.load", "load"))
    with pytest.raises(ValueError, match="shows how to load the model"):
        publishing.push(packed, "hf://user/mine")
    with pytest.raises(ValueError, match="hf://user/repository"):
        publishing.push(packed, "hf://user/mine", base_model="first")
    assert not hub.commits


def test_what_links_elsewhere_is_not_pushed(hub, packed, tmp_path):
    (tmp_path / "secret").write_text("not for others")
    (packed / "samples.png").unlink()
    (packed / "samples.png").symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="must hold its own files"):
        publishing.push(packed, "hf://user/mine")
    assert not hub.commits


def test_a_hub_that_refuses(hub, packed):
    hub.refuses = True
    with pytest.raises(OSError, match="hf://nobody/x: HfHubHTTPError: 403"):
        publishing.push(packed, "hf://nobody/x")
