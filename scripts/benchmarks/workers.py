"""Runs each side of a benchmark in its own process, one at a time."""

import json
import os
import subprocess
import sys


class Worker:
    """A process that runs the calling script with `--serve SIDE`.

    Calling it sends the arguments and waits for the response of `serve`. The
    constructor returns when the process has imported its libraries.

    Args:
        side: str.
    """

    def __init__(self, side):
        self.side = side
        self.process = subprocess.Popen(
            [sys.executable, sys.argv[0], "--serve", side],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._response()

    def _response(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"The worker for {self.side} died.")
        return json.loads(line)

    def __call__(self, *request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._response()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve(prepare):
    """Responds to the requests of a `Worker` until it closes.

    Args:
        prepare: Callable without arguments that returns the handler: a
            callable from the arguments of a request to a JSON value. It may
            take long.
    """
    responses = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # Output of libraries is not a response.
    handle = prepare()
    responses.write("null\n")  # Ready.
    for line in sys.stdin:
        responses.write(json.dumps(handle(*json.loads(line))) + "\n")
