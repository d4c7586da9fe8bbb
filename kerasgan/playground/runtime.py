"""The runtime of ONNX in browsers, an npm package.

The page has a copy of its own, so that it makes no request to others. The two
files that it needs are fetched once, by npm, and kept in `KERASGAN_HOME`.
"""

import hashlib
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

from kerasgan import fetch

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
# Script and WebAssembly, as the page is tested with them: one thread, because
# several need headers that few static servers send.
SCRIPT = "ort.wasm.bundle.min.mjs"
WASM = "ort-wasm-simd-threaded.wasm"
SHA256 = {
    SCRIPT: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}


def files(folder=None):
    """Returns the files of the runtime, verified.

    Args:
        folder: str or path of an installed package, such as
            `node_modules/onnxruntime-web`, or `None` to fetch it with npm if
            it is not in the cache. Defaults to `None`.

    Returns:
        dict of name, `SCRIPT` or `WASM`, to its content, bytes.

    Raises:
        OSError: If npm is missing or fails, or KERASGAN_OFFLINE is set.
        ValueError: If a file is not that of the tested version.
    """
    if folder is None:
        folder = fetch.home() / "npm" / f"{PACKAGE}-{VERSION}"
        if not all((folder / "dist" / name).is_file() for name in SHA256):
            unpack(PACKAGE, VERSION, [f"dist/{n}" for n in SHA256], folder)
    found = {}
    for name, sha256 in SHA256.items():
        path = pathlib.Path(folder) / "dist" / name
        if not path.is_file():
            raise FileNotFoundError(
                f"The runtime is the folder of the npm package {PACKAGE}. "
                f"Received: {folder}, which has no dist/{name}"
            )
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(
                f"The runtime must be {PACKAGE} {VERSION}, with which the page "
                f"is tested. Received: {path} of another one"
            )
        found[name] = content
    return found


def unpack(package, version, names, folder):
    """Fetches files of an npm package; runs none of its scripts.

    Args:
        package: str.
        version: str, exact.
        names: Sequence of str. Files of the package.
        folder: path. Where to write them, in the same sub-folders.

    Raises:
        OSError: If npm is missing or fails, or KERASGAN_OFFLINE is set.
    """
    need = f"The playground needs {package} {version}, an npm package. "
    if fetch.offline():
        raise OSError(f"{need}Received: KERASGAN_OFFLINE, and it is not cached")
    npm = shutil.which("npm")
    if npm is None:
        raise OSError(
            f"{need}Install npm, or give the folder of the package: "
            f"--runtime node_modules/{package}"
        )
    with tempfile.TemporaryDirectory() as unpacked:
        done = subprocess.run(
            [npm, "pack", "--silent", f"{package}@{version}"],
            cwd=unpacked,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise OSError(f"{need}npm failed: {done.stderr.strip()}")
        (archive,) = pathlib.Path(unpacked).glob("*.tgz")
        with tarfile.open(archive) as content:
            for name in names:
                target = pathlib.Path(folder) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                part = target.with_name(f"{target.name}.part")
                source = content.extractfile(f"package/{name}")
                part.write_bytes(source.read())
                part.replace(target)
