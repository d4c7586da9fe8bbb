"""Images of models with weights that can be made again anywhere.

`python -m tests.golden NAME ...` writes the files of some models anew, after
a change that is meant to change their images.
"""

import pathlib

import numpy as np


def path(model):
    """Returns where the images of a model are kept."""
    return pathlib.Path(__file__).parent / f"{model.name}.json"


def ramp(gan):
    """Sets every weight to a wave that depends on its place and shape only."""
    for place, weight in enumerate(gan.weights):
        steps = np.arange(np.prod(weight.shape), dtype="float64")
        values = 0.3 * np.sin(1.7 * steps + place)
        if "variance" in weight.path or "gamma" in weight.path:
            values = 1.0 + values
        weight.assign(values.reshape(weight.shape).astype("float32"))


def images(model):
    """Returns the uint8 images of a model with such weights."""
    gan = model.build()
    ramp(gan)
    return model.sample(gan)[:2]
