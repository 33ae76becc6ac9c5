"""Published estimates, fund prices, futures and releases that single claims are set against.

Where several providers estimate one thing, all of them are returned by name, for claims whose
``reading`` is ``estimates``.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from helpers import returns, valuation
from helpers.errors import InputError
from helpers.market import Market
from helpers.measures.arguments import (
    Count,
    Day,
    DayCount,
    Days,
    End,
    Index,
    Multiples,
    Name,
    NameList,
    Number,
    Percent,
    Start,
)
from helpers.measures.registry import Measured, register
from helpers.measures.shared import as_percent, iso

CLOSES = {"Russell 2000": "russell_2000", "S&P 500": "sp_500"}
BANDS = ("mega", "large", "mid", "small", "micro")


# Multiples ----------------------------------------------------------------------------------


@register("valuation_readings", unit="multiple", basis="readings", both_ways=True)
def nearest_readings(
    market: Market, index: Name, metric: Name, days: DayCount, date: Day, provider: Name = ""
) -> Measured:
    """The sure reading nearest a day by each of the two nearest providers, before or after it."""
    rows = _near(market, index, metric, days, date, provider)
    return Measured(
        _by_provider(rows),
        error=_ranges(rows),
        beside=_told(rows) or f"no reading within {days} days",
    )


@register("valuation_readings", unit="multiple", basis="readings", both_ways=True)
def nearest_multiples(market: Market, which: Multiples, days: DayCount, date: Day) -> Measured:
    """The nearest readings of several multiples, by name and provider; none known is left out."""
    found = {name: _near(market, pair[0], pair[1], days, date) for name, pair in which.items()}
    found = {name: rows for name, rows in found.items() if len(rows)}
    return Measured(
        {name: _by_provider(rows) for name, rows in found.items()},
        error={name: _ranges(rows) for name, rows in found.items()},
        beside="; ".join(f"{name}: {_told(rows)}" for name, rows in found.items()),
    )


def _near(
    market: Market, index: str, metric: str, days: int, date: str, provider: str = ""
) -> pd.DataFrame:
    """Return the nearest rows of two providers, and between what each may lie on the day.

    The rounding of a reading and what the price moved between its day and the one asked for are
    independent errors; the second goes one way only.
    """
    readings = market.readings[market.readings["provider_basis"].str.startswith(provider)]
    rows = valuation.nearest_readings(readings, index, metric, date)
    rows = rows[rows["distance_days"].abs() <= days].iloc[:2]
    rounding, moved = rows["value"].map(valuation.half_step), 0.0 * rows["value"]
    if index in CLOSES:
        prices, day = market.closes[CLOSES[index]], pd.Timestamp(date)
        for label, row in rows.iterrows():
            moved[label] = valuation.carried(row["value"], prices, row["as_of"], day) - row["value"]
    return rows.assign(
        low=rows["value"] - np.hypot(rounding, moved.clip(upper=0).fillna(0)),
        high=rows["value"] + np.hypot(rounding, moved.clip(lower=0).fillna(0)),
    )


def _ranges(rows: pd.DataFrame) -> dict[str, list[float]]:
    names = valuation.providers(rows["provider_basis"])
    return dict(zip(names, rows[["low", "high"]].to_numpy().tolist(), strict=True))


def _by_provider(rows: pd.DataFrame) -> dict[str, float]:
    names = valuation.providers(rows["provider_basis"])
    return dict(zip(names, rows["value"].astype(float), strict=True))


def _told(rows: pd.DataFrame) -> str:
    told = [
        f"{r.value:g} ({r.low:.{places}f} to {r.high:.{places}f}), {r.provider_basis}, "
        f"{r.distance_days:+d} days"
        for r, places in zip(rows.itertuples(), rows["value"].map(_places), strict=True)
    ]
    return "; ".join(told) + ("; one provider only" if len(told) == 1 else "")


def _places(value: float) -> int:
    """Return one decimal more than a figure was written with."""
    return len(f"{value:.10g}".partition(".")[2]) + 1


# Estimates ----------------------------------------------------------------------------------


@register("published_estimates", basis="readings")
def estimates(market: Market, subjects: NameList, metric: Name) -> Measured:
    """The newest sure estimate of each provider; by subject, where there are several."""
    found = {one: _estimates(market, one, metric) for one in subjects}
    value = {name: _by_name(rows) for name, rows in found.items()}
    return Measured(
        value if len(subjects) > 1 else value[subjects[0]],
        beside="; ".join(_each(rows, name) for name, rows in found.items()),
    )


@register("published_estimates", unit="percent", basis="readings")
def whole_by_weights(
    market: Market, part: Number, rest: Number, subject: Name, metric: Name
) -> Measured:
    """What two returns make together at each published weight of the first."""
    weights = _by_name(_estimates(market, subject, metric))
    half_part, half_rest = valuation.half_step(part), valuation.half_step(rest)
    return Measured(
        {name: _mixed(w / 100, part, rest) for name, w in weights.items()},
        error={
            name: [
                _mixed(w / 100, part + side * half_part, rest + side * half_rest)
                for side in (-1, 1)
            ]
            for name, w in weights.items()
        },
        beside="; ".join(f"weight {w:g}% by {name}" for name, w in weights.items()),
    )


@register("published_estimates", "index_closes", unit="percent", basis="readings")
def largest_share(
    market: Market,
    index: Index,
    subject: Name,
    metric: Name,
    provider: Name,
    covers: Days,
    start: Start,
    end: End,
) -> Measured:
    """The largest share of an index's gain that a provider's share of one part of it allows.

    The provider's share counts from the first to the last day of ``covers``; of every other index
    point of the gain, all counts.
    """
    rows = _estimates(market, subject, metric)
    own = rows[rows["provider_basis"].str.startswith(provider)]
    if own.empty:
        raise InputError(f"{subject}, {metric}: expected an estimate by {provider}")
    share, closes = float(own["value"].iloc[-1]), market.closes[index]
    part, gain = (
        float(closes[:last].iloc[-1] - closes[:first].iloc[-1])
        for first, last in ((covers[0], covers[-1]), (start, end))
    )
    return Measured(
        100 - (100 - share) * part / gain,
        beside=f"{share:g}% of the {part:,.0f} points from {covers[0]} to {covers[-1]}, and all of "
        f"the other {gain - part:,.0f}; {_each(rows, subject)}",
    )


@register("published_estimates", basis="readings")
def earnings_swings(market: Market, small: Name, large: Name) -> Measured:
    """How much more the earnings of one index moved than those of another, by source.

    The range of a provider's yearly growth rates, percentage points, and months of negative
    earnings; each small less large.
    """
    rows = _sure(market)
    growth = rows[rows["metric"].str.startswith("earnings growth")]
    several = growth[growth.duplicated(["provider_basis", "subject"], keep=False)]
    losses = rows[rows["metric"] == "months of negative earnings"]
    ranges, months = (
        table.pivot_table(index="provider_basis", columns="subject", values="value", aggfunc=how)
        for table, how in ((several, np.ptp), (losses, "max"))
    )
    value: dict[str, float] = {}
    for kind, table in (("range of growth", ranges), ("months of losses", months)):
        gap = table[small] - table[large]
        value |= {f"{kind}, {name}": float(x) for name, x in gap.items()}
    return Measured(
        value,
        beside="; ".join(
            f"{name.split(' via ')[0]} {small} {row[small]:g}, {large} {row[large]:g}"
            for table in (ranges, months)
            for name, row in table.iterrows()
        ),
    )


def _mixed(weight: float, part: float, rest: float) -> float:
    return weight * part + (1 - weight) * rest


def _sure(market: Market) -> pd.DataFrame:
    rows = market.more["published_estimates"]
    return rows[rows["confidence"] != "low"]


def _estimates(market: Market, subject: str, metric: str) -> pd.DataFrame:
    """Return the newest sure estimate by each provider, oldest first."""
    rows = _sure(market)
    rows = rows[(rows["subject"] == subject) & (rows["metric"] == metric)]
    if rows.empty:
        raise InputError(f"{metric} of {subject}: expected a sure row in published_estimates")
    return rows.sort_values("as_of", kind="stable").groupby("provider_basis").tail(1)


def _each(rows: pd.DataFrame, subject: str) -> str:
    return "; ".join(
        f"{subject}: {row.value:g}, {row.provider_basis}, {iso(row.as_of)}"
        + (f" ({row.note})" if row.note else "")
        for row in rows.itertuples()
    )


def _by_name(rows: pd.DataFrame) -> dict[str, float]:
    return {r.provider_basis.split(" via ")[0]: float(r.value) for r in rows.itertuples()}


# One day, one release -----------------------------------------------------------------------


@register("fund_closes", "index_closes", unit="percentage points", basis="proxy")
def returns_by_size(market: Market, start: Day, end: Day) -> Measured:
    """Return of each size group less that of the next larger, with funds for what has no closes.

    Where two indexes stand for a group, the step is the smallest between the two groups.
    """
    moves: dict[str, dict[str, float]] = {name: {} for name in BANDS}
    for fund, closes in _funds(market, start, end).items():
        kind = market.more["fund_closes"].set_index("fund")["kind"].loc[fund].iloc[0]
        if kind in moves:
            moves[kind][fund] = closes
    both = 100 * returns.period_return(market.closes, start, end)
    moves["large"]["S&P 500"], moves["small"]["Russell 2000"] = both["sp_500"], both["russell_2000"]
    steps = {
        f"{small} less {large}": min(moves[small].values()) - max(moves[large].values())
        for large, small in pairwise(BANDS)
    }
    return Measured(
        steps,
        n=sum(map(len, moves.values())),
        beside="; ".join(
            f"{name} {', '.join(f'{who} {x:.2f}' for who, x in group.items())}"
            for name, group in moves.items()
        ),
    )


@register("fund_closes", basis="proxy")
def sector_lead(market: Market, tracks: Name, start: Day, end: Day) -> Measured:
    """Return of a sector fund since a day, and its rank among the sectors' funds."""
    funds = market.more["fund_closes"].drop_duplicates("fund").set_index("fund")
    moves = pd.Series(_funds(market, start, end))
    moves = moves[funds["kind"].reindex(moves.index) == "sector"]
    moves.index = funds["tracks"].reindex(moves.index)
    if tracks not in moves:
        raise InputError(f"{tracks}: expected one of {', '.join(moves.index)}")
    return Measured(
        {"return": float(moves[tracks]), "rank": 1 + int((moves > moves[tracks]).sum())},
        n=len(moves),
        beside="; ".join(f"{name} {x:.1f}" for name, x in moves.sort_values().items()),
    )


def _funds(market: Market, start: str, end: str) -> dict[str, float]:
    """Return the percent move of each fund that has a close on both days."""
    wide = market.more["fund_closes"].pivot_table(index="date", columns="fund", values="close")
    first, last = (pd.Timestamp(day) for day in (start, end))
    if not {first, last} <= set(wide.index):
        raise InputError(f"fund_closes.csv: expected {start} and {end} among its days")
    return (100 * (wide.loc[last] / wide.loc[first] - 1)).dropna().to_dict()


@register("nasdaq_starts", basis="open")
def nasdaq_start(market: Market) -> Measured:
    """Return of the Nasdaq Composite over a year's first twelve sessions, and its percentile."""
    rows = market.more["nasdaq_starts"].set_index("year")
    moves = 100 * (rows["close"] / rows["last_close_of_year_before"] - 1)
    now = moves.iloc[-1]
    return Measured(
        {"return": float(now), "percentile": valuation.percentile(moves, now)},
        n=len(moves),
        beside=f"{int((moves < now).sum())} of {len(moves)} years began lower",
    )


@register("nasdaq_closes", unit="percent", basis="open")
def nasdaq_volatility(market: Market, start: Day) -> Measured:
    """Standard deviation of daily returns of the Nasdaq Composite since a close, percent."""
    closes = market.more["nasdaq_closes"].set_index("date")[["nasdaq_composite"]].loc[start:]
    moves = returns.simple_returns(closes)["nasdaq_composite"]
    return Measured(as_percent(moves.std(ddof=1)), n=len(moves))


@register("russell_2000_highs", unit="index points", basis="open")
def intraday_record(market: Market, date: Day) -> Measured:
    """Intraday high of the Russell 2000 on a day less the highest before it, index points."""
    highs = market.more["russell_2000_highs"].set_index("date")["high"]
    before, day = highs.loc[: pd.Timestamp(date) - pd.Timedelta(days=1)], pd.Timestamp(date)
    if day not in highs.index:
        raise InputError(f"russell_2000_highs.csv: expected {date} among its days")
    return Measured(
        float(highs[day] - before.max()),
        beside=f"{highs[day]:.2f}; before {before.max():.2f} on {iso(before.idxmax())}",
    )


@register("pmi_readings", unit="index", basis="open")
def pmi_released(market: Market) -> Measured:
    """The last manufacturing PMI released by then, as first released."""
    market.require("pmi_readings", market.last)
    row = market.more["pmi_readings"].iloc[-1]
    return Measured(
        float(row["value"]),
        beside=f"for {row['month']}, released {iso(row['released'])}"
        + (f"; {row['note']}" if row["note"] else ""),
    )


@register("fed_funds_futures", unit="percent", basis="proxy")
def odds_of_cuts(market: Market, cuts: Count, effective: Percent) -> Measured:
    """The highest odds of so many cuts of 25 bp by year-end that the futures price allows.

    Where no weight lies on rises, the expected fall is at least the odds times the cuts
    (Markov's inequality). The contract for January 2027 stands for the rate at the end of 2026.
    """
    prices = market.more["fed_funds_futures"].set_index("date")["jan_2027"]
    fall = 100 * (effective - (100 - prices))
    bound = (100 * fall / (25 * cuts)).clip(0, 100)
    week = bound.index[-1] - pd.Timedelta(days=7)
    return Measured(
        float(bound.iloc[-1]),
        beside=f"{fall.iloc[-1]:.1f} bp expected by the end of 2026 on {iso(bound.index[-1])}; a "
        f"week before {bound.asof(week):.0f}",
    )
