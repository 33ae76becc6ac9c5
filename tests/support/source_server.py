"""Made-up sources on this machine: they answer in the documented form of each public one.

The answers continue the frozen tables: what those hold stays, and what follows is invented. A test
may spoil any answer. Nothing here says that the real sources answer like this; see
docs/refreshing.md.
"""

from __future__ import annotations

import hashlib
import io
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd

from helpers import data

# The invented figures end here.
END = pd.Timestamp("2026-11-20")
CUT = (pd.Timestamp("2026-09-16"), 3.25, 3.5)

Answer = Callable[[BaseHTTPRequestHandler], None]


class Sources:
    """A server in a thread; use it as a context.

    Attributes
    ----------
    series : dict of Series
        FRED's by their name, indexed by day.
    closes : DataFrame
        Columns ``RUT`` and ``GSPC``.
    french : dict of str
        The text of the library's CSV files by their name.
    spoiled : dict of callable
        By the end of a path or the id of a series: what answers in its place.
    asked : list of str
        Every request so far.
    validators : bool
        Whether sound answers carry an ETag and are not sent to whom has them.
    sent : dict of int
        How often each path was answered with its content.
    """

    def __init__(self, end: pd.Timestamp = END) -> None:
        market = data.load()
        self.closes = _closes(market, end)
        self.series = _fred(market, end)
        self.french = _french(market)
        self.spoiled: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.validators = False
        self.sent: Counter[str] = Counter()

    def __enter__(self) -> Sources:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """The settings that point the package here."""
        address = f"http://127.0.0.1:{self._server.server_port}"
        return {
            "ROTATION_FRED_URL": f"{address}/fredgraph.csv",
            "ROTATION_FRENCH_URL": f"{address}/french",
            "ROTATION_CLOSES_URL": f"{address}/closes",
        }

    def answer(self, path: str) -> bytes | None:
        """Return the sound answer to a request; None if there is no such thing."""
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        name = parts.path.rsplit("/", 1)[-1]
        if name == "fredgraph.csv" and asked.get("id") in self.series:
            wanted = self.series[asked["id"]].loc[asked["cosd"] : asked["coed"]]
            return fred_csv(asked["id"], wanted)
        if name.removesuffix(".csv") in self.closes:
            values = self.closes[name.removesuffix(".csv")].dropna()
            rows = [f"{day.date()},{value:.2f}" for day, value in values.items()]
            return ("\n".join(["Date,Close", *rows]) + "\n").encode()
        if name.removesuffix("_CSV.zip") in self.french:
            stem = name.removesuffix("_CSV.zip")
            return zipped(f"{stem}.csv", self.french[stem])
        return None


def fred_csv(name: str, values: pd.Series, date: str = "observation_date") -> bytes:
    """Return a series in the form of FRED's download: empty where there is no value."""
    rows = [f"{day.date()},{'' if np.isnan(v) else f'{v:.10g}'}" for day, v in values.items()]
    return ("\n".join([f"{date},{name}", *rows]) + "\n").encode()


def zipped(name: str, text: str) -> bytes:
    """Return a zip with one file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)  # always the same
    return content.getvalue()


def says(content: bytes, status: int = 200, kind: str = "text/csv", **headers: str) -> Answer:
    """Return what answers with these bytes."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def hangs(seconds: float) -> Answer:
    """Return what answers nothing for a while."""

    def answer(_: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Return what answers one way after the other, and the last way from then on."""
    left = list(answers)

    def answer(request: BaseHTTPRequestHandler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


def _handler(sources: Sources) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sources.asked.append(self.path)
            for key, answer in sources.spoiled.items():
                if urlsplit(self.path).path.endswith(key) or f"id={key}&" in self.path:
                    return answer(self)
            content = sources.answer(self.path)
            tag = f'"{hashlib.sha256(content or b"").hexdigest()[:16]}"'
            if sources.validators and content is not None:
                if self.headers.get("If-None-Match") == tag:
                    return says(b"", 304)(self)
                sources.sent[self.path] += 1
                return says(content, ETag=tag)(self)
            return says(b"no such thing", 404)(self) if content is None else says(content)(self)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


# What they say ----------------------------------------------------------------------------------


def _over(end: pd.Timestamp) -> pd.Timestamp:
    """Return the first of the month before that of a day."""
    return end.replace(day=1) - pd.DateOffset(months=1)


def _closes(market: data.Market, end: pd.Timestamp) -> pd.DataFrame:
    """The frozen closes of 2024 on, and a small random walk after them."""
    known = market.closes.loc["2024":].set_axis(["RUT", "GSPC"], axis=1)
    days = data.sessions(str(market.last.date()), str(end.date()))[1:]
    steps = np.random.default_rng(20260821).normal(0, 0.006, (len(days), 2))
    walk = known.iloc[-1].to_numpy() * np.exp(steps.cumsum(axis=0))
    return pd.concat([known, pd.DataFrame(walk.round(2), days, known.columns)])


def _fred(market: data.Market, end: pd.Timestamp) -> dict[str, pd.Series]:
    """Series of FRED that say what the frozen tables hold, with a few months more."""
    daily = pd.date_range("2008-12-16", end, unit="us")
    changes = market.target.loc["2008-12-16":, ["lower_percent", "upper_percent"]]
    changes.loc[CUT[0]] = CUT[1:]
    # A decision takes effect the day after; the first one did at once.
    changes.index = changes.index.where(
        changes.index == daily[0], changes.index + pd.Timedelta(days=1)
    )
    levels = changes.reindex(daily).ffill()
    months = pd.date_range("1923-01-01", _over(end), freq="MS", unit="us")
    recession = pd.Series(0.0, months)
    for one in market.recessions.itertuples():
        recession[(one.peak + 1).to_timestamp() : one.trough.to_timestamp()] = 1.0
    yields = pd.bdate_range("2024-12-02", end, unit="us")
    series = {
        "DFEDTARL": levels["lower_percent"],
        "DFEDTARU": levels["upper_percent"],
        "USREC": recession,
        "UNRATE": _monthly(market, "unemployment_rate", 4.3, end),
        "CPIAUCNS": _prices(market, end),
    }
    for name, kept in (("DGS10", "treasury_10_year_yield"), ("DGS2", "treasury_2_year_yield")):
        values = pd.Series(4.0, yields).where(yields != "2026-09-07")  # Labor Day: no value
        own = market.macro[market.macro["series"] == kept]
        values[own["as_of"]] = own["latest"].to_numpy()
        series[name] = values
    return series


def _monthly(market: data.Market, series: str, later: float, end: pd.Timestamp) -> pd.Series:
    own = market.macro[market.macro["series"] == series]
    known = own.set_index(own["as_of"].dt.to_period("M").dt.to_timestamp())["latest"]
    months = pd.date_range("2024-01-01", _over(end), freq="MS", unit="us")
    return known.reindex(months).where(months.isin(known.index), later)


def _prices(market: data.Market, end: pd.Timestamp) -> pd.Series:
    """Price levels whose 12-month changes are those of the table."""
    changes = _monthly(market, "cpi_12_month_change", 2.5, end)
    prices = pd.Series(300.0, pd.date_range("2023-01-01", "2023-12-01", freq="MS", unit="us"))
    for month, change in changes.items():
        before = prices.get(month - pd.DateOffset(months=12), np.nan)
        prices[month] = round(before * (1 + change / 100), 3)
    return prices


def _french(market: data.Market) -> dict[str, str]:
    """Two files of the library with two invented months more."""
    size = ["<= 0", "Lo 30", "Med 40", "Hi 30", "Lo 20", "Qnt 2", "Qnt 3", "Qnt 4", "Hi 20"]
    size += ["Lo 10", *(f"Dec {n}" for n in range(2, 10)), "Hi 10"]
    cells = ["SMALL LoBM", "ME1 BM2", "ME1 BM3", "ME1 BM4", "SMALL HiBM"]
    cells += [f"ME{s} BM{b}" for s in (2, 3, 4) for b in range(1, 6)]
    cells += ["BIG LoBM", "ME5 BM2", "ME5 BM3", "ME5 BM4", "BIG HiBM"]
    return {
        "Portfolios_Formed_on_ME": _library(
            "Value Weight", size, {"Lo 30": "small", "Hi 30": "large"}, market.portfolios
        ),
        "25_Portfolios_5x5": _library(
            "Average Value Weighted",
            cells,
            {"SMALL HiBM": "small_hibm", "ME2 BM5": "me2_bm5"},
            market.value_portfolios,
        ),
    }


def _library(title: str, columns: list[str], own: dict[str, str], frame: pd.DataFrame) -> str:
    more = pd.DataFrame(
        {name: [0.0123, -0.0045] for name in frame}, frame.index[-1] + np.arange(1, 3)
    )
    rows = []
    for month, values in pd.concat([frame, more]).iterrows():
        cells = [f"{100 * values[own[c]]:.2f}" if c in own else "-99.99" for c in columns]
        rows.append(",".join([month.strftime("%Y%m"), *(f"{cell:>8}" for cell in cells)]))
    tables = []
    for one in (title, title.replace("Value", "Equal")):
        tables += [f"  {one} Returns -- Monthly", ",".join(["", *columns]), *rows, "", ""]
        rows = [row.replace("1", "2") for row in rows]
    return "\r\n".join(
        [
            "This file was created by CMPT_RETS using the 202604 CRSP database.",
            "It contains value- and equal-weighted returns for portfolios.",
            "",
            "Missing data are indicated by -99.99 or -999.",
            "",
            "",
            *tables,
            "  Number of Firms in Portfolios",
            ",".join(["", *columns]),
            ",".join(["192607", *("10" for _ in columns)]),
            "",
            "Copyright",
            "",
        ]
    )
