"""`kerasgan serve` as a process: signals, and long load."""

import asyncio
import re
import signal
import socket
import subprocess
import sys

import aiohttp
import pytest

from kerasgan import cli, serving


@pytest.fixture(scope="module")
def folder(published_once):
    """A tiny model, published."""
    return published_once


@pytest.fixture
def process(folder):
    """The command, and the address it announces."""
    code = "from kerasgan import cli; import sys; sys.exit(cli.main())"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "serve", str(folder), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    try:
        line = running.stdout.readline()
        address = re.match(r"Serving dcgan_noise_16 at (http://127\S+);", line)
        yield running, address[1]
    finally:
        running.kill()
        running.communicate()


REQUESTS = [
    {"instances": [[0.1, 0.2, 0.3, 0.4]]},
    {"inputs": {"latents": [[0.1, 0.2, 0.3, 0.4]] * 5}},
    {"signature_name": "sample", "inputs": {"seed": 3, "count": 4}},
    {"instances": [[0.1]]},
    {"instance": []},
]
STATUSES = [200, 200, 200, 400, 400]


async def load(address, clients, until):
    """Sends requests on persistent connections until `until` is done.

    Returns:
        Number of answers, and number of connections that ended without one.
    """
    url = f"{address}/v1/models/dcgan_noise_16:predict"
    answers = lost = 0

    async def client(session, number):
        nonlocal answers, lost
        while not until.done():
            which = number % len(REQUESTS)
            number += 1
            try:
                async with session.post(url, json=REQUESTS[which]) as answer:
                    assert answer.status == STATUSES[which]
                    await answer.read()
                    answers += 1
            except aiohttp.ClientConnectorError:
                return  # Nobody listens any more.
            except aiohttp.ClientConnectionError:
                lost += 1
                return

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(client(session, n) for n in range(clients)))
    return answers, lost


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_under_load_loses_no_answer(process, number):
    running, address = process

    async def until_stopped():
        until = asyncio.get_running_loop().create_future()
        requests = asyncio.ensure_future(load(address, 20, until))
        await asyncio.sleep(2)
        running.send_signal(number)
        answers, _ = await asyncio.wait_for(requests, 60)
        until.cancel()
        return answers

    answers = asyncio.run(until_stopped())
    rest, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert answers > 100
    # Every answer that the server gave has arrived.
    assert rest == f"Stopped; {answers} requests were answered.\n"


def memory(text):
    found = re.search(r"^process_resident_memory_bytes (\S+)", text, re.M)
    return float(found[1]) / 2**20


@pytest.mark.slow
def test_sustained_load_loses_nothing_and_does_not_grow(process):
    _, address = process

    async def measured():
        loop = asyncio.get_running_loop()
        used = []
        total = 0
        for _ in range(5):
            until = loop.create_future()
            loop.call_later(6, until.set_result, None)
            answers, lost = await load(address, 20, until)
            assert lost == 0
            total += answers
            async with aiohttp.ClientSession() as session:
                async with session.get(f"{address}/metrics") as answer:
                    text = await answer.text()
            used.append(memory(text))
        answered = sum(
            float(line.split()[1])
            for line in text.splitlines()
            if re.match(
                r'kerasgan_request_seconds_count\{model="dcgan_noise_16",'
                r'status="(200|400)"\}',
                line,
            )
        )
        assert answered == total > 1000
        return used

    used = asyncio.run(measured())
    # The first round fills the caches of TensorFlow and of the allocator.
    assert max(used[2:]) - used[1] < 16, used


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{folder}", "{folder}"], "must have its own name"),
        (["{folder}", "--port", "{taken}"], "cannot listen on 127.0.0.1, port"),
        (["nothing"], "Unknown model"),
        (["{folder}", "--max-queue", "0"], "must be positive: 0"),
        (["{folder}", "--timeout", "nan"], "must be positive: nan"),
        (["{folder}", "--max-samples", "many"], "invalid int value: 'many'"),
    ],
)
def test_an_error_is_one_line_and_status_2(capsys, folder, arguments, message):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        names = {"folder": folder, "taken": taken.getsockname()[1]}
        try:
            status = cli.main(
                ["serve", *(a.format(**names) for a in arguments)]
            )
        except SystemExit as exit:
            status = exit.code
    assert status == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("package", ["aiohttp", "prometheus_client", "orjson"])
def test_missing_packages_are_named(capsys, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    for name in ("server", "rest"):
        monkeypatch.delitem(
            sys.modules, f"kerasgan.serving.{name}", raising=False
        )
        monkeypatch.delattr(serving, name, raising=False)
    assert cli.main(["serve", "x"]) == 2
    error = capsys.readouterr().err
    assert f"needs {package}, which is not installed" in error
    assert "pip install 'kerasgan[serve]'" in error
