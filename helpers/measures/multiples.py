"""Valuation: price-to-book by size, and published multiples."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pandas as pd

from helpers import events, valuation
from helpers.errors import InputError, listing
from helpers.inference import wilson_interval
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures.arguments import one_of
from helpers.measures.registry import Measured, register
from helpers.measures.shared import iso

Standing = Annotated[str, one_of("what is given", "rank", "share above", "both ranks")]


@register("size_price_to_book", unit="standard deviations", basis="proxy")
def relative_multiple_score(
    market: Market,
    first: arg.June,
    last: arg.June,
    since: arg.June | None = None,
    logs: arg.Flag = False,
) -> Measured:
    """Mean June reading from ``first`` to ``last``, in standard deviations from the median."""
    ratio = valuation.relative_multiple(market.price_to_book).loc[since:]
    ratio = np.log(ratio) if logs else ratio
    return Measured(
        valuation.span_score(ratio, first, last),
        n=len(ratio.loc[first:last]),
        beside=f"against {len(ratio)} Junes from {ratio.index[0]} on",
    )


@register("size_price_to_book", unit="ratio", basis="proxy")
def relative_multiple_against(market: Market, junes: arg.Junes) -> Measured:
    """Latest relative multiple less that of each given June, ratio."""
    ratio = valuation.relative_multiple(market.price_to_book)
    micro = valuation.relative_multiple(market.price_to_book, small="quintile_1")
    now = ratio.iloc[-1]
    return Measured(
        {june[:4]: float(now - ratio.loc[june]) for june in junes},
        beside=f"now {now:.3f}; quintile 1: "
        + "; ".join(f"{june[:4]} {micro.iloc[-1] - micro.loc[june]:+.3f}" for june in junes),
    )


@register("size_price_to_book", unit="ratio", basis="proxy")
def multiple_to_record(market: Market, quintile: arg.Quintile) -> Measured:
    """Latest price-to-book of a quintile over its highest, and its percentile beside it."""
    multiple = market.price_to_book[quintile]
    now = multiple.iloc[-1]
    return Measured(
        float(now / multiple.max()),
        n=len(multiple),
        beside=f"{now:.2f}; record {multiple.max():.2f} in {multiple.idxmax()}; percentile "
        f"{valuation.percentile(multiple, now):.0f}",
    )


@register("size_price_to_book", "valuation_readings", basis="proxy")
def relative_multiple_standing(
    market: Market, readings: arg.Count, give: Standing = "rank", provider: arg.Name = ""
) -> Measured:
    """Rank from the lowest of the latest relative multiple, or the percent of them above it.

    With a provider its forward P/Es of the Russell 2000 over the Russell 1000 are told beside it;
    ``both ranks`` gives the rank of each. They are a few since 2022: they can show that an earlier
    one was lower, not that none was.
    """
    window = valuation.relative_multiple(market.price_to_book).iloc[-readings:]
    now, told = window.iloc[-1], [_told_book(window)]
    value: Any = valuation.rank_from_lowest(window, now)
    if give == "share above":
        value = valuation.share_above(window, now)
    if not provider:
        if give == "both ranks":
            raise InputError("both ranks: expected a provider, whose forward P/Es are ranked too")
        return Measured(value, n=len(window), beside=told[0])
    earnings = _forward_ratio(market, provider)
    standing = valuation.rank_from_lowest(earnings, earnings.iloc[-1])
    told.append(_told(earnings, provider))
    if give == "both ranks":
        value = {"price-to-book": value, f"forward P/E, {provider}": standing}
        return Measured(value, beside="; ".join(told))
    told[1] += f"; {standing - 1} of them lower"
    return Measured(value, n=len(window), beside="; ".join(told))


def _forward_ratio(market: Market, provider: str) -> pd.Series:
    """Return one provider's sure forward P/Es, Russell 2000 over Russell 1000, by day."""
    rows = valuation.sure_readings(market.readings, "Russell 2000 over Russell 1000", "P/E forward")
    return rows[rows["provider_basis"].str.startswith(provider)].set_index("as_of")["value"]


def _told_book(ratios: pd.Series) -> str:
    """Tell where the last June's relative price-to-book lies among all of them."""
    return (
        f"price-to-book {ratios.iloc[-1]:.3f} in {ratios.index[-1]}, "
        f"lowest of {len(ratios)} {ratios.min():.3f} in {ratios.idxmin()}"
    )


def _told(earnings: pd.Series, provider: str) -> str:
    """Tell where the last of a provider's readings lies among all of them."""
    now, same = earnings.iloc[-1], earnings.index[earnings == earnings.iloc[-1]][:-1]
    tied = f", the same to two decimals on {listing(map(iso, same))}" if len(same) else ""
    return (
        f"forward P/E {now:g} on {iso(earnings.index[-1])}{tied}, lowest of {provider}'s "
        f"{len(earnings)} readings {earnings.min():g} on {iso(earnings.idxmin())}, "
        "one provider only"
    )


@register("size_price_to_book", "size_portfolios_monthly", unit="share", basis="proxy")
def narrowing_share(market: Market, lowest_percent: arg.Percent, years: arg.YearCount) -> Measured:
    """Share of the widest gaps that were narrower ``years`` later."""
    ratio = valuation.relative_multiple(market.price_to_book)
    table = valuation.after_lowest(ratio, market.portfolios, lowest_percent, years)
    change = table["change"].dropna()
    if change.empty:
        raise InputError(f"{years} years: expected a June with a full window; none is left")
    hits = int((change > 0).sum())
    led = table["lead"].dropna()
    apart = events.non_overlapping(change.index.year.to_numpy(), years)
    between = wilson_interval(hits / len(change) * apart, apart)
    between = between and replace(between, method=f"Wilson, {apart} windows apart")
    return Measured(
        hits / len(change),
        interval=between,
        n=len(change),
        beside=f"{listing(str(june.year) for june in change.index)}: {hits} of {len(change)}, but "
        f"only {apart} windows that do not overlap, for which the interval stands; small minus "
        f"large over {years} years positive after {int((led > 0).sum())} of {len(led)}",
    )


@register("valuation_readings", unit="multiple", basis="readings")
def reading_above_lowest(
    market: Market, index: arg.Name, metric: arg.Name, provider: arg.Name
) -> Measured:
    """Last reading of one provider less the lowest of them."""
    sure = valuation.sure_readings(market.readings, index, metric)
    own = sure[sure["provider_basis"].str.startswith(provider)]
    if own.empty:
        raise InputError(f"{index}, {metric}: expected at least one reading by {provider}")
    low, last = own.loc[own["value"].idxmin()], own.iloc[-1]
    return Measured(
        float(last["value"] - low["value"]),
        n=len(own),
        beside=f"{last['value']:g} on {iso(last['as_of'])}; lowest {low['value']:g} on "
        f"{iso(low['as_of'])}",
    )


@register("valuation_averages", basis="readings")
def published_averages(
    market: Market, measure_of: arg.Name, discounts: arg.Flag = False
) -> Measured:
    """Each published long-run average, by the day it was stated; or its discount, percent."""
    rows = market.averages[market.averages["measure_of"] == measure_of]
    value = {iso(row.stated): float(row.average) for row in rows.itertuples()}
    if discounts:
        value = {day: valuation.discount(ratio, 1) for day, ratio in value.items()}
        return Measured(value, n=len(rows))
    each = "; ".join(f"{iso(r.stated)} {r.provider_basis}" for r in rows.itertuples())
    return Measured(value, n=len(rows), beside=each)
