"""Sides of a benchmark, each in a process of its own, asked one at a time."""

import json
import os
import subprocess
import sys


class Worker:
    """A process that runs the calling script with `--serve SIDE`.

    Calling it sends the arguments and waits for the answer of `serve`. It
    exists only once the process is ready, so its libraries are imported.

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
        self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"The worker for {self.side} died.")
        return json.loads(line)

    def __call__(self, *request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve(prepare):
    """Answers what a `Worker` asks, until it closes.

    Args:
        prepare: Callable without arguments, which may take long, to a
            callable from the arguments of a request to what JSON can hold.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # Whatever a library prints is not an answer.
    answer = prepare()
    answers.write("null\n")  # Ready.
    for line in sys.stdin:
        answers.write(json.dumps(answer(*json.loads(line))) + "\n")
