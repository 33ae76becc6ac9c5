"""How current each table of a vintage is, and why not more so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# What a table may be: of today's answer; of today's, but older than it should be; as it was, since
# its source failed; as it was in part or whole, since the source is not believed; not asked for.
FRESH, LATE, CARRIED, REFUSED, OFF = "fresh", "late", "carried over", "refused", "off"


@dataclass(frozen=True)
class Status:
    """How current a table is.

    Attributes
    ----------
    table : str
    state : str
    through : str
        ISO date to which the table is complete.
    since : str
        ISO date of the first session at which it was not fresh, empty if it is.
    reason : str
        One line, empty if it is fresh.
    """

    table: str
    state: str
    through: str
    since: str = ""
    reason: str = ""

    @property
    def wrong(self) -> bool:
        """Whether somebody should look."""
        return self.state not in (FRESH, OFF)

    def __str__(self) -> str:
        since = f" since {self.since}" if self.since else ""
        return f"{self.table}: {self.state}{since}, data to {self.through}" + (
            f": {self.reason}" if self.reason else ""
        )

    def plain(self) -> dict[str, str]:
        """Return the status as plain JSON types."""
        return asdict(self)

    def entry(self) -> dict[str, str]:
        """Return what the descriptor of a vintage says of it."""
        return {"state": self.state, "since": self.since, "reason": self.reason}


def of(
    table: str, state: str, through: str, reason: str, end: str, before: Mapping[str, Any]
) -> Status:
    """Return the status of a table; it dates from where the same state began.

    Parameters
    ----------
    table, state, through, reason : str
    end : str
        ISO date of the last session wanted.
    before : dict
        What the descriptor of the previous vintage says of the table.
    """
    if state == FRESH:
        return Status(table, state, through)
    earlier = before.get("status", {})
    since = earlier["since"] if earlier.get("state") == state and earlier.get("since") else end
    return Status(table, state, through, since, reason)
