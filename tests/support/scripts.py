"""What lies in scripts/, for tests."""

import importlib.util
import pathlib

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"


def script(name):
    """Returns a script as a module.

    Args:
        name: str. Its path in scripts/, without the ending.
    """
    path = SCRIPTS / f"{name}.py"
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
