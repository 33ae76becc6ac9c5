"""What a check carries from cell to page: the claim, what was measured, the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers import words
from helpers.claims import grading
from helpers.claims.grading import Grade
from helpers.claims.margins import Margin
from helpers.claims.registry import Claim
from helpers.claims.show import bundle, plain
from helpers.interval import Interval

if TYPE_CHECKING:
    from helpers.decidability import Decidability, Evidence


@dataclass(frozen=True)
class Check:
    """A claim, what was measured for it, and the verdict."""

    claim: Claim
    measured: Any
    interval: Interval | Mapping[str, Interval | None] | None
    n: int | None
    fidelity: str
    grade: Grade
    beside: str = ""
    robustness: float | None = None
    specifications: int | None = None
    p: float | None = None
    others: tuple[Mapping[str, Any], ...] = ()
    move: tuple[str, str] | None = None
    margins: tuple[Margin, ...] = ()
    decidability: Decidability | None = None
    evidence: Evidence | None = None
    forecast: Mapping[str, Any] | None = None

    @property
    def note(self) -> str:
        """The row's note, and which other readings would change the outcome."""
        turns = [
            f"{one['reading']}: {words.value(one['measured'])}, {one['outcome']}"
            for one in self.others
            if one["outcome"] not in (self.grade.outcome, grading.PENDING)
        ]
        other = "read otherwise the outcome changes: " + " | ".join(turns) if turns else ""
        changes = [f"changed {change}" for change in self.claim.changes]
        return "; ".join(part for part in (self.claim.note, *changes, other) if part)

    def payload(self) -> dict[str, Any]:
        """Return the check as plain JSON types, the form that travels in the cell output."""
        claim = self.claim
        headline, by_name = _intervals(self.interval)
        return plain(
            {
                "claim_id": claim.claim_id,
                "article": claim.article,
                "family": claim.family,
                "statement": claim.statement,
                "kind": claim.kind,
                "stated": claim.stated_value,
                "measured": self.measured,
                "unit": claim.unit,
                "as_of": str(claim.as_of.date()),
                "tolerance": claim.tolerance,
                "rule": claim.rule,
                "bound": claim.bound,
                "reading": claim.reading,
                "interval": headline,
                "intervals": by_name,
                "n": self.n,
                "fidelity": self.fidelity,
                "outcome": self.grade.outcome,
                "reason": self.grade.reason,
                "robustness": self.robustness,
                "specifications": self.specifications,
                "p": self.p,
                "measure": claim.measure,
                "basis": claim.basis,
                "needs": claim.needs,
                "beside": self.beside,
                "others": list(self.others),
                "chance": claim.chance,
                "forecast": self.forecast,
                "error": [vars(one) for one in self.margins],
                "decidability": _fields(self.decidability),
                "evidence": _fields(self.evidence),
                "rests_on": claim.rests_on,
                "changes": claim.changes,
                "story": claim.story,
                "note": self.note,
            }
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return bundle([self.payload()])


@dataclass(frozen=True)
class Checks:
    """Several checks shown as one table and carried by one output.

    Not a list: the notebook would show that as text instead of asking for the bundle.
    """

    checks: tuple[Check, ...]

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __len__(self) -> int:
        return len(self.checks)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return bundle([check.payload() for check in self])


def _fields(one: Any) -> dict[str, Any] | None:
    """Return a value object as a dict, those inside it too."""
    if one is None:
        return None
    return {name: vars(v) if hasattr(v, "__dict__") else v for name, v in vars(one).items()}


def _intervals(
    interval: Interval | Mapping[str, Interval | None] | None,
) -> tuple[Interval | None, dict[str, Interval | None] | None]:
    """Return the headline interval (the first named one) and all of them by name."""
    if not isinstance(interval, Mapping):
        return interval, None
    return next((one for one in interval.values() if one), None), dict(interval)
