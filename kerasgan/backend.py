"""Keras, on TensorFlow: checked before anything else is imported from it.

The networks are Keras', the training steps TensorFlow's. With another backend
they would fail one by one, and late.
"""

import contextlib

try:
    import keras
except ModuleNotFoundError as error:
    if error.name in ("keras", "tensorflow"):
        raise
    # Keras imports the packages of its backend.
    received = f"a backend that needs the package {error.name!r}"
else:
    received = f"the backend {keras.config.backend()!r}"

if received != "the backend 'tensorflow'":
    raise ImportError(
        "kerasgan needs Keras' TensorFlow backend, because its training steps "
        f"are written in TensorFlow. Received: {received}. Set the "
        'environment variable KERAS_BACKEND=tensorflow, or "backend": '
        '"tensorflow" in keras.json, which is in KERAS_HOME or ~/.keras, '
        "before Keras is imported."
    )


@contextlib.contextmanager
def own_settings(dtype="float32"):
    """Sets dtype and layout for the layers that are built inside.

    Those of keras.json, `floatx` and `image_data_format`, and the policy of
    `keras.config.set_dtype_policy` are made for other models.

    Args:
        dtype: str or `keras.DTypePolicy`. Defaults to `"float32"`.
    """
    policy = keras.config.dtype_policy()
    settings = keras.config.floatx(), keras.config.image_data_format()
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(settings[0])
        keras.config.set_image_data_format(settings[1])
        keras.config.set_dtype_policy(policy)
