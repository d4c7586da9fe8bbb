import http.server
import threading

import pytest

from kerasgan.metrics.fetch import fetch

CONTENT = bytes(range(256)) * 20_000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; `/short` breaks off, `/deaf` ignores ranges."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        if self.path == "/missing":
            self.send_error(404)
            return
        start = 0
        ranged = self.headers.get("Range")
        if ranged and self.path != "/deaf":
            start = int(ranged.removeprefix("bytes=").removesuffix("-"))
            if start >= len(CONTENT):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        rest = CONTENT[start:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if self.path == "/short":
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        found.asked = []
        found.url = f"http://127.0.0.1:{found.server_port}"
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def test_fetches(server, tmp_path, capsys):
    path = tmp_path / "new" / "file.tgz"
    fetch(f"{server.url}/file", path)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["file.tgz"]
    assert "file.tgz" in capsys.readouterr().out


def test_goes_on_after_a_break(server, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(OSError, match="broke off after 2,560,000 of 5,120,000"):
        fetch(f"{server.url}/short", path)
    assert not path.exists()
    fetch(f"{server.url}/file", path)
    assert path.read_bytes() == CONTENT
    assert server.asked[1] == ("/file", "bytes=2560000-")


def test_starts_again_where_ranges_are_ignored(server, tmp_path):
    path = tmp_path / "file"
    (tmp_path / "file.part").write_bytes(b"old")
    fetch(f"{server.url}/deaf", path)
    assert path.read_bytes() == CONTENT


def test_too_much_is_thrown_away(server, tmp_path):
    path = tmp_path / "file"
    (tmp_path / "file.part").write_bytes(CONTENT + b"more")
    with pytest.raises(OSError, match="answered 416"):
        fetch(f"{server.url}/file", path)
    fetch(f"{server.url}/file", path)
    assert path.read_bytes() == CONTENT


def test_refusal_is_named(server, tmp_path):
    with pytest.raises(OSError, match="missing answered 404"):
        fetch(f"{server.url}/missing", tmp_path / "file")


def test_several_at_once_fetch_once(server, tmp_path):
    path = tmp_path / "file"
    threads = [
        threading.Thread(target=fetch, args=(f"{server.url}/file", path))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == CONTENT
    assert len(server.asked) == 1
