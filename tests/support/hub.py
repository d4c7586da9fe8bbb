"""A stand-in for the Hugging Face Hub, on this machine.

It implements the requests of the real client that create a repository, commit
small files to it and read them. These tests cannot show that the real Hub
responds in the same way.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """Holds repositories as `server.commits[repository]`, a list of dicts."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length).decode()
        self.server.requests.append(("POST", self.path))
        if self.server.refuses:
            self.answer({"error": "no"}, 403)
        elif self.path == "/api/repos/create":
            content = json.loads(body)
            owner = content.get("organization") or "user"
            name = f"{owner}/{content['name']}"
            self.server.commits.setdefault(name, [{}])
            self.answer({"url": f"{self.server.url}/{name}"})
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for file in json.loads(body)["files"]
            ]
            self.answer({"files": files})
        elif found := re.match(r"/api/models/(\w+/[\w.-]+)/commit/", self.path):
            commits = self.server.commits[found[1]]
            files = dict(commits[-1])
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    value = entry["value"]
                    files[value["path"]] = base64.b64decode(value["content"])
            commits.append(files)
            name = f"{self.server.url}/{found[1]}"
            oid = commit_name(len(commits) - 1)
            self.answer(
                {
                    "success": True,
                    "commitOid": oid,
                    "commitUrl": f"{name}/commit/{oid}",
                }
            )
        else:
            self.answer({"error": "not here"}, 404)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.requests.append((self.command, self.path))
        path = self.path.split("?")[0]
        found = re.match(
            r"/api/models/([\w.-]+/[\w.-]+)(?:/revision/([\w.-]+))?$", path
        )
        if found and found[1] in self.server.commits:
            number, files = self.commit(found[1], found[2] or "main")
            if files is None:
                self.answer({"error": "x"}, 404, "RevisionNotFound")
                return
            siblings = [
                {"rfilename": name, "size": self.server.sizes.get(name, len(c))}
                for name, c in files.items()
            ]
            self.answer(
                {
                    "id": found[1],
                    "sha": commit_name(number),
                    "siblings": siblings,
                }
            )
            return
        found = re.match(
            r"/([\w.-]+/[\w.-]+)/resolve/([\w.-]+)/([\w.-]+)$", path
        )
        if found and found[1] in self.server.commits:
            number, files = self.commit(found[1], found[2])
            if files and found[3] in files:
                content = files[found[3]]
                self.send_response(200)
                self.send_header("X-Repo-Commit", commit_name(number))
                etag = hashlib.sha1(content).hexdigest()
                self.send_header("ETag", f'"{etag}"')
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)
                return
        self.answer({"error": "\x1b[2J"}, 404, "RepoNotFound")

    def commit(self, repository, revision):
        commits = self.server.commits[repository]
        names = {commit_name(n): n for n in range(len(commits))}
        names["main"] = len(commits) - 1
        number = names.get(revision)
        return number, None if number is None else commits[number]

    def answer(self, content, code=200, error=None):
        body = json.dumps(content).encode()
        self.send_response(code)
        if error:
            self.send_header("X-Error-Code", error)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def commit_name(number):
    """Returns what stands for a commit's sha1."""
    return f"{number:040x}"


class Server(http.server.ThreadingHTTPServer):
    """The stand-in."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.commits, self.sizes, self.requests = {}, {}, []
        self.refuses = False


@contextlib.contextmanager
def running():
    """Starts a `Server` and ends it."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
