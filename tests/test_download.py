"""Fetching from servers that break off, stall, lie and refuse."""

import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from kerasgan import fetch
from tests.support import server as servers

CONTENT = bytes(range(256)) * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server():
    with servers.running() as found:
        found.files["/file"] = CONTENT
        yield found


def names(folder):
    """Returns the files of a folder, without the lock's."""
    return sorted(
        p.name for p in folder.iterdir() if not p.name.endswith(".lock")
    )


def test_fetches(server, tmp_path, capsys):
    path = tmp_path / "new" / "file.tgz"
    fetch.fetch(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["file.tgz"]
    error = capsys.readouterr().err
    assert "Fetching file.tgz: 100%" in error
    assert "5.12M/5.12M" in error
    fetch.fetch(f"{server.url}/file", path, SHA256)
    fetch.fetch(f"{server.url}/file", path)
    assert len(server.requests) == 1


def test_reads(server):
    assert fetch.read(f"{server.url}/file", len(CONTENT)) == CONTENT


@pytest.mark.parametrize("manner", ["truncates", "says more"])
def test_goes_on_after_a_break(server, tmp_path, manner):
    path = tmp_path / "file"
    server.manner = manner
    with pytest.raises(OSError, match="was interrupted after .* the next call"):
        fetch.fetch(f"{server.url}/file", path, SHA256)
    assert names(tmp_path) == ["file.part"]
    have = (tmp_path / "file.part").stat().st_size
    assert have >= len(CONTENT) // 2
    server.manner = "well"
    fetch.fetch(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT
    # All bytes were there although the server had said there would be more.
    if manner == "truncates":
        assert server.requests[1] == ("/file", f"bytes={have}-")
    else:
        assert len(server.requests) == 1


def test_a_server_that_stalls_is_left(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT", 0.3)
    server.manner = "stalls"
    path = tmp_path / "file"
    start = time.monotonic()
    with pytest.raises(OSError, match=r"was interrupted .*timed out"):
        fetch.fetch(f"{server.url}/file", path, SHA256)
    assert time.monotonic() - start < 5
    with pytest.raises(OSError, match=r"was interrupted .*timed out"):
        fetch.read(f"{server.url}/file", len(CONTENT))
    server.go_on.set()
    server.manner = "well"
    fetch.fetch(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert server.requests[2] == ("/file", f"bytes={len(CONTENT) // 2}-")


@pytest.mark.parametrize("manner", ["says less", "other bytes"])
def test_other_bytes_are_not_kept(server, tmp_path, manner):
    server.manner = manner
    if manner == "other bytes":
        server.files["/file"] = CONTENT[:-1] + b"!"
    with pytest.raises(OSError, match="a file with another sha256"):
        fetch.fetch(f"{server.url}/file", tmp_path / "file", SHA256)
    assert names(tmp_path) == []


def test_the_rest_of_something_else_is_not_joined(server, tmp_path):
    (tmp_path / "file.part").write_bytes(b"the beginning of another file")
    fetch.fetch(f"{server.url}/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [asked[1] for asked in server.requests] == ["bytes=29-", None]


def test_a_file_that_is_something_else_is_replaced(server, tmp_path):
    (tmp_path / "file").write_bytes(b"damaged")
    fetch.fetch(f"{server.url}/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_starts_again_where_ranges_are_ignored(server, tmp_path):
    server.manner = "deaf"
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    # Without a sha256 nothing else would notice.
    fetch.fetch(f"{server.url}/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_range_that_was_not_asked_for(server, tmp_path):
    server.manner = "other range"
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    fetch.fetch(f"{server.url}/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_too_much_is_thrown_away(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT + b"more")
    fetch.fetch(f"{server.url}/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("manner", ["absurd", "endless"])
def test_more_than_the_limit_is_refused(server, tmp_path, manner):
    server.manner = manner
    with pytest.raises(OSError, match="is too long: at most 1,000,000"):
        fetch.fetch(f"{server.url}/file", tmp_path / "file", limit=1_000_000)
    with pytest.raises(OSError, match="is too long: at most 1,000,000"):
        fetch.read(f"{server.url}/file", 1_000_000)
    assert (tmp_path / "file.part").stat().st_size == 0


@pytest.mark.parametrize(
    ("code", "kind"), [(404, FileNotFoundError), (500, OSError), (403, OSError)]
)
def test_a_refusal_is_named(server, tmp_path, code, kind):
    server.codes["/file"] = code
    for ask in (
        lambda: fetch.fetch(f"{server.url}/file", tmp_path / "file", SHA256),
        lambda: fetch.read(f"{server.url}/file", 10),
    ):
        with pytest.raises(kind, match=f"file answered {code}") as caught:
            ask()
        assert type(caught.value) is kind
    assert not (tmp_path / "file").exists()


def test_follows_a_redirect(server, tmp_path):
    server.redirects["/old"] = "/file?signed=1"
    server.files["/file?signed=1"] = CONTENT
    fetch.fetch(f"{server.url}/old", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "target",
    ["http://example.com/file", "file:///etc/passwd", "ftp://localhost/file"],
)
def test_a_redirect_leads_to_no_other_kind_of_address(server, tmp_path, target):
    server.redirects["/old"] = target
    with pytest.raises(OSError, match="must begin with https://|answered 302"):
        fetch.fetch(f"{server.url}/old", tmp_path / "file", SHA256)
    with pytest.raises(OSError, match="must begin with https://|answered 302"):
        fetch.read(f"{server.url}/old", 100)


def test_a_redirect_from_elsewhere_does_not_lead_here():
    request = fetch.urllib.request.Request("https://example.com/file")
    for target in ("https://localhost/file", "http://127.0.0.1:8500/file"):
        with pytest.raises(ValueError, match="not redirect to this"):
            fetch._Redirects().redirect_request(
                request, None, 302, "Found", {}, target
            )


def test_a_circle_of_redirects_ends(server):
    server.redirects["/round"] = "/round"
    with pytest.raises(OSError, match="answered 302"):
        fetch.read(f"{server.url}/round", 100)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/model",
        "http://127.0.0.1.example.com/model",
        "ftp://localhost/model",
        "file:///etc/passwd",
        "https://",
        "https://user:password@example.com/model",
        "https://example.com/model?token=1",
        "https://example.com:port/model",
        "https://example.com/a model",
        "https://example.com/\x1b[2J",
        "https://[::1/model",
    ],
)
def test_addresses_that_are_refused(url, tmp_path):
    with pytest.raises(ValueError, match="ddress") as caught:
        fetch.fetch(url, tmp_path / "file")
    assert str(caught.value).isprintable()
    with pytest.raises(ValueError, match="ddress"):
        fetch.read(url, 10)
    assert not list(tmp_path.iterdir())


def test_a_servers_words_do_not_reach_the_terminal(tmp_path):
    class Rude(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.wfile.write(b"\x1b[2J\x07 hello\r\n\r\n")

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Rude) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(OSError, match="cannot be reached") as caught:
            fetch.read(f"http://127.0.0.1:{server.server_port}/file", 100)
        thread.join()
    assert str(caught.value).isprintable()


def test_no_server_is_named(tmp_path):
    with servers.running() as server:
        url = server.url
    with pytest.raises(OSError, match="cannot be reached: .*refused"):
        fetch.fetch(f"{url}/file", tmp_path / "file")


def test_offline_asks_nobody(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_OFFLINE", "1")
    path = tmp_path / "file"
    with pytest.raises(OSError, match="KERASGAN_OFFLINE is set, and .*/file"):
        fetch.fetch(f"{server.url}/file", path, SHA256)
    with pytest.raises(OSError, match="KERASGAN_OFFLINE is set"):
        fetch.read(f"{server.url}/file", 100)
    path.write_bytes(CONTENT)
    fetch.fetch(f"{server.url}/file", path, SHA256)
    assert not server.requests
    monkeypatch.setenv("KERASGAN_OFFLINE", "0")
    assert fetch.read(f"{server.url}/file", len(CONTENT))


def test_several_threads_fetch_once(server, tmp_path):
    path = tmp_path / "file"
    server.delay = 0.2
    threads = [
        threading.Thread(
            target=fetch.fetch, args=(f"{server.url}/file", path, SHA256)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 1


def start(url, path):
    """Starts a process that fetches once it is told to."""
    code = (
        "import sys; from kerasgan import fetch; url, path, sha = sys.argv[1:];"
        "print('ready', flush=True); sys.stdin.readline();"
        "fetch.fetch(url, path, sha); print(fetch.digest(path));"
        "assert 'tensorflow' not in sys.modules"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, url, str(path), SHA256],
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


def test_several_processes_fetch_once(server, tmp_path):
    server.delay = 0.5  # Until all have requested it.
    processes = [start(f"{server.url}/file", tmp_path / "file") for _ in "1234"]
    for process in processes:
        go(process)
    for process in processes:
        out, error = process.communicate(timeout=60)
        assert (process.returncode, out.strip()) == (0, SHA256), error
    assert len(server.requests) == 1


def test_the_next_goes_on_after_a_kill(server, tmp_path):
    server.manner = "stalls"
    path = tmp_path / "file"
    killed = start(f"{server.url}/file", path)
    go(killed)
    assert server.stalled.wait(30)
    waiting = start(f"{server.url}/file", path)
    go(waiting)
    while not (tmp_path / "file.part").stat().st_size:
        time.sleep(0.01)
    server.manner = "well"
    time.sleep(0.5)
    assert waiting.poll() is None
    assert not path.exists()
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    out, error = waiting.communicate(timeout=60)
    assert out.strip() == SHA256, error
    assert server.requests[1][1].startswith("bytes=")
    assert names(tmp_path) == ["file"]


def test_the_next_needs_no_server_if_all_came_before_a_kill(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    fetch.fetch(f"{server.url}/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert not server.requests
