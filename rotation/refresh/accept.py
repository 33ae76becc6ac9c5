"""What a user accepts of what the sources changed: a table, days of it, or one edition."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from helpers.errors import InputError, listing

FORMS = "TABLE, TABLE:2026-06-10, TABLE:2026-06-01..2026-06-30 or TABLE:202604 (an edition)"

_DAY = r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?"
_FORM = re.compile(
    rf"(?P<table>\w+)(?::(?:(?P<edition>[0-9]{{6}})|(?P<first>{_DAY})"
    rf"(?:\.\.(?P<last>{_DAY}))?))?"
)


class AcceptError(InputError):
    """An acceptance in a form that is none, or of a table that no source feeds."""


@dataclass(frozen=True)
class Accepted:
    """Revisions of one table that are accepted.

    Attributes
    ----------
    table : str
    first, last : str
        ISO days or months, both included; empty for all of them.
    edition : str
        An edition, ``202604``; empty for any.
    """

    table: str
    first: str = ""
    last: str = ""
    edition: str = ""

    def covers(self, table: str, key: str) -> bool:
        """Tell whether a row, named by its key that begins with a day or month, is accepted."""
        if table != self.table or self.edition:
            return False
        day = key.split(" ")[0]
        return not self.first or self.first[: len(day)] <= day <= _end(self.last)[: len(day)]

    def takes(self, table: str, edition: str) -> bool:
        """Tell whether an edition of a table is accepted as a whole."""
        return table == self.table and not self.first and self.edition in ("", edition)


def _end(last: str) -> str:
    return last if len(last) > len("2026-06") else f"{last}-99"


def read(texts: Iterable[str], tables: Iterable[str]) -> tuple[Accepted, ...]:
    """Read what was accepted.

    Parameters
    ----------
    texts : iterable of str
        In the forms that :data:`FORMS` shows.
    tables : iterable of str
        Those that sources feed.

    Raises
    ------
    AcceptError
        Naming the text and what was expected.
    """
    return tuple(_read(text, list(tables)) for text in texts)


def _read(text: str, tables: list[str]) -> Accepted:
    found = _FORM.fullmatch(text)
    if found is None:
        raise AcceptError(f"--accept-revisions {text!r}: expected {FORMS}")
    parts = {name: value or "" for name, value in found.groupdict().items()}
    if parts["table"] not in tables:
        raise AcceptError(f"--accept-revisions {text!r}: expected a table of {listing(tables)}")
    parts["last"] = parts["last"] or parts["first"]
    months = [f"{parts['edition'][:4]}-{parts['edition'][4:]}"] if parts["edition"] else []
    for day in filter(None, (parts["first"], parts["last"], *months)):
        try:
            date.fromisoformat(f"{day}-01"[:10])
        except ValueError:
            raise AcceptError(f"--accept-revisions {text!r}: there is no {day}") from None
    if parts["first"] > _end(parts["last"]):
        raise AcceptError(f"--accept-revisions {text!r}: expected the earlier day first")
    return Accepted(**parts)
