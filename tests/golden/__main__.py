"""Writes golden images anew: `python -m tests.golden NAME ...`."""

import json
import sys

from tests import golden, tiny

for model in tiny.MODELS:
    if model.name in sys.argv[1:]:
        found = golden.images(model)
        content = {"shape": list(found.shape), "values": found.tolist()}
        golden.path(model).write_text(json.dumps(content) + "\n")
        print(golden.path(model).name, found.mean(), found.std())
