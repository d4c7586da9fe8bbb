"""Remote models: on a server that behaves, or does not."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import zoo
from kerasgan import cli, fetch
from tests.support import hub as hubs
from tests.support import server as servers
from zoo import remote

WEIGHTS = "/model/model.weights.h5"
FILES = ("config.json", "metrics.json", "model.weights.h5")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of this test's own."""
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def write_scores(folder, value):
    scores = {"fd": {"metric": "fd_x", "value": value}}
    (folder / "metrics.json").write_text(json.dumps({"scores": scores}))


@pytest.fixture
def server(published_folder):
    """A server with a published folder at /model."""
    write_scores(published_folder, 1.5)
    with servers.running() as found:
        put(found, published_folder)
        found.model = f"{found.url}/model"
        found.folder = published_folder
        yield found


def put(server, folder):
    for name in FILES:
        server.files[f"/model/{name}"] = (folder / name).read_bytes()


def request_counts(server):
    """Returns how often each file was requested."""
    paths = [path for path, _ in server.requests]
    return {name: paths.count(f"/model/{name}") for name in FILES}


def files(folder):
    """Returns the files of a folder but for the lock's."""
    return {p.name for p in folder.iterdir() if not p.name.endswith(".lock")}


def is_same(folder, server):
    """Asserts that a folder holds what the server has, and no more."""
    assert files(folder) == set(FILES)
    for name in FILES:
        assert (folder / name).read_bytes() == server.files[f"/model/{name}"]
    return True


def test_a_model_from_an_address(server):
    card = zoo.card(server.model)
    assert card == zoo.card(server.folder)
    assert card.scores["fd"]["value"] == 1.5
    assert request_counts(server)["model.weights.h5"] == 0
    gan = zoo.load(f"{server.model}/")
    np.testing.assert_array_equal(
        gan.generate(4, seed=1), zoo.load(server.folder).generate(4, seed=1)
    )
    assert request_counts(server)["model.weights.h5"] == 1


def test_the_commands_take_addresses(server, tmp_path, capsys):
    assert cli.main(["card", server.model]) == 0
    assert "fd: fd_x = 1.5" in capsys.readouterr().out
    path = tmp_path / "x.png"
    status = cli.main(["generate", server.model, "-n", "1", "-o", str(path)])
    assert (status, path.is_file()) == (0, True)
    assert cli.main(["card", "http://example.com/model"]) == 2
    error = capsys.readouterr().err
    assert "must begin with https://" in error
    assert error.count("kerasgan: ") == 1


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/model",
        "ftp://localhost/model",
        "file:///etc",
        "s3://bucket/model",
        "hf://user",
        "hf://user/name/more",
        "hf://user/name@",
        "https://example.com/model#sha256=",
        "https://example.com/model#sha256=" + "G" * 64,
        "https://example.com/model#" + "0" * 64,
    ],
)
def test_addresses_that_are_none(address, home):
    for function in (zoo.card, zoo.load, zoo.folder):
        with pytest.raises(ValueError, match="ddress"):
            function(address)
    assert not home.exists()


def test_the_weights_come_once(server):
    first = zoo.folder(server.model)
    assert zoo.folder(server.model) == first
    assert request_counts(server) == {
        "config.json": 2,
        "metrics.json": 2,
        "model.weights.h5": 1,
    }
    assert is_same(first, server)


def test_a_new_version_is_seen(server):
    first = zoo.folder(server.model)
    write_scores(server.folder, 0.5)
    put(server, server.folder)
    assert zoo.card(server.model).scores["fd"]["value"] == 0.5
    assert zoo.folder(server.model) == first
    config = json.loads((server.folder / "config.json").read_text())
    config["description"] = "Newer."
    (server.folder / "config.json").write_text(json.dumps(config))
    put(server, server.folder)
    second = zoo.folder(server.model)
    assert second != first
    assert is_same(second, server)
    assert zoo.card(first).description == "Noise."


def test_a_model_without_scores(server):
    del server.files["/model/metrics.json"]
    assert not zoo.card(server.model).scores


# Exactly that model


def pin(server):
    content = server.files["/model/config.json"]
    return f"{server.model}#sha256={hashlib.sha256(content).hexdigest()}"


def test_a_pinned_model_is_asked_for_once(server):
    first = zoo.folder(pin(server))
    assert is_same(first, server)
    before = len(server.requests)
    assert zoo.folder(pin(server)) == first
    zoo.card(pin(server))
    assert len(server.requests) == before


def test_a_pinned_model_is_that_or_none(server, home):
    address = pin(server)
    server.files["/model/config.json"] += b" "
    with pytest.raises(OSError, match="another config.json than the address"):
        zoo.card(address)
    zoo.folder(server.model)  # The newer one, in the same place.
    with pytest.raises(OSError, match="another config.json than the address"):
        zoo.load(address)


# Offline


def test_offline_uses_the_cache(server, monkeypatch):
    monkeypatch.setenv("KERASGAN_OFFLINE", "1")
    with pytest.raises(OSError, match="OFFLINE is set, and .*/model is not in"):
        zoo.card(server.model)
    monkeypatch.delenv("KERASGAN_OFFLINE")
    zoo.card(server.model)
    before = len(server.requests)
    monkeypatch.setenv("KERASGAN_OFFLINE", "1")
    assert zoo.card(server.model).name == "dcgan_noise_16"
    with pytest.raises(
        OSError, match="OFFLINE is set, and .*weights.h5 is not"
    ):
        zoo.load(server.model)
    assert len(server.requests) == before
    monkeypatch.setenv("KERASGAN_OFFLINE", "")
    first = zoo.folder(server.model)
    before = len(server.requests)
    monkeypatch.setenv("KERASGAN_OFFLINE", "1")
    assert zoo.folder(server.model) == first
    assert zoo.folder(pin(server)) == first
    assert len(server.requests) == before


# Servers that misbehave


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        ("truncates", "was interrupted"),
        ("stalls", "was interrupted"),
        ("says more", "was interrupted"),
        ("says less", "is not JSON|another sha256"),
        ("absurd", "is too long"),
        ("endless", "is too long|is not JSON"),
    ],
)
@pytest.mark.parametrize("when", ["card", "weights"])
def test_after_trouble_the_next_call_is_right(
    server, monkeypatch, manner, message, when
):
    monkeypatch.setattr(fetch, "TIMEOUT", 0.2)
    if manner == "endless":
        monkeypatch.setattr(remote.cards, "JSON_LIMIT", 1 << 16)
        monkeypatch.setattr(fetch.fetch, "__defaults__", (None, 8 << 20))
    if when == "weights":
        zoo.card(server.model)
        # From here on only the weights are requested.
        address = pin(server)
    else:
        address = server.model
    server.manner = manner
    with pytest.raises((OSError, ValueError), match=message) as caught:
        zoo.folder(address)
    assert str(caught.value).isprintable()
    server.manner = "well"
    server.go_on.set()
    assert is_same(zoo.folder(address), server)


@pytest.mark.parametrize("code", [404, 500, 503])
@pytest.mark.parametrize("name", FILES)
def test_refusals(server, code, name):
    server.codes[f"/model/{name}"] = code
    if (name, code) == ("metrics.json", 404):
        zoo.folder(server.model)
        return
    with pytest.raises(OSError, match=f"{name} answered {code}"):
        zoo.folder(server.model)
    server.codes.clear()
    assert is_same(zoo.folder(server.model), server)


def test_other_weights_are_not_kept(server):
    right = server.files[WEIGHTS]
    server.files[WEIGHTS] = right[:-1] + bytes([right[-1] ^ 1])
    with pytest.raises(OSError, match="a file with another sha256"):
        zoo.load(server.model)
    place = zoo.folder(server.folder).parent / "home"
    assert not list(place.rglob("*.h5"))
    server.files[WEIGHTS] = right
    assert is_same(zoo.folder(server.model), server)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b'{"name": "../x"}', b"\xff" * 2_000_000],
)
def test_what_describes_no_model_is_not_kept(server, home, content):
    server.files["/model/config.json"] = content
    with pytest.raises((ValueError, OSError), match="config.json"):
        zoo.load(server.model)
    assert not list(home.rglob("config.json"))
    assert request_counts(server)["model.weights.h5"] == 0


def test_redirects_are_followed(server):
    for name in FILES:
        server.redirects[f"/old/{name}"] = f"/model/{name}"
    assert is_same(zoo.folder(f"{server.url}/old"), server)


def test_a_damaged_cache_is_mended(server):
    folder = zoo.folder(server.model)
    (folder.parent / "latest").write_bytes(b"\xff")
    for name in ("model.weights.h5", "config.json"):
        path = folder / name
        content = path.read_bytes()
        path.write_bytes(content[:-1])
        zoo.load(server.model)
        assert path.read_bytes() == content


# Many at once, and killed


def start(address):
    """Starts a process that fetches a model on a signal."""
    code = (
        "import sys, zoo; from zoo import remote; print('ready', flush=True);"
        "sys.stdin.readline(); print(zoo.folder(sys.argv[1]));"
        "assert 'tensorflow' not in sys.modules"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def finish(process):
    """Returns the folder that a process found."""
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    return remote.pathlib.Path(out.strip())


def test_processes_that_ask_at_once_make_one_download(server):
    server.delay = 0.5  # Until all have requested it.
    processes = [start(server.model) for _ in range(4)]
    for process in processes:
        go(process)
    folders = {finish(process) for process in processes}
    assert len(folders) == 1
    assert is_same(folders.pop(), server)
    assert request_counts(server) == dict.fromkeys(FILES, 1)


def test_killed_in_mid_download(server, home):
    zoo.card(server.model)
    address = pin(server)
    server.manner = "stalls"
    process = start(address)
    go(process)
    assert server.stalled.wait(30)
    (part,) = list_until(lambda: list(home.rglob("*.part")))
    list_until(lambda: part.stat().st_size)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not list(home.rglob("*.h5"))
    have = part.stat().st_size
    server.manner = "well"
    assert is_same(zoo.folder(address), server)
    assert server.requests[-1] == (WEIGHTS, f"bytes={have}-")


def test_killed_again_and_again(server):
    """At whatever moment it ends, the next call is right."""
    server.delay = 0.05
    for seconds in (0.02, 0.06, 0.1, 0.14, 0.18):
        process = start(server.model)
        go(process)
        time.sleep(seconds)
        process.kill()
        process.communicate()
    assert is_same(zoo.folder(server.model), server)


def list_until(function):
    """Returns the first result of `function` that is not empty."""
    end = time.monotonic() + 30
    while not (found := function()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


# The Hub, by its real client; the server is a stand-in on this machine


@pytest.fixture
def hub(monkeypatch, tmp_path, published_folder):
    """A stand-in for the Hub, with one repository of two commits."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with hubs.running() as found:
        template = found.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", found.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        first = {p.name: p.read_bytes() for p in published_folder.iterdir()}
        config = json.loads(first["config.json"])
        config["description"] = "Newer."
        second = {**first, "config.json": json.dumps(config).encode()}
        found.commits["user/model"] = [first, second]
        yield found


def test_a_model_from_the_hub(hub, published_folder):
    assert zoo.card("hf://user/model").description == "Newer."
    assert not [path for _, path in hub.requests if path.endswith(".h5")]
    old = f"hf://user/model@{hubs.commit_name(0)}"
    assert zoo.card(old) == zoo.card(published_folder)
    np.testing.assert_array_equal(
        zoo.load(old).generate(4, seed=1),
        zoo.load(published_folder).generate(4, seed=1),
    )
    zoo.load(old)
    requests = [
        path
        for method, path in hub.requests
        if method == "GET" and path.endswith(".h5")
    ]
    assert len(requests) == 1
    assert files(zoo.folder(old)) == {"config.json", "metrics.json", FILES[2]}


def test_the_hub_offline(hub, monkeypatch):
    folder = zoo.folder("hf://user/model")
    monkeypatch.setenv("KERASGAN_OFFLINE", "1")
    before = len(hub.requests)
    assert zoo.folder("hf://user/model") == folder
    with pytest.raises(OSError, match="KERASGAN_OFFLINE is set"):
        zoo.card("hf://user/other")
    assert len(hub.requests) == before


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("hf://user/none", "RepositoryNotFound"),
        ("hf://user/model@none", "RevisionNotFound"),
    ],
)
def test_what_the_hub_does_not_have(hub, address, kind):
    with pytest.raises(OSError, match=kind) as caught:
        zoo.load(address)
    assert str(caught.value).isprintable()


def test_the_hub_has_other_weights(hub):
    right = hub.commits["user/model"][-1][FILES[2]]
    hub.commits["user/model"][-1][FILES[2]] = right[:-1]
    with pytest.raises(OSError, match="other weights than its card says"):
        zoo.load("hf://user/model")
    hub.commits["user/model"][-1][FILES[2]] = right
    zoo.folder("hf://user/model")


def test_a_file_on_the_hub_is_too_long(hub):
    hub.sizes[FILES[2]] = 1 << 40
    with pytest.raises(OSError, match="is too long"):
        zoo.load("hf://user/model")
    hub.sizes["config.json"] = 1 << 30
    with pytest.raises(OSError, match="is too long"):
        zoo.card("hf://user/model")


def test_a_repository_without_a_model(hub):
    del hub.commits["user/model"][-1]["config.json"]
    with pytest.raises(FileNotFoundError, match="no config.json in hf://"):
        zoo.card("hf://user/model")


def test_without_the_client(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'kerasgan\[hub\]'"):
        zoo.load("hf://user/model")


def test_a_folder_by_address_is_a_folder(server, tmp_path):
    found = zoo.folder(server.model)
    copy = shutil.copytree(found, tmp_path / "copy")
    assert zoo.card(copy) == zoo.card(server.model)
