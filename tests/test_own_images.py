"""Training on images of one's own: recipes made from a folder."""

import dataclasses
import functools
import json
import re

import keras
import numpy as np
import pytest
from PIL import Image

from kerasgan import callbacks, cli, models, recipes, run_page, training
from kerasgan.recipes import _own
from tests.support import marks, runs

CONTRAST = {
    "generator_width": 2,
    "discriminator_width": 2,
    "blocks": 1,
    "nce_blocks": (0,),
    "patches": 4,
    "projection_dim": 3,
}
TINY = {
    "dcgan": {"width": 2},
    "lsgan": {"width": 2},
    "pearson_lsgan": {"width": 2},
    "pacgan": {"width": 2},
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
    "stylegan2": {
        "style_dim": 4,
        "mapping_layers": 2,
        "channel_base": 32,
        "channel_max": 2,
    },
    "conditional_stylegan2": {
        "style_dim": 4,
        "mapping_layers": 2,
        "channel_base": 32,
        "channel_max": 2,
    },
    "r3gan": {"width": 4, "blocks": 1, "group_size": 2},
    "conditional_r3gan": {"width": 4, "blocks": 1, "group_size": 2},
    "cgan": {"width": 2},
    "sngan": {
        "generator_width": 2,
        "discriminator_width": 2,
        "discriminator_steps": 2,
    },
    "conditional_sngan": {
        "generator_width": 2,
        "discriminator_width": 2,
        "discriminator_steps": 2,
    },
    "biggan": {"width": 2, "embedding_dim": 3},
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
    "improved_gan": {"generator_units": (4,), "discriminator_units": (4,)},
    "infogan": {"width": 2, "dense_width": 4},
    "began": {"width": 2},
    "skip_began": {"width": 2},
    "pix2pix": {"width": 2, "patch_size": 16},
    "vanilla_gan": {"generator_units": 4, "discriminator_units": 3},
    "cyclegan": {"width": 2, "blocks": 1},
    "stackgan_stage_one": {
        "generator_width": 4,
        "discriminator_width": 4,
        "sentence_dim": 6,
        "condition_dim": 3,
        "encoder_width": 5,
    },
    "xgan": {"width": 2, "embedding_dim": 4},
    "cosine_xgan": {"width": 2, "embedding_dim": 4},
    "cut": CONTRAST,
    "fastcut": CONTRAST,
}
PAIRS = ("pix2pix", "cyclegan", "cut", "fastcut", "xgan", "cosine_xgan")
CAPTIONS = ("gan_cls", "stackgan_stage_one")


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
    if name in PAIRS:
        return [
            str(write_images(folder / side, seed=i))
            for i, side in enumerate(("from", "to"))
        ]
    if "labels" in getattr(models, recipes.ARCHITECTURES[name]).part_names:
        for i, side in enumerate(("1", "2", "10")):
            write_images(folder / side, count=4, seed=i)
        return str(folder)
    return str(write_images(folder / "images", captions=name in CAPTIONS))


def options(name, **others):
    latents = {} if name in PAIRS else {"latent_dim": 4}
    return {"epochs": 2, "batch_size": 4, **latents, **TINY[name], **others}


def size(name):
    larger = (
        *("pix2pix", "sngan", "conditional_sngan", "biggan"),
        *("xgan", "cosine_xgan"),
    )
    multiples = ("cyclegan", "cut", "fastcut")
    return 32 if name in larger else 24 if name in multiples else 16


@pytest.mark.parametrize(
    "name",
    marks.by_name(
        recipes.ARCHITECTURES,
        *("biggan", "cgan", "cyclegan", "dcgan", "gan_cls", "pix2pix"),
        *("progan", "stylegan2"),
    ),
)
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


def test_what_the_discriminator_sees_is_a_setting(tmp_path):
    images = source("dcgan", tmp_path)
    given = options("dcgan", augment="ada", seed=3)
    recipe = recipes.for_images("dcgan", images, 16, **given)
    first, second = recipe.build(), recipe.build()
    assert first.augment.seed == 3 and first.augment is not second.augment
    assert float(first.augment.p) == 0.0
    with pytest.raises(ValueError, match="Received: augment='ada'"):
        given = options("wgan", augment="ada")
        recipes.for_images("wgan", images, 16, **given)


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
        (["--arch", "qqq"], "xgan. Received: 'qqq'"),
        (["--arch", "pix2pix"], "trains on two folders"),
        (["--arch", "cgan"], "sub-folder for each"),
        (["--size", "20"], "image_size=20"),
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
        (["x.py", "--data", "images"], "go with --arch. Received: x.py with"),
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
    # A short run loses at most a tenth by a kill.
    recipe = recipes.for_images("dcgan", images, 16, width=2, epochs=40)
    assert recipe.save_every == 4
    assert recipe.score_every == 200  # And the last epoch.


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


def test_a_run_without_a_checkpoint_says_that_it_begins_again(tmp_path, capsys):
    class Kill(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise InterruptedError

    images = source("dcgan", tmp_path)
    recipe = recipes.for_images("dcgan", images, 16, **options("dcgan"))
    recipe = dataclasses.replace(recipe, save_every=2, score_every=2)
    run = tmp_path / "run"
    with pytest.raises(InterruptedError):
        training.train(recipe, run, verbose=0, callbacks=[Kill()])
    assert len(runs.log(run)) == 1
    assert "beginning" not in capsys.readouterr().out
    training.train(recipe, run, verbose=0)
    shown = capsys.readouterr().out
    assert "beginning again" in shown and "before its first check" in shown
    assert [entry["epoch"] for entry in runs.log(run)] == [1, 2]


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


def test_a_long_line_has_few_points_and_its_end(tmp_path):
    entries = [
        {"epoch": epoch, "seconds": 1.0, "d_loss": float(epoch % 7)}
        for epoch in range(1, 5001)
    ]
    entries[-1]["d_loss"] = 7.0
    log = "".join(json.dumps(entry) + "\n" for entry in entries)
    (tmp_path / "log.jsonl").write_text(log)
    text = run_page.write(tmp_path, epochs=5000).read_text("utf-8")
    (line,) = re.findall(r'<path d="M([^"]+)"', text)
    points = [tuple(map(float, p.split())) for p in line.split(" L")]
    assert 500 <= len(points) <= 1000
    assert points[-1] == (run_page.WIDTH, 0.0)
    # Both schemes of colors, and the width of a phone.
    assert "prefers-color-scheme: dark" in text
    assert 'content="width=device-width, initial-scale=1"' in text


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


def test_stylegan2_has_settings_for_the_size_and_the_batch(tmp_path):
    images = source("stylegan2", tmp_path)
    recipe = recipes.for_images("stylegan2", images, 16, **options("stylegan2"))
    gan = training.build(recipe)
    assert gan.r1_gamma == pytest.approx(0.0002 * 16**2 / 4)
    assert gan.ema_ramp == 0.05
    assert (gan.channel_base, gan.learning_rate) == (32, 0.0025)


def test_trackers_may_stop_a_run_which_keeps_its_checkpoint(tmp_path):
    images = source("dcgan", tmp_path)
    recipe = recipes.for_images("dcgan", images, 16, **options("dcgan"))
    recipe = dataclasses.replace(recipe, save_every=2, score_every=2)
    stop = callbacks.StopAfter(1)
    run = tmp_path / "run"
    training.train(recipe, run, verbose=0, callbacks=[stop])
    assert runs.epochs_done(run) == 1


RECTANGULAR = (
    "acgan",
    "began",
    "cgan",
    "dcgan",
    "improved_gan",
    "infogan",
    "lsgan",
    "mlp_wgan",
    "pacgan",
    "pearson_lsgan",
    "skip_began",
    "wgan",
    "wgan_gp",
)


@pytest.mark.parametrize("name", recipes.ARCHITECTURES)
def test_rectangles_are_trained_or_refused_in_a_sentence(name, tmp_path):
    images = source(name, tmp_path)
    made = functools.partial(
        recipes.for_images, name, images, (16, 32), **options(name)
    )
    if name not in RECTANGULAR:
        with pytest.raises(ValueError, match=r"are square; .*=\(16, 32\)"):
            made()
        return
    recipe = made()
    assert recipe.name.endswith("_32x16")
    gan = training.build(recipe)
    gan.check_batch(next(iter(gan.to_dataset(recipe.batches(0)))))
    assert recipe.score(gan)["swd_train"] > 0
    assert recipe.sample(gan).shape[1:] == (16, 32, 3)


@pytest.mark.parametrize("name", ["cyclegan", "mlp_cgan", "stylegan"])
def test_the_command_line_refuses_rectangles_too(name, tmp_path, capsys):
    images = source(name, tmp_path)
    folders = images if isinstance(images, list) else [images]
    command = ["train", "--arch", name, "--data", *folders, "--size", "64x32"]
    assert cli.main([*command, "-o", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert "are square" in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_of_rectangles(tmp_path, capsys):
    write_images(tmp_path / "images")
    words = command(tmp_path, "latent_dim=4")
    words[words.index("16")] = "32x16"
    assert cli.main([*words, "--dry-run"]) == 0
    assert "(4, 16, 32, 3)" in capsys.readouterr().out
    assert cli.main(words) == 0
    with Image.open(next((tmp_path / "run" / "samples").iterdir())) as grid:
        assert grid.size == (8 * 34 - 2, 8 * 18 - 2)


@pytest.mark.parametrize("word", ["0", "64x", "x64", "64x0", "-8", "64x32x3"])
def test_a_size_is_a_number_or_two(word, capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "--arch", "dcgan", f"--size={word}"])
    assert "--size" in capsys.readouterr().err


def test_what_does_not_fit_is_cropped_padded_or_squeezed(tmp_path, capsys):
    """Images of a white middle and grey ends, twice as wide as high."""
    (tmp_path / "images").mkdir()
    wide = np.full((16, 32, 3), 128, "uint8")
    wide[:, 8:24] = 255
    for number in range(4):
        Image.fromarray(wide).save(tmp_path / f"images/{number}.png")
    made = options("dcgan", augment="none")
    corners = {}
    for fit in ("crop", "pad", "squeeze"):
        recipe = recipes.for_images(
            "dcgan", str(tmp_path / "images"), 16, **made, fit=fit
        )
        images = next(iter(recipe.batches(0))).numpy()
        corners[fit] = images[0, 0, 0, 0], images[0, 8, 0, 0]
        assert recipe.settings["fit"] == fit
    for fit, expected in {
        "crop": (1.0, 1.0),
        "pad": (-1.0, 0.0),
        "squeeze": (0.0, 0.0),
    }.items():
        assert corners[fit] == pytest.approx(expected, abs=0.01), fit
    # Another fit is another run.
    words = command(tmp_path, "--fit", "pad", "--epochs", "1")
    assert cli.main(words) == 0
    assert "fit='pad'" in (tmp_path / "run" / "recipe.py").read_text()
    assert cli.main([w for w in words if w not in ("--fit", "pad")]) == 2
    assert "settings: fit pad, now None" in capsys.readouterr().err


@pytest.fixture
def side_by_side(tmp_path):
    """Pairs in one file each: inputs, with black targets on their right."""
    inputs = write_images(tmp_path / "inputs", count=8)
    (tmp_path / "pairs").mkdir()
    for path in inputs.iterdir():
        with Image.open(path) as image:
            pair = Image.new("RGB", (2 * image.width, image.height))
            pair.paste(image, (0, 0))
            pair.save(tmp_path / "pairs" / path.name)
    return str(tmp_path / "pairs")


@pytest.mark.parametrize(
    "name", ["pix2pix", pytest.param("cyclegan", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("half", ["left", "right"])
def test_pairs_side_by_side_are_trained_on(side_by_side, name, half, tmp_path):
    run = tmp_path / "run"
    words = [f"{k}={v}" for k, v in options(name, augment="none").items()]
    command = [
        *("train", "--arch", name, "--data", side_by_side, "-o", str(run)),
        *("--side-by-side", half, "--size", str(size(name)), "--set", *words),
    ]
    assert cli.main([*command, "--epochs", "1"]) == 0
    # The recipe in the folder reads the same.
    recipe, _ = recipes.load(run / "recipe.py")
    inputs, targets = next(iter(recipe.batches(0)))
    black = targets if half == "left" else inputs
    other = inputs if half == "left" else targets
    assert (black.numpy() == -1).all() and other.numpy().std() > 0.1
    assert recipe.settings["input"] == half
    assert "resumes after epoch 1" in training.plan(recipe, run)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--arch", "pix2pix"], "side by side (`--side-by-side left`"),
        (["--arch", "dcgan", "--side-by-side", "left"], "on single images"),
        (
            ["--arch", "pix2pix", "--side-by-side", "left", "--data", "a", "b"],
            "takes one folder. Received: a, b",
        ),
        (
            ["--arch", "pix2pix", "--side-by-side", "left", "--data", "nono"],
            "'nono', which does not exist",
        ),
    ],
)
def test_where_pairs_side_by_side_do_not_belong(
    side_by_side, words, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "--data", "pairs", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_options_of_own_images_do_not_go_with_a_recipe(capsys):
    for words in (["--size", "32"], ["--fit", "pad"]):
        assert cli.main(["train", "dcgan_fashion_mnist_32", *words]) == 2
        assert f"with {words[0]}" in capsys.readouterr().err


def test_the_burn_in_of_r3gan_is_half_of_the_run(tmp_path):
    images = source("r3gan", tmp_path)
    recipe = recipes.for_images("r3gan", images, 16, **options("r3gan"))
    gan = recipe.build()
    assert gan.burn_in_steps == recipe.steps_per_epoch * recipe.epochs / 2
    own = {**options("r3gan"), "burn_in_steps": 5}
    gan = recipes.for_images("r3gan", images, 16, **own).build()
    assert gan.burn_in_steps == 5
