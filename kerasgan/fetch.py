"""Downloads that are complete and verified, or not kept at all.

Nothing here imports TensorFlow, so that a remote card is read at once.
Downloads are cached in `home()`; while the environment variable
KERASGAN_OFFLINE is set, no request is made.
"""

import contextlib
import hashlib
import http.client
import os
import pathlib
import re
import urllib.error
import urllib.parse
import urllib.request

BLOCK = 1 << 20
# Seconds without data from the server.
TIMEOUT = 30
# Larger than any file of a model.
LIMIT = 2 << 30


def home():
    """Returns the cache folder of kerasgan.

    Returns:
        `pathlib.Path`: the environment variable `KERASGAN_HOME`, else
        `.kerasgan` in the home directory.
    """
    folder = os.environ.get("KERASGAN_HOME")
    return pathlib.Path(folder) if folder else pathlib.Path.home() / ".kerasgan"


def offline():
    """Returns whether KERASGAN_OFFLINE forbids requests."""
    return os.environ.get("KERASGAN_OFFLINE", "") not in ("", "0")


def fetch(url, path, sha256=None, limit=LIMIT):
    """Downloads a file, resuming an interrupted download.

    Partial data is kept beside the target as `<path>.part`; the target
    appears only when it is complete and verified. Concurrent threads and
    processes share one download.

    Args:
        url: str. See `check_url`.
        path: str or path. The folder is made if missing.
        sha256: str or `None`. Expected sha256, in hexadecimal; an existing
            file with another one is replaced. Defaults to `None`, any
            content, and an existing file is kept.
        limit: int. Largest number of bytes accepted. Defaults to 2 GiB.

    Raises:
        ValueError: If the address is not allowed.
        OSError: If the server cannot be reached, refuses, breaks off or
            sends something else, or KERASGAN_OFFLINE is set.
    """
    check_url(url)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path):
        # Another process may have fetched it while this one waited.
        if is_whole(path, sha256):
            return
        part = path.with_name(f"{path.name}.part")
        # A killed process may have left a complete download.
        if sha256 is None or not is_whole(part, sha256):
            resumed = _download(url, part, limit)
            if resumed and not is_whole(part, sha256):
                # The partial data was of another file.
                part.unlink()
                _download(url, part, limit)
        if not is_whole(part, sha256):
            found = digest(part)
            part.unlink()
            raise OSError(
                f"{url} sent a file with another sha256, so nothing was kept. "
                f"Received: sha256 {found[:16]}..., expected {sha256[:16]}..."
            )
        # Under the lock: whoever acquires it next must find the target.
        os.replace(part, path)


def read(url, limit):
    """Returns the content of a small file.

    Args:
        url: str. See `check_url`.
        limit: int. Largest number of bytes accepted.

    Returns:
        bytes.

    Raises:
        ValueError: If the address is not allowed.
        FileNotFoundError: If the server has no such file.
        OSError: If the server cannot be reached, refuses or breaks off, or
            KERASGAN_OFFLINE is set.
    """
    check_url(url)
    content = b""
    with _request(url) as response:
        total = response.length
        _check_length(url, total, limit)
        try:
            while block := response.read1(BLOCK):
                content += block
                _check_length(url, len(content), limit)
        except (OSError, http.client.HTTPException) as error:
            raise _broken(url, len(content), total, error) from None
    if total is not None and len(content) < total:
        raise _broken(url, len(content), total)
    return content


def check_url(url):
    """Refuses an address whose content others could modify in transit.

    Args:
        url: str. Must begin with `https://`, or with `http://` on this
            machine; without a password or a query.

    Raises:
        ValueError: If it does not.
    """
    shown = printable(url)
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port  # noqa: B018 - raises if the port is invalid.
    except ValueError as error:
        raise ValueError(f"{shown} is not an address: {error}") from None
    if parts.scheme != "https" and not (
        parts.scheme == "http" and _is_local(url)
    ):
        raise ValueError(
            "An address must begin with https://, because http:// can be "
            "modified in transit; http:// is for localhost alone. "
            f"Received: {shown}"
        )
    if not parts.hostname or "@" in parts.netloc or parts.query:
        raise ValueError(
            "An address must name a server, and have neither a password nor "
            f"a query. Received: {shown}"
        )
    if url != printable(url) or " " in url:
        raise ValueError(
            "An address must not hold spaces or control characters; write "
            f"them as %20 and the like. Received: {shown}"
        )


def locked(path):
    """Returns a lock on a path, among threads and processes.

    It is released when its process is killed.

    Args:
        path: `pathlib.Path`. Its folder must exist; need not exist itself.
    """
    import filelock

    return filelock.FileLock(path.with_name(f".{path.name}.lock"))


def digest(path):
    """Returns the sha256 of a file.

    Args:
        path: str or path.

    Returns:
        str, in hexadecimal.
    """
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def is_whole(path, sha256):
    """Returns whether a file exists and has the expected sha256.

    Args:
        path: `pathlib.Path`.
        sha256: str, or `None` for any content.
    """
    return path.is_file() and (sha256 is None or digest(path) == sha256)


def printable(text, length=200):
    """Returns text with control characters escaped, truncated to a length.

    Args:
        text: str, from an untrusted source.
        length: int. Most characters kept. Defaults to `200`.
    """
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text[:length]
    )
    return shown + ("..." if len(text) > length else "")


def _is_local(url):
    host = urllib.parse.urlsplit(url).hostname
    return host in ("localhost", "127.0.0.1", "::1")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to allowed addresses only."""

    def redirect_request(self, request, file, code, message, headers, url):
        # Signed URLs have a query.
        check_url(urllib.parse.urlsplit(url)._replace(query="").geturl())
        if _is_local(url) and not _is_local(request.full_url):
            raise ValueError(
                "A remote server must not redirect to this machine. "
                f"Received: {printable(url)}"
            )
        return super().redirect_request(
            request, file, code, message, headers, url
        )


def _opener(url):
    """Returns a URL opener without handlers for file:, ftp: and data:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        # Local servers are not reached through a proxy.
        urllib.request.ProxyHandler({} if _is_local(url) else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


class _NoSuchRange(Exception):
    """The server cannot send the requested range."""


def _request(url, start=0):
    """Opens an address, from byte `start` on."""
    if offline():
        raise OSError(
            f"KERASGAN_OFFLINE is set, and {url} is not in the cache "
            f"({home()}). Unset it once to fetch it."
        )
    request = urllib.request.Request(url)
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = _opener(url).open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and start:
            raise _NoSuchRange from None
        missing = error.code in (404, 410)
        kind = FileNotFoundError if missing else OSError
        raise kind(f"{url} answered {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise OSError(f"{url} cannot be reached: {_reason(error)}") from None
    if response.status not in ((200, 206) if start else (200,)):
        response.close()
        raise OSError(f"{url} answered {response.status}")
    return response


@contextlib.contextmanager
def _rest(url, file):
    """Opens an address at the end of a partial file, or truncates the file."""
    start = file.tell()
    try:
        response = _request(url, start)
        sent = response.headers.get("Content-Range", "")
        if response.status == 206 and not re.match(f"bytes {start}-", sent):
            response.close()
            raise _NoSuchRange
    except _NoSuchRange:
        # The partial file is longer than the file on the server, or the
        # server sends another range.
        file.truncate(0)
        response = _request(url)
    if response.status == 200:
        file.truncate(0)  # The server ignores ranges and sends the whole.
    with response:
        yield response


def _download(url, part, limit):
    """Downloads the missing bytes; returns whether some were there before."""
    import tqdm

    with open(part, "ab") as file, _rest(url, file) as response:
        start = file.seek(0, os.SEEK_END)
        left = response.length
        total = None if left is None else start + left
        _check_length(url, total, limit)
        bar = tqdm.tqdm(
            total=total,
            initial=start,
            desc=f"Fetching {part.stem}",
            unit="B",
            unit_scale=True,
        )
        done, failure = start, None
        with bar:
            try:
                while block := response.read1(BLOCK):
                    done += len(block)
                    _check_length(url, done, limit)
                    file.write(block)
                    bar.update(len(block))
            except _TooLong:
                file.truncate(0)
                raise
            except (OSError, http.client.HTTPException) as error:
                failure = error
        file.flush()
        os.fsync(file.fileno())
    if failure or (total is not None and done < total):
        raise _broken(url, done, total, failure)
    return start > 0


class _TooLong(OSError):
    """A file longer than the limit."""


def _check_length(url, length, limit):
    if length is not None and length > limit:
        raise _TooLong(
            f"{url} is too long: at most {limit:,} bytes are accepted. "
            f"Received: {length:,}"
        )


def _broken(url, done, total, error=None):
    of = "" if total is None else f" of {total:,}"
    why = "" if error is None else f" ({_reason(error)})"
    return OSError(
        f"{url} was interrupted after {done:,}{of} bytes{why}; the next call "
        "resumes it"
    )


def _reason(error):
    """Returns an error as printable text; a server may have written it."""
    reason = getattr(error, "reason", error)
    return printable(str(reason) or type(error).__name__)
