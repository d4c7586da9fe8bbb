"""Training on images of one's own: recipes made from a folder."""

import dataclasses
import json
import re

import keras
import numpy as np
import pytest
from PIL import Image

from kerasgan import callbacks, cli, recipes, run_page, training
from kerasgan.recipes import _own
from tests.support import runs

TINY = {
    "dcgan": {"width": 2},
    "lsgan": {"width": 2},
    "pearson_lsgan": {"width": 2},
    "wgan": {"width": 2, "critic_steps": 2, "long_critic_steps": 2},
    "wgan_gp": {"width": 2, "critic_steps": 2},
    "progan": {"fmap_base": 16, "fmap_max": 2},
    "stylegan": {
        "fmap_base": 16,
        "fmap_max": 2,
        "w_dim": 4,
        "mapping_layers": 2,
    },
    "conditional_stylegan": {
        "fmap_base": 16,
        "fmap_max": 2,
        "w_dim": 4,
        "mapping_layers": 2,
    },
    "cgan": {"width": 2},
    "minimax_gan": {"generator_units": 4, "discriminator_units": 3},
    "mlp_cgan": {},
    "mlp_wgan": {"width": 2, "generator_units": 3, "critic_steps": 2},
    "acgan": {"generator_width": 8, "discriminator_width": 4},
    "gan_cls": {
        "generator_width": 4,
        "discriminator_width": 4,
        "sentence_dim": 6,
        "projection_dim": 3,
        "encoder_width": 5,
    },
    "began": {"width": 2},
    "skip_began": {"width": 2},
    "pix2pix": {"width": 2, "patch_size": 16},
    "vanilla_gan": {"generator_units": 4, "discriminator_units": 3},
    "cyclegan": {"width": 2, "blocks": 1},
}


@pytest.fixture(autouse=True)
def quick_scores(monkeypatch):
    monkeypatch.setattr(_own, "SCORED", 2)


def write_images(folder, count=12, seed=0, captions=False):
    folder.mkdir(parents=True)
    random = np.random.RandomState(seed)
    for number in range(count):
        shape = (20 + number, 24, 3)
        pixels = random.randint(0, 256, shape, "uint8")
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
        if captions:
            text = f"a square of kind {number % 3}"
            (folder / f"{number:02}.txt").write_text(text)
    return folder


def source(name, folder):
    """Returns the images that an architecture trains on."""
    if name in ("pix2pix", "cyclegan"):
        return [
            str(write_images(folder / side, seed=i))
            for i, side in enumerate(("from", "to"))
        ]
    if name in ("acgan", "cgan", "mlp_cgan", "conditional_stylegan"):
        for i, side in enumerate(("1", "2", "10")):
            write_images(folder / side, count=4, seed=i)
        return str(folder)
    return str(write_images(folder / "images", captions=name == "gan_cls"))


def options(name, **others):
    latents = {} if name in ("pix2pix", "cyclegan") else {"latent_dim": 4}
    return {"epochs": 2, "batch_size": 4, **latents, **TINY[name], **others}


def size(name):
    return {"pix2pix": 32, "cyclegan": 24}.get(name, 16)


@pytest.mark.parametrize("name", recipes.ARCHITECTURES)
def test_each_architecture_has_a_recipe_for_a_folder(name, tmp_path):
    images = source(name, tmp_path)
    recipe = recipes.for_images(name, images, size(name), **options(name))
    assert (recipe.steps_per_epoch, recipe.epochs) == (3, 2)
    gan = training.build(recipe)
    batch = next(iter(gan.to_dataset(recipe.batches(0))))
    gan.check_batch(batch)
    if gan.task == "class-to-image":
        assert gan.class_names == ("1", "2", "10")
    scores = recipe.score(gan)
    assert list(scores) == ["swd_train"]
    assert scores == recipe.score(gan)
    assert scores["swd_train"] > 0
    samples = recipe.sample(gan)
    assert samples.dtype == np.uint8
    np.testing.assert_array_equal(samples, recipe.sample(gan))


def command(tmp_path, *others, images="images", set=()):
    words = [f"{k}={v}" for k, v in options("dcgan").items()]
    return [
        *("train", "--arch", "DCGAN", "--data", str(tmp_path / images)),
        *("--size", "16", "-o", str(tmp_path / "run")),
        *("--set", *words, *set, *others),
    ]


def test_one_command_trains_stops_and_resumes(tmp_path, capsys):
    write_images(tmp_path / "images")
    run = tmp_path / "run"
    assert cli.main(command(tmp_path, "--dry-run")) == 0
    assert not run.exists()
    shown = capsys.readouterr().out
    for word in ("DCGAN", "(4, 16, 16, 3)", "2 epochs of 3 steps", "a new run"):
        assert word in shown
    assert cli.main(command(tmp_path, "--epochs", "1")) == 0
    assert [entry["epoch"] for entry in runs.log(run)] == [1]
    assert cli.main(command(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "resuming after epoch 1 of 2" in shown
    # No terminal, no escape codes.
    assert not re.search(r"[\x1b\x08\r]", shown)
    assert [entry["epoch"] for entry in runs.log(run)] == [1, 2]
    assert sorted(p.name for p in run.iterdir()) == [
        "best.weights.h5",
        "checkpoints",
        "first.weights.h5",
        "index.html",
        "log.jsonl",
        "recipe.py",
        "run.json",
        "samples",
        "tensorboard",
    ]
    # The recipe in the folder is that of the command.
    again, _ = recipes.load(run / "recipe.py")
    gan = training.train(again, run, verbose=0)
    assert gan.width == 2
    assert "all 2 epochs are done" in capsys.readouterr().out


def test_other_settings_are_another_run(tmp_path):
    images = source("dcgan", tmp_path)
    run = tmp_path / "run"

    def made(**others):
        recipe = recipes.for_images(
            "dcgan", images, 16, **options("dcgan", **others)
        )
        return dataclasses.replace(recipe, sample=lambda gan: gan.generate(1))

    training.train(made(), run, epochs=1, verbose=0)
    for name, value in {"lr": 0.1, "augment": "mirror", "width": 4}.items():
        with pytest.raises(ValueError, match=f"{name} .*, now {value}"):
            training.plan(made(**{name: value}), run)
    # A longer run goes on.
    assert "resumes after epoch 1" in training.plan(made(epochs=9), run)


@pytest.mark.filterwarnings("default")
def test_a_run_goes_on_with_more_images_and_says_so(tmp_path, capsys):
    write_images(tmp_path / "images")
    assert cli.main(command(tmp_path, "--epochs", "1")) == 0
    for number in range(4):
        Image.new("RGB", (16, 16)).save(tmp_path / f"images/new{number}.png")
    assert cli.main(command(tmp_path)) == 0
    error = capsys.readouterr().err
    assert "kerasgan: warning: The training data have changed" in error
    assert "had 3 steps and now has 4" in error
    assert error.count("\n") == 1


@pytest.mark.filterwarnings("default")
def test_a_broken_image_is_skipped_and_named(tmp_path, capsys):
    write_images(tmp_path / "images")
    (tmp_path / "images" / "torn.png").write_bytes(b"\x89PNG")
    assert cli.main(command(tmp_path, "--dry-run")) == 0
    assert "1 of 13 images" in capsys.readouterr().err
    assert cli.main(command(tmp_path, set=["skip_broken=false"])) == 2
    assert "torn.png" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "none"], "'none', which does not exist"),
        (["--data", "images", "images"], "one folder of images"),
        (["--arch", "dcgn"], "Did you mean 'dcgan'? Received: 'dcgn'"),
        (["--arch", "qqq"], "wgan_gp. Received: 'qqq'"),
        (["--arch", "pix2pix"], "trains on two folders"),
        (["--arch", "cgan"], "sub-folder for each"),
        (["--size", "20"], "image_size=20"),
        (["--size", "0"], "size=0"),
        (["--set", "batchsize=4"], "Did you mean 'batch_size'?"),
        (["--set", "batch_size=0"], "batch_size=0"),
        (["--set", "batch_size=13"], "batch_size=13, 12 images"),
        (["--set", "epochs=2.5"], "epochs=2.5"),
        (["--set", "lr=fast"], "lr='fast'"),
        (["--set", "lr=-1"], "lr=-1"),
        (["--set", "augment=flip"], "augment='flip'"),
        (["--set", "width=-3"], "width=-3"),
        (["--set", "width"], "NAME=VALUE"),
        (["--set", "image_size=32"], "Received: image_size"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_no_run(
    tmp_path, capsys, monkeypatch, words, message
):
    write_images(tmp_path / "images")
    monkeypatch.chdir(tmp_path)
    arguments = ["--arch", "dcgan", "--data", "images", "--size", "16"]
    assert cli.main(["train", *arguments, *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_recipe_and_arch_exclude_each_other(capsys):
    for words, message in (
        ([], "Received: neither"),
        (["x.py", "--arch", "dcgan"], "Received: both"),
        (["x.py", "--data", "images"], "go with --arch"),
        (["--arch", "dcgan"], "With --arch comes --data"),
    ):
        assert cli.main(["train", *words]) == 2
        assert message in capsys.readouterr().err


def test_the_length_of_a_run_is_shared_out_among_resolutions(tmp_path):
    images = source("progan", tmp_path)
    made = options("progan", epochs=10)
    recipe = recipes.for_images("progan", images, 16, **made)
    gan = recipe.build()
    total = 12 * 10
    # 4x4, then 8x8 and 16x16, each fading in and stable; the last twice.
    assert gan.stable_images == gan.fade_images == total // 6
    assert gan.schedule(total * 4 // 6 - 1)[0] == 16
    assert gan.schedule(total * 4 // 6) == (16, 1.0)
    recipe = recipes.for_images("progan", images, 16, **made, fade_images=7)
    assert recipe.build().fade_images == 7


def test_rates_are_those_given_and_else_the_papers(tmp_path):
    images = source("dcgan", tmp_path)
    made = options("dcgan")
    gan = recipes.for_images("dcgan", images, 16, **made, lr=0.5).build()
    paper = gan.default_optimizers()[0]
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert float(optimizer.learning_rate) == 0.5
        assert optimizer.beta_1 == paper.beta_1
    made["discriminator_lr"] = 0.25
    gan = recipes.for_images("dcgan", images, 16, **made).build()
    assert float(gan.discriminator_optimizer.learning_rate) == 0.25
    np.testing.assert_allclose(gan.generator_optimizer.learning_rate, 2e-4)


def test_without_a_length_a_run_has_about_as_many_steps(tmp_path):
    images = source("dcgan", tmp_path)
    recipe = recipes.for_images("dcgan", images, 16, width=2)
    assert recipe.steps_per_epoch == 1  # A batch of all twelve.
    assert recipe.epochs == 20_000
    assert recipe.save_every == 200
    assert recipe.score_every == 800


def test_checkpoints_are_written_every_few_epochs_and_at_a_stop(tmp_path):
    images = source("dcgan", tmp_path)
    made = options("dcgan", epochs=4)
    recipe = recipes.for_images("dcgan", images, 16, **made)
    recipe = dataclasses.replace(
        recipe,
        save_every=2,
        score=lambda gan: {"x": 1.0},
        sample=lambda gan: gan.generate(1, seed=0),
    )
    run = tmp_path / "run"
    training.train(recipe, run, epochs=3, verbose=0)
    assert runs.epochs_done(run) == 3
    assert [p.stem for p in (run / "samples").iterdir()] == ["epoch_0002"]
    training.train(recipe, run, verbose=0)
    straight = tmp_path / "straight"
    training.train(recipe, straight, verbose=0)
    assert runs.epochs_done(run) == runs.epochs_done(straight) == 4
    first, second = runs.left(run), runs.left(straight)
    # Of the last two checkpoints one is of the stop.
    for found in (first, second):
        for name in [n for n in found if n.startswith("checkpoints")]:
            del found[name]
    assert first == second


def fake_run(folder):
    folder.mkdir()
    entries = [
        {"epoch": 1, "seconds": 60.0, "d_loss": 1.5, "g_loss": float("nan")},
        {"epoch": 2, "seconds": 60.0, "d_loss": 1.0, "fd<b>": 7.25},
    ]
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    (folder / "log.jsonl").write_text(text)
    about = {"recipe": "<script>alert(1)</script>", "arguments": {"width": 4}}
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "samples").mkdir()
    for epoch in range(1, 31):
        path = folder / "samples" / f"epoch_{epoch:04}.png"
        Image.new("L", (8, 8), epoch).save(path)
    return folder


def test_the_page_of_a_run_is_one_escaped_file(tmp_path):
    folder = fake_run(tmp_path / "run")
    text = run_page.write(folder, epochs=4).read_text("utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "fd&lt;b&gt; 7.25" in text
    assert "Epoch 2 of 4, 2 min of training, about 2 min left" in text
    assert "width 4" in text
    # Nothing is requested: all images are in the file.
    sources = re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
    assert len(sources) == run_page.SHOWN
    assert all(s.startswith("data:image/webp;base64,") for s in sources)
    epochs = [int(n) for n in re.findall(r"Epoch (\d+)</fig", text)]
    assert (epochs[0], epochs[-1]) == (1, 30)
    assert 'http-equiv="refresh"' in text
    assert "default-src 'none'" in text


def test_a_complete_page_stays_and_text_is_shown(tmp_path):
    folder = fake_run(tmp_path / "run")
    for path in (folder / "samples").iterdir():
        path.unlink()
    (folder / "samples" / "epoch_0001.txt").write_text("a <i>line</i>")
    text = run_page.write(folder, epochs=2).read_text("utf-8")
    assert "refresh" not in text
    assert "a &lt;i&gt;line" in text


def test_a_run_updates_its_page_and_calls_callbacks(tmp_path):
    seen = []

    class Tracker(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, sorted(logs)))

    images = source("dcgan", tmp_path)
    recipe = recipes.for_images("dcgan", images, 16, **options("dcgan"))
    recipe = dataclasses.replace(
        recipe,
        score=lambda gan: {"x": 1.0},
        score_every=1,
        sample=lambda gan: gan.generate(1, seed=0),
        callbacks=lambda: [Tracker()],
    )
    run = tmp_path / "run"
    training.train(recipe, run, verbose=0, callbacks=[Tracker()])
    assert seen == [(e, ["d_loss", "g_loss", "x"]) for e in (0, 0, 1, 1)]
    assert "Epoch 2 of 2" in (run / "index.html").read_text("utf-8")


def test_a_score_that_is_not_a_number_is_said(tmp_path):
    scores = iter([{"fd": np.nan}, None, {}, 3.0, {"fd": "low"}])
    path = tmp_path / "best.weights.h5"
    keep_best = callbacks.KeepBest(path, lambda gan: next(scores))
    keep_best.set_params({"epochs": 5})
    with pytest.warns(UserWarning, match="score fd of epoch 2 is NaN"):
        keep_best.on_epoch_end(1)
    assert not path.exists()
    for epoch in range(4):
        with pytest.raises(TypeError, match="must return a dict of numbers"):
            keep_best.on_epoch_end(epoch)


def test_too_many_steps_are_refused_before_the_first(tmp_path):
    images = source("dcgan", tmp_path)
    recipe = recipes.for_images("dcgan", images, 16, **options("dcgan"))
    longer = dataclasses.replace(recipe, steps_per_epoch=5)
    with pytest.raises(ValueError, match="10 batches. Received: 6 batches"):
        training.train(longer, tmp_path / "run", verbose=0)

    def unknown(first_epoch):
        return recipe.batches(first_epoch).filter(lambda _: True)

    longer = dataclasses.replace(longer, batches=unknown)
    with pytest.warns(UserWarning, match="ran out of data"):
        with pytest.raises(ValueError, match="5 steps. Received: 1 batches"):
            training.train(longer, tmp_path / "run", verbose=0)


def test_trackers_may_stop_a_run_which_keeps_its_checkpoint(tmp_path):
    images = source("dcgan", tmp_path)
    recipe = recipes.for_images("dcgan", images, 16, **options("dcgan"))
    recipe = dataclasses.replace(recipe, save_every=2, score_every=2)
    stop = callbacks.StopAfter(1)
    run = tmp_path / "run"
    training.train(recipe, run, verbose=0, callbacks=[stop])
    assert runs.epochs_done(run) == 1
