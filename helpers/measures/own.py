"""A user's own tables.

Each measure refuses (InputError) a table that does not reach what the claim asks about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pandas as pd

from helpers import returns, valuation
from helpers.errors import InputError, listing
from helpers.market import Market
from helpers.measures.arguments import (
    NAMES,
    Bands,
    Count,
    Day,
    DayCount,
    Month,
    Months,
    Name,
    NameList,
    Year,
    YearCount,
)
from helpers.measures.registry import Measured, measure, moving, register
from helpers.measures.shared import as_percent, iso

# A reading is at most so many days old, and a history has no longer gap than this.
OWN_AGE, OWN_GAP, FLOW_GAP = 31, 100, 31
# Indexes cut from the Russell 2000 that are no sectors of it.
STYLES = ("Value", "Growth", "Defensive", "Dynamic")


@register("forward_pe", unit="multiple", basis="own")
def own_reading(market: Market, index: Name) -> Measured:
    """Last forward P/E of an index, at most 31 days old."""
    values, provider = _own_multiples(market, index)
    return Measured(float(values.iloc[-1]), beside=_on(provider, f"on {iso(values.index[-1])}"))


@register("forward_pe", unit="multiple", basis="own")
def own_above_lowest(market: Market, index: Name, years: YearCount) -> Measured:
    """Last forward P/E less the lowest of at least ``years`` years."""
    values, provider = _own_multiples(market, index, years)
    return Measured(
        float(values.iloc[-1] - values.min()),
        n=len(values),
        beside=_on(provider, f"lowest {values.min():g} on {iso(values.idxmin())}"),
    )


@register("forward_pe", unit="multiple", basis="own")
def own_average(market: Market, index: Name, years: YearCount) -> Measured:
    """Mean forward P/E of at least ``years`` years."""
    values, provider = _own_multiples(market, index, years)
    return Measured(
        {"whole history": float(values.mean())},
        n=len(values),
        beside=_on(provider, f"since {iso(values.index[0])}"),
    )


@register("forward_pe", unit="ratio", basis="own")
def own_to_record(market: Market, index: Name, years: YearCount) -> Measured:
    """Last forward P/E over the highest of at least ``years`` years."""
    values, provider = _own_multiples(market, index, years)
    return Measured(
        float(values.iloc[-1] / values.max()),
        n=len(values),
        beside=_on(provider, f"record {values.max():g} on {iso(values.idxmax())}"),
    )


@register("forward_pe", unit="ratio", basis="own")
def own_relative_against(market: Market, large: NameList, months: Months) -> Measured:
    """Last relative forward P/E less the last one of each given month, ratio."""
    ratio, about = _own_ratio(market, large)
    now = ratio.iloc[-1]
    return Measured(
        {month[:4]: float(now - ratio.loc[month].iloc[-1]) for month in months},
        beside=f"{about}; now {now:.3f}",
    )


@register("forward_pe", unit="rank", basis="own")
def own_relative_rank(market: Market, large: NameList, years: YearCount) -> Measured:
    """Rank from the lowest of the last relative forward P/E among those of ``years`` years."""
    ratio, about = _own_ratio(market, large, years)
    window = ratio.loc[market.last - pd.DateOffset(years=years) :]
    return Measured(
        valuation.rank_from_lowest(window, window.iloc[-1]),
        n=len(window),
        beside=f"{about}; {window.iloc[-1]:.3f} on {iso(window.index[-1])}; lowest "
        f"{window.min():.3f} on {iso(window.idxmin())}",
    )


@register("forward_pe", unit="percentile", basis="own")
def own_relative_share_above(market: Market, large: NameList, years: YearCount) -> Measured:
    """Percent of the relative forward P/Es of ``years`` years above the last one."""
    ratio, about = _own_ratio(market, large, years)
    window = ratio.loc[market.last - pd.DateOffset(years=years) :]
    value = valuation.share_above(window, window.iloc[-1])
    return Measured(value, n=len(window), beside=about)


@register("forward_pe", unit="standard deviations", basis="own")
def own_relative_score(
    market: Market, large: NameList, first: Month, last: Month, years: YearCount
) -> Measured:
    """Mean relative forward P/E of a span, in standard deviations from the median of all."""
    ratio, about = _own_ratio(market, large, years)
    return Measured(
        valuation.span_score(ratio, first, last),
        n=len(ratio.loc[first:last]),
        beside=f"{about}; median of {len(ratio)} readings since {iso(ratio.index[0])}",
    )


@register("forward_pe", unit="percent", basis="own")
def own_average_discounts(market: Market, large: NameList, years: YearCount) -> Measured:
    """100 x (1 - mean relative forward P/E of at least ``years`` years), by large-cap index."""
    value, about = {}, []
    for index in large:
        try:
            ratio, source = _own_ratio(market, [index], years)
        except InputError:
            continue
        value[index] = valuation.discount(float(ratio.mean()), 1)
        about.append(f"{source}, {len(ratio)} readings since {iso(ratio.index[0])}")
    if not value:
        _own_ratio(market, large, years)  # says why
    return Measured(value, beside="; ".join(about))


@register("group_closes", unit="percent", basis="own")
def own_return(market: Market, group: Name, start: Day) -> Measured:
    """Price return of a group from the last close by ``start``, percent."""
    closes, provider = _own_closes(market, group)
    value = returns.period_return(closes.to_frame(), start).iloc[0]
    first, last = returns.resolve(closes.to_frame(), start), market.last
    return Measured(as_percent(value), beside=_on(provider, f"{iso(first)} to {iso(last)}"))


@register("group_closes", basis="own")
def own_sector_lead(
    market: Market, index: Name, sector: Name, start: Day, least: Count
) -> Measured:
    """Return of a sector from the last close by ``start``, percent, and its rank of all."""
    names = _own(market, "group_closes")["group"].unique()
    skip = {f"{index} {style}" for style in STYLES}
    found, provider = {}, ""
    for name in names:
        if name.startswith(f"{index} ") and name not in skip:
            try:
                closes, provider = _own_closes(market, name)
                one = returns.period_return(closes.to_frame(), start).iloc[0]
            except InputError:
                continue
            found[name.removeprefix(f"{index} ")] = as_percent(one)
    if sector not in found or len(found) < least:
        raise InputError(
            f"group_closes: expected {sector} and at least {least} sectors of the {index} from "
            f"{start} to {iso(market.last)}; found {listing(found) or 'none'}"
        )
    order = sorted(found, key=found.__getitem__, reverse=True)
    rank = 1 + sum(x > found[sector] for x in found.values())
    each = "; ".join(f"{name} {found[name]:+.2f}" for name in order)
    return Measured(
        {"return": found[sector], "rank": rank}, n=len(found), beside=_on(provider, each)
    )


@register("group_closes", basis="own")
def own_returns_by_size(market: Market, bands: Bands) -> Measured:
    """Return of the last session less that of the next larger band, percentage points.

    The first name of each band that is there stands for it: an index of ``closes`` or a group.
    """
    day, found, providers = {}, [], []
    for band in bands:
        for name in band:
            try:
                if name in NAMES:
                    closes, provider = market.closes[name], ""
                else:
                    closes, provider = _own_closes(market, name)
                daily = returns.simple_returns(closes.to_frame()).iloc[:, 0]
                day[name] = as_percent(daily.loc[market.last])
            except (InputError, KeyError):
                continue
            found.append(name)
            providers.append(provider)
            break
        else:
            raise InputError(
                f"group_closes: expected one of {listing(band)} with the closes of "
                f"{iso(market.last)} and the session before"
            )
    label = {name: NAMES.get(name, name) for name in found}
    each = "; ".join(f"{label[name]} {day[name]:+.2f}" for name in found)
    return Measured(
        {
            f"{label[small]} over {label[large]}": day[small] - day[large]
            for large, small in pairwise(found)
        },
        beside=_on(next(filter(None, providers), ""), each),
    )


@register("fund_flows", unit="month", basis="own")
def own_last_flow_as_large(market: Market, fund: Name, days: DayCount, since: Day) -> Measured:
    """Month of the last earlier period with a flow at least as large as the latest one."""
    flows, provider = _own_flows(market, fund, days, since)
    now = flows.iloc[-1]
    earlier = flows.iloc[:-1][flows.iloc[:-1] >= now]
    found = str(earlier.index[-1])[:7] if len(earlier) else "none"
    return Measured(
        found, n=len(flows), beside=_on(provider, f"{now:g} billion to {iso(flows.index[-1])}")
    )


@register("fund_flows", unit="rank", basis="own")
def own_flow_rank(market: Market, fund: Name, days: DayCount, since: Day) -> Measured:
    """Rank from the largest, among all periods, of the largest flow of the last ``days`` days."""
    flows, provider = _own_flows(market, fund, days, since)
    recent = flows.loc[market.last - pd.Timedelta(days=days) :]
    return Measured(
        1 + int((flows > recent.max()).sum()),
        n=len(flows),
        beside=_on(provider, f"{recent.max():g} billion to {iso(recent.idxmax())}"),
    )


@register("fund_flows", unit="billion dollars", basis="own")
def own_flow_sum(market: Market, fund: Name, year: Year) -> Measured:
    """Sum of the flows of the periods that end in a year, billion dollars."""
    flows, provider = _own_flows(market, fund, 7, f"{year}-01-31")
    flows = flows.loc[str(year)]
    span = f"{iso(flows.index[0])} to {iso(flows.index[-1])}"
    return Measured(float(flows.sum()), n=len(flows), beside=_on(provider, span))


def _on(provider: str, what: str) -> str:
    return f"measured on {provider} from the user's tables; {what}"


def _own(market: Market, name: str) -> pd.DataFrame:
    if name not in market.own:
        raise InputError(f"{name}: expected it among the user's tables")
    return market.own[name]


def _own_multiples(market: Market, index: str, years: int = 0) -> tuple[pd.Series, str]:
    """Forward P/Es of an index by date, and their provider; at least ``years`` years of them."""
    table = _own(market, "forward_pe")
    rows = table[table["index"] == index]
    values = rows.set_index("date")["value"]
    _check_reach(market, f"forward_pe: {index}", values.index, OWN_AGE)
    if years:
        start = market.last - pd.DateOffset(years=years)
        _check_history(f"forward_pe: {index}", values.index, start, OWN_GAP)
    return values, rows["provider_basis"].iloc[-1]


def _own_ratio(market: Market, large: list[str], years: int = 0) -> tuple[pd.Series, str]:
    """Russell 2000 over large-cap forward P/E of one basis, and what it is.

    The first of ``large`` whose history reaches decides.
    """
    small, provider = _own_multiples(market, NAMES["russell_2000"], years)
    refusals = []
    for index in large:
        try:
            values, other = _own_multiples(market, index, years)
            if other != provider:
                raise InputError(f"forward_pe: {index}: expected the basis {provider!r}")
            ratio = (small / values).dropna()
            _check_reach(market, f"forward_pe: both on one day, {index}", ratio.index, OWN_AGE)
            if years:
                start = market.last - pd.DateOffset(years=years)
                _check_history(f"forward_pe: {index}", ratio.index, start, OWN_GAP)
        except InputError as error:
            refusals.append(str(error))
            continue
        return ratio, _on(provider, f"Russell 2000 over {index}")
    raise InputError("; ".join(refusals))


def _own_closes(market: Market, group: str) -> tuple[pd.Series, str]:
    table = _own(market, "group_closes")
    rows = table[table["group"] == group]
    closes = rows.set_index("date")["close"].rename(group)
    _check_reach(market, f"group_closes: {group}", closes.index, 0)
    return closes, rows["provider_basis"].iloc[-1]


def _own_flows(market: Market, fund: str, days: int, since: str) -> tuple[pd.Series, str]:
    table = _own(market, "fund_flows")
    rows = table[table["fund"] == fund]
    flows = rows.set_index("date")["flow_usd_billion"]
    _check_reach(market, f"fund_flows: {fund}", flows.index, days)
    _check_history(f"fund_flows: {fund}", flows.index, pd.Timestamp(since), FLOW_GAP)
    return flows, rows["provider_basis"].iloc[-1]


def _check_reach(market: Market, what: str, dates: pd.DatetimeIndex, days: int) -> None:
    """Refuse figures the last of which is more than ``days`` days older than the last close."""
    oldest = market.last - pd.Timedelta(days=days)
    if not len(dates) or dates[-1] < oldest:
        asked = f"one from {iso(oldest)} to {iso(market.last)}" if days else iso(market.last)
        last = f"the last is of {iso(dates[-1])}" if len(dates) else "there is none"
        raise InputError(f"{what}: expected {asked}; {last}")


def _check_history(what: str, dates: pd.DatetimeIndex, start: pd.Timestamp, gap: int) -> None:
    """Refuse a history that begins after ``start`` or has a gap of more than ``gap`` days after."""
    if dates[0] > start:
        raise InputError(
            f"{what}: expected figures since {iso(start)}; the first is of {iso(dates[0])}"
        )
    apart = dates.to_series().diff()
    wide = apart[(apart > pd.Timedelta(days=gap)) & (apart.index > start)]
    if len(wide):
        raise InputError(
            f"{what}: expected no gap of over {gap} days; one ends {iso(wide.index[0])}"
        )


def on_total_returns(market: Market, as_of: pd.Timestamp, call: Mapping[str, Any]) -> str:
    """Return what a call about leads gives on the user's total-return levels, as text.

    Empty if the call is about something else, or the levels do not hold every session that it
    needs: on prices of the same sessions alone it would give another value.
    """
    about_returns = call["measure"] in moving("smoothly", "in steps")
    if not about_returns or "total_return_levels" not in market.own:
        return ""
    table = market.own["total_return_levels"].set_index("date")
    levels = table[list(NAMES)].loc[: market.last]
    if levels.empty or returns.resolve(market.closes, as_of) > levels.index[-1]:
        return ""
    prices = market.closes.loc[levels.index[0] : levels.index[-1]]
    try:
        asked = measure(market, as_of, call)
        same = measure(replace(market, closes=prices), as_of, call)
        found = measure(replace(market, closes=levels), as_of, call).value
    except InputError:
        return ""
    if (same.value, same.n) != (asked.value, asked.n):
        return ""
    value = found if isinstance(found, Mapping) else {"": found}
    shown = "; ".join(f"{name} {_shown(x)}".strip() for name, x in value.items())
    return f"with dividends {shown}, on {table['provider_basis'].iloc[-1]} from the user's tables"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    return value if isinstance(value, str) else f"{value:.4g}"
