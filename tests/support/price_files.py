"""Made-up price files in the forms that people download, on real trading days."""

from __future__ import annotations

from pathlib import Path

import exchange_calendars
import numpy as np
import pandas as pd


def closes(calendar: str, start: str, end: str, seed: int) -> pd.Series:
    """Return made-up closes on the sessions of an exchange: no real fund."""
    days = exchange_calendars.get_calendar(calendar, start=start, end=end).sessions
    steps = np.random.default_rng(seed).standard_t(5, len(days)) * 0.008 + 0.0003
    return pd.Series(100 * np.exp(steps.cumsum()), index=days, name="close").round(4)


def plain(path: Path, series: pd.Series) -> Path:
    """``Date,Close``, newest first, as a site's table copied into a spreadsheet."""
    rows = [f"{day.date()},{value:.2f}" for day, value in series.iloc[::-1].items()]
    path.write_bytes(("\ufeffDate,Close\r\n" + "\r\n".join(rows) + "\r\n").encode())
    return path


def yahoo(path: Path, series: pd.Series, dividends: float = 0.015) -> Path:
    """``Date,Open,High,Low,Close,Adj Close,Volume`` with closes adjusted for a yearly yield."""
    years = (series.index[-1] - series.index).days / 365.25
    adjusted = series * np.exp(-dividends * years)
    lines = ["Date,Open,High,Low,Close,Adj Close,Volume"]
    for day, value, total in zip(series.index, series, adjusted, strict=True):
        prices = f"{value:.6f},{value * 1.01:.6f},{value * 0.99:.6f},{value:.6f},{total:.6f}"
        lines.append(f"{day.date()},{prices},1234500")
    path.write_text("\n".join(lines) + "\n")
    return path


def client(path: Path, *series: pd.Series, tickers: tuple[str, ...]) -> Path:
    """Three header lines, as newer clients write one or more tickers."""
    fields = ["Close", "High", "Low", "Open", "Volume"]
    columns = [(field, ticker) for field in fields for ticker in tickers]
    lines = [
        ",".join(["Price", *(field for field, _ in columns)]),
        ",".join(["Ticker", *(ticker for _, ticker in columns)]),
        "Date" + "," * len(columns),
    ]
    by_ticker = dict(zip(tickers, series, strict=True))
    for day in series[0].index:
        values = [
            "1000" if field == "Volume" else f"{by_ticker[ticker][day]:.6f}"
            for field, ticker in columns
        ]
        lines.append(",".join([str(day.date()), *values]))
    path.write_text("\n".join(lines) + "\n")
    return path


def fred(path: Path, series: pd.Series, name: str, old: bool = False) -> Path:
    """FRED's two generations: every weekday, a dot or nothing where the market was closed."""
    weekdays = pd.bdate_range(series.index[0], series.index[-1])
    lines = [f"DATE,{name}" if old else f"observation_date,{name}"]
    for day in weekdays:
        value = series.get(day)
        lines.append(
            f"{day.date()},{'.' if old else ''}" if value is None else f"{day.date()},{value}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path
