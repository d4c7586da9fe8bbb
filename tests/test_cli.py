"""The command: correct use and misuse."""

import json

import numpy as np
import pytest
from PIL import Image

import zoo
from kerasgan import cli

NAME = "dcgan_fashion_mnist_32"


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
