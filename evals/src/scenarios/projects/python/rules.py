"""What is taken off and put on: rates stand in data/rates.csv, limits in config/@app@.conf."""

import functools
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent


@functools.cache
def rates():
    found = {}
    for line in (ROOT / "data/rates.csv").read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        code, permille, _ = line.split(";", 2)
        found[code] = int(permille)
    return found


def rate(code):
    """The permille taken off."""
    return rates()[code.lower()]


@functools.cache
def settings():
    lines = (ROOT / "config/@app@.conf").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line]
    return {name: value for name, value in pairs}


def fee(amount):
    """What handling costs."""
    if amount >= int(settings()["free_from"]):
        return 0
    return int(settings()["handling"])


def best(codes):
    """Of several codes the one that takes most off; of equal ones the first that was given."""
    return max(dict.fromkeys(codes), key=rate)
