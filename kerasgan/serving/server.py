"""The HTTP server: paths, limits, metrics, graceful shutdown.

It is built on aiohttp, which provides the HTTP parser, limits on bodies and
idle connections, and a shutdown that waits for open requests.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import re
import signal
import time

import tensorflow as tf

try:
    import prometheus_client as prometheus
    from aiohttp import web

    from kerasgan.serving import rest
except ModuleNotFoundError as error:
    raise ImportError(
        f"The server needs {error.name}, which is not installed. Install "
        "kerasgan with its extra: pip install 'kerasgan[serve]'."
    ) from error

from kerasgan.serving import Limits, batching

_LOG = logging.getLogger(__name__)
_MODEL = r"/v1/models/{model:[^/:]+}"
_VERSION = r"/versions/{version:\d{1,19}}"


def run(models, host="127.0.0.1", port=8501, limits=None):
    """Serves models until a signal stops the process.

    After SIGTERM or SIGINT no new connections are accepted, and every open
    request is answered. A second signal ends the process at once. A line is
    printed when the server listens, and when it has stopped.

    Args:
        models: Sequence of `Model`.
        host: str. The address to listen on. Defaults to `"127.0.0.1"`, which
            no other machine can reach.
        port: int. 0 selects a free one. Defaults to `8501`, as in TensorFlow
            Serving.
        limits: `Limits`. Defaults to `Limits()`.

    Raises:
        ValueError: If two models have the same name.
        OSError: If the address cannot be listened on.
    """
    server = Server(models, limits or Limits())

    async def serve():
        stop = _stop_event()
        async with listening(server, host, port) as address:
            names = ", ".join(server.models)
            # Flushed, for a reader at the end of a pipe.
            print(f"Serving {names} at {address}; Ctrl-C stops it.", flush=True)
            await stop.wait()
        print(f"Stopped; {server.answered} requests were answered.")

    asyncio.run(serve())


@contextlib.asynccontextmanager
async def listening(server, host, port):
    """Runs a server; on exit, open requests are finished.

    Args:
        server: A `Server`.
        host: str. See `run`.
        port: int. See `run`.

    Yields:
        str, the address, such as `"http://127.0.0.1:8501"`.

    Raises:
        OSError: If the address cannot be listened on.
    """
    runner = web.AppRunner(
        server.app,
        access_log=None,
        # The request of a disconnected client is cancelled.
        handler_cancellation=True,
        # Also for a connection that has not sent complete headers yet.
        keepalive_timeout=server.limits.timeout,
        shutdown_timeout=server.limits.timeout,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise OSError(
                f"The server cannot listen on {host}, port {port}; is it in "
                "use? Choose another with `--port`. Received: "
                f"{error.strerror or error}"
            ) from error
        host, port = runner.addresses[0][:2]
        shown = f"[{host}]" if ":" in host else host
        try:
            yield f"http://{shown}:{port}"
        finally:
            await site.stop()
            await server.finish()
    finally:
        await runner.cleanup()


def _stop_event():
    """Returns the event that the first signal sets."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()

    def stop():
        # A second signal has its default effect.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        event.set()

    # Windows has no such handlers: there Ctrl-C cancels the main task.
    with contextlib.suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
    return event


class Server:
    """The paths of TensorFlow Serving's REST API, and their handlers.

    Args:
        models: Sequence of `Model`.
        limits: `Limits`.

    Attributes:
        app: The `aiohttp.web.Application`.
        models: dict of name to `Model`.
        limits: The `Limits`.
        answered: int. Number of responses sent so far.

    Raises:
        ValueError: If two models have the same name.
    """

    def __init__(self, models, limits):
        self.models = {model.name: model for model in models}
        if len(self.models) < len(models):
            raise ValueError(
                "Each model must have its own name, because requests are by "
                f"name. Received: {', '.join(m.name for m in models)}"
            )
        self.limits = limits
        self.answered = 0
        self._active = 0
        self._admitted = 0
        self._stopping = False
        self._metrics = _Metrics(lambda: self._admitted)
        self._worker = batching.Worker(self._metrics.batch.observe)
        # JSON is parsed and written outside the event loop.
        self._helpers = concurrent.futures.ThreadPoolExecutor(2, "json")
        self.app = web.Application(
            client_max_size=limits.max_body,
            middlewares=[self._respond],
        )
        self.app.on_cleanup.append(self._close)
        self.app.add_routes(
            [
                web.get("/healthz", self._health),
                web.get("/metrics", self._show_metrics),
                # The path of TensorFlow Serving.
                web.get("/monitoring/prometheus/metrics", self._show_metrics),
            ]
        )
        for path in (_MODEL, _MODEL + _VERSION):
            self.app.add_routes(
                [
                    web.get(path, self._status),
                    web.get(path + "/metadata", self._metadata),
                    web.post(path + ":predict", self._predict),
                ]
            )
        self.app.add_routes([web.route("*", "/v1{rest:.*}", self._malformed)])

    async def finish(self):
        """Waits until every open request is answered."""
        self._stopping = True
        while self._active:
            await asyncio.sleep(0.02)

    async def _close(self, app):
        self._worker.close()
        self._helpers.shutdown()

    # Around every request

    @web.middleware
    async def _respond(self, request, handler):
        """Sends a complete response in time, or closes the connection."""
        start = time.perf_counter()
        self._active += 1
        status = "gone"
        try:
            response = await self._response(request, handler)
            if self._stopping:
                response.force_close()
            await asyncio.wait_for(
                self._send(request, response), self.limits.timeout
            )
            self.answered += 1
            status = response.status
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("The client was too slow.") from None
        finally:
            self._active -= 1
            name = request.match_info.get("model", "")
            # Unknown names would create metrics without limit.
            name = name if name in self.models else ""
            seconds = time.perf_counter() - start
            self._metrics.seconds.labels(name, status).observe(seconds)
        return response

    async def _response(self, request, handler):
        try:
            return await handler(request)
        except rest.Refusal as refusal:
            response = _json({"error": str(refusal)}, refusal.status)
            if refusal.status == 503:
                response.headers["Retry-After"] = "1"
            return response
        except web.HTTPException as error:
            return _json(
                {"error": f"{error.reason}: {request.path}"}, error.status
            )
        except Exception:
            _LOG.exception("%s %s", request.method, request.path)
            return _json({"error": "The server failed; its log says how."}, 500)

    async def _send(self, request, response):
        await response.prepare(request)
        await response.write_eof()

    # The paths

    async def _health(self, request):
        if self._stopping:
            raise rest.Refusal(503, "The server is stopping.")
        return _json({"status": "ok"})

    async def _show_metrics(self, request):
        return web.Response(
            body=prometheus.generate_latest(self._metrics.registry),
            headers={"Content-Type": prometheus.CONTENT_TYPE_LATEST},
        )

    async def _malformed(self, request):
        raise rest.Refusal(
            400,
            f"Malformed request: {request.method} "
            f"{rest.shortened(request.path)}",
        )

    async def _status(self, request):
        return _json(rest.status(self._model(request)))

    async def _metadata(self, request):
        return _json(rest.metadata(self._model(request)))

    async def _predict(self, request):
        model = self._model(request)
        body = await self._body(request)
        if self._admitted >= self.limits.max_queue:
            raise rest.Refusal(
                503,
                f"The server has {self._admitted} open requests and accepts "
                "no more; try again.",
            )
        self._admitted += 1
        try:
            parsed = await self._on_helper(
                rest.read_request, body, model.signatures, self.limits
            )
            outputs = await self._worker.run(parsed)
            text = await self._on_helper(
                rest.write_response, outputs, parsed.row_format
            )
        except tf.errors.InvalidArgumentError as error:
            raise rest.Refusal(400, _reason(error)) from error
        except tf.errors.ResourceExhaustedError as error:
            raise rest.Refusal(503, "The server is out of memory.") from error
        finally:
            self._admitted -= 1
        self._metrics.samples.labels(model.name).inc(parsed.samples)
        return web.Response(body=text, content_type="application/json")

    def _model(self, request):
        name = request.match_info["model"]
        if name not in self.models:
            raise rest.Refusal(
                404,
                f"There is no model {rest.shortened(name)} here, but "
                f"{', '.join(self.models)}.",
            )
        model = self.models[name]
        version = request.match_info.get("version")
        if version is not None and int(version) != model.version:
            raise rest.Refusal(
                404, f"The version of {name} here is {model.version}."
            )
        return model

    async def _body(self, request):
        too_large = rest.Refusal(
            413,
            f"The body may have at most {self.limits.max_body} bytes.",
        )
        if (request.content_length or 0) > self.limits.max_body:
            raise too_large
        try:
            return await asyncio.wait_for(request.read(), self.limits.timeout)
        except web.HTTPRequestEntityTooLarge:
            raise too_large from None
        except TimeoutError:
            raise rest.Refusal(
                408,
                f"The body did not arrive in {self.limits.timeout:g} seconds.",
            ) from None
        except web.RequestPayloadError as error:
            raise rest.Refusal(400, f"The body is broken: {error}") from error

    async def _on_helper(self, function, *arguments):
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._helpers, function, *arguments)


class _Metrics:
    """The metrics for Prometheus."""

    def __init__(self, admitted):
        self.registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self.registry)
        self.seconds = prometheus.Histogram(
            "kerasgan_request_seconds",
            "From the headers of a request to the end of its response, by "
            "model and HTTP status; gone: the client disconnected first.",
            ["model", "status"],
            registry=self.registry,
        )
        self.samples = prometheus.Counter(
            "kerasgan_samples",
            "Images or texts generated.",
            ["model"],
            registry=self.registry,
        )
        self.batch = prometheus.Histogram(
            "kerasgan_batch_samples",
            "Samples that ran as one batch.",
            buckets=[2**power for power in range(9)],
            registry=self.registry,
        )
        prometheus.Gauge(
            "kerasgan_queue",
            "Requests that are queued or running.",
            registry=self.registry,
        ).set_function(admitted)


def _json(content, status=200):
    return web.json_response(content, status=status)


def _reason(error):
    """Returns the message of a TensorFlow error, without names of nodes."""
    lines = [line.strip() for line in error.message.splitlines()]
    # The message precedes the name of the first node.
    nodes = [i for i, line in enumerate(lines) if line.startswith("[[")]
    line = lines[nodes[0] - 1] if nodes else lines[0]
    line = re.sub(r"\{\{.*?\}\}\s*|\s*\[Op:.*\]$", "", line)
    line = re.sub(r"^assertion failed: \[(.*?)\]", r"\1", line)
    return f"The model refuses the input: {line}"
