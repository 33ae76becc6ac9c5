"""The one kind of error that a user can put right, told in one line, and what exit codes mean."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the ``rotation`` command; docs/scheduling.md explains each."""

    DONE = 0
    FAILED = 1
    MISTAKE = 2
    LOCKED = 3
    OUT_OF_TIME = 4
    VERDICTS_CHANGED = 10
    SOURCE_FAILED = 20


class InputError(ValueError):
    """Bad input: the message names what was given and what was expected.

    In a notebook it shows itself as that one line instead of a traceback; the command line
    prints the line and exits with its code.
    """

    code = Exit.MISTAKE

    def _render_traceback_(self) -> list[str]:
        """Return what IPython prints for this error: its message alone."""
        return [f"{type(self).__name__}: {self}"]


class DataError(InputError):
    """A data file that is missing, altered or breaks a rule of its schema."""


def listing(names: Iterable[object]) -> str:
    """Join names for a message: ``a, b, c``."""
    return ", ".join(str(name) for name in names)


def excerpt(value: object, width: int = 100) -> str:
    """Return a value as it is written in Python, cut where it would not fit in a line."""
    text = repr(value)
    return text if len(text) <= width else f"{text[:width]}…"
