"""A local web server that can be made to misbehave."""

import contextlib
import http.server
import threading
import time

BLOCK = 1 << 16


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.files`, in the way that `server.manner` names.

    `server.requests` collects the path and the range of each request.
    """

    def do_GET(self):
        range_header = self.headers.get("Range")
        self.server.requests.append((self.path, range_header))
        manner = self.server.manner
        if self.path in self.server.redirects:
            self.send_response(302)
            self.send_header("Location", self.server.redirects[self.path])
            self.end_headers()
            return
        if self.path in self.server.codes:
            self.send_error(self.server.codes[self.path])
            return
        if self.path not in self.server.files:
            self.send_error(404)
            return
        content = self.server.files[self.path]
        time.sleep(self.server.delay)
        start = 0
        if range_header and manner != "deaf":
            start = int(range_header.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
        rest = content[start:]
        self.send_response(206 if start else 200)
        if start:
            first = 0 if manner == "other range" else start
            self.send_header(
                "Content-Range",
                f"bytes {first}-{len(content) - 1}/{len(content)}",
            )
            rest = content[first:]
        length = len(rest)
        if manner == "says more":
            length *= 2
        if manner == "says less":
            length //= 2
        if manner == "absurd":
            length = 10**18
        if manner == "endless":
            # Without a length the end of the connection is the end.
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.send(rest, manner)

    def send(self, rest, manner):
        half = len(rest) // 2
        if manner == "truncates":
            self.wfile.write(rest[:half])
        elif manner == "stalls":
            self.wfile.write(rest[:half])
            self.wfile.flush()
            self.server.stalled.set()
            self.server.go_on.wait(60)
        elif manner == "endless":
            # Far over any limit of the tests, and yet no danger to the disk
            # where a planted fault takes the limit away.
            for _ in range(1000):
                self.wfile.write(bytes(BLOCK))
        else:
            self.wfile.write(rest)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Also keeps quiet when a client leaves."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.redirects, self.codes = {}, {}, {}
        self.requests = []
        self.manner, self.delay = "well", 0
        self.stalled, self.go_on = threading.Event(), threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, address):
        pass


@contextlib.contextmanager
def running():
    """Starts a `Server` and ends it."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            server.shutdown()
            thread.join()
