"""What the processor can do, and the TensorFlow settings that follow from it.

oneDNN, a library of fast convolutions and matrix products, is part of
TensorFlow for x86. TensorFlow uses it by default only on processors with
AVX-512 or its relatives for neural networks; on those with AVX2 alone it is
faster too (docs/performance.md). Whether it is used is fixed when TensorFlow is
imported, so `kerasgan` chooses before.
"""

import functools
import os
import pathlib
import sys
import warnings

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
# With any of these a processor multiplies 16-bit numbers as they are.
FAST = {
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16"}),
    "float16": frozenset({"avx512_fp16", "amx_fp16"}),
}


@functools.cache
def features(file="/proc/cpuinfo"):
    """Returns what an x86 processor under Linux can do.

    Args:
        file: str. The kernel's description of the processors.

    Returns:
        Frozenset of str in the kernel's words, such as `"avx2"`; empty on
        other processors and systems.
    """
    try:
        with pathlib.Path(file).open(encoding="utf-8", errors="replace") as f:
            for line in f:
                if line.startswith("flags"):
                    return frozenset(line.partition(":")[2].split())
    except OSError:
        pass  # Another system.
    return frozenset()


def prefer_onednn():
    """Switches oneDNN on for a processor with AVX2, unless the user chose.

    The environment variable `TF_ENABLE_ONEDNN_OPTS` set to `0` or `1` is left
    as it is. If TensorFlow was imported before, its choice stays.
    """
    if "tensorflow" not in sys.modules and "avx2" in features():
        os.environ.setdefault(ONEDNN, "1")


def check_speed(dtype):
    """Warns where a 16-bit type makes training slower than float32.

    Args:
        dtype: str. Compute dtype of a model.
    """
    fast = FAST.get(dtype)
    if fast is None or not features() or features() & fast:
        return
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        warnings.warn(
            f"Training in {dtype} is slower than in float32 on this processor, "
            "which has to convert every number; create the model with "
            "`dtype='float32'`. (A processor that computes in it has one of "
            f"{', '.join(sorted(fast))} in /proc/cpuinfo.)",
            stacklevel=3,
        )
