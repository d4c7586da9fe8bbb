"""The command: correct use and misuse."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import zoo
from kerasgan import animations, cli, commands, metrics, names

NAME = "dcgan_fashion_mnist_32"
BY_CLASS = "cgan_fashion_mnist_32"
CAPTIONS = "gan_cls_personas_64"
STYLES = "stylegan_personas_64"
PAIRS = "pix2pix_fluent_64"


def run(capsys, *arguments):
    """Returns the exit status and what was printed on both streams."""
    try:
        status = cli.main(list(arguments))
    except SystemExit as exit:
        status = exit.code
    return status, *capsys.readouterr()


def test_list_and_card(capsys):
    status, out, _ = run(capsys, "list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == list(zoo.list())
    status, out, _ = run(capsys, "card", NAME)
    assert status == 0
    assert "fd10k_fashion_mnist_test" in out
    status, out, _ = run(capsys, "card", NAME, "--json")
    assert json.loads(out)["name"] == NAME


def test_generate_reproduces_the_samples_of_the_card(capsys, tmp_path):
    path = tmp_path / "samples.png"
    status, out, _ = run(
        capsys, "generate", NAME, "-n", "64", "--seed", "0", "-o", str(path)
    )
    assert status == 0
    assert "64 images" in out
    found = np.asarray(Image.open(path)).astype(int)
    kept = np.asarray(Image.open(zoo.folder(NAME) / "samples.png"))
    # One grey level: another processor may round otherwise.
    assert np.abs(found - kept).max() <= 1


def test_export_and_its_second_time(capsys, tmp_path):
    folder = tmp_path / "served"
    assert run(capsys, "export", NAME, str(folder))[0] == 0
    assert (folder / "saved_model.pb").is_file()
    status, _, error = run(capsys, "export", NAME, str(folder))
    assert status == 2
    assert "must be new or empty" in error


SEEDS = ["--seeds", "1", "2-3"]
LABELS = ["--labels", "Bag", "Coat"]
MIXED = ["--rows", "1", "--columns", "2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate", "dcgan_fashon", "-o", "x.png"], "Did you mean"),
        (["generate", NAME, "-n", "0", "-o", "x.png"], "Received: n=0"),
        (["generate", NAME, "--seed", "-1", "-o", "x.png"], "`seed` must"),
        (["generate", NAME, "-o", "x.bmp"], "must be a .png"),
        (["generate", NAME, "-o", "none/x.png"], "does not exist"),
        (["generate", NAME, "--labels", "3", "-o", "x.png"], "--labels"),
        (["generate", NAME, "--captions", "a", "-o", "x.png"], "--captions"),
        (
            ["generate", NAME, "--captions", "a", "-o", "x.png"],
            "takes -n, --truncation. Received",
        ),
        (
            ["generate", "pix2pix_fluent_64", "-o", "x.png"],
            "use `kerasgan translate`",
        ),
        (["generate", NAME, "-o", "x.txt"], "must be a .png"),
        (
            ["generate", NAME, "--truncation", "2", "-o", "x.png"],
            "Received: truncation=2.0",
        ),
        (
            ["evaluate", "pix2pix_fluent_64", "--truncation", "0.8"],
            "no latents",
        ),
        (["translate", NAME, "x.png", "-o", "y.png"], "kerasgan generate"),
        (["card", "nothing"], "Unknown model"),
        (["list", "--task", "music"], "Received: task='music'"),
        (["train", "nothing"], "A recipe is"),
        (["train", "dcgan_fashon_mnist_32"], "Did you mean"),
        (["train", "zzz"], "xgan_personas_64. Received: 'zzz'"),
        (["card", "DCGAN-Fashion_MNIST_32"], f"Did you mean {NAME!r}"),
        (["card", "resnet50"], "'resnet50'. `zoo.list()`"),
        (["data", "prepare", "Fashion-MNIST"], "Did you mean 'fashion_mnist'"),
        (["generate", BY_CLASS, "--labels", "bag", "-o", "x.png"], "'Bag'"),
        (["generate", BY_CLASS, "--labels", "12", "-o", "x.png"], "'12'"),
        (["generate", BY_CLASS, "--labels", "²", "-o", "x.png"], "'²'"),
        (
            ["generate", BY_CLASS, "-n", "3", *LABELS, "-o", "x.png"],
            "one for each of the 3 images, or one for all. Received: 2",
        ),
        (["generate", CAPTIONS, "-o", "x.png"], "give --captions, one text"),
        (["generate", CAPTIONS, "--n", "4", "-o", "x.png"], "give --captions"),
        (["generate", NAME, *SEEDS, "--n", "4", "-o", "x.png"], "-n"),
        (["generate", NAME, *SEEDS, "--seed", "4", "-o", "x.png"], "--seed"),
        (["generate", NAME, "--format", "jpg", "-o", "x.png"], "--format and"),
        (["generate", NAME, "--columns", "3", "-o", "x/"], "--columns and"),
        (["interpolate", NAME, "--seeds", "1", "-o", "x.gif"], "two corners"),
        (["interpolate", NAME, *SEEDS, "-o", "x.jpg"], "Received: x.jpg"),
        (["interpolate", NAME, *SEEDS, "-o", "no/x.gif"], "does not exist"),
        (["interpolate", PAIRS, *SEEDS, "-o", "x.gif"], "no path"),
        (["interpolate", BY_CLASS, *SEEDS, "-o", "x.gif"], "needs --labels"),
        (
            ["interpolate", NAME, *SEEDS, "--labels", "1", "-o", "x.gif"],
            "takes no --labels",
        ),
        (["mix", NAME, *MIXED, "-o", "x.png"], "a DCGAN"),
        (["animate", "nowhere", "-o", "x.gif"], "no folder nowhere"),
        (["compare", "nowhere", ".", "--features", "none"], "nowhere"),
        (["compare", ".", ".", "--features", "none"], "that Pillow reads"),
        (["evaluate", NAME, "-o", "none/x.json"], "does not exist"),
        (["evaluate", NAME, "--protocol", "fid5"], "Unknown protocol"),
        (["data", "prepare", "celeba"], "Unknown data set"),
        (["export", "nothing", "x"], "Unknown model"),
    ],
)
def test_an_error_is_one_line_and_status_2(
    capsys, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    status, out, error = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert error.startswith("kerasgan: ")
    assert error.count("\n") == 1
    assert message in error
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(capsys):
    with pytest.raises(ValueError, match="Unknown model"):
        cli.main(["--debug", "card", "nothing"])


def test_no_command_and_an_unknown_one_show_the_usage(capsys):
    for arguments in ([], ["draw"]):
        status, _, error = run(capsys, *arguments)
        assert status == 2
        assert "usage: kerasgan" in error


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_seeds_are_written_as_single_images(capsys, tmp_path):
    folder = tmp_path / "images"
    command = ("generate", NAME, "--seeds", "5", "0-2,7", "-o", str(folder))
    status, out, _ = run(capsys, *command)
    assert status == 0
    assert "5 images" in out
    assert sorted(p.name for p in folder.iterdir()) == [
        f"seed000{seed}.png" for seed in (0, 1, 2, 5, 7)
    ]
    gan = zoo.load(NAME)
    for seed in (5, 7):
        one = gan.generate(1, seed=seed)[0, :, :, 0].astype(int)
        found = pixels(folder / f"seed000{seed}.png")
        assert np.abs(found - one).max() <= 1
    # No image is ever replaced.
    before = (folder / "seed0005.png").read_bytes()
    status, _, error = run(capsys, *command)
    assert status == 2
    assert "must be new or empty" in error
    assert (folder / "seed0005.png").read_bytes() == before


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_numbered_images_of_one_seed_in_another_format(
    capsys, tmp_path, suffix
):
    folder = tmp_path / "images"
    options = ("-n", "3", "--seed", "4", "--format", suffix)
    assert run(capsys, "generate", NAME, *options, "-o", str(folder))[0] == 0
    images = zoo.load(NAME).generate(3, seed=4)[..., 0].astype(int)
    for number, image in enumerate(images):
        found = pixels(folder / f"000{number}.{suffix}")
        found = found if found.ndim == 2 else found[..., 0]
        assert np.abs(found - image).mean() < 3


def test_an_array_of_images_of_classes(capsys, tmp_path):
    path = tmp_path / "images.npz"
    command = ["generate", BY_CLASS, "--seeds", "0-3", "--labels", "8"]
    assert run(capsys, *command, "-o", str(path))[0] == 0
    images = np.load(path)["images"]
    assert images.shape == (4, 32, 32, 1)
    one = zoo.load(BY_CLASS).generate(labels=["Bag"], seed=3)
    assert np.abs(images[3].astype(int) - one[0]).max() <= 1


def test_one_caption_for_several_images(capsys, tmp_path):
    path = tmp_path / "images.npz"
    text = "a smiling person with long pink hair"
    command = ["generate", CAPTIONS, "--n", "2", "--captions", text]
    assert run(capsys, *command, "--seed", "1", "-o", str(path))[0] == 0
    expected = zoo.load(CAPTIONS).generate(captions=[text] * 2, seed=1)
    np.testing.assert_array_equal(np.load(path)["images"], expected)


def frames(path):
    """Returns the frames of an animation, their times, and its repetitions."""
    with Image.open(path) as image:
        found, times = [], []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            times.append(image.info["duration"])
            found.append(np.asarray(image.convert("RGB")).astype(int))
        return np.stack(found), times, image.info["loop"]


@pytest.mark.parametrize("suffix", ["webp", "gif", "png"])
def test_a_path_is_a_closed_animation(capsys, tmp_path, suffix):
    path = tmp_path / f"path.{suffix}"
    command = ["interpolate", NAME, "--seeds", "1", "2", "--steps", "4"]
    status, out, _ = run(capsys, *command, "--fps", "8", "-o", str(path))
    assert status == 0
    assert "8 images" in out
    found, times, loop = frames(path)
    assert len(found) == 8
    assert loop == 0
    assert sum(times) == pytest.approx(1000, abs=40)
    gan = zoo.load(NAME)
    for place, seed in ((0, 1), (4, 2)):
        assert np.abs(found[place] - gan.generate(1, seed=seed)[0]).max() <= 1
    # As far from the last frame to the first as from the first to the second.
    step = np.abs(found[0] - found[1]).mean()
    assert np.abs(found[-1] - found[0]).mean() < 2 * step


def test_a_path_through_captions_and_one_of_a_class(capsys, tmp_path):
    path = tmp_path / "path.webp"
    texts = ["a smiling person", "a sad person with glasses"]
    command = ["interpolate", CAPTIONS, "--seeds", "3", "--captions", *texts]
    options = ("--steps", "2", "--open", "-o", str(path))
    assert run(capsys, *command, *options)[0] == 0
    found, _, _ = frames(path)
    assert len(found) == 3
    expected = zoo.load(CAPTIONS).generate(captions=texts[1:], seed=3)
    assert np.abs(found[-1] - expected[0]).max() <= 1
    command = ["interpolate", BY_CLASS, "--seeds", "1-2", "--labels", "Bag"]
    assert run(capsys, *command, *options)[0] == 0
    expected = zoo.load(BY_CLASS).generate(labels=["Bag"], seed=2)
    assert np.abs(frames(path)[0][-1] - expected[0]).max() <= 1


def test_mp4_needs_its_encoder(capsys, tmp_path, monkeypatch):
    path = tmp_path / "path.mp4"
    monkeypatch.setattr(animations, "_ffmpeg", lambda: None)
    command = ("interpolate", NAME, "--seeds", "1", "2", "-o", str(path))
    status, _, error = run(capsys, *command)
    assert status == 2
    assert "`ffmpeg`, which is not installed" in error
    # A program that keeps what it is given.
    program = tmp_path / "ffmpeg"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" > {tmp_path}/arguments\ncat > {tmp_path}/content\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(animations, "_ffmpeg", lambda: str(program))
    animations.write(path, np.ones((3, 5, 4, 1), "uint8"), fps=2, hold=1)
    assert "-s 4x6 -r 2" in (tmp_path / "arguments").read_text()
    assert len((tmp_path / "content").read_bytes()) == (3 + 2) * 6 * 4 * 3


def test_styles_are_mixed_in_a_table(capsys, tmp_path):
    path = tmp_path / "mixed.png"
    command = ["mix", STYLES, "--rows", "1-2", "--columns", "3", "4", "5"]
    status, out, _ = run(capsys, *command, "-o", str(path))
    assert status == 0
    assert "2 x 3 images" in out
    found = pixels(path)
    assert found.shape[:2] == (3 * 66 - 2, 4 * 66 - 2)
    assert (found[:64, :64] == 255).all()
    gan = zoo.load(STYLES)
    top, left = gan.generate(1, seed=3)[0], gan.generate(1, seed=2)[0]
    assert np.abs(found[:64, 66:130] - top).max() <= 1
    assert np.abs(found[132:, :64] - left).max() <= 1


def test_samples_of_a_run_become_an_animation(capsys, tmp_path):
    folder = tmp_path / "run" / "samples"
    folder.mkdir(parents=True)
    for epoch in (2, 10, 1):
        Image.new("RGB", (8, 6), (epoch, 0, 0)).save(
            folder / f"epoch_{epoch}.png"
        )
    path = tmp_path / "progress.webp"
    command = ("animate", str(folder.parent), "-o", str(path))
    assert run(capsys, *command)[0] == 0
    found, times, _ = frames(path)
    assert found[:, 0, 0, 0].tolist() == [1, 2, 10]
    assert times == [200, 200, 2200]
    Image.new("RGB", (8, 8)).save(folder / "epoch_11.png")
    status, _, error = run(capsys, *command)
    assert status == 2
    assert "epoch_1.png of 8x6 and epoch_11.png of 8x8" in error


@pytest.fixture
def two_folders(tmp_path):
    random = np.random.RandomState(0)
    for side, count in (("a", 7), ("b", 4)):
        (tmp_path / side).mkdir()
        for number in range(count):
            image = random.randint(0, 256, (32, 32), "uint8")
            Image.fromarray(image).save(tmp_path / side / f"{number}.png")
    return str(tmp_path / "a"), str(tmp_path / "b")


def test_few_images_are_compared_by_what_few_allow(
    capsys, tmp_path, two_folders
):
    features = ("--features", "fashion_mnist")
    status, out, _ = run(capsys, "compare", *two_folders, *features, "--json")
    assert status == 0
    scores = json.loads(out)
    name = "classifier_fashion_mnist_32"
    assert (scores["images_a"], scores["images_b"]) == (7, 4)
    assert scores[f"fd_{name}"] is None
    assert scores[f"kd_{name}_subset_size"] == 4
    assert scores[f"is_{name}_splits"] == 1
    network = zoo.features("fashion_mnist")
    a, b = (
        network(
            np.stack(
                [pixels(p) for p in sorted(pathlib.Path(f).iterdir())]
            ).astype("uint8")[..., None]
        ).numpy()
        for f in two_folders
    )
    expected = metrics.precision_recall(a, b, 3)
    expected += metrics.density_coverage(a, b, 3)
    for word, value in zip(
        ("precision", "recall", "density", "coverage"), expected, strict=True
    ):
        assert scores[word] == pytest.approx(value)
    # An array is as good as a folder, and `fid` says where to go.
    images = np.stack([pixels(f"{two_folders[1]}/{i}.png") for i in range(4)])
    array = tmp_path / "b.npz"
    np.savez(array, images=images.astype("uint8")[..., None])
    command = ("compare", two_folders[0], str(array), *features, "--json")
    assert json.loads(run(capsys, *command)[1]) == pytest.approx(scores)
    out = run(capsys, "compare", *two_folders, *features)[1]
    assert "not given: fewer images than" in out
    status, _, error = run(capsys, "fid", *two_folders, *features)
    assert status == 2
    assert "`kerasgan compare A B`" in error


def test_an_array_of_statistics_is_not_of_images(capsys, tmp_path, two_folders):
    path = tmp_path / "x.npz"
    np.savez(path, mu=np.zeros(3), sigma=np.eye(3))
    status, _, error = run(capsys, "compare", two_folders[0], str(path))
    assert status == 2
    assert "`kerasgan fid`" in error
    assert "mu, sigma" in error


def test_debug_is_taken_after_the_command_too(capsys):
    for words in (["card", "nothing", "--debug"], ["card", "--debug", "no"]):
        with pytest.raises(ValueError, match="Unknown model"):
            cli.main(words)


def test_seeds_are_read_from_words():
    assert commands.seeds("3") == [3]
    assert commands.seeds("0-2,7") == [0, 1, 2, 7]
    for word in ("", "a", "3-1", "1-2-3", "0-99999999"):
        with pytest.raises(ValueError, match=r"invalid literal|-"):
            commands.seeds(word)


def test_the_nearest_name_is_near():
    known = ["dcgan_fashion_mnist_32", "Ankle boot"]
    assert names.nearest("DCGAN-FASHION-MNIST", known) == known[0]
    assert names.nearest("ankle_boot", known) == known[1]
    assert names.nearest("bert", known) is None
    assert names.hint("bert", known) == ""


def test_the_shell_completes_commands_options_and_names(capsys):
    status, out, _ = run(capsys, "completion", "bash")
    assert status == 0

    def completed(*words):
        script = f"{out}\nCOMP_WORDS=({' '.join(words)} '')\n"
        script += f"COMP_CWORD={len(words)}\n_kerasgan\n"
        script += 'printf "%s\\n" "${COMPREPLY[@]}"'
        found = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, check=True
        )
        return found.stdout.split()

    assert {"train", "generate", "compare"} <= set(completed("kerasgan"))
    assert {NAME, "--seeds"} <= set(completed("kerasgan", "generate"))
    assert "mirrored" in completed("kerasgan", "train", "--strategy")
    assert "bashcompinit" in run(capsys, "completion", "zsh")[1]


def test_commands_that_need_no_tensorflow_do_not_import_it():
    program = (
        "import sys; from kerasgan import cli\n"
        "for words in (['list'], ['card', 'NAME'], ['completion', 'zsh'], "
        "['train', 'nothing'], ['generate', 'nothing', '-o', 'x.png']):\n"
        "    cli.main(words)\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    program = program.replace("NAME", NAME)
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_nothing_but_the_result_is_printed(tmp_path):
    """TensorFlow starts without a word, and no terminal gets no codes."""
    environment = {k: v for k, v in os.environ.items() if "TF_CPP" not in k}
    result = subprocess.run(
        [
            *(sys.executable, "-m", "kerasgan.cli", "generate", NAME),
            *("-n", "1", "-o", str(tmp_path / "x.png")),
        ],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert result.stdout == f"1 images of {NAME} in {tmp_path / 'x.png'}\n"
    assert result.stderr == ""


def test_lines_of_a_failed_start_are_shown(monkeypatch, capfd):
    monkeypatch.delitem(sys.modules, "tensorflow")
    monkeypatch.setenv(commands.LOG_LEVEL, "3")

    class Broken:
        def find_spec(self, name, *_):
            if name == "tensorflow":
                os.write(2, b"a cause\n")
                raise ImportError("no tensorflow")

    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ImportError, match="no tensorflow"):
        commands.start_tensorflow()
    assert capfd.readouterr().err == "a cause\n"


@pytest.mark.parametrize("name", [NAME, "progan_fashion_mnist_32"])
def test_a_seed_gives_the_same_images_to_rounding(name):
    gan = zoo.load(name)
    images = gan.generate(24, seed=5).astype(int)
    for batch_size in (1, 2, 7):
        again = gan.generate(24, seed=5, batch_size=batch_size)
        apart = np.abs(again - images)
        assert apart.max() <= 1
        assert apart.sum() <= 1e-3 * apart.size
    more = gan.generate(25, seed=5)[:24]
    assert np.abs(more - images).max() <= 1
