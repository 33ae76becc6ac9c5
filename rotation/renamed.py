"""Calls of measures that were folded into more general ones, in their present form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEAN_MEDIAN_HITS = ["mean", "median", "hit rate"]

# Old name → new name, arguments renamed, arguments added.
_RENAMED: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "forward_price_return": ("after_date", {"index": "of"}, {}),
    "forward_lead": ("after_date", {}, {}),
    "leads_after": ("after_dates", {}, {"statistic": "hits"}),
    "mean_lead_after_streaks": ("after_streaks", {}, {}),
    "lead_after_first_cuts": ("after_rate_moves", {}, {"statistic": MEAN_MEDIAN_HITS}),
    "return_after_breakouts": ("after_records", {}, {"statistic": "excess"}),
    "leading_months": ("periods_ahead", {}, {"period": "months"}),
    "january_rank": (
        "latest_rank",
        {"index": "of", "first_year": "since"},
        {"period": "months", "month": 1},
    ),
    "last_start_as_high": ("last_as_large", {"index": "of"}, {"period": "starts of years"}),
    "last_start_lead_as_large": ("last_as_large", {}, {"period": "starts of years"}),
    "last_lead_as_large": ("last_as_large", {}, {}),
    "last_month_with_return_as_low": (
        "last_as_large",
        {"index": "of"},
        {"over": 1, "unit": "month", "side": "lowest"},
    ),
    "last_streak_by_date": ("last_streak_as_long", {}, {}),
    "last_monthly_run": ("last_streak", {}, {"period": "months"}),
    "streak_count": ("earlier_streaks", {}, {}),
    "streak_months": ("earlier_streaks", {}, {"give": "months"}),
    "years_since_streak_as_long": ("last_streak_as_long", {}, {"unit": "years ago"}),
    "highest_close": ("extreme_close", {}, {"side": "highest"}),
    "lowest_close": ("extreme_close", {}, {"side": "lowest"}),
    "first_close_above": ("first_close", {"level": "above"}, {}),
    "cut_months": ("moves_announced", {}, {"give": "months"}),
    "cuts_announced": ("moves_announced", {}, {}),
    "rate_move_months": ("moves_announced", {}, {"give": "months"}),
    "relative_multiple_ranks": ("relative_multiple_standing", {}, {"give": "both ranks"}),
    "relative_multiple_rank": ("relative_multiple_standing", {}, {}),
    "relative_multiple_share_above": ("relative_multiple_standing", {}, {"give": "share above"}),
    "average_discounts": (
        "published_averages",
        {},
        {"measure_of": "Russell 2000 over Russell 1000", "discounts": True},
    ),
    "nearest_reading": ("nearest_readings", {}, {}),
    "policy_fact_and_date": ("policy_fact", {}, {"dated": True}),
    "difference": ("compared", {}, {}),
    "gain": ("compared", {"start": "first", "end": "second"}, {"how": "gain"}),
    "discount": ("compared", {"small": "first", "large": "second"}, {"how": "discount"}),
    "streak_length": ("streak", {}, {}),
    "streak_rank": ("streak", {}, {"give": "rank"}),
    "longest_streak": ("streak", {}, {"which": "longest"}),
    "month_rank": ("calendar_months", {}, {"ranked": True}),
    "annualised_lead": ("portfolio_return", {"long": "portfolio", "short": "less"}, {}),
    "closes_above_high": ("closes_above", {}, {}),
    "closes_near_or_above": ("closes_above", {}, {}),
    "total": ("combined", {"terms": "values"}, {}),
    "mean": ("combined", {}, {"how": "mean"}),
    "spread": ("combined", {}, {"how": "spread"}),
    "own_reading": ("own_multiple", {}, {}),
    "own_above_lowest": ("own_multiple", {}, {"give": "above lowest"}),
    "own_to_record": ("own_multiple", {}, {"give": "to record"}),
    "own_average": ("own_multiple", {}, {"give": "average"}),
    "own_relative_rank": ("own_relative", {}, {"give": "rank"}),
    "own_relative_share_above": ("own_relative", {}, {"give": "share above"}),
    "own_relative_score": ("own_relative", {}, {"give": "score"}),
    "own_relative_against": ("own_relative", {}, {"give": "against"}),
    "own_flow_rank": ("own_flow", {}, {"give": "rank"}),
    "own_last_flow_as_large": ("own_flow", {}, {"give": "last as large"}),
}


def today(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call as it is written today; one that never changed as it is.

    Examples
    --------
    >>> today({"measure": "forward_price_return", "index": "sp_500", "sessions": 252})
    {'measure': 'after_date', 'of': 'sp_500', 'sessions': 252}
    """
    given = dict(call)
    name = given.pop("measure")
    if name == "own_flow_sum":
        since = f"{given['year']}-01-31"
        return {"measure": "own_flow", **given, "days": 7, "since": since, "give": "sum"}
    if "before" in given:
        given["before"] = int(given["before"])
    new, _, added = _RENAMED.get(name, (name, {}, {}))
    return {"measure": new, **changed(name, given), **added}


def changed(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes of a call's arguments (other readings) under their present names."""
    arguments = _RENAMED.get(name, ("", {}, {}))[1]
    new = {arguments.get(one, one): value for one, value in changes.items()}
    if name == "january_rank" and "since" in new:
        new["since"] = f"{new['since']}-01-01"
    return new
