"""Animations of images, as WebP, GIF, PNG or MP4.

Pillow writes the first three. MP4 is encoded by the program `ffmpeg`, if it is
installed, or by that of the package imageio-ffmpeg.
"""

import pathlib
import shutil
import subprocess

import numpy as np
from PIL import Image

SUFFIXES = (".webp", ".gif", ".png", ".mp4")


def check(path):
    """Refuses a file that `write` cannot write.

    Args:
        path: str or path.

    Raises:
        ValueError: If its suffix is not of an animation.
        OSError: If it needs a program that is not installed.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"An animation is a file that ends in {', '.join(SUFFIXES)}. "
            f"Received: {path}"
        )
    if suffix == ".mp4" and _ffmpeg() is None:
        raise OSError(
            "An .mp4 file is encoded by `ffmpeg`, which is not installed. "
            f"Install it, or imageio-ffmpeg by pip, or write a .webp file. "
            f"Received: {path}"
        )


def write(path, frames, fps=30, hold=0.0):
    """Writes an animation that repeats for ever.

    WebP and PNG keep every pixel; GIF has 256 colors; MP4 is lossy, plays
    once, and has an even height and width.

    Args:
        path: str or path, ending in one of `SUFFIXES`.
        frames: uint8 array `(n, height, width, channels)`, 1 or 3 channels.
        fps: float. Frames a second. Defaults to `30`.
        hold: float. Seconds for which the last frame stays. Defaults to `0`.

    Raises:
        ValueError: If there is no frame, `fps` is not positive, or the
            suffix is of no animation.
        OSError: If the file cannot be written.
    """
    check(path)
    frames = np.asarray(frames)
    if len(frames) == 0 or not 0 < fps < float("inf"):
        raise ValueError(
            "An animation has at least one frame, and a positive number of "
            f"them a second. Received: {len(frames)} frames, fps={fps}"
        )
    path = pathlib.Path(path)
    if path.suffix.lower() == ".mp4":
        _write_mp4(path, frames, fps, hold)
        return
    images = [
        Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame)
        for frame in frames
    ]
    # Times since the start, rounded once, so that rounding does not add up.
    times = np.rint(1000 * np.arange(len(images) + 1) / fps).astype(int)
    durations = np.diff(times)
    durations[-1] += round(1000 * hold)
    options = {"lossless": True} if path.suffix.lower() == ".webp" else {}
    images[0].save(
        path,
        save_all=True,
        append_images=images[1:],
        duration=durations.tolist(),
        loop=0,
        **options,
    )


def _ffmpeg():
    """Returns the path of the encoder, or `None`."""
    found = shutil.which("ffmpeg")
    if found is None:
        try:
            import imageio_ffmpeg
        except ImportError:
            return None
        found = imageio_ffmpeg.get_ffmpeg_exe()
    return found


def _write_mp4(path, frames, fps, hold):
    frames = np.repeat(frames, 3, -1) if frames.shape[-1] == 1 else frames
    height, width = frames.shape[1:3]
    even = ((0, 0), (0, height % 2), (0, width % 2), (0, 0))
    frames = np.pad(frames, even, mode="edge")
    height, width = frames.shape[1:3]
    command = [
        *(_ffmpeg(), "-y", "-loglevel", "error"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"),
        *("-r", str(fps), "-i", "-", "-pix_fmt", "yuv420p", str(path)),
    ]
    last = np.repeat(frames[-1:], round(hold * fps), axis=0)
    content = frames.tobytes() + last.tobytes()
    result = subprocess.run(command, input=content, capture_output=True)
    if result.returncode:
        lines = result.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(
            f"`ffmpeg` could not write {path}. Received: "
            f"{lines[-1] if lines else 'no message'}"
        )
