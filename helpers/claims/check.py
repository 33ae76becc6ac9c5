"""One claim measured and judged: the ``Check`` that carries it from cell to page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import measures, multiverse, returns, robustness, specifications
from helpers.claims import grading, margins, registry
from helpers.claims.files import ClaimError
from helpers.claims.grading import Grade
from helpers.claims.margins import Margin
from helpers.claims.record import Check, Checks
from helpers.claims.registry import Catalogue, Claim, changed
from helpers.claims.settled import lasts
from helpers.claims.show import plain
from helpers.errors import InputError, listing
from helpers.interval import Interval
from helpers.market import Market
from helpers.measures import Measured

# Of the placebo dates behind a tendency's p-value.
PLACEBO_DRAWS, SEED = 10_000, 20260112
# Below this share of agreeing specifications histories are drawn to say what was to be expected.
HALF, HISTORIES = 0.5, 200


@dataclass(frozen=True, repr=False)
class Registry(Catalogue):
    """The claims, the market they are measured on and the day the run may know.

    Attributes
    ----------
    market : Market
        Already cut at the run's as-of date.
    checked : set of str
        Ids of the claims that were checked.
    """

    market: Market = field(kw_only=True)
    checked: set[str] = field(default_factory=set)

    def on(self, market: Market) -> Registry:
        """Return the same claims, to be measured on a market; none of them is checked yet."""
        return Registry(**{**vars(self), "market": market, "checked": set()})

    def publications(self) -> pd.Series:
        """Return for each article that had appeared the last session by its publication.

        Returns
        -------
        Series of sessions indexed by article, in order of time; the rows that compare articles
        are left out. Empty if none had appeared by the run's as-of date.
        """
        dates = self.articles["published"][~self.articles["across"]]
        known = dates[dates <= self.market.day]
        return known.map(lambda date: returns.resolve(self.market.sessions.to_frame(), date))

    def measure(self, claim_id: str) -> Measured:
        """Measure a claim by the call in its row, on what was known on its as-of date.

        Raises
        ------
        ClaimError
            If the row has no call, or it does not fit the table of measurements.
        """
        claim = self.get(claim_id)
        if claim.call is None:
            raise ClaimError(
                f"claim {claim_id}: its row has no call; expected a value measured by hand"
            )
        try:
            return measures.measure(self.market, min(claim.as_of, self.market.day), claim.call)
        except InputError as error:
            raise ClaimError(f"claim {claim_id}: {error}") from None

    def check(
        self,
        claim_id: str,
        measured: Any = None,
        *,
        interval: Interval | Mapping[str, Interval | None] | None = None,
        n: int | None = None,
        beside: str = "",
        base: Mapping[str, float] | None = None,
    ) -> Check:
        """Measure a claim, or take a value measured by hand, and judge it by its row.

        Where specifications are declared for the claim, the share of them that agree with it is
        its robustness, and one that most of them reverse is not supported.

        Where the user's own tables decide the claim they do; what the open data say is then
        another reading of it.

        Parameters
        ----------
        claim_id : str
        measured : number, str, list, dict or Measured, optional
            By default the row's own call is carried out. A claim that is not due is measured so
            far if it is a forecast, and not at all otherwise.
        interval, n, beside : optional
            What belongs to a value measured by hand.
        base : dict, optional
            Of a forecast: how often the same comes true from any day, to be recorded beside it.

        Returns
        -------
        Check

        Raises
        ------
        ClaimError
            If the id is unknown or the row cannot be measured or judged.
        """
        claim = self.get(claim_id)
        due = claim.as_of <= self.market.day
        others = self.others(claim_id) if due and measured is None else ()
        if measured is None:
            measured = self._own_measure(claim, due)
        found = (
            measured
            if isinstance(measured, Measured)
            else Measured(measured, interval=interval, n=n, beside=beside)
        )
        settled = due or claim.rule == "none" or lasts(claim, found)
        verdict = _judge(claim, found) if settled else _NOT_DUE
        agree = self._specifications(claim) if due else None
        share = float(agree.mean()) if agree is not None else None
        errors: tuple[Margin, ...] = ()
        decidability, evidence = None, None
        if due and claim.rule != "none":
            errors = margins.margins(claim, found, verdict, self.market, _judge)
            decidability, evidence = margins.decided(claim, found, self.market.until(claim.as_of))
        self.checked.add(claim_id)
        check = Check(
            claim=claim,
            measured=found.value if due or claim.kind == "forecast" else None,
            interval=found.interval,
            n=found.n,
            fidelity=self._fidelity(claim),
            grade=grading.tempered(
                verdict,
                open_ended=any(one.decides for one in errors),
                asserted=claim.chance == 1,
                decidable=decidability is None or decidability.decidable,
                reversed_=self._reversed(claim, verdict, share),
            ),
            beside="; ".join(filter(None, (found.beside, self._lacking(claim, found)))),
            robustness=share,
            specifications=len(agree) if agree is not None else None,
            p=self._p(claim) if due and claim.reading == "tendency" else None,
            others=others,
            move=found.move,
            margins=errors,
            decidability=decidability,
            evidence=evidence,
            forecast=base
            and {**base, "came_true": verdict.outcome == grading.SUPPORTED if settled else None},
        )
        return self._with_own_tables(check) if due and self.market.own else check

    def agreement(self, claim_id: str, estimates: Iterable[float]) -> pd.Series:
        """Tell which estimates of a claim's specifications pass its rule.

        Parameters
        ----------
        claim_id : str
        estimates : iterable of float
            NaN, which stands for nothing to look at, is left out.

        Returns
        -------
        Series of bool, in their order.

        Raises
        ------
        ClaimError
            If the row's bound has no rule for the estimate.
        """
        claim, key = self.get(claim_id), specifications.BY_CLAIM[claim_id].key
        rule, bound = claim.rule, claim.bound
        if key and (rule != "all of" or key not in bound):
            raise ClaimError(
                f"claim {claim_id}: bound: expected all of, with a rule for {key!r}, by which its "
                "specifications are judged"
            )
        if key:
            [(rule, bound)] = bound[key].items()
        known = [float(one) for one in estimates if not math.isnan(one)]
        stated = claim.stated_number
        passed = [grading.passes(rule, bound, one, stated) for one in known]
        return pd.Series(passed, dtype=bool)

    def as_judged(self, claim: Claim) -> Claim:
        """Return a claim with the rule it is judged by: that of the user's table if it decides."""
        if not self._asks_own_table(claim) or claim.as_of > self.market.day:
            return claim
        try:
            self._measured_on_own_table(claim)
        except InputError:
            return claim
        return claim.on_own_table()

    def _asks_own_table(self, claim: Claim) -> bool:
        return claim.own is not None and claim.own["table"] in self.market.own

    def _measured_on_own_table(self, claim: Claim) -> Measured:
        return measures.measure(self.market, claim.as_of, claim.on_own_table().call or {})

    def _with_own_tables(self, check: Check) -> Check:
        """Return a check as the user's tables decide it, or with what they say beside it."""
        claim, beside = check.claim, ""
        if self._asks_own_table(claim):
            try:
                found = self._measured_on_own_table(claim)
            except InputError as error:
                beside = f"the user's tables do not decide it: {error}"
            else:
                return _on_own_table(check, found)
        elif claim.call is not None:
            beside = measures.on_total_returns(self.market, claim.as_of, claim.call)
        return replace(check, beside="; ".join(part for part in (check.beside, beside) if part))

    def reading(
        self,
        claim_id: str,
        measured: Any = None,
        *,
        as_of: str | None = None,
        reading: str | None = None,
        rule: str | None = None,
        bound: Any = None,
        **changes: Any,
    ) -> tuple[Any, str]:
        """Judge another reading of a claim, by its own rule or another; this is no check of it.

        Parameters
        ----------
        claim_id : str
        measured : number, str, list or dict, optional
            By default the row's call is carried out with the changes.
        as_of : str, optional
            Day whose data the reading may use; by default the claim's own.
        reading, rule, bound : optional
            How it is judged; by default as the claim is.
        **changes
            Arguments of the claim's measure to replace, or another measure whole.

        Returns
        -------
        What was measured and the outcome; None and ``pending`` if the day is later than the run's
        as-of date, or what it needs was not published by then.

        Raises
        ------
        ClaimError
            If the id is unknown or the reading cannot be measured or judged.
        """
        claim = self.get(claim_id)
        claim = replace(
            claim,
            as_of=pd.Timestamp(as_of) if as_of else claim.as_of,
            reading=reading or claim.reading,
            rule=rule or claim.rule,
            bound=claim.bound if rule is None else bound,
        )
        if claim.as_of > self.market.day:
            return None, grading.PENDING
        if measured is None:
            call = changed(claim.call, changes)
            try:
                found = measures.measure(self.market, claim.as_of, call)
            except InputError as error:
                if self.market.hidden:
                    return None, grading.PENDING
                raise ClaimError(f"claim {claim_id}: {error}") from None
        else:
            found = Measured(measured)
        return plain(found.value), _judge(claim, found).outcome

    def checks(
        self, *claim_ids: str, base: Mapping[str, Mapping[str, float]] | None = None
    ) -> Checks:
        """Measure and judge several claims by their rows; ``base`` as in :meth:`check`, by id."""
        known = base or {}
        return Checks(tuple(self.check(one, base=known.get(one)) for one in claim_ids))

    def rest(self, family: str) -> Checks:
        """Measure and judge every claim of a family that was not checked yet."""
        return self.checks(
            *(c.claim_id for c in self.family(family) if c.claim_id not in self.checked)
        )

    def others(self, claim_id: str) -> tuple[Mapping[str, Any], ...]:
        """Measure and judge the other readings that a row names.

        Returns
        -------
        tuple of dict with ``reading``, ``measured`` and ``outcome``.
        """
        found = []
        for label, changes in self.get(claim_id).others.items():
            value, outcome = self.reading(claim_id, **changes)
            found.append({"reading": label, "measured": value, "outcome": outcome})
        return tuple(found + self._as_known_then(self.get(claim_id)))

    def _as_known_then(self, claim: Claim) -> list[dict[str, Any]]:
        """Judge a claim by what had been published on its day, if that gives another outcome."""
        if claim.call is None or set(claim.needs.split(";")) <= {"", "index_closes"}:
            return []
        day = f"as known on {claim.as_of.date()}"
        try:
            market = self.market.until(claim.as_of, known=True)
            then = measures.measure(market, claim.as_of, claim.call)
            outcome = _judge(claim, then).outcome
        except (InputError, ClaimError):
            return [{"reading": day, "measured": "not yet known", "outcome": grading.INCONCLUSIVE}]
        if outcome == _judge(claim, self.measure(claim.claim_id)).outcome:
            return []
        return [{"reading": day, "measured": plain(then.value), "outcome": outcome}]

    def _specifications(self, claim: Claim) -> pd.Series | None:
        """Tell which of a claim's declared specifications pass its rule, if there are any.

        Each is judged by its estimate alone, on what was known on the claim's as-of date.
        """
        family = specifications.BY_CLAIM.get(claim.claim_id)
        if family is None or claim.rule == "none":
            return None
        history = multiverse.History(self.market.until(claim.as_of))
        agree = self.agreement(claim.claim_id, multiverse.estimates(family, history))
        return agree if len(agree) else None

    def _reversed(self, claim: Claim, verdict: Grade, share: float | None) -> bool:
        """Tell whether so few specifications agree as would be improbable if the claim held."""
        family = specifications.BY_CLAIM.get(claim.claim_id)
        held = verdict.outcome in (grading.SUPPORTED, grading.PARTLY)
        if not held or share is None or share >= HALF or family is None or not family.resampled:
            return False
        market = self.market.until(claim.as_of)
        curve = multiverse.curve(family, market, histories=HISTORIES, seed=SEED)
        found = robustness.robustness(
            curve,
            lambda estimates: self.agreement(claim.claim_id, estimates).to_numpy(float),
            margins.effect(claim),
        )
        return found.speaks_against

    def _p(self, claim: Claim) -> float | None:
        """Return how often chance gives as much as a tendency's own reading, if that is known."""
        family = specifications.BY_CLAIM.get(claim.claim_id)
        if family is None or (isinstance(claim.bound, int | float) and claim.bound == 0.5):
            return None  # a share of windows that overlap: fewer are independent than it counts
        return multiverse.own_p(family, self.market.until(claim.as_of), PLACEBO_DRAWS, SEED)

    def _own_measure(self, claim: Claim, due: bool) -> Measured:
        if claim.rule == "none":
            return Measured(None)
        if due:
            return self._measured_if_known(claim)
        if claim.kind != "forecast":
            return Measured(None, beside="later than the run's as-of date")
        covered = (self.market.coverage.get(name) for name in claim.needs.split(";"))
        day = min([self.market.last, *(one.complete_through for one in covered if one)])
        try:
            so_far = measures.measure(self.market, day, claim.call or {})
        except InputError:
            return Measured(None, beside="nothing to measure yet")
        return replace(so_far, beside=f"so far, by {day.date()}: {so_far.beside}".rstrip(": "))

    def _measured_if_known(self, claim: Claim) -> Measured:
        try:
            return self.measure(claim.claim_id)
        except ClaimError:
            if not self.market.hidden:
                raise
            day = self.market.last.date()
            return Measured(None, beside=f"what decides it was not published by {day}")

    def _lacking(self, claim: Claim, found: Measured) -> str:
        """Name the sessions within what was measured whose closes the source lacked."""
        first, last = found.move or ("", str(claim.as_of.date()))
        days = [day for day in map(str, self.market.missing.date) if first < day <= last]
        if not days or "index_closes" not in claim.needs.split(";"):
            return ""
        return f"the source lacked the closes of {listing(days)}, which are within this"

    def _fidelity(self, claim: Claim) -> str:
        if claim.basis != "open":
            return {"proxy": "proxy", "readings": "dated readings", "arithmetic": "arithmetic"}.get(
                claim.basis, "none"
            )
        return "revised data" if self.revised & set(claim.needs.split(";")) else "same data"


_NOT_DUE = Grade(grading.PENDING, "not due")


def _on_own_table(check: Check, found: Measured) -> Check:
    """Judge what a user's own table gave; the open data's answer becomes another reading."""
    claim = check.claim.on_own_table()
    open_data = {
        "reading": f"on open data ({check.fidelity})",
        "measured": check.measured,
        "outcome": check.grade.outcome,
    }
    return Check(
        claim=claim,
        measured=found.value,
        interval=found.interval,
        n=found.n,
        fidelity="same data",
        grade=_judge(claim, found),
        beside=found.beside,
        others=() if check.claim.rule == "none" else (open_data,),
    )


def load(
    market: Market, path: str | Path | None = None, file: str | Path | None = None
) -> Registry:
    """Read the registry and bring it together with a market.

    Parameters
    ----------
    market : Market
        What the claims are measured on, cut at the run's as-of date.
    path : str or Path, optional
        Folder of the data package; by default that of :func:`helpers.data.folder`.
    file : str or Path, optional
        Another article's file to read along.

    Raises
    ------
    DataError, ClaimError
        As :func:`helpers.claims.registry.read` says.
    """
    return Registry(**vars(registry.read(path, file)), market=market)


def _judge(claim: Claim, found: Measured) -> Grade:
    conflict = ""
    if claim.kind == "arithmetic":
        conflict = "articles disagree" if claim.across else "contradicts itself"
    try:
        verdict = grading.grade(
            claim.rule,
            claim.bound,
            plain(found.value),
            stated=claim.stated_number,
            reading=claim.reading,
            interval=found.interval,
            conflict=conflict,
            error=plain(found.error),
        )
    except grading.GradingError as error:
        raise ClaimError(f"claim {claim.claim_id}: {error}") from None
    if found.objection and verdict.outcome == grading.CONTRADICTED:
        return Grade(verdict.outcome, found.objection)
    return verdict
