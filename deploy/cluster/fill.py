#!/usr/bin/env python3
"""Fills the files of this folder with parameters: `fill.py PARAMETERS… --to FOLDER FILE…`.

PARAMETERS are files of lines `NAME=value`; later ones override earlier ones. Each `${NAME}` of a FILE becomes its
value; what has no value is an error. The results hold passwords and are made readable by their owner alone.
"""

from __future__ import annotations

import argparse
import string
from pathlib import Path


def read(file: Path) -> dict[str, str]:
    """The parameters of one file; blank lines and those that begin with `#` say nothing."""
    lines = [line.strip() for line in file.read_text().splitlines()]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name.strip(): value.strip() for name, _, value in pairs}


def fill(template: Path, values: dict[str, str], folder: Path) -> Path:
    """Writes it filled into the folder, under its own name."""
    try:
        text = string.Template(template.read_text()).substitute(values)
    except KeyError as missing:
        raise SystemExit(f"{template.name}: no value for {missing}") from None
    filled = folder / template.name
    filled.touch(mode=0o600)
    filled.write_text(text)
    return filled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="parameters (*.env) and files to fill, in any order")
    parser.add_argument("--to", required=True, type=Path, help="folder for the filled files")
    asked = parser.parse_args()
    values: dict[str, str] = {}
    for file in asked.files:
        if file.suffix == ".env":
            values |= read(file)
    for file in asked.files:
        if file.suffix != ".env":
            print(fill(file, values, asked.to))


if __name__ == "__main__":
    main()
