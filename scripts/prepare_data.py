"""Prepares data sets: `python scripts/prepare_data.py personas fluent`.

The same as `kerasgan data prepare NAME` for each name.
"""

import argparse

from kerasgan import data


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=data.NAMES, metavar="NAME")
    parser.add_argument("--data-dir", help="TFDS folder")
    arguments = parser.parse_args()
    for name in arguments.names:
        try:
            print(data.prepare(name, arguments.data_dir))
        except OSError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
