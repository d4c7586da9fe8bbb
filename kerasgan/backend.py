"""Keras, on TensorFlow: checked before anything else is imported from it.

The networks are Keras', the training steps TensorFlow's. With another backend
they would fail one by one, and late.
"""

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
