"""The server on a free port, with clients good and bad."""

import asyncio
import base64
import concurrent.futures
import contextlib
import gzip
import http.client
import io
import json
import re
import socket
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from PIL import Image
from tensorflow.python.saved_model import loader_impl

import zoo
from kerasgan import publishing
from kerasgan.serving import Limits, server
from kerasgan.serving.models import Model, Signature
from tests import golden, tiny


@contextlib.contextmanager
def running(models, **limits):
    """Runs a server on a thread, and gives the `Server` and its port."""
    started = concurrent.futures.Future()

    async def serve():
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        served = server.Server(models, Limits(**limits))
        async with server.listening(served, "127.0.0.1", 0) as address:
            port = int(address.rsplit(":", 1)[1])

            def end():
                # A test that has ended it before may find the loop closed.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(stop.set)

            started.set_result((served, port, end))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    served, port, stop = started.result(30)
    served.stop = stop
    try:
        yield served, port
    finally:
        stop()
        thread.join(60)
        assert not thread.is_alive()


def fetch(port, path, content=None, headers=None):
    """Returns the status and the body of an answer.

    Args:
        port: int.
        path: str.
        content: What is posted: bytes, or what JSON is made from; or nothing.
        headers: dict.
    """
    if content is not None and not isinstance(content, bytes):
        content = json.dumps(content).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            "GET" if content is None else "POST", path, content, headers or {}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def predict(port, model, content):
    """Returns the status and the JSON of an answer."""
    status, body = fetch(port, f"/v1/models/{model}:predict", content)
    return status, json.loads(body)


def sampled(gan):
    """Returns any uint8 images, for a model whose samples are not tested."""
    return np.zeros((64, *gan.image_shape), "uint8")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Tiny models of each task, published as folders of a zoo."""
    folder = tmp_path_factory.mktemp("zoo")
    for name in ("dcgan", "acgan", "gan_cls", "pix2pix"):
        gan = tiny.by_name(name).build()
        golden.ramp(gan)  # With the initial weights all images are grey.
        publishing.write(
            gan,
            folder / f"{name}_noise",
            dataset="noise",
            description="Noise.",
            license="none",
            recipe="none",
            sample=sampled,
        )
    return folder


@pytest.fixture(scope="module")
def gans(folders):
    """The published models, as users load them."""
    return {path.name: zoo.load(path) for path in sorted(folders.iterdir())}


@pytest.fixture(scope="module")
def port(gans):
    with running([Model.of(gan) for gan in gans.values()]) as (_, port):
        yield port


def images(answer):
    """Returns what an answer holds, in either format, as an array."""
    status, content = answer
    assert status == 200, content
    (value,) = content.values()
    return np.array(value)


def assert_alike(first, second):
    """Equal, but for a rounding of one grey level."""
    assert first.shape == second.shape
    assert np.ptp(first) > 20
    assert np.abs(first.astype(int) - second).max() <= 1


# Every task, in both formats


def test_latents(port, gans):
    latents = np.random.RandomState(0).standard_normal((3, 4))
    latents = latents.astype("float32")
    expected = gans["dcgan_noise"].run_in_batches(tf.constant(latents), 64)
    for content in (
        {"instances": latents.tolist()},
        {"instances": [{"latents": row} for row in latents.tolist()]},
        {"inputs": latents.tolist()},
        {"inputs": {"latents": latents.tolist()}},
    ):
        answer = predict(port, "dcgan_noise", content)
        key = "predictions" if "instances" in content else "outputs"
        assert list(answer[1]) == [key]
        assert_alike(expected, images(answer))


def test_a_seed_draws_what_generate_draws(port, gans):
    content = {"signature_name": "sample", "inputs": {"seed": 9, "count": 5}}
    answer = predict(port, "dcgan_noise", content)
    assert_alike(gans["dcgan_noise"].generate(5, seed=9), images(answer))


def test_labels(port, gans):
    gan = gans["acgan_noise"]
    content = {
        "signature_name": "sample",
        "inputs": {"seed": 9, "labels": [2, 0, 1]},
    }
    expected = gan.generate(labels=[2, 0, 1], seed=9)
    assert_alike(expected, images(predict(port, gan.name, content)))
    latents = gan.seeded_latents(9, 3).numpy().tolist()
    rows = [
        {"latents": row, "labels": label}
        for row, label in zip(latents, [2, 0, 1], strict=True)
    ]
    answer = predict(port, gan.name, {"instances": rows})
    assert_alike(expected, images(answer))


def test_several_outputs_are_named(port, gans):
    content = {
        "signature_name": "sample_any",
        "inputs": {"seed": 9, "count": 3},
    }
    status, answer = predict(port, "acgan_noise", content)
    assert status == 200
    assert set(answer["outputs"]) == {"images", "labels"}
    expected = gans["acgan_noise"].generate(3, seed=9)
    assert_alike(expected, np.array(answer["outputs"]["images"]))


def test_captions(port, gans):
    gan = gans["gan_cls_noise"]
    captions = list(tiny.captions(3))
    expected = gan.generate(captions=captions, seed=9)
    latents = gan.seeded_latents(9, 3).numpy().tolist()
    columns = {"latents": latents, "captions": captions}
    assert_alike(expected, images(predict(port, gan.name, {"inputs": columns})))
    rows = [
        {"latents": row, "captions": caption}
        for row, caption in zip(latents, captions, strict=True)
    ]
    rows[0]["captions"] = {
        "b64": base64.b64encode(captions[0].encode()).decode()
    }
    assert_alike(expected, images(predict(port, gan.name, {"instances": rows})))


def test_translation(port, gans):
    gan = gans["pix2pix_noise"]
    sources = tiny.images_to_translate(2)
    expected = gan.translate(sources)
    encoded = []
    for image in sources:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        encoded.append({"b64": base64.b64encode(file.getvalue()).decode()})
    for content in (
        {"instances": sources.tolist()},
        {"instances": encoded},
        {"inputs": {"images": encoded}},
    ):
        assert_alike(expected, images(predict(port, gan.name, content)))


def test_what_the_model_refuses_is_a_sentence(port):
    row = {"latents": [0, 0, 0, 0], "labels": 99}
    status, answer = predict(port, "acgan_noise", {"instances": [row]})
    assert status == 400
    assert answer["error"].endswith("indices[0] = 99 is not in [0, 3)")
    image = np.zeros((1, 33, 33, 3), "uint8").tolist()
    status, answer = predict(port, "pix2pix_noise", {"instances": image})
    assert status == 400
    assert re.search(
        r"input: The height and width .* Received: \[33 33\]$", answer["error"]
    )


# The paths


def test_status_and_metadata(port, gans, tmp_path):
    for path in ("", "/versions/1"):
        status, body = fetch(port, f"/v1/models/dcgan_noise{path}")
        assert status == 200
        (version,) = json.loads(body)["model_version_status"]
        assert (version["version"], version["state"]) == ("1", "AVAILABLE")
        status, body = fetch(port, f"/v1/models/acgan_noise{path}/metadata")
        assert status == 200
    # What TensorFlow Serving would say of the exported model.
    gans["acgan_noise"].export(tmp_path / "1")
    exported = loader_impl.parse_saved_model(str(tmp_path / "1"))
    wanted = json_format.MessageToDict(
        exported.meta_graphs[0], preserving_proto_field_name=True
    )["signature_def"]
    found = json.loads(body)["metadata"]["signature_def"]["signature_def"]
    assert set(found) == set(wanted) - {"__saved_model_init_op"}
    for name, signature in found.items():
        assert signature["method_name"] == wanted[name]["method_name"]
        for side in ("inputs", "outputs"):
            assert set(signature[side]) == set(wanted[name][side])
            for key, tensor in signature[side].items():
                theirs = wanted[name][side][key]
                assert tensor["dtype"] == theirs["dtype"]
                sizes = [d["size"] for d in tensor["tensor_shape"]["dim"]]
                shape = theirs["tensor_shape"].get("dim", [])
                assert sizes == [d["size"] for d in shape]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/none", 404),
        ("GET", "/v1/models/none/metadata", 404),
        ("GET", "/v1/models/dcgan_noise/versions/2", 404),
        ("POST", "/v1/models/none:predict", 404),
        ("POST", f"/v1/models/{'x' * 2000}:predict", 404),
        ("POST", "/v1/models/dcgan_noise/versions/2:predict", 404),
        # As TensorFlow Serving, whatever is below /v1 and not understood.
        ("GET", "/v1/models", 400),
        ("GET", "/v1/models/dcgan_noise:predict", 400),
        ("GET", "/v1/models/dcgan_noise/versions/one", 400),
        ("GET", f"/v1/models/dcgan_noise/versions/{10**4000}", 400),
        ("GET", "/v1/models/dcgan_noise/labels/stable", 400),
        ("POST", "/v1/models/dcgan_noise", 400),
        ("POST", "/v1/models/dcgan_noise:classify", 400),
        ("POST", "/v1/models/dcgan_noise:regress", 400),
        ("POST", "/v1/models/dcgan_noise:predict", 400),
        ("GET", "/", 404),
        ("POST", "/healthz", 405),
    ],
)
def test_paths_that_are_not_there(port, method, path, status):
    content = b"{}" if method == "POST" else None
    found, body = fetch(port, path, content)
    assert found == status
    (error,) = json.loads(body).values()
    assert len(error) < 200
    assert list(json.loads(body)) == ["error"]


def test_a_version_can_be_named(port, gans):
    content = {"signature_name": "sample", "inputs": {"seed": 1, "count": 1}}
    status, body = fetch(
        port, "/v1/models/dcgan_noise/versions/1:predict", content
    )
    answer = status, json.loads(body)
    assert_alike(gans["dcgan_noise"].generate(1, seed=1), images(answer))


def test_health_and_metrics(port):
    assert fetch(port, "/healthz") == (200, b'{"status": "ok"}')
    content = {"signature_name": "sample", "inputs": {"seed": 1, "count": 3}}

    def measured():
        _, body = fetch(port, "/monitoring/prometheus/metrics")
        assert fetch(port, "/metrics")[0] == 200
        lines = body.decode().splitlines()
        return {
            name: float(value)
            for name, value in (
                line.rsplit(" ", 1) for line in lines if line[0] != "#"
            )
        }

    predict(port, "dcgan_noise", content)
    predict(port, "unheard_of", content)
    before = measured()
    predict(port, "dcgan_noise", content)
    predict(port, "unheard_of", content)
    after = measured()
    grown = {
        'kerasgan_samples_total{model="dcgan_noise"}': 3,
        'kerasgan_request_seconds_count{model="dcgan_noise",status="200"}': 1,
        'kerasgan_request_seconds_count{model="",status="404"}': 1,
        "kerasgan_batch_samples_sum": 3,
    }
    for name, value in grown.items():
        assert after[name] - before[name] == value, name
    assert after["kerasgan_queue"] == 0
    assert after["process_resident_memory_bytes"] > 0


# A model that can be watched and held up


class Echo:
    """A model of one row in, one 1x1 image out; runs when it may."""

    def __init__(self):
        self.batches = []
        self.may_run = threading.Event()
        self.may_run.set()
        self.model = Model(
            "echo",
            1,
            {
                "serving_default": Signature(
                    self.run,
                    {"x": tf.TensorSpec((None,), "int32", "x")},
                    {"images": tf.TensorSpec((None, 1, 1, 1), "uint8")},
                )
            },
        )

    def run(self, inputs):
        self.batches.append(inputs["x"].tolist())
        assert self.may_run.wait(60)
        if (inputs["x"] == 255).any():
            raise tf.errors.InvalidArgumentError(None, None, "255 is too many")
        if (inputs["x"] == 254).any():
            raise RuntimeError("broken")
        return {"images": inputs["x"].astype("uint8")[:, None, None, None]}


def ask_echo(port, *values):
    return predict(port, "echo", {"instances": list(values)})


def echoed(answer):
    return images(answer).ravel().tolist()


def wait_until(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("It did not happen.")


@contextlib.contextmanager
def held_up(echo, port, others):
    """Has one request run, and `others` wait behind it, all on threads."""
    echo.may_run.clear()
    with concurrent.futures.ThreadPoolExecutor(len(others) + 1) as pool:
        try:
            first = pool.submit(ask_echo, port, 0)
            wait_until(lambda: len(echo.batches) == 1)
            yield first, [pool.submit(ask_echo, port, *o) for o in others]
        finally:
            echo.may_run.set()


def queued(port):
    _, body = fetch(port, "/metrics")
    return int(float(re.search(rb"^kerasgan_queue (\S+)", body, re.M)[1]))


def test_waiting_requests_run_together_and_get_their_own_answers():
    echo = Echo()
    with running([echo.model]) as (_, port):
        others = [(1,), (2, 3), (4,), (5, 6, 7)]
        with held_up(echo, port, others) as (first, rest):
            wait_until(lambda: queued(port) == 5)
            time.sleep(0.2)  # From the parser to the queue.
        assert echoed(first.result()) == [0]
        for values, answer in zip(others, rest, strict=True):
            assert echoed(answer.result()) == list(values)
    assert echo.batches[0] == [0]
    assert sorted(echo.batches[1]) == [1, 2, 3, 4, 5, 6, 7]


def test_a_batch_has_a_limit_and_a_large_request_is_cut():
    echo = Echo()
    with running([echo.model], max_samples=200) as (_, port):
        others = [(n,) * 40 for n in (1, 2, 3)]
        with held_up(echo, port, others) as (_, rest):
            wait_until(lambda: queued(port) == 4)
            time.sleep(0.2)
        for values, answer in zip(others, rest, strict=True):
            assert echoed(answer.result()) == list(values)
        assert [len(b) for b in echo.batches] == [1, 40, 40, 40]
        large = [n % 200 for n in range(150)]
        assert echoed(ask_echo(port, *large)) == large
        assert [len(b) for b in echo.batches[4:]] == [64, 64, 22]


def test_one_bad_request_does_not_spoil_its_batch():
    echo = Echo()
    with running([echo.model]) as (_, port):
        others = [(1,), (255,), (2,)]
        with held_up(echo, port, others) as (_, rest):
            wait_until(lambda: queued(port) == 4)
            time.sleep(0.2)
        good, bad, good_too = (answer.result() for answer in rest)
        assert (echoed(good), echoed(good_too)) == ([1], [2])
        assert bad[0] == 400
        assert bad[1]["error"] == "The model refuses the input: 255 is too many"


def test_a_failure_of_ours_is_500_and_the_server_goes_on(caplog):
    echo = Echo()
    with running([echo.model]) as (_, port):
        status, answer = ask_echo(port, 254)
        assert status == 500
        assert "RuntimeError" not in answer["error"]
        assert "RuntimeError: broken" in caplog.text
        assert echoed(ask_echo(port, 1)) == [1]


def test_a_full_queue_is_503():
    echo = Echo()
    with running([echo.model], max_queue=3) as (_, port):
        with held_up(echo, port, [(1,), (2,)]) as (first, rest):
            wait_until(lambda: queued(port) == 3)
            status, answer = ask_echo(port, 3)
            assert status == 503
            assert "try again" in answer["error"]
            # Others than predictions are still answered.
            assert fetch(port, "/healthz")[0] == 200
        assert echoed(first.result()) == [0]
        assert [echoed(answer.result()) for answer in rest] == [[1], [2]]
        assert echoed(ask_echo(port, 3)) == [3]


@pytest.mark.parametrize("length", ["declared", "chunked", "unpacked"])
def test_a_large_body_is_413(length):
    echo = Echo()
    with running([echo.model], max_body=10_000) as (_, port):
        content = json.dumps({"inputs": [1] * 20_000}).encode()
        path = "/v1/models/echo:predict"
        if length == "declared":
            answer = fetch(port, path, content)
        elif length == "unpacked":
            packed = gzip.compress(content)
            assert len(packed) < 1000
            answer = fetch(port, path, packed, {"Content-Encoding": "gzip"})
        else:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            parts = (content[i : i + 999] for i in range(0, len(content), 999))
            connection.request("POST", path, parts, encode_chunked=True)
            response = connection.getresponse()
            answer = response.status, response.read()
            connection.close()
        assert answer[0] == 413
        assert "10000 bytes" in json.loads(answer[1])["error"]
        assert echoed(ask_echo(port, 1)) == [1]
    assert echo.batches == [[1]]


def test_the_event_loop_is_free_while_a_model_runs():
    echo = Echo()
    with running([echo.model]) as (_, port):
        with held_up(echo, port, []):
            start = time.perf_counter()
            for _ in range(20):
                assert fetch(port, "/v1/models/echo")[0] == 200
            assert time.perf_counter() - start < 5


# Clients that misbehave


HEAD = b"POST /v1/models/echo:predict HTTP/1.1\r\nHost: here\r\n"


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=20)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (HEAD, b""),
        (HEAD + b"Content-Length: 99\r\n\r\n", b"408"),
        (HEAD + b'Content-Length: 99\r\n\r\n{"instances": [', b"408"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", b"408"),
    ],
)
def test_a_client_that_stalls_is_sent_away(sent, status):
    echo = Echo()
    with running([echo.model], timeout=0.5) as (_, port):
        with connect(port) as client:
            client.sendall(sent)
            start = time.perf_counter()
            received = b""
            while part := client.recv(9999):
                received += part
                if status and b"}" in received:
                    break
            assert time.perf_counter() - start < 10
        assert received[9:12] == status
        assert echoed(ask_echo(port, 1)) == [1]


def test_a_client_that_does_not_read_is_dropped():
    large = Model(
        "large",
        1,
        {
            "serving_default": Signature(
                lambda _: {"images": np.zeros((1, 2048, 2048, 3), "uint8")},
                {"x": tf.TensorSpec((None,), "int32")},
                {"images": tf.TensorSpec((None, None, None, 3), "uint8")},
            )
        },
    )
    with running([large], timeout=1.0) as (served, port):
        with connect(port) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            head = HEAD.replace(b"echo", b"large")
            client.sendall(
                head + b'Content-Length: 18\r\n\r\n{"instances": [1]}'
            )
            wait_until(lambda: b'"gone"' in fetch(port, "/metrics")[1])
        assert served.answered > 0


def test_the_work_of_clients_that_have_gone_is_not_done():
    echo = Echo()
    with running([echo.model]) as (_, port):
        with held_up(echo, port, []) as (first, _):
            for number in range(5):
                body = b'{"instances": [%d]}' % (100 + number)
                client = connect(port)
                client.sendall(
                    HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
                )
                wait_until(lambda: queued(port) == 2)
                time.sleep(0.05)
                client.close()
                wait_until(lambda: queued(port) == 1)
        assert echoed(first.result()) == [0]
        assert echoed(ask_echo(port, 1)) == [1]
    assert echo.batches == [[0], [1]]


def test_what_is_not_http_is_refused():
    echo = Echo()
    with running([echo.model]) as (_, port):
        for nonsense in (
            b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
            b"hello\r\n\r\n",
        ):
            with connect(port) as client:
                client.sendall(nonsense)
                assert client.recv(9999)[9:12] == b"400"
        long = b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n"
        with connect(port) as client, contextlib.suppress(ConnectionError):
            client.sendall(long)
            assert client.recv(9999)[9:12] == b"400"
        assert echoed(ask_echo(port, 1)) == [1]


# The end


def test_what_was_accepted_is_answered_before_the_end():
    echo = Echo()
    with running([echo.model]) as (served, port):
        others = [(number,) for number in range(1, 9)]
        with held_up(echo, port, others) as (first, rest):
            wait_until(lambda: queued(port) == 9)
            # One whose body is still on its way.
            late = connect(port)
            late.sendall(HEAD + b'Content-Length: 18\r\n\r\n{"instances"')
            time.sleep(0.1)
            served.stop()
            time.sleep(0.3)
            with pytest.raises(ConnectionError):
                connect(port).close()
            late.sendall(b": [9]}")
            time.sleep(0.1)
        assert echoed(first.result()) == [0]
        assert [echoed(answer.result())[0] for answer in rest] == [*range(1, 9)]
        received = late.recv(9999)
        late.close()
        assert received.startswith(b"HTTP/1.1 200")
        assert b"[[[[9]]]]" in received
        assert b"connection: close" in received.lower()
