"""What FRED holds, as rows of the tables it feeds."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd

from rotation.refresh import forms, web
from rotation.refresh.web import SourceError

FRED = "https://fred.stlouisfed.org/graph/fredgraph.csv"
# With a key, which is free, its API is asked in place of the download.
API = "https://api.stlouisfed.org/fred/series/observations"
KEY = "FRED_API_KEY"


def target(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return changes of the federal funds target range, from FRED's DFEDTARL and DFEDTARU.

    Those series have a value a day, from the day a decision takes effect; scheduled meetings
    announce it the day before, so that is the date given here. One of the two may be a day ahead.

    Returns
    -------
    DataFrame, columns ``announced``, ``lower_percent``, ``upper_percent``, ``change_bp``; its
    attribute ``complete_through`` is the last day whose announcements have taken effect by then.
    """
    lower, upper = (_series(name, since, until) for name in ("DFEDTARL", "DFEDTARU"))
    both = pd.DataFrame({"lower_percent": lower, "upper_percent": upper})
    both = both.loc[: min(lower.index[-1], upper.index[-1])]
    if both.isna().any(axis=None):
        day = both.index[both.isna().any(axis=1)][0]
        raise SourceError(f"target: no range on {forms.day(day)}; expected one every day")
    forms.require_recent("target", both.index, until, forms.STALE_DAYS)
    moved = both[(both.diff() != 0).any(axis=1)].iloc[1:]
    frame = moved.reset_index(drop=True)
    frame.insert(0, "announced", moved.index - pd.Timedelta(days=1))
    frame["change_bp"] = (100 * both["upper_percent"].diff()[moved.index]).round(6).to_numpy()
    through = both.index[-1] - pd.Timedelta(days=1)
    frame.attrs |= {"complete_through": through, "title": "FRED, DFEDTARL and DFEDTARU"}
    return frame


def recessions(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return peaks and troughs from FRED's USREC, which is 1 from the month after the peak.

    Its last 1 is the month of the trough. A recession that has not ended is left out.

    Returns
    -------
    DataFrame, columns ``peak``, ``trough`` (monthly periods).
    """
    flags = _series("USREC", since, until)
    if not flags.isin([0, 1]).all():
        raise SourceError("recessions: USREC holds more than 0 and 1")
    forms.require_recent("recessions", flags.index, until, forms.STALE_MONTHLY)
    months, flag = flags.index.to_period("M"), flags.to_numpy()
    begins = [m - 1 for m, a, b in zip(months[1:], flag, flag[1:], strict=False) if b > a]
    ends = [m for m, a, b in zip(months, flag, flag[1:], strict=False) if b < a]
    if flag[0] == 1:  # begun before what was asked for
        ends = ends[1:]
    frame = pd.DataFrame({"peak": begins[: len(ends)], "trough": ends}, dtype="period[M]")
    frame.attrs |= {"complete_through": months[-1].end_time.normalize(), "title": "FRED, USREC"}
    return frame


def macro(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return unemployment, 12-month consumer price changes and two Treasury yields, from FRED.

    Prices are CPIAUCNS, not seasonally adjusted, as the published 12-month change is; it is
    rounded to one decimal like that. Yields are DGS2 and DGS10, every day. FRED shows figures as
    they now stand: the first release is known for the newest month and for what is not revised,
    and missing for earlier months of unemployment.

    Returns
    -------
    DataFrame, columns as in ``macro_readings``, dated at a month's end or the day of the yield.
    """
    first = since.replace(day=1)  # as FRED dates a month
    rate = _series("UNRATE", first, until)
    prices = _series("CPIAUCNS", first - pd.DateOffset(months=12), until)
    prices = prices.asfreq("MS")
    change = (100 * (prices / prices.shift(12) - 1)).round(1).iloc[12:]
    for name, series in (("UNRATE", rate), ("CPIAUCNS", prices)):
        forms.require_recent(f"macro {name}", series.index, until, forms.STALE_MONTHLY)
    labor, treasury = "US Bureau of Labor Statistics", "US Treasury / Federal Reserve H.15"
    parts = [
        _readings("unemployment_rate", _at_month_end(rate), labor),
        _readings("cpi_12_month_change", _at_month_end(change), labor),
    ]
    for name, series in (("treasury_10_year_yield", "DGS10"), ("treasury_2_year_yield", "DGS2")):
        yields = _series(series, since, until)
        forms.require_recent(f"macro {series}", yields.index, until, forms.STALE_DAYS)
        daily = _readings(name, yields.dropna(), treasury)
        parts.append(daily.assign(known_from=daily["as_of"]))
    frame = pd.concat(parts, ignore_index=True)
    revised = (frame["series"] == "unemployment_rate") & frame.duplicated("series", keep="last")
    frame.loc[revised, "first_release"] = np.nan
    frame = frame[frame["as_of"].between(since, until)].reset_index(drop=True)
    frame.attrs["title"] = "FRED, UNRATE, CPIAUCNS, DGS2 and DGS10"
    return frame


def _series(name: str, since: pd.Timestamp, until: pd.Timestamp) -> pd.Series:
    """Return one series of FRED by day; NaN where it has a day without a value."""
    what = f"FRED {name}"
    key = os.environ.get(KEY)
    if key:
        text = _observations(what, name, since, until, key)
    else:
        address = os.environ.get("ROTATION_FRED_URL") or FRED
        asked = {"id": name, "cosd": forms.day(since), "coed": forms.day(until)}
        try:
            text = forms.text(what, web.get(what, address, asked))
        except SourceError as error:
            if "answers 403" in str(error):
                raise SourceError(f"{error}; a free key in {KEY} asks FRED's API instead") from None
            raise
    # The first column had another name until the end of 2024.
    return forms.dated_columns(what, text, ("observation_date", "DATE"), name)


def _observations(what: str, name: str, since: pd.Timestamp, until: pd.Timestamp, key: str) -> str:
    """Return what FRED's API answers, in the form of its download."""
    asked = {
        "series_id": name,
        "observation_start": forms.day(since),
        "observation_end": forms.day(until),
        "file_type": "json",
    }
    address = os.environ.get("ROTATION_FRED_API_URL") or API
    content = forms.text(what, web.get(what, address, asked, {"api_key": key}))
    try:
        rows = [f"{one['date']},{one['value']}" for one in json.loads(content)["observations"]]
    except (ValueError, KeyError, TypeError):
        raise SourceError(f"{what}: not the form of FRED's API; expected observations") from None
    return "\n".join([f"observation_date,{name}", *rows]) + "\n"


def _at_month_end(series: pd.Series) -> pd.Series:
    return series.set_axis(series.index + pd.offsets.MonthEnd(0))


def _readings(name: str, series: pd.Series, source: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "as_of": series.index.as_unit("us"),
            "series": name,
            "first_release": series.to_numpy(),
            "latest": series.to_numpy(),
            "unit": "percent",
            "source": source,
        }
    )
