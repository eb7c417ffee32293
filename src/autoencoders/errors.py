"""What a user is told: the one exception that can be mended, and what is left out."""

import sys


class UserError(Exception):
    """Bad input, told in a sentence: what was found, where, and what was expected instead.

    Stages print it without a traceback and exit with status 1.
    """


def left_out(what: str, why: str) -> None:
    """Say that a measure or a figure is left out, as the data do not allow it."""
    print(f"{what}: left out, {why}", file=sys.stderr, flush=True)
