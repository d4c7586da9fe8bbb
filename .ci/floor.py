"""Prints the oldest releases that setup.cfg allows, as pip takes them."""

import configparser
import pathlib

setup = configparser.ConfigParser()
setup.read(pathlib.Path(__file__).parents[1] / "setup.cfg", "utf-8")
print(setup["options"]["install_requires"].replace(">=", "=="))
