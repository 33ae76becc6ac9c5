"""How far dividends, which price indexes leave out, could change verdicts measured on prices.

The tables hold no total-return indexes. So each index is given a constant yield, paid and
reinvested every day, and a claim is measured and judged again by its own row: which yields would
change its verdict, and could they have been paid?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from helpers import measures, returns
from helpers.claims import Claim, Registry, grading
from helpers.errors import InputError
from helpers.market import Market
from helpers.returns import LARGE, SMALL

# Measures whose value moves with the yield smoothly, so that a bound is met at one yield, and
# those whose value moves in steps, or that several numbers or an interval decide.
SMOOTH = measures.moving("smoothly")
STEPPED = measures.moving("in steps")
# Yields looked at, in points a year; no index of US stocks has paid more.
LIMIT = 10.0

COLUMNS = ("measured", "outcome", "years", "break_even", "at_lowest", "at_highest", "could_change")


def with_dividends(closes: pd.DataFrame, small: float, large: float) -> pd.DataFrame:
    """Return closes as if each index had paid, and reinvested, a constant yield.

    Parameters
    ----------
    closes : DataFrame of shape (n_sessions, 2)
    small, large : float
        Yields of Russell 2000 and S&P 500, percent a year of 365.25 days.

    Returns
    -------
    DataFrame of the same shape; the first close of each index is unchanged.
    """
    years = (closes.index - closes.index[0]).days.to_numpy() / 365.25
    paid = {SMALL: (1 + small / 100) ** years, LARGE: (1 + large / 100) ** years}
    return closes * pd.DataFrame(paid, index=closes.index)


def break_even(points: float, years: float, bound: float = 0.0) -> float:
    """Return the yield, in points a year, that would move a price figure onto a bound.

    Parameters
    ----------
    points : float
        A lead (small minus large) or a return measured on prices, percentage points.
    years : float
        Length of its window; more exactly, the points that one point of yield a year adds to it.
    bound : float
        Where the sign or the verdict changes, same unit.

    Returns
    -------
    float
        For a lead, how much more small caps must yield than large caps (negative: less). NaN if
        ``years`` is 0.

    Notes
    -----
    Dividends of a year count once: ``points + years * result == bound``.
    """
    return (bound - points) / years if years else math.nan


def plausible_yields(market: Market) -> pd.DataFrame:
    """Return between which dividend yields each index must have lain, as far as the tables say.

    For the Russell 2000 the published readings, lowest to highest. For the S&P 500 there are none:
    from nothing to what the largest 30% of stocks returned in total beyond the index's price
    return, on average a year over the months that both cover. That holds dividends and some
    difference in membership, and serves as an upper estimate. Without published readings the
    range of the S&P 500 is used for both.

    Returns
    -------
    DataFrame of shape (2, 2), index ``russell_2000``, ``sp_500``, columns ``low``, ``high``,
    percent a year.

    Raises
    ------
    InputError
        If portfolios and closes have no full year in common.
    """
    price = returns.calendar_returns(market.closes, "M")[LARGE]
    both = pd.DataFrame({"total": market.portfolios["large"], "price": price}).dropna()
    if len(both) < 12:
        raise InputError(f"{len(both)} months of total and price returns: expected at least 12")
    yearly = 100 * returns.rolling_annualised(both, len(both)).iloc[-1]
    upper = float(yearly["total"] - yearly["price"])
    rows = market.readings
    own = rows["metric"].eq("dividend yield %") & rows["index"].eq("Russell 2000")
    paid = rows.loc[own, "value"]
    small = (paid.min(), paid.max()) if len(paid) else (0.0, upper)
    table = pd.DataFrame({SMALL: small, LARGE: (0.0, upper)}, index=["low", "high"]).T
    return table.astype(float)


def affected(
    registry: Registry, family: str, named: frozenset[str] = SMOOTH | STEPPED
) -> list[Claim]:
    """Return the claims of a family that are due and whose call is one of the named measures."""
    return [
        claim
        for claim in registry.family(family)
        if claim.call is not None
        and claim.call["measure"] in named
        and claim.as_of <= registry.market.day
    ]


def words(paid: pd.DataFrame, market: Market) -> str:
    """Return what a :func:`table` comes to, as two lines of Markdown."""
    if paid.empty:
        return "- No claim of this family that is due by then is measured on price returns."
    yields = plausible_yields(market)
    small, large = (
        f"{row['low']:.1f} to {row['high']:.1f}" for _, row in yields.loc[[SMALL, LARGE]].iterrows()
    )
    changed = ", ".join(paid.index[paid["could_change"].astype(bool)]) or "none"
    return (
        f"- Yields of {small} percent a year for small caps and {large} for large caps could "
        f"change {paid['could_change'].sum()} of {len(paid)} verdicts: {changed}.\n"
        "- A figure that an article took from a price index stays right or wrong as it is; the "
        "table says what it would be worth to an investor who was also paid dividends."
    )


def table(
    registry: Registry, family: str, named: frozenset[str] = SMOOTH | STEPPED
) -> pd.DataFrame:
    """Return, for each affected claim of a family, which dividends would change its verdict.

    ``named`` narrows it down: each step of a count, a rank or a date is searched for, which
    takes a while for streaks.

    Returns
    -------
    DataFrame of shape (n_claims, 7) indexed by claim

        measured : value on prices, as the row's call gives it
        outcome : str, by the row
        years : float, points that one point of yield a year adds to the value, close to the
            window's length (below zero where the later of two windows is the shorter one); for
            a count, a rank or a date the length of one window; NaN if the claim has none
        break_even : float, points a year nearest to none at which the outcome changes: by how much
            small caps must out-yield large ones for a lead, the index's own yield for one index;
            NaN if there is none up to ``LIMIT``, unless the value is smooth
        at_lowest, at_highest : str, outcome at either end of the plausible yields, ``nothing to
            measure`` where no event is left
        could_change : bool, whether a plausible yield changes the outcome
    """
    found = affected(registry, family, named)
    if not found:
        return pd.DataFrame(columns=[*COLUMNS], index=pd.Index([], name="claim"))
    yields = plausible_yields(registry.market)
    rows = {claim.claim_id: _row(registry, claim, yields) for claim in found}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("claim")[[*COLUMNS]]


def _row(registry: Registry, claim: Claim, yields: pd.DataFrame) -> dict[str, Any]:
    """Return one row of :func:`table`."""
    index = _index(claim)

    def at(small: float, large: float) -> tuple[Any, str]:
        closes = with_dividends(registry.market.closes, small, large)
        paid = registry.on(registry.market.but(closes=closes))
        try:
            return paid.reading(claim.claim_id)
        except InputError:
            return math.nan, "nothing to measure"

    def along(points: float) -> tuple[Any, str]:
        return at(0, points) if index == LARGE else at(points, 0)

    value, outcome = registry.reading(claim.claim_id)
    low, high = _ends(yields, index)
    ends = [at(*pair)[1] for pair in (low, high)]
    if _is_smooth(claim):
        years = along(1)[0] - value
        turns = _smooth_turns(claim, value, years, lambda points: along(points)[0])
    else:
        years = _window(claim)
        turns = _stepped_turns(outcome, lambda points: along(points)[1], both=index is None)
    turns = [x for x in turns if index is None or x > 0]
    inside = _differences(low, high, index)
    return {
        "measured": value,
        "outcome": outcome,
        "years": years,
        "break_even": min(turns, key=abs, default=math.nan),
        "at_lowest": ends[0],
        "at_highest": ends[1],
        "could_change": any(end != outcome for end in ends)
        or any(inside[0] < x < inside[1] for x in turns),
    }


def _ends(yields: pd.DataFrame, index: str | None) -> list[tuple[float, float]]:
    """Return (small, large) where a lead, or one index's return, is lowest and where highest."""
    small, large = (tuple(yields.loc[name]) for name in (SMALL, LARGE))
    if index is None:
        return [(small[0], large[1]), (small[1], large[0])]
    return [(x, 0.0) if index == SMALL else (0.0, x) for x in (small if index == SMALL else large)]


def _differences(
    low: tuple[float, float], high: tuple[float, float], index: str | None
) -> tuple[float, float]:
    """Return the lowest and highest yield, or difference of yields, between two ends."""
    if index is None:
        return low[0] - low[1], high[0] - high[1]
    return sum(low), sum(high)


def _is_smooth(claim: Claim) -> bool:
    call, rules = _call(claim), ("within", "in range", *grading.SIDES)
    smooth = call["measure"] in SMOOTH and call.get("statistic") not in ("hits", "hit rate")
    return smooth and claim.reading == "fact" and claim.rule in rules


def _edges(claim: Claim) -> list[float]:
    """Return the values at which the outcome of a claim about one number changes."""
    if claim.rule == "within":
        return [claim.stated_number - claim.bound, claim.stated_number + claim.bound]
    return list(claim.bound) if claim.rule == "in range" else [claim.bound]


def _smooth_turns(
    claim: Claim, value: float, years: float, at: Callable[[float], float]
) -> list[float]:
    """Return the yields that move a value onto its edges; near ones corrected for compounding."""
    found = []
    for edge in _edges(claim):
        points = break_even(value, years, edge)
        if 0 < abs(points) <= LIMIT:
            points = break_even(value, (at(points) - value) / points, edge)
        found.append(points)
    return [points for points in found if math.isfinite(points)]


def _stepped_turns(outcome: str, at: Callable[[float], str], both: bool) -> list[float]:
    """Return the yields, up to ``LIMIT``, at which an outcome changes, by halving the step.

    It is taken to change once at most on the way there.
    """
    found = []
    for far in (-LIMIT, LIMIT) if both else (LIMIT,):
        if at(far) == outcome:
            continue
        near = 0.0
        while abs(far - near) > 0.01:
            middle = (near + far) / 2
            near, far = (middle, far) if at(middle) == outcome else (near, middle)
        found.append(far)
    return found


def _window(claim: Claim) -> float:
    """Return the length in years of the windows that a stepped measure looks at; NaN if none."""
    call = _call(claim)
    if "sessions" in call:
        return call["sessions"] / returns.SESSIONS_PER_YEAR
    if isinstance(call.get("months"), int):
        return call["months"] / 12
    return measures.MEASURES[call["measure"]].window


def _call(claim: Claim) -> Mapping[str, Any]:
    """Return the call of a claim that :func:`affected` found."""
    return claim.call or {}


def _index(claim: Claim) -> str | None:
    """Return the index whose return a claim is about; None for a lead."""
    of = _call(claim).get("index") or _call(claim).get("of", "lead")
    return None if of == "lead" else str(of)
