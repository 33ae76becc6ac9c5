"""An article's file in TOML, read claim by claim: a slip of the pen costs one claim, not all."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from helpers.errors import InputError, excerpt

_HEADER = re.compile(r"[ \t]*\[[ \t]*claim[ \t]*\.[ \t]*([^\].]+?)[ \t]*\][ \t]*(#.*)?")
_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_CAUSES = {
    r"[“”„‟«»‘’‚]": "typographic quotes; expected straight ones, \" or '",
    r"=\s*[−–—]\s*\d": "a typographic minus sign; expected a plain hyphen, such as -3.2",
    r"=\s*[-+]?\d[\d.,]*\s*%": "expected the number alone; the percent goes into unit",
    r"=\s*[-+]?\d+(,\d+)+": "expected a number without commas, such as 2645.36",
    r"=\s*[-+]?0\d": "expected a number without leading zeros, or a date such as 2019-01-02",
    r"=\s*\d{4}-\d{2}\s*(#.*)?$": 'expected a month in quotes, such as "2019-01"',
}


class ClaimError(InputError):
    """A claim that is not in the registry, or one that cannot be read, measured or judged."""


@dataclass(frozen=True)
class Block:
    """The top of an article's file, or one claim of it.

    Attributes
    ----------
    file : str
        How messages call the file.
    name : str
        The claim's id; empty for the top of the file.
    text : str
        Its lines, below as many empty ones as stand above them in the file.
    start : int
        Number of its first line, counted from 1.
    """

    file: str
    name: str
    text: str
    start: int

    @cached_property
    def held(self) -> dict[str, Any]:
        """What the block holds, numbers as printed; a ClaimError where it is not TOML."""
        try:
            held = tomllib.loads(self.text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise ClaimError(self._explained(str(error))) from None
        except RecursionError:
            raise ClaimError(f"{self.place()}: too many brackets inside each other") from None
        return held["claim"][self.name] if self.name else held

    def place(self, *keys: str) -> str:
        """Return ``file:line: id`` of a key, or of the block where it has no such key."""
        line = self._line(keys) if keys else self.start
        return f"{self.file}:{line}: {self.name}".removesuffix(": ")

    @contextmanager
    def at(self, *keys: str) -> Iterator[None]:
        """Let a refusal inside name the place of a key."""
        try:
            yield
        except ClaimError:
            raise
        except InputError as error:
            raise self.error(str(error), *keys) from None

    def error(self, message: str, *keys: str) -> ClaimError:
        """Return a refusal that names the place of a key, or of the block."""
        where = f"{self.place(*keys)}: {'.'.join(keys)}".removesuffix(": ")
        return ClaimError(f"{where}: {message}")

    def _line(self, keys: tuple[str, ...]) -> int:
        """Find a key's line: the one with which the lines so far begin to hold the key."""
        lines = self.text.split("\n")
        whole = self.start - 1
        path = ("claim", self.name, *keys) if self.name else keys
        for count in range(self.start, len(lines) + 1):
            try:
                held: Any = tomllib.loads("\n".join(lines[:count]))
            except tomllib.TOMLDecodeError:
                continue
            if _holds(held, path):
                first = whole
                while first < count - 1 and not lines[first].split("#")[0].strip():
                    first += 1
                return first + 1
            whole = count
        return self._line(keys[:-1]) if keys[:-1] else self.start

    def _explained(self, message: str) -> str:
        lines = self.text.rstrip("\n").split("\n")
        found = _PLACE.fullmatch(message)
        what = found[1] if found else message
        line = int(found[2]) if found and found[2] else len(lines)
        shown = lines[min(line, len(lines)) - 1].strip()
        why = next((why for pattern, why in _CAUSES.items() if re.search(pattern, shown)), "")
        why = why or {"Cannot overwrite a value": "a key given twice"}.get(what, what.lower())
        where = f"{self.file}:{line}: {self.name}".removesuffix(": ")
        return f"{where}: {excerpt(shown)}: {why}"


def blocks(path: Path, file: str) -> list[Block]:
    """Split an article's file into its top and its claims.

    Parameters
    ----------
    path : Path
    file : str
        How messages call it.

    Raises
    ------
    ClaimError
        If the file cannot be read or is not UTF-8 text.
    """
    lines = _text(path, file).split("\n")
    starts = [(number, m[1]) for number, one in enumerate(lines) if (m := _HEADER.fullmatch(one))]
    cuts = [(0, ""), *starts, (len(lines), "")]
    return [
        Block(file, name.strip("\"'"), "\n" * first + "\n".join(lines[first:last]), first + 1)
        for (first, name), (last, _) in pairwise(cuts)
    ]


def _text(path: Path, file: str) -> str:
    """Return a file's text without what Windows editors add: byte-order mark, carriage returns."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ClaimError(f"{file}: cannot be read ({error.strerror})") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise ClaimError(f"{file}: saved as UTF-16 or not as text; expected UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ClaimError(f"{file}:{line}: not UTF-8 text; save the file as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _holds(held: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(held, Mapping) or key not in held:
            return False
        held = held[key]
    return True
