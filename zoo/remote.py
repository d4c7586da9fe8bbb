"""Remote models: at an https:// address, or on the Hugging Face Hub.

Downloads are cached below `KERASGAN_HOME`, in ordinary model folders:

    models/<end of the address>-<hash of the address>/
        latest                  the sha256 of the newest config.json seen
        <sha256>/               config.json, metrics.json, model.weights.h5

config.json names the sha256 of the weights. config.json itself is
authenticated by the connection, that is TLS and the owner of the server; or by
a pin: an address may end in `#sha256=` and the sha256 of config.json, and any
other model is then refused. A pinned model in the cache needs no request;
otherwise every call requests config.json, some kilobytes, and the weights only
when they changed.
"""

import contextlib
import functools
import hashlib
import os
import pathlib
import re
import shutil
import tempfile
import time
import urllib.parse

from kerasgan import fetch
from zoo import cards

SCHEMES = ("https", "http", "hf")


def card_folder(address):
    """Returns a folder with the metadata of a remote model.

    Args:
        address: str. The `https://` address of a published folder,
            `hf://user/repository` or `hf://user/repository@revision`; each
            may end in `#sha256=` and the sha256 of config.json.

    Returns:
        `pathlib.Path` in the cache, with config.json and metrics.json; the
        weights may be missing.

    Raises:
        ValueError: If the address is invalid, or does not describe a model.
        OSError: If it cannot be fetched, or is not in the cache while
            KERASGAN_OFFLINE is set.
    """
    return _card_folder(*_parse(address))


def folder(address):
    """Returns a folder with the metadata and weights of a remote model.

    Args:
        address: See `card_folder`.

    Returns:
        `pathlib.Path` in the cache.

    Raises:
        ValueError: See `card_folder`.
        OSError: See `card_folder`; or if the weights are not those of the
            card.
    """
    source, pin = _parse(address)
    found = _card_folder(source, pin)
    config, _ = cards.read(found)
    source.fetch(cards.WEIGHTS, found / cards.WEIGHTS, config["sha256"])
    return found


def _parse(address):
    """Returns a source, and the sha256 of config.json or `None`."""
    base, _, fragment = str(address).partition("#")
    pin = fragment.removeprefix("sha256=") if fragment else None
    if pin is not None and (pin == fragment or not cards.SHA256.fullmatch(pin)):
        raise ValueError(
            "After `#` an address takes `sha256=` and 64 hexadecimal digits. "
            f"Received: {fetch.printable(str(address))}"
        )
    scheme = base.split("://")[0]
    if scheme not in SCHEMES:
        raise ValueError(
            "The address of a model must begin with https:// or hf://. "
            f"Received: {fetch.printable(str(address))}"
        )
    return (Hub(base) if scheme == "hf" else Site(base)), pin


def _card_folder(source, pin):
    place = fetch.home() / "models" / source.directory
    if pin is not None and _is_sound(place / pin, pin):
        return place / pin
    if fetch.offline():
        known = pin or _latest(place)
        if known and _is_sound(place / known, known):
            return place / known
        raise OSError(
            f"KERASGAN_OFFLINE is set, and {source.address} is not in the "
            f"cache ({fetch.home()}). Unset it once to fetch it."
        )
    start = time.time()
    place.mkdir(parents=True, exist_ok=True)
    with fetch.locked(place / "latest"):
        # Another process may have fetched it while this one waited.
        known = _latest(place, since=start)
        if known and pin in (None, known) and _is_sound(place / known, known):
            return place / known
        content = source.read(cards.CONFIG)
        found = hashlib.sha256(content).hexdigest()
        if pin is not None and found != pin:
            raise OSError(
                f"{source.address} has another config.json than the address "
                f"names, so nothing was kept. Received: sha256 "
                f"{found[:16]}..., expected {pin[:16]}..."
            )
        cards.parse_config(content, f"{source.address}/{cards.CONFIG}")
        try:
            metrics = source.read(cards.METRICS)
        except FileNotFoundError:
            metrics = b"{}"
        cards.parse_metrics(metrics, f"{source.address}/{cards.METRICS}")
        (place / found).mkdir(exist_ok=True)
        _write(place / found / cards.METRICS, metrics)
        _write(place / found / cards.CONFIG, content)
        _write(place / "latest", found.encode())
    return place / found


def _latest(place, since=0.0):
    """Returns the newest sha256 seen at or after `since`, or `None`."""
    with contextlib.suppress(FileNotFoundError):
        path = place / "latest"
        if path.stat().st_mtime >= since:
            text = path.read_text("ascii", "replace")
            return text if cards.SHA256.fullmatch(text) else None
    return None


def _is_sound(folder, sha256):
    path = folder / cards.CONFIG
    return path.is_file() and fetch.digest(path) == sha256


def _write(path, content):
    """Replaces a small file atomically; the caller holds the lock."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    os.replace(new, path)


class Site:
    """A published folder on a web server.

    Args:
        address: str. Of the folder.

    Raises:
        ValueError: If the address is not allowed.
    """

    def __init__(self, address):
        fetch.check_url(address)
        self.address = address.rstrip("/")

    @property
    def directory(self):
        """Name of the folder in the cache."""
        return _directory(self.address)

    def read(self, name):
        """Returns the content of a small file.

        Args:
            name: str.
        """
        return fetch.read(f"{self.address}/{name}", cards.JSON_LIMIT)

    def fetch(self, name, path, sha256):
        """Downloads a file, unless it is there.

        Args:
            name: str.
            path: `pathlib.Path`. Target.
            sha256: str. Expected sha256.
        """
        fetch.fetch(f"{self.address}/{name}", path, sha256)


class Hub:
    """A repository on the Hugging Face Hub, read by `huggingface_hub`.

    The client handles the endpoint (HF_ENDPOINT) and authentication, so
    private repositories work after its login.

    Args:
        address: str. `hf://user/repository` or
            `hf://user/repository@revision`.

    Raises:
        ValueError: If the address is not of that form.
        ImportError: If the client is not installed.
    """

    form = re.compile(
        r"hf://([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?",
        re.ASCII,
    )

    def __init__(self, address):
        found = self.form.fullmatch(address)
        if not found:
            raise ValueError(
                "An address on the Hub is hf://user/repository or "
                "hf://user/repository@revision. "
                f"Received: {fetch.printable(address)}"
            )
        self.address = address
        self.repository, self.revision = found.groups()

    @property
    def directory(self):
        """Name of the folder in the cache."""
        return _directory(self.address)

    def read(self, name):
        """See `Site.read`."""
        with tempfile.TemporaryDirectory() as scratch:
            return self._download(name, scratch, cards.JSON_LIMIT).read_bytes()

    def fetch(self, name, path, sha256):
        """See `Site.fetch`."""
        with fetch.locked(path):
            if fetch.is_whole(path, sha256):
                return
            # The client keeps partial downloads here, and resumes them.
            scratch = path.parent / "hub"
            downloaded = self._download(name, scratch, fetch.LIMIT)
            found = fetch.digest(downloaded)
            if found != sha256:
                downloaded.unlink()
                raise OSError(
                    f"{self.address} has other weights than its card says, so "
                    f"nothing was kept. Received: sha256 {found[:16]}..., "
                    f"expected {sha256[:16]}..."
                )
            os.replace(downloaded, path)
            shutil.rmtree(scratch)

    @functools.cached_property
    def _files(self):
        """The commit, and the sizes of its files."""
        hub = client()
        with one_sentence(self.address):
            information = hub.HfApi().model_info(
                self.repository, revision=self.revision, files_metadata=True
            )
        sizes = {file.rfilename: file.size for file in information.siblings}
        return information.sha, sizes

    def _download(self, name, folder, limit):
        if fetch.offline():
            raise OSError(
                f"KERASGAN_OFFLINE is set, and the {name} of {self.address} is "
                f"not in the cache ({fetch.home()}). Unset it once to fetch it."
            )
        commit, sizes = self._files
        if name not in sizes:
            raise FileNotFoundError(f"There is no {name} in {self.address}.")
        if sizes[name] is None or sizes[name] > limit:
            raise OSError(
                f"The {name} of {self.address} is too long: at most {limit:,} "
                f"bytes are accepted. Received: {sizes[name]}"
            )
        hub = client()
        with one_sentence(self.address):
            return pathlib.Path(
                hub.hf_hub_download(
                    self.repository, name, revision=commit, local_dir=folder
                )
            )


def client():
    """Returns the package `huggingface_hub`.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError:
        raise ImportError(
            "Addresses that begin with hf:// need huggingface_hub: "
            "`pip install 'kerasgan[hub]'`."
        ) from None
    return huggingface_hub


@contextlib.contextmanager
def one_sentence(address):
    """Converts any exception of the client to a one-line OSError.

    Args:
        address: str. The address that was requested, for the message.

    Raises:
        OSError: In place of any exception inside the context.
    """
    try:
        yield
    except Exception as error:
        text = fetch.printable(" ".join(str(error).split()), 300)
        raise OSError(f"{address}: {type(error).__name__}: {text}") from error


def _directory(address):
    end = urllib.parse.unquote(address.split("/")[-1])
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", end)[:60]
    return f"{readable}-{hashlib.sha256(address.encode()).hexdigest()[:16]}"
