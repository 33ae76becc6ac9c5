"""The registry of claims, and the ``Check`` that carries one claim from cell to page."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from helpers import data, grading, measures, multiverse, returns, specifications
from helpers.data import Market
from helpers.errors import InputError, excerpt, listing
from helpers.grading import Grade
from helpers.interval import Interval
from helpers.measures import Measured

MIMETYPE = "application/vnd.rotation.check+json"
DIGITS = 10
# Of the placebo dates behind a tendency's p-value.
PLACEBO_DRAWS, SEED = 10_000, 20260112
# What the registry takes for a number; Python itself also reads 1_000, nan and other digits.
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")
TESTS = tuple(rule for rule in grading.RULES if rule != "none")

MARKS = {
    grading.SUPPORTED: "✓",
    grading.PARTLY: "◐",
    grading.CONTRADICTED: "✗",
    grading.INCONCLUSIVE: "≈",
    grading.NOT_TESTABLE: "–",
    grading.PENDING: "…",
}


class ClaimError(InputError):
    """A claim that is not in the registry, or a row of it that cannot be used."""


@dataclass(frozen=True)
class Claim:
    """One row of ``claims.csv``; the meaning of each field stands in ``datapackage.json``."""

    claim_id: str
    article: str
    family: str
    statement: str
    kind: str
    stated: str
    unit: str
    as_of: pd.Timestamp
    measure: str
    tolerance: str
    basis: str
    needs: str
    note: str
    call: Mapping[str, Any] | None
    rule: str
    bound: Any
    reading: str
    others: Mapping[str, Mapping[str, Any]]
    own: Mapping[str, Any] | None = None

    @property
    def stated_value(self) -> Any:
        """What is stated: a number, a list where ``;`` separates members, else the text."""
        if ";" in self.stated:
            return [_number_or_text(part) for part in self.stated.split(";")]
        return _number_or_text(self.stated)

    @property
    def stated_number(self) -> float | None:
        """The one number stated, or None."""
        value = self.stated_value
        return float(value) if isinstance(value, int | float) else None

    def on_own_table(self) -> Claim:
        """Return the claim as the user's own table decides it: call, rule, bound and wording."""
        terms = {name: term for name, term in (self.own or {}).items() if name != "table"}
        return replace(self, others={}, own=None, **terms)


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

    @property
    def note(self) -> str:
        """The row's note, and which other readings would change the outcome."""
        turns = [
            f"{one['reading']}: {show(one['measured'])}, {one['outcome']}"
            for one in self.others
            if one["outcome"] not in (self.grade.outcome, grading.PENDING)
        ]
        other = "read otherwise the outcome changes: " + " | ".join(turns) if turns else ""
        return "; ".join(part for part in (self.claim.note, other) if part)

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
                "note": self.note,
            }
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return bundle([self])


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
        return bundle(self)


@dataclass
class Registry:
    """The claims, the market they are measured on and the day the run may know.

    Attributes
    ----------
    claims : dict
        Claim by its id, in the order of the table.
    articles : DataFrame indexed by article
    market : Market
        Already cut at the run's as-of date.
    revised : frozenset of str
        Tables whose history the provider revises.
    """

    claims: dict[str, Claim]
    articles: pd.DataFrame
    market: Market
    revised: frozenset[str] = frozenset()
    checked: set[str] = field(default_factory=set)

    def get(self, claim_id: str) -> Claim:
        """Return one claim.

        Raises
        ------
        ClaimError
            If there is no such id; the message names near ones.
        """
        if claim_id not in self.claims:
            same = [known for known in self.claims if known[:2] == str(claim_id)[:2].upper()]
            known = (
                f"{same[0]} to {same[-1]}"
                if same
                else listing(sorted({known[:2] + "-…" for known in self.claims}))
            )
            raise ClaimError(f"claim {claim_id!r} is not in claims.csv; expected one of {known}")
        return self.claims[claim_id]

    def family(self, name: str) -> list[Claim]:
        """Return the claims of a family, in the order of the table.

        Raises
        ------
        ClaimError
            If there are none.
        """
        found = [claim for claim in self.claims.values() if claim.family == name]
        if not found:
            families = listing(sorted({claim.family for claim in self.claims.values()}))
            raise ClaimError(f"family {name!r}: expected one of {families}")
        return found

    def publications(self) -> pd.Series:
        """Return for each article that had appeared the last session by its publication.

        Returns
        -------
        Series of sessions indexed by article, in order of time; the rows that compare articles
        are left out.

        Raises
        ------
        ClaimError
            If no article had appeared by the run's as-of date.
        """
        dates = self.articles["published"].drop("all", errors="ignore").sort_values(kind="stable")
        known = dates[dates <= self.market.last]
        if known.empty:
            raise ClaimError(
                f"as of {self.market.last.date()} no article had appeared: expected a date from "
                f"{dates.iloc[0].date()} on"
            )
        return known.map(lambda date: returns.resolve(self.market.closes, date))

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
            return measures.measure(self.market, min(claim.as_of, self.market.last), claim.call)
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

        Returns
        -------
        Check

        Raises
        ------
        ClaimError
            If the id is unknown or the row cannot be measured or judged.
        """
        claim = self.get(claim_id)
        due = claim.as_of <= self.market.last
        others = self.others(claim_id) if due and measured is None else ()
        if measured is None:
            measured = self._own_measure(claim, due)
        found = (
            measured
            if isinstance(measured, Measured)
            else Measured(measured, interval=interval, n=n, beside=beside)
        )
        verdict = _judge(claim, found) if due or claim.rule == "none" else _NOT_DUE
        agree = self._specifications(claim) if due else None
        share = float(agree.mean()) if agree is not None else None
        self.checked.add(claim_id)
        check = Check(
            claim=claim,
            measured=found.value if due or claim.kind == "forecast" else None,
            interval=found.interval,
            n=found.n,
            fidelity=self._fidelity(claim),
            grade=grading.tempered(verdict, share),
            beside=found.beside,
            robustness=share,
            specifications=len(agree) if agree is not None else None,
            p=self._p(claim) if due and claim.reading == "tendency" else None,
            others=others,
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
        passed = [grading.passes(rule, bound, one, claim.stated_number) for one in known]
        return pd.Series(passed, dtype=bool)

    def as_judged(self, claim: Claim) -> Claim:
        """Return a claim with the rule it is judged by: that of the user's table if it decides."""
        if not self._asks_own_table(claim) or claim.as_of > self.market.last:
            return claim
        try:
            self._measured_on_own_table(claim)
        except InputError:
            return claim
        return claim.on_own_table()

    def _asks_own_table(self, claim: Claim) -> bool:
        return claim.own is not None and claim.own["table"] in self.market.own

    def _measured_on_own_table(self, claim: Claim) -> Measured:
        return measures.measure(self.market, claim.as_of, claim.own["call"])

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
        **changes: Any,
    ) -> tuple[Any, str]:
        """Judge another reading of a claim by the claim's own rule; this is no check of it.

        Parameters
        ----------
        claim_id : str
        measured : number, str, list or dict, optional
            By default the row's call is carried out with the changes.
        as_of : str, optional
            Day whose data the reading may use; by default the claim's own.
        **changes
            Arguments of the row's call to replace; None takes one away.

        Returns
        -------
        What was measured and the outcome; None and ``pending`` if the day is later than the run's
        as-of date.

        Raises
        ------
        ClaimError
            If the id is unknown or the reading cannot be measured or judged.
        """
        claim = self.get(claim_id)
        claim = replace(claim, as_of=pd.Timestamp(as_of) if as_of else claim.as_of)
        if claim.as_of > self.market.last:
            return None, grading.PENDING
        if measured is None:
            call = _changed(claim.call, changes)
            try:
                found = measures.measure(self.market, claim.as_of, call)
            except InputError as error:
                raise ClaimError(f"claim {claim_id}: {error}") from None
        else:
            found = Measured(measured)
        return plain(found.value), _judge(claim, found).outcome

    def checks(self, *claim_ids: str) -> Checks:
        """Measure and judge several claims by their rows."""
        return Checks(tuple(self.check(claim_id) for claim_id in claim_ids))

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
        return tuple(found)

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

    def _p(self, claim: Claim) -> float | None:
        """Return how often chance gives as much as a tendency's own reading, if that is known."""
        family = specifications.BY_CLAIM.get(claim.claim_id)
        if family is None:
            return None
        return multiverse.own_p(family, self.market.until(claim.as_of), PLACEBO_DRAWS, SEED)

    def _own_measure(self, claim: Claim, due: bool) -> Measured:
        if claim.rule == "none":
            return Measured(None)
        if due:
            return self.measure(claim.claim_id)
        if claim.kind != "forecast":
            return Measured(None, beside="later than the run's as-of date")
        try:
            so_far = self.measure(claim.claim_id)
        except ClaimError:
            return Measured(None, beside="nothing to measure yet")
        return replace(
            so_far, beside=f"so far, by {self.market.last.date()}: {so_far.beside}".rstrip(": ")
        )

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


def load(market: Market, path: str | None = None) -> Registry:
    """Load ``claims.csv`` and ``articles.csv`` and check them like any other table.

    Parameters
    ----------
    market : Market
        What the claims will be measured on, cut at the run's as-of date.
    path : str, optional
        Folder of the data package; by default that of :func:`helpers.data.folder`.

    Raises
    ------
    DataError
        If a table breaks its schema.
    ClaimError
        If a row names an article that is not listed, or a call or bound that is not JSON or
        does not fit.
    """
    package = data.descriptor(path)
    articles = data.table(package, "articles").set_index("article")
    rows = data.table(package, "claims")
    return Registry(
        claims={row["claim_id"]: _claim(row, articles) for row in rows.to_dict("records")},
        articles=articles,
        market=market,
        revised=frozenset(
            r["path"].removesuffix(".csv") for r in package["resources"] if r.get("revised")
        ),
    )


def bundle(checks: Iterable[Check]) -> dict[str, Any]:
    """Return what a notebook shows and carries for checks: the one place that makes it."""
    payloads = [check.payload() for check in checks]
    return {
        MIMETYPE: payloads,
        "text/html": html_table(payloads),
        "text/plain": "\n".join(line(payload) for payload in payloads) or "no claims",
    }


def line(payload: Mapping[str, Any]) -> str:
    """Return a check as one line of text."""
    return (
        f"{payload['claim_id']}  {payload['outcome']} ({payload['reason']})  "
        f"stated {show(payload['stated'])}; measured {show(payload['measured'])} "
        f"{payload['unit']}".rstrip()
    )


def html_table(payloads: list[Mapping[str, Any]]) -> str:
    """Return checks as an HTML table with inline styles, texts escaped."""
    head = ("claim", "stated", "measured", "interval, n", "as of", "verdict")
    cell = "padding:4px 8px;text-align:left;vertical-align:top;border-bottom:1px solid #bbb"
    rows = [
        "<tr>" + "".join(f'<th scope="col" style="{cell}">{name}</th>' for name in head) + "</tr>"
    ]
    for p in payloads:
        unit = f" {p['unit']}" if p["unit"] and p["measured"] is not None else ""
        columns = (
            f"<b>{html.escape(p['claim_id'])}</b> {html.escape(p['statement'])}",
            html.escape(show(p["stated"])),
            html.escape(show(p["measured"]) + unit)
            + (f"<br><small>{html.escape(p['beside'])}</small>" if p["beside"] else ""),
            html.escape(_certainty(p)),
            html.escape(p["as_of"]),
            f"<b>{MARKS[p['outcome']]} {p['outcome']}</b><br>{html.escape(p['reason'])}"
            f"<br><small>{html.escape(p['fidelity'])}; rule: {html.escape(rule_text(p))}</small>"
            + (f"<br><small>{html.escape(p['note'])}</small>" if p["note"] else ""),
        )
        rows.append("<tr>" + "".join(f'<td style="{cell}">{c}</td>' for c in columns) + "</tr>")
    return f'<table style="border-collapse:collapse">{"".join(rows)}</table>'


def show(value: Any) -> str:
    """Return a stated or measured value as people write it: at most four significant digits."""
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {show(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(show(part) for part in value) or "none"
    if isinstance(value, int | float):
        digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
        text = f"{value:.{min(digits, 4)}f}" if abs(value) < 1000 else f"{value:.2f}"
        text = text if float(text) else text.lstrip("-")
        return (
            text.rstrip("0").rstrip(".").replace("-", "−")
            if "." in text
            else text.replace("-", "−")
        )
    return str(value)


def show_interval(payload: Mapping[str, Any]) -> str:
    """Return a check's intervals, number of events and p-value as text."""
    intervals = payload["intervals"] or {"": payload["interval"]}
    parts = [
        f"{name} {show(i['low'])} to {show(i['high'])} ({i['level']:.0%}, {i['method']})".strip()
        for name, i in intervals.items()
        if i
    ]
    if payload["n"] is not None:
        parts.append(f"n = {payload['n']}")
    if payload.get("p") is not None:
        parts.append(f"p = {show(payload['p'])} by chance")
    return "; ".join(parts) or "–"


def show_robustness(payload: Mapping[str, Any]) -> str:
    """Return how many of a check's specifications agree, as text; ``""`` where there are none."""
    if payload.get("robustness") is None:
        return ""
    return f"{payload['robustness']:.0%} of {payload['specifications']} specifications agree"


def _certainty(payload: Mapping[str, Any]) -> str:
    parts = [show_interval(payload), show_robustness(payload)]
    return "; ".join(part for part in parts if part not in ("", "–")) or "–"


def rule_text(payload: Mapping[str, Any]) -> str:
    """Return rule and bound as text: ``within 0.15``, ``all of: mean above 0``."""
    rule, bound = payload["rule"], payload["bound"]
    if rule == "none":
        return "none"
    if rule == "all of":
        parts = [f"{name} {r} {show(b)}" for name, one in bound.items() for r, b in one.items()]
        return "all of: " + "; ".join(parts)
    return f"{rule} {show(bound)}"


def plain(value: Any) -> Any:
    """Return a value as plain JSON types.

    Floats are rounded to ten significant digits, whole floats become integers, NaN becomes
    None, dates become ISO text.
    """
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Interval):
        return {name: plain(part) for name, part in vars(value).items()}
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        rounded = float(f"{value:.{DIGITS}g}")
        return int(rounded) if rounded.is_integer() else rounded
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    raise TypeError(f"{type(value).__name__}: expected a number, text, list, dict or Interval")


def _claim(row: dict[str, Any], articles: pd.DataFrame) -> Claim:
    """Turn one row of the table into a claim; what its schema cannot say is checked here."""
    name = row["claim_id"]
    if row["article"] not in articles.index:
        raise ClaimError(
            f"claims.csv: {name}: article {excerpt(row['article'])}: expected one of "
            f"{listing(articles.index)[:300]}"
        )
    call = _json(name, "call", row["call"]) if row["call"] else None
    bound = _json(name, "bound", row["bound"])
    if call is not None and (
        not isinstance(call, dict) or call.get("measure") not in measures.MEASURES
    ):
        raise ClaimError(
            f"claims.csv: {name}: call {excerpt(row['call'])}: expected a known measure"
        )
    if row["rule"] == "none" and bound not in grading.REASONS:
        raise ClaimError(
            f"claims.csv: {name}: bound {excerpt(bound)}: expected a reason of helpers.grading"
        )
    _check_terms(name, row["rule"], bound, call)
    others = _json(name, "others", row["others"]) if row["others"] else {}
    if not isinstance(others, dict) or not all(isinstance(one, dict) for one in others.values()):
        found = excerpt(row["others"])
        raise ClaimError(f"claims.csv: {name}: others {found}: expected label → arguments")
    for changes in others.values():
        _check_terms(name, row["rule"], bound, _changed(call, changes))
    own = _json(name, "own", row["own"]) if row["own"] else None
    if own is not None:
        _check_own(name, row["rule"], own)
    return Claim(**(row | {"call": call, "bound": bound, "others": others, "own": own}))


def _changed(call: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call with some arguments replaced; None takes one away, ``as_of`` is none."""
    merged = {**(call or {}), **changes}
    return {k: v for k, v in merged.items() if v is not None and k != "as_of"}


def _check_terms(name: str, rule: str, bound: Any, call: Mapping[str, Any] | None) -> None:
    """Refuse a bound that does not fit its rule, or arguments that do not fit their measure."""
    try:
        grading.require_bound(rule, bound)
        if call is not None:
            measures.require(call)
    except (grading.GradingError, InputError) as error:
        raise ClaimError(f"claims.csv: {name}: {str(error)[:300]}") from None


def _check_own(name: str, rule: str, own: Any) -> None:
    """Refuse what does not say how a user's own table decides a claim."""
    terms = ("table", "call", "measure", "tolerance", "rule", "bound")

    def refuse(what: str) -> None:
        raise ClaimError(f"claims.csv: {name}: own: expected {what}")

    if not isinstance(own, dict) or set(own) - set(terms):
        refuse(f"an object of {listing(terms)}")
    if own.get("table") not in data.OWN_TABLES:
        refuse(f"table as one of {listing(data.OWN_TABLES)}")
    call = own.get("call")
    if not isinstance(call, dict) or call.get("measure") not in measures.MEASURES:
        refuse("call with a known measure")
    if ("rule" in own) != ("bound" in own) or own.get("rule", rule) not in TESTS:
        refuse(f"rule and bound, the rule one of {listing(TESTS)}")


def _json(claim_id: str, column: str, text: str) -> Any:
    """Read JSON that has one meaning: no name twice in an object, no number without an end."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError
        return dict(pairs)

    def finite(number: str) -> float:
        if not math.isfinite(float(number)):
            raise ValueError
        return float(number)

    try:
        return json.loads(text, object_pairs_hook=once, parse_float=finite, parse_constant=finite)
    except (ValueError, RecursionError):
        raise ClaimError(
            f"claims.csv: {claim_id}: {column} {excerpt(text)}: expected JSON"
        ) from None


def _judge(claim: Claim, found: Measured) -> Grade:
    conflict = ""
    if claim.kind == "arithmetic":
        conflict = "articles disagree" if claim.article == "all" else "contradicts itself"
    try:
        verdict = grading.grade(
            claim.rule,
            claim.bound,
            plain(found.value),
            stated=claim.stated_number,
            reading=claim.reading,
            interval=found.interval,
            conflict=conflict,
        )
    except grading.GradingError as error:
        raise ClaimError(f"claim {claim.claim_id}: {error}") from None
    if found.objection and verdict.outcome == grading.CONTRADICTED:
        return Grade(verdict.outcome, found.objection)
    return verdict


def _intervals(
    interval: Interval | Mapping[str, Interval | None] | None,
) -> tuple[Interval | None, dict[str, Interval | None] | None]:
    """Return the headline interval (the first named one) and all of them by name."""
    if not isinstance(interval, Mapping):
        return interval, None
    return next((one for one in interval.values() if one), None), dict(interval)


def _number_or_text(text: str) -> Any:
    if not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
        return text
    return int(number) if number.is_integer() else number
