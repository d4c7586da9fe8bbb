"""Files from elsewhere: fetched once, whole and checked, or not at all.

Nothing here imports TensorFlow, so that a card from elsewhere is read at
once. What is fetched is kept in `home()`; while the variable KERASGAN_OFFLINE
is set, no server is asked for anything.
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
# Seconds that a server may say nothing.
TIMEOUT = 30
# Larger than any file that kerasgan has a use for.
LIMIT = 2 << 30


def home():
    """Returns the folder where kerasgan keeps what it can make again.

    Returns:
        `pathlib.Path`: the environment variable `KERASGAN_HOME`, else
        `.kerasgan` in the home directory.
    """
    folder = os.environ.get("KERASGAN_HOME")
    return pathlib.Path(folder) if folder else pathlib.Path.home() / ".kerasgan"


def offline():
    """Returns whether KERASGAN_OFFLINE forbids asking servers."""
    return os.environ.get("KERASGAN_OFFLINE", "") not in ("", "0")


def fetch(url, path, sha256=None, limit=LIMIT):
    """Fetches a file, or the rest of it where a try before broke off.

    What has come lies beside the target under the name `<path>.part`; the
    target appears only when it is complete and checked. However many threads
    and processes ask for the same file, one fetches it and the others wait.

    Args:
        url: str. See `check_url`.
        path: str or path. The folder is made if missing.
        sha256: str or `None`. What the file must be, in hexadecimal. A file
            that is there and is something else is replaced. Defaults to
            whatever comes, and whatever is there.
        limit: int. More bytes than this are refused. Defaults to 2 GiB.

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
        # One that was killed may have had all of it.
        if sha256 is None or not is_whole(part, sha256):
            resumed = _download(url, part, limit)
            if resumed and not is_whole(part, sha256):
                # What lay there was the beginning of something else.
                part.unlink()
                _download(url, part, limit)
        if not is_whole(part, sha256):
            found = digest(part)
            part.unlink()
            raise OSError(
                f"{url} sent other bytes than it should, so nothing was kept. "
                f"Received: sha256 {found[:16]}..., expected {sha256[:16]}..."
            )
        # While the lock is held: who waits for it must find the target.
        os.replace(part, path)


def read(url, limit):
    """Returns the content of a small file.

    Args:
        url: str. See `check_url`.
        limit: int. More bytes than this are refused.

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
    with _ask(url) as response:
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
    """Refuses an address where others could change what comes.

    Args:
        url: str. Must begin with `https://`, or with `http://` on this
            machine; without a password, a query or a fragment.

    Raises:
        ValueError: If it does not.
    """
    shown = printable(url)
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port  # noqa: B018 - a port that is none is found only here.
    except ValueError as error:
        raise ValueError(f"{shown} is not an address: {error}") from None
    if parts.scheme != "https" and not (
        parts.scheme == "http" and _is_local(url)
    ):
        raise ValueError(
            "An address must begin with https://, because anyone on the way "
            "could change what comes otherwise; http:// is for localhost "
            f"alone. Received: {shown}"
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
    """Returns a context in which no other thread or process is for a path.

    A process that is killed leaves it.

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
    """Returns whether a file is there, and is what it should be.

    Args:
        path: `pathlib.Path`.
        sha256: str or `None`, for anything.
    """
    return path.is_file() and (sha256 is None or digest(path) == sha256)


def printable(text, length=200):
    """Returns text that cannot move a terminal's cursor, and not too long.

    Args:
        text: str, from wherever.
        length: int. Of the longest. Defaults to `200`.
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
    """Follows redirects to where an address may lead, and nowhere else."""

    def redirect_request(self, request, file, code, message, headers, url):
        # Others add a query to a file's address, to sign it.
        check_url(urllib.parse.urlsplit(url)._replace(query="").geturl())
        if _is_local(url) and not _is_local(request.full_url):
            raise ValueError(
                "A server elsewhere must not send kerasgan to this machine. "
                f"Received: {printable(url)}"
            )
        return super().redirect_request(
            request, file, code, message, headers, url
        )


def _opener(url):
    """Returns what opens addresses: no files, no FTP, no data in the URL."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        # This machine's own servers are not reached by way of another's.
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
    """The server has not as much as is already here."""


def _ask(url, start=0):
    """Opens an address, from a byte on."""
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
    """Opens an address from where a file ends, or else empties the file."""
    start = file.tell()
    try:
        response = _ask(url, start)
        said = response.headers.get("Content-Range", "")
        if response.status == 206 and not re.match(f"bytes {start}-", said):
            response.close()
            raise _NoSuchRange
    except _NoSuchRange:
        # What is here is not the beginning of what is there.
        file.truncate(0)
        response = _ask(url)
    if response.status == 200:
        file.truncate(0)  # The server sends all of it, whatever it is asked.
    with response:
        yield response


def _download(url, part, limit):
    """Fetches what is missing; returns whether something was there before."""
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
        done, trouble = start, None
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
                trouble = error
        file.flush()
        os.fsync(file.fileno())
    if trouble or (total is not None and done < total):
        raise _broken(url, done, total, trouble)
    return start > 0


class _TooLong(OSError):
    """More than anyone wants."""


def _check_length(url, length, limit):
    if length is not None and length > limit:
        raise _TooLong(
            f"{url} is too long: at most {limit:,} bytes are taken. "
            f"Received: {length:,}"
        )


def _broken(url, done, total, error=None):
    of = "" if total is None else f" of {total:,}"
    why = "" if error is None else f" ({_reason(error)})"
    return OSError(
        f"{url} broke off after {done:,}{of} bytes{why}; the next try goes "
        "on from there"
    )


def _reason(error):
    """Returns an error as text, which may be a server's own words."""
    reason = getattr(error, "reason", error)
    return printable(str(reason) or type(error).__name__)
