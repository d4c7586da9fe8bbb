"""Dynamic batching: compatible requests run as one batch."""

import asyncio
import collections
import concurrent.futures

import numpy as np
import tensorflow as tf

# Most samples that run at once, as in `generate`.
BATCH = 64


class Worker:
    """Runs requests one batch after the other, on a thread of its own.

    A batch is what arrived for the same signature while the previous one ran,
    so no request is delayed to fill a batch. All methods are called on the
    event loop.

    Args:
        on_batch: Callable with the number of samples of each batch.
    """

    def __init__(self, on_batch):
        self._on_batch = on_batch
        self._waiting = collections.deque()
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "tensorflow")
        self._task = None

    async def run(self, request):
        """Returns the outputs of a request.

        Args:
            request: `rest.Request`.

        Returns:
            dict of output name to array.

        Raises:
            tf.errors.OpError: If the model refuses the inputs.
        """
        outputs = asyncio.get_running_loop().create_future()
        self._waiting.append((request, outputs))
        if self._task is None:
            self._task = asyncio.ensure_future(self._work())
        return await outputs

    def close(self):
        """Stops the thread; no request may be running."""
        self._thread.shutdown()

    async def _work(self):
        loop = asyncio.get_running_loop()
        while batch := self._next():
            requests = [request for request, _ in batch]
            results = await loop.run_in_executor(self._thread, run, requests)
            self._on_batch(sum(request.samples for request in requests))
            for (_, outputs), result in zip(batch, results, strict=True):
                if outputs.cancelled():
                    continue
                if isinstance(result, Exception):
                    outputs.set_exception(result)
                else:
                    outputs.set_result(result)
        self._task = None

    def _next(self):
        """Dequeues the oldest request and those that can run with it."""
        # The client of a cancelled request has disconnected.
        waiting = [pair for pair in self._waiting if not pair[1].cancelled()]
        batch, rest, samples = [], [], 0
        for request, outputs in waiting:
            if not batch or (
                fit_together(batch[0][0], request)
                and samples + request.samples <= BATCH
            ):
                batch.append((request, outputs))
                samples += request.samples
            else:
                rest.append((request, outputs))
        self._waiting = collections.deque(rest)
        return batch


def fit_together(first, second):
    """Returns whether two requests can run as one batch.

    Args:
        first: `rest.Request`.
        second: `rest.Request`.
    """
    return (
        first.signature is second.signature
        and first.signature.joinable
        and all(
            value.shape[1:] == second.inputs[name].shape[1:]
            for name, value in first.inputs.items()
        )
    )


def run(requests):
    """Returns the outputs of requests that can run as one batch.

    Args:
        requests: List of `rest.Request`.

    Returns:
        List with a dict of output name to array for each, or the exception
        that it raised.
    """
    try:
        return _run_joined(requests)
    except tf.errors.OpError as error:
        if len(requests) == 1:
            return [error]
        # One of them is invalid; the others still get their outputs.
        return [result for request in requests for result in run([request])]
    except Exception as error:
        return [error] * len(requests)


def _run_joined(requests):
    signature = requests[0].signature
    if not signature.joinable:
        (request,) = requests
        return [signature.function(request.inputs)]
    inputs = {
        name: np.concatenate([request.inputs[name] for request in requests])
        for name in signature.inputs
    }
    ends = np.cumsum([request.samples for request in requests])
    parts = [
        signature.function(
            {name: v[start : start + BATCH] for name, v in inputs.items()}
        )
        for start in range(0, ends[-1], BATCH)
    ]
    outputs = {
        name: np.split(
            np.concatenate([part[name] for part in parts]), ends[:-1]
        )
        for name in signature.outputs
    }
    return [
        {name: values[number] for name, values in outputs.items()}
        for number in range(len(requests))
    ]
