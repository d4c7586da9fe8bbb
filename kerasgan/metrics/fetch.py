"""Fetching a file once: progress, going on after a break, all or nothing."""

import os
import pathlib
import urllib.error
import urllib.request

import keras

BLOCK = 1 << 20
TIMEOUT = 30


def fetch(url, path):
    """Fetches a file, or the rest of it where a try before broke off.

    What has come lies beside the target under the name `<path>.part`; the
    target appears only when it is complete.

    Args:
        url: str.
        path: str or path. The folder is made if missing.

    Raises:
        OSError: If the server cannot be reached, refuses, or breaks off.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(part, "ab") as file:
        _lock(file)
        # Another process may have fetched it while this one waited.
        if path.exists():
            return
        start = file.seek(0, os.SEEK_END)
        request = urllib.request.Request(url)
        if start:
            request.add_header("Range", f"bytes={start}-")
        try:
            response = urllib.request.urlopen(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            if error.code == 416:
                # More is here than there is: not the same file.
                part.unlink()
            raise OSError(f"{url} answered {error.code}") from None
        except OSError as error:
            raise OSError(f"{url} cannot be reached: {error}") from None
        with response:
            if response.status != 206 and start:
                file.truncate(0)
                start = 0
            length = response.headers.get("Content-Length")
            total = start + int(length) if length else None
            done = _copy(response, file, start, total, path.name)
        if total is not None and done < total:
            raise OSError(
                f"{url} broke off after {done:,} of {total:,} bytes; the "
                "next try goes on from there"
            )
        file.flush()
        # While the lock is held: who waits for it must find the target.
        os.replace(part, path)


def _lock(file):
    if os.name == "posix":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _copy(response, file, done, total, name):
    print(f"Fetching {name}")
    bar = keras.utils.Progbar(total, unit_name="byte")
    bar.update(done)
    while True:
        try:
            block = response.read(BLOCK)
        except OSError:
            break
        if not block:
            break
        file.write(block)
        done += len(block)
        bar.update(done)
    return done
