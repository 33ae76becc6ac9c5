"""What holds today: conditions of claims that are met now, and what followed the earlier cases.

Worked out once a vintage and kept, so that asking again costs nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers import vintages

if TYPE_CHECKING:
    import pandas as pd

    from helpers.market import Market

# A streak is told of from so many sessions on, an easing cycle for so many months after its first
# cut, a multiple where so few percent of earlier Junes were beyond it.
STREAK, EASING, EXTREME = 3, 24, 10.0
# Windows after events, sessions; forecasts that fall due within so many days.
WINDOWS, SOON = (21, 63, 252), 30
# Earlier cases below which no interval is given.
_FEWEST = 3

# Measures of the claims that rest on each condition.
_MEASURES = {
    "streak": ("after_streaks", "streak"),
    "easing": ("after_rate_moves", "easing_so_far", "moves_announced"),
    "cheapness": ("relative_multiple_standing", "relative_multiple_score"),
}


def gather(now: date, vintage: str = vintages.LATEST) -> dict[str, Any]:
    """Return what holds today, as plain JSON types.

    Parameters
    ----------
    now : date
    vintage : str

    Returns
    -------
    dict with ``vintage``, ``last_close``, ``conditions`` (each with ``name``, ``holds``, ``says``,
    ``claims`` and ``after``: rows of ``window``, ``n``, ``mean``, ``low``, ``high``, ``base``, in
    percentage points) and ``due`` (forecasts that fall due within 30 days).
    """
    name = vintages.resolve(vintage)
    file = _kept(name)
    found: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(file.read_text(encoding="utf-8"))
    if not found:
        found = _worked_out(name)
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(found), encoding="utf-8")
    first, last = str(now), str(now + timedelta(days=SOON))
    due = [one for one in found.pop("forecasts") if first <= one["due"] <= last]
    return found | {"due": due}


def _kept(name: str) -> Path:
    """Return the file of a vintage's answer; other data, articles or code have another."""
    here = Path(__file__)
    files = [vintages.path(name) / vintages.DESCRIPTOR, here]
    files += sorted((vintages.frozen() / "articles").glob("*.toml"))
    files += sorted((here.parents[2] / "helpers").rglob("*.py"))
    mark = hashlib.sha256(name.encode())
    for file in files:
        mark.update(hashlib.sha256(file.read_bytes()).digest())
    return vintages.home() / "cache" / f"today-{mark.hexdigest()[:16]}.json"


def _worked_out(name: str) -> dict[str, Any]:
    from helpers import data
    from helpers.claims import registry

    market = data.load(vintage=name)
    catalogue = registry.read(vintages.frozen())
    conditions = [_streak(market), _easing(market), _cheapness(market)]
    for one in conditions:
        one["claims"] = [
            claim.claim_id
            for claim in catalogue.claims.values()
            if (claim.call or {}).get("measure") in _MEASURES[one["name"]]
        ]
    forecasts = [
        {
            "claim_id": claim.claim_id,
            "due": str(claim.as_of.date()),
            "statement": claim.statement,
        }
        for claim in sorted(catalogue.claims.values(), key=lambda claim: claim.as_of)
        if claim.kind == "forecast" and claim.rule != "none"
    ]
    return {
        "vintage": market.vintage,
        "last_close": str(market.last.date()),
        "conditions": conditions,
        "forecasts": forecasts,
    }


# Conditions -------------------------------------------------------------------------------------


def _streak(market: Market) -> dict[str, Any]:
    from helpers import events, returns

    leads = returns.lead(returns.simple_returns(market.closes))
    length = int(events.running_streak(leads)["length"])
    if length < STREAK:
        return _condition("streak", False, f"no streak of {STREAK} or more is running: {length}")
    earlier = events.earlier_streaks(leads, length)
    says = f"small caps have led on {length} sessions in a row; {len(earlier)} earlier streaks"
    return _condition("streak", True, says, _after(market, earlier["reached"]))


def _easing(market: Market) -> dict[str, Any]:
    import pandas as pd

    from helpers import events

    cuts = events.first_cuts(market.target)
    moves = market.target.loc[market.target["change_bp"].abs() >= 25, "change_bp"]
    through = market.target_checked
    if not len(cuts) or moves.iloc[-1] > 0 or cuts[-1] < through - pd.DateOffset(months=EASING):
        last = f"{moves.index[-1].date()}: {moves.iloc[-1]:+.0f} bp" if len(moves) else "none"
        return _condition("easing", False, f"no easing cycle is under way; last move {last}")
    says = (
        f"an easing cycle is under way since {cuts[-1].date()}, {through.date()} known; "
        f"{len(cuts) - 1} earlier first cuts"
    )
    return _condition("easing", True, says, _after(market, pd.Series(cuts[:-1])))


def _cheapness(market: Market) -> dict[str, Any]:
    from helpers import returns, valuation

    ratio = valuation.relative_multiple(market.price_to_book)
    known = valuation.expanding_percentile(ratio, min_periods=20)
    rank = float(known.iloc[-1])
    june = ratio.index[-1]
    says = (
        f"price to book of small over large caps in {june}: {ratio.iloc[-1]:.2f}, "
        f"percentile {rank:.0f} of the Junes before"
    )
    low = rank <= EXTREME
    if not (low or rank >= 100 - EXTREME):
        return _condition("cheapness", False, says)
    beyond = known <= EXTREME if low else known >= 100 - EXTREME
    months = beyond.index[beyond & (beyond.index < june)]
    every = known.dropna().index
    leads = returns.lead(returns.compounded(market.portfolios, every + 1, 12)).dropna()
    leads.index = leads.index - 1
    after = [_row("12 months", leads[leads.index.isin(months)], leads)]
    return _condition("cheapness", True, says, after)


def _condition(
    name: str, holds: bool, says: str, after: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {"name": name, "holds": holds, "says": says, "after": after or []}


def _after(market: Market, days: pd.Series) -> list[dict[str, Any]]:
    """Return the lead of small caps after events, from the close on or before each."""
    import pandas as pd

    from helpers import events, returns

    sessions = market.closes.index
    dates = pd.DatetimeIndex(days)
    dates = dates[dates >= sessions[0]]
    starts = sessions[sessions.searchsorted(dates, side="right") - 1].unique()
    rows = []
    for window in WINDOWS:
        after = events.forward_leads(market.closes, starts, window)["lead"].dropna()
        base = returns.lead(returns.all_forward_returns(market.closes, window)).dropna()
        rows.append(_row(f"{window} sessions", after, base))
    return rows


def _row(window: str, after: pd.Series, base: pd.Series) -> dict[str, Any]:
    from helpers import inference

    interval = inference.t_interval(after) if len(after) >= _FEWEST else None
    mean = 100 * float(after.mean()) if len(after) else None
    low, high = (100 * interval.low, 100 * interval.high) if interval else (None, None)
    numbers = {"mean": mean, "low": low, "high": high, "base": 100 * float(base.mean())}
    rounded = {k: None if v is None else round(v, 2) for k, v in numbers.items()}
    return {"window": window, "n": len(after), **rounded}


# Text -------------------------------------------------------------------------------------------


def text(found: dict[str, Any]) -> list[str]:
    """Return what :func:`gather` gives as lines of text."""
    lines = [f"vintage {found['vintage']}, closes to {found['last_close']}"]
    for one in sorted(found["conditions"], key=lambda one: not one["holds"]):
        lines += ["", f"{'holds' if one['holds'] else 'does not hold'}: {one['says']}"]
        lines += list(_rows(one["after"]))
        if one["holds"] and one["claims"]:
            lines.append(f"  claims: {', '.join(one['claims'])}")
    lines += ["", f"forecasts due within {SOON} days: {len(found['due']) or 'none'}"]
    lines += [f"  {one['due']}  {one['claim_id']}  {one['statement']}" for one in found["due"]]
    return lines


def _rows(after: list[dict[str, Any]]) -> Iterator[str]:
    for row in after:
        if row["mean"] is None:
            yield f"  next {row['window']:<12} no earlier case"
            continue
        span = "" if row["low"] is None else f" ({row['low']:+.1f} to {row['high']:+.1f})"
        yield (
            f"  next {row['window']:<12} small minus large {row['mean']:+.1f} points{span}, "
            f"n = {row['n']}; at any time {row['base']:+.1f}"
        )
