"""A user's own tables.

Each measure refuses (InputError) a table that does not reach what the claim asks about.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any

import pandas as pd

from helpers import returns, valuation
from helpers.errors import InputError, listing
from helpers.market import Market
from helpers.measures import arguments as arg
from helpers.measures.arguments import NAMES, one_of
from helpers.measures.registry import Measured, measure, moving, register
from helpers.measures.shared import as_percent, iso, rank, reaching

# A reading is at most so many days old, and a history has no longer gap than this.
OWN_AGE, OWN_GAP, FLOW_GAP = 31, 100, 31
FIGURES = {"forward_pe": "value", "group_closes": "close", "fund_flows": "flow_usd_billion"}
# Indexes cut from the Russell 2000 that are no sectors of it.
STYLES = ("Value", "Growth", "Defensive", "Dynamic")


OfMultiple = Annotated[str, one_of("what is given", "last", "above lowest", "to record", "average")]
OfRelative = Annotated[str, one_of("what is given", "rank", "share above", "score", "against")]
OfFlows = Annotated[str, one_of("what is given", "rank", "last as large", "sum")]


@register("forward_pe", basis="own")
def own_multiple(
    market: Market, index: arg.Name, give: OfMultiple = "last", years: arg.YearCount | None = None
) -> Measured:
    """Last forward P/E, less its lowest or over its highest of so many years, or their mean."""
    values, provider = _own_multiples(market, index, years or 0)
    now, low, high = float(values.iloc[-1]), values.idxmin(), values.idxmax()
    value, beside = {
        "last": (now, f"on {iso(values.index[-1])}"),
        "above lowest": (now - values[low], f"lowest {values[low]:g} on {iso(low)}"),
        "to record": (now / values[high], f"record {values[high]:g} on {iso(high)}"),
        "average": ({"whole history": float(values.mean())}, f"since {iso(values.index[0])}"),
    }[give]
    return Measured(value, n=len(values) if years else None, beside=_on(provider, beside))


@register("forward_pe", basis="own")
def own_relative(
    market: Market,
    large: arg.NameList,
    give: OfRelative,
    years: arg.YearCount | None = None,
    first: arg.Month | None = None,
    last: arg.Month | None = None,
    months: arg.Months | None = None,
) -> Measured:
    """Relative forward P/E, compared with its own history.

    The last one's rank from the lowest, or the percent above it, among those of so many years;
    or less the last one of each month; or the mean of a span in standard deviations from the
    median of all.
    """
    ratio, about = _own_ratio(market, large, years or 0)
    now = float(ratio.iloc[-1])
    if give == "against":
        value = {month[:4]: float(now - ratio.loc[month].iloc[-1]) for month in months or ()}
        return Measured(value, beside=f"{about}; now {now:.3f}")
    if give == "score":
        return Measured(
            valuation.span_score(ratio, str(first), str(last)),
            n=len(ratio.loc[first:last]),
            beside=f"{about}; median of {len(ratio)} readings since {iso(ratio.index[0])}",
        )
    window = ratio.loc[market.last - pd.DateOffset(years=years or 0) :]
    if give == "share above":
        return Measured(valuation.share_above(window, now), n=len(window), beside=about)
    about += f"; {now:.3f} on {iso(window.index[-1])}; lowest {window.min():.3f} on "
    return Measured(rank(window, now, "lowest"), n=len(window), beside=about + iso(window.idxmin()))


@register("forward_pe", unit="percent", basis="own")
def own_average_discounts(market: Market, large: arg.NameList, years: arg.YearCount) -> Measured:
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


@register("group_closes", basis="own")
def own_sector_lead(
    market: Market, index: arg.Name, sector: arg.Name, start: arg.Start, least: arg.Count
) -> Measured:
    """Return of a sector from the last close by ``start``, percent, and its rank of all."""
    if "group_closes" not in market.own:
        raise InputError("group_closes: expected it among the user's tables")
    names = market.own["group_closes"]["group"].unique()
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
def own_returns_by_size(market: Market, bands: arg.Bands) -> Measured:
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


@register("fund_flows", basis="own")
def own_flow(
    market: Market,
    fund: arg.Name,
    days: arg.DayCount,
    since: arg.Since,
    give: OfFlows,
    year: arg.Year | None = None,
) -> Measured:
    """Flows of a fund, billion dollars, whose last one is at most so many days old.

    The rank from the largest of the largest of the last ``days`` days; the month of the last
    earlier one at least as large as the latest; or the sum of those that end in a year.
    """
    flows, provider = _own(market, "fund_flows", "fund", fund, days)
    _check_history(f"fund_flows: {fund}", flows.index, pd.Timestamp(since), FLOW_GAP)
    value: Any
    if give == "sum":
        flows = flows.loc[str(year)]
        value = float(flows.sum())
        beside = f"{iso(flows.index[0])} to {iso(flows.index[-1])}"
    elif give == "rank":
        recent = flows.loc[market.last - pd.Timedelta(days=days) :]
        value = rank(flows, recent.max())
        beside = f"{recent.max():g} billion to {iso(recent.idxmax())}"
    else:
        now = flows.iloc[-1]
        earlier = reaching(flows.iloc[:-1], now, "highest")
        value = iso(earlier.index[-1])[:7] if len(earlier) else "none"
        beside = f"{now:g} billion to {iso(flows.index[-1])}"
    return Measured(value, n=len(flows), beside=_on(provider, beside))


def _on(provider: str, what: str) -> str:
    return f"measured on {provider} from the user's tables; {what}"


def _own(market: Market, table: str, column: str, name: str, days: int) -> tuple[pd.Series, str]:
    """Return one name's figures by date, the last at most so many days old, and their provider."""
    if table not in market.own:
        raise InputError(f"{table}: expected it among the user's tables")
    rows = market.own[table]
    rows = rows[rows[column] == name].set_index("date")
    _check_reach(market, f"{table}: {name}", rows.index, days)
    return rows[FIGURES[table]].rename(name), rows["provider_basis"].iloc[-1]


def _own_multiples(market: Market, index: str, years: int = 0) -> tuple[pd.Series, str]:
    """Forward P/Es of an index by date, and their provider; at least ``years`` years of them."""
    values, provider = _own(market, "forward_pe", "index", index, OWN_AGE)
    _check_years(market, index, values, years)
    return values, provider


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
            _check_years(market, index, ratio, years)
        except InputError as error:
            refusals.append(str(error))
            continue
        return ratio, _on(provider, f"Russell 2000 over {index}")
    raise InputError("; ".join(refusals))


def _own_closes(market: Market, group: str) -> tuple[pd.Series, str]:
    return _own(market, "group_closes", "group", group, 0)


def _check_years(market: Market, index: str, values: pd.Series, years: int) -> None:
    if years:
        start = market.last - pd.DateOffset(years=years)
        _check_history(f"forward_pe: {index}", values.index, start, OWN_GAP)


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
    sys.audit("helpers.read", "topic", "own")
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
