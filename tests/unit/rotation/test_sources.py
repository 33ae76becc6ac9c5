"""The adapters against answers in each source's documented form, from a server on this machine."""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.errors import Exit
from rotation.refresh import closes, fred, french, web
from rotation.refresh.web import SourceError
from support.source_server import Sources, fred_csv, hangs, in_turn, says, zipped

SINCE, UNTIL = pd.Timestamp("2024-01-01"), pd.Timestamp("2026-11-20")
ME, CELLS = "Portfolios_Formed_on_ME", "25_Portfolios_5x5"


@pytest.fixture(scope="module")
def made_up():
    with Sources() as server:
        yield server


@pytest.fixture
def server(made_up, monkeypatch):
    for name, value in made_up.environment.items():
        monkeypatch.setenv(name, value)
    # The server is near: what it does not say in a second it will not say.
    monkeypatch.setattr(web, "CONNECT", 1.0)
    monkeypatch.setattr(web, "READ", 0.5)
    made_up.spoiled.clear()
    made_up.asked.clear()
    return made_up


def refusal(fetch, since=SINCE, until=UNTIL):
    with pytest.raises(SourceError) as caught:
        fetch(since, until)
    message = str(caught.value)
    assert "\n" not in message
    assert "Traceback" not in message
    assert caught.value.code == Exit.SOURCE_FAILED == 20
    return message


def series(days, values):
    return pd.Series(values, pd.DatetimeIndex(days), dtype=float)


# Each source's form -----------------------------------------------------------------------------


class TestTarget:
    def fetch(self, server, upper, lower=None):
        """What is made of these daily upper ends, the lower ones a quarter below."""
        days = pd.date_range("2019-07-29", periods=len(upper))
        for name, values in (
            ("DFEDTARU", upper),
            ("DFEDTARL", lower or [v - 0.25 for v in upper]),
        ):
            server.spoiled[name] = says(fred_csv(name, series(days, values)))
        return fred.target(days[0], days[-1])

    def test_change_is_dated_the_day_before_it_takes_effect(self, server):
        # Announced on Wednesday 31 July 2019, in effect from Thursday.
        frame = self.fetch(server, [2.5, 2.5, 2.5, 2.25, 2.25])
        assert frame.to_dict("records") == [
            {
                "announced": pd.Timestamp("2019-07-31"),
                "lower_percent": 2.0,
                "upper_percent": 2.25,
                "change_bp": -25.0,
            }
        ]
        # What is announced on the last day shows a day later.
        assert str(frame.attrs["complete_through"].date()) == "2019-08-01"

    def test_no_change_no_rows(self, server):
        assert len(self.fetch(server, [2.5] * 5)) == 0

    def test_all_that_was_announced_since_2009(self, server, market):
        frame = fred.target(pd.Timestamp("2009-01-01"), pd.Timestamp("2026-08-21"))
        known = market.target.loc["2009":]
        off = (frame["announced"] - known.index).dt.days
        assert off.eq(0).all()
        assert (
            frame[["lower_percent", "upper_percent", "change_bp"]].to_numpy().tolist()
            == known[["lower_percent", "upper_percent", "change_bp"]].to_numpy().tolist()
        )

    def test_one_series_may_be_a_day_ahead(self, server):
        days = pd.date_range("2019-07-29", periods=5)
        server.spoiled["DFEDTARU"] = says(fred_csv("DFEDTARU", series(days[:4], [2.5] * 4)))
        server.spoiled["DFEDTARL"] = says(fred_csv("DFEDTARL", series(days, [2.25] * 5)))
        frame = fred.target(days[0], days[-1])
        assert str(frame.attrs["complete_through"].date()) == "2019-07-31"

    def test_both_series_are_needed(self, server):
        days = pd.date_range("2019-07-29", periods=5)
        gap = series([days[0], *days[2:]], [2.5] * 4)
        server.spoiled["DFEDTARU"] = says(fred_csv("DFEDTARU", gap))
        server.spoiled["DFEDTARL"] = says(fred_csv("DFEDTARL", series(days, [2.25] * 5)))
        assert "no range on 2019-07-30" in refusal(fred.target, days[0], days[-1])

    def test_data_that_end_early(self, server):
        server.series["DFEDTARU"], whole = (
            server.series["DFEDTARU"].loc[:"2026-10-01"],
            (server.series["DFEDTARU"]),
        )
        server.series["DFEDTARL"], lower = (
            server.series["DFEDTARL"].loc[:"2026-10-01"],
            (server.series["DFEDTARL"]),
        )
        try:
            message = refusal(fred.target)
        finally:
            server.series |= {"DFEDTARU": whole, "DFEDTARL": lower}
        assert "the data end on 2026-10-01: expected them to 2026-11-20" in message


class TestRecessions:
    def flags(self, server, first, values):
        months = pd.date_range(first, periods=len(values), freq="MS")
        server.spoiled["USREC"] = says(fred_csv("USREC", series(months, values)))
        return fred.recessions(months[0], months[-1])

    def test_peak_is_the_month_before_and_trough_the_last_month(self, server):
        # FRED: 1 in March and April 2020; NBER: peak in February, trough in April.
        frame = self.flags(server, "2020-01-01", [0, 0, 1, 1, 0, 0])
        assert frame.astype(str).to_numpy().tolist() == [["2020-02", "2020-04"]]

    def test_one_that_goes_on_is_left_out(self, server):
        frame = self.flags(server, "2020-01-01", [0, 1, 1, 0, 0, 1, 1])
        assert frame.astype(str).to_numpy().tolist() == [["2020-01", "2020-03"]]

    def test_one_that_began_before_is_left_out(self, server):
        frame = self.flags(server, "2020-01-01", [1, 1, 0, 1, 0])
        assert frame.astype(str).to_numpy().tolist() == [["2020-03", "2020-04"]]

    def test_the_whole_table(self, server, market):
        frame = fred.recessions(pd.Timestamp("1926-10-01"), UNTIL)
        assert frame["peak"].tolist() == market.recessions["peak"].tolist()
        assert frame["trough"].tolist() == market.recessions["trough"].tolist()

    def test_other_numbers(self, server):
        with pytest.raises(SourceError, match="more than 0 and 1"):
            self.flags(server, "2020-01-01", [0, 0.5, 1, 0])


class TestMacro:
    def test_figures_of_the_frozen_table(self, server, market):
        frame = fred.macro(pd.Timestamp("2024-12-31"), UNTIL)
        found = frame.set_index(["series", "as_of"])["latest"]
        for row in market.macro.itertuples():
            got = found[(row.series, row.as_of)]
            assert got == row.latest or (np.isnan(got) and np.isnan(row.latest))

    def test_twelve_month_change_is_rounded_as_it_is_published(self, server):
        months = pd.date_range("2024-10-01", "2026-10-01", freq="MS")
        prices = series(months, 315.0).astype(float)
        prices["2026-10-01"] = 323.048  # 2.5549 percent above
        server.spoiled["CPIAUCNS"] = says(fred_csv("CPIAUCNS", prices))
        frame = fred.macro(pd.Timestamp("2026-10-01"), UNTIL)
        own = frame[frame["series"] == "cpi_12_month_change"]
        assert own[["latest", "first_release"]].to_numpy().tolist() == [[2.6, 2.6]]
        assert str(own["as_of"].iloc[0].date()) == "2026-10-31"

    def test_first_release_is_known_of_the_newest_month_only(self, server):
        frame = fred.macro(pd.Timestamp("2026-06-30"), UNTIL)
        own = frame[frame["series"] == "unemployment_rate"]
        assert own["first_release"].notna().tolist() == [False] * (len(own) - 1) + [True]
        others = frame[frame["series"] != "unemployment_rate"]
        assert others["first_release"].equals(others["latest"])

    def test_a_month_without_a_figure_is_kept_empty(self, server):
        frame = fred.macro(pd.Timestamp("2025-09-30"), UNTIL)
        october = frame[frame["as_of"] == "2025-10-31"].set_index("series")["latest"]
        assert np.isnan(october["unemployment_rate"])
        assert np.isnan(october["cpi_12_month_change"])

    def test_a_day_without_a_yield_is_left_out(self, server):
        frame = fred.macro(pd.Timestamp("2026-09-01"), UNTIL)
        assert not (frame["as_of"] == "2026-09-07").any()


class TestFrench:
    @pytest.mark.parametrize(
        ("fetch", "table"),
        [
            (french.size_portfolios, "portfolios"),
            (french.size_value_portfolios, "value_portfolios"),
        ],
    )
    def test_value_weighted_months_of_the_frozen_table(self, server, market, fetch, table):
        own = getattr(market, table)
        frame = fetch(own.index[0].to_timestamp(), UNTIL).set_index("month")
        assert len(frame) == len(own) + 2
        got = frame.loc[own.index].to_numpy() / 100
        assert np.allclose(got, own.to_numpy(), atol=1e-12)
        assert "CRSP vintage 202604" in fetch(SINCE, UNTIL).attrs["title"]

    def test_months_of_the_time_asked_for(self, server):
        frame = french.size_portfolios(pd.Timestamp("2026-01-15"), pd.Timestamp("2026-03-30"))
        assert frame["month"].astype(str).tolist() == ["2026-01", "2026-02"]

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("Lo 30", "Low 30", "expected one 'Lo 30'"),
            (",Hi 30,", ",Lo 30,", "expected one 'Lo 30'"),
            ("Value Weight Returns -- Monthly", "Value Weight Returns", "expected a first line"),
            ("Equal Weight Returns -- M", "Value Weighted Returns -- M", "expected a first line"),
            ("CRSP", "Bloomberg", None),
            ("using the 202604 ", "", "names the CRSP database"),
            ("202603,", "202613,", "expected a month"),
            ("202603,", "202602,", "2026-02 comes twice"),
        ],
    )
    def test_other_forms(self, server, old, new, said):
        text = server.french[ME].replace(old, new, 1)
        server.spoiled[f"{ME}_CSV.zip"] = says(zipped(f"{ME}.csv", text))
        if said is None:
            assert len(french.size_portfolios(SINCE, UNTIL))
        else:
            assert said in refusal(french.size_portfolios)

    @pytest.mark.parametrize("figure", ["-99.99", "-999", "", "1.2x", "nan", "1e3"])
    def test_a_missing_figure_is_no_return(self, server, figure):
        lines = server.french[ME].split("\r\n")
        row = next(i for i, line in enumerate(lines) if line.startswith("202603"))
        cells = lines[row].split(",")
        lines[row] = ",".join([*cells[:2], figure, *cells[3:]])
        server.spoiled[f"{ME}_CSV.zip"] = says(zipped(f"{ME}.csv", "\r\n".join(lines)))
        assert "row 2026-03: Lo 30" in refusal(french.size_portfolios)

    @pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.999])
    def test_half_a_zip(self, server, share):
        whole = zipped(f"{ME}.csv", server.french[ME])
        server.spoiled[f"{ME}_CSV.zip"] = says(whole[: int(share * len(whole))])
        assert "not a whole zip file" in refusal(french.size_portfolios)

    def test_a_zip_with_something_else(self, server):
        server.spoiled[f"{ME}_CSV.zip"] = says(zipped("readme.txt", "x"))
        assert "expected a zip with one CSV" in refusal(french.size_portfolios)

    def test_a_web_page(self, server):
        server.spoiled[f"{ME}_CSV.zip"] = says(b"<html>moved</html>", kind="text/html")
        assert "not a whole zip file" in refusal(french.size_portfolios)


class TestCloses:
    def test_days_asked_for_to_the_cent(self, server):
        frame = closes.closes(pd.Timestamp("2026-08-20"), pd.Timestamp("2026-08-21"))
        assert frame.to_numpy().tolist() == [
            [pd.Timestamp("2026-08-20"), 2992.43, 7641.16],
            [pd.Timestamp("2026-08-21"), 3017.87, 7674.37],
        ]
        assert list(frame) == ["date", "russell_2000", "sp_500"]

    def test_a_day_of_one_index_alone_is_half_empty(self, server):
        lines = server.answer("/closes/RUT.csv").split(b"\n")
        server.spoiled["RUT.csv"] = says(b"\n".join([*lines[:-4], *lines[-3:]]))
        frame = closes.closes(SINCE, UNTIL).set_index("date")
        assert frame.loc["2026-11-18"].isna().tolist() == [True, False]
        assert frame.isna().sum().sum() == 1

    def test_nothing_in_common(self, server):
        server.spoiled["RUT.csv"] = says(b"Date,Close\n2020-01-02,1000.00\n")
        assert "the data are empty" in refusal(closes.closes)

    @pytest.fixture
    def folder(self, server, tmp_path):
        for name in ("RUT", "GSPC"):
            (tmp_path / f"{name}.csv").write_bytes(server.answer(f"/closes/{name}.csv"))
        return tmp_path

    def test_of_a_folder(self, server, folder):
        expected = closes.closes(SINCE, UNTIL)
        for place in (str(folder), folder.as_uri()):
            found = closes.closes(SINCE, UNTIL, place)
            pd.testing.assert_frame_equal(found, expected)
            assert found.attrs["title"] == "closes from a folder"

    def test_of_a_folder_that_lacks_one(self, folder):
        (folder / "GSPC.csv").unlink()
        with pytest.raises(SourceError) as caught:
            closes.closes(SINCE, UNTIL, str(folder))
        assert str(caught.value) == (
            f"closes ^GSPC: {folder}/GSPC.csv cannot be read (No such file or directory)"
        )

    def test_of_a_client_of_one_s_own(self, server, tmp_path, monkeypatch):
        expected = closes.closes(SINCE, UNTIL)
        (tmp_path / "own_client.py").write_text(
            "import pandas as pd\n"
            "def ask(symbol, since, until):\n"
            f"    return pd.read_pickle(r'{tmp_path}/' + symbol[1:]).loc[since:until]\n"
            "def fail(*_):\n    raise OSError('no licence')\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        for name in ("RUT", "GSPC"):
            server.closes[[name]].set_axis(["Close"], axis=1).to_pickle(tmp_path / name)
        found = closes.closes(SINCE, UNTIL, "own_client:ask")
        pd.testing.assert_frame_equal(found, expected)
        for name, said in (("fail", "OSError: no licence"), ("none", "AttributeError")):
            with pytest.raises(SourceError, match=said):
                closes.closes(SINCE, UNTIL, f"own_client:{name}")


class TestYahoo:
    """yfinance's answers in the shape that its ``Ticker.history`` documents."""

    @pytest.fixture
    def yahoo(self, monkeypatch):
        monkeypatch.delenv("ROTATION_CLOSES_URL", raising=False)
        days = pd.DatetimeIndex(["2026-11-18", "2026-11-19", "2026-11-20"], name="Date")
        frame = pd.DataFrame(
            {name: [1.0, 2.0, 3.0] for name in ("Open", "High", "Low", "Adj Close", "Volume")}
            | {"Close": [3000.125, 3010.339966, 2995.1]},
            days.tz_localize("America/New_York"),
        )
        asked = []

        class Ticker:
            def __init__(self, symbol):
                self.symbol = symbol

            def history(self, **options):
                asked.append((self.symbol, options))
                answer = module.frames.get(self.symbol, frame)
                if isinstance(answer, Exception):
                    raise answer
                return answer

        config = SimpleNamespace(
            debug=SimpleNamespace(hide_exceptions=True), network=SimpleNamespace(retries=0)
        )
        module = SimpleNamespace(Ticker=Ticker, config=config, frames={}, frame=frame, asked=asked)
        monkeypatch.setitem(sys.modules, "yfinance", module)
        return module

    def test_unadjusted_closes_to_the_cent(self, yahoo):
        frame = closes.closes(pd.Timestamp("2026-11-18"), UNTIL)
        assert frame["russell_2000"].tolist() == [3000.12, 3010.34, 2995.1]
        assert frame["date"].dt.tz is None
        assert frame.attrs["title"] == "Yahoo Finance"
        symbols = [symbol for symbol, _ in yahoo.asked]
        assert symbols == ["^RUT", "^GSPC"]
        options = yahoo.asked[0][1]
        assert options["auto_adjust"] is False
        assert (options["start"], options["end"]) == ("2026-11-18", "2026-11-21")

    @pytest.mark.parametrize("change", ["adjusted", "no dates", "empty"])
    def test_other_columns(self, yahoo, change):
        frame = {
            "adjusted": yahoo.frame.drop(columns="Close"),
            "no dates": yahoo.frame.reset_index(drop=True),
            "empty": pd.DataFrame(),
        }[change]
        yahoo.frames["^GSPC"] = frame
        assert "expected days and 'Close'" in refusal(closes.closes)

    def test_duplicate_day(self, yahoo):
        # A running quote beside the day's own row.
        late = yahoo.frame.iloc[[-1]].rename(lambda day: day + pd.Timedelta(hours=15))
        yahoo.frames["^RUT"] = pd.concat([yahoo.frame, late])
        assert "2026-11-20 comes twice" in refusal(closes.closes)

    def test_its_errors_are_one_line(self, yahoo):
        yahoo.frames["^RUT"] = RuntimeError("Too Many Requests.\nTry after a while.")
        assert refusal(closes.closes) == "closes ^RUT: RuntimeError: Too Many Requests."

    def test_a_missing_package_is_one_line(self, monkeypatch):
        monkeypatch.delenv("ROTATION_CLOSES_URL", raising=False)
        monkeypatch.setitem(sys.modules, "yfinance", None)
        assert "yfinance is missing; install it with pip install" in refusal(closes.closes)


class TestYahooClient:
    """The client itself, where the extra ``refresh`` is installed, with a server of ours."""

    @pytest.fixture
    def chart(self, server, monkeypatch):
        reason = "yfinance comes with the extra 'refresh', which is not installed"
        history = pytest.importorskip("yfinance.scrapers.history", reason=reason)
        from yfinance import base, cache
        from yfinance import data as client

        address = server.environment["ROTATION_CLOSES_URL"].removesuffix("/closes")
        monkeypatch.setattr(history, "_BASE_URL_", address)
        monkeypatch.setattr(base, "_BASE_URL_", address)
        monkeypatch.setattr(client.YfData, "_get_cookie_and_crumb", lambda *_, **__: (None, ""))
        monkeypatch.setattr(cache, "get_tz_cache", lambda: cache._TzCacheDummy())
        monkeypatch.delenv("ROTATION_CLOSES_URL")
        return server

    def test_quotes(self, chart):
        days = [pd.Timestamp(f"2026-11-{day} 09:30", tz="America/New_York") for day in (19, 20)]
        stamps = [int(day.timestamp()) for day in days]
        prices = [3010.339966, 2995.1]
        meta = {
            "currency": "USD",
            "instrumentType": "INDEX",
            "exchangeTimezoneName": "America/New_York",
            "timezone": "EST",
            "gmtoffset": -18000,
            "regularMarketTime": stamps[-1] + 23400,
            "priceHint": 2,
            "dataGranularity": "1d",
            "validRanges": ["1d", "5d", "max"],
        }
        quote = dict.fromkeys(("open", "high", "low", "close"), prices) | {"volume": [0, 0]}
        result = {
            "meta": meta,
            "timestamp": stamps,
            "indicators": {"quote": [quote], "adjclose": [{"adjclose": prices}]},
        }
        answer = json.dumps({"chart": {"result": [result], "error": None}}).encode()
        for symbol in ("%5ERUT", "%5EGSPC"):
            chart.spoiled[symbol] = says(answer, kind="application/json")
        frame = closes.closes(pd.Timestamp("2026-11-19"), UNTIL)
        assert frame.to_numpy().tolist() == [
            [pd.Timestamp("2026-11-19"), 3010.34, 3010.34],
            [pd.Timestamp("2026-11-20"), 2995.1, 2995.1],
        ]

    def test_busy(self, chart):
        chart.spoiled["%5ERUT"] = says(b"Too Many Requests", 429)
        assert "closes ^RUT: YFRateLimitError: Too Many Requests" in refusal(closes.closes)


# Faults of the way there ------------------------------------------------------------------------


def unemployment(since, until):
    return fred._series("UNRATE", since, until)


class TestFaults:
    def test_timeout(self, server):
        server.spoiled["UNRATE"] = hangs(1.5)
        assert "does not answer in time" in refusal(unemployment)
        assert len(server.asked) == 1 + web.RETRIES

    def test_not_found_is_not_asked_again(self, server):
        server.spoiled["UNRATE"] = says(b"gone", 404)
        assert "answers 404 Not Found; expected 200" in refusal(unemployment)
        assert len(server.asked) == 1

    def test_busy_server_is_asked_again_after_the_time_it_names(self, server):
        busy = says(b"", 429, Retry_After="1")
        whole = says(server.answer("/fredgraph.csv?id=UNRATE&cosd=2024-01-01&coed=2026-11-20"))
        server.spoiled["UNRATE"] = in_turn(busy, whole)
        begin = time.monotonic()
        assert len(unemployment(SINCE, UNTIL)) == 34
        assert 1.0 <= time.monotonic() - begin < 10
        assert len(server.asked) == 2

    def test_busy_server_that_asks_for_long_is_left_at_once(self, server):
        server.spoiled["UNRATE"] = says(b"", 429, Retry_After="3600")
        begin = time.monotonic()
        assert "asks to wait 3600 s; expected at most 20" in refusal(unemployment)
        assert time.monotonic() - begin < 5
        assert len(server.asked) == 1

    def test_broken_server_is_asked_a_bounded_number_of_times(self, server):
        server.spoiled["UNRATE"] = says(b"", 503)
        assert "answers 503 Service Unavailable" in refusal(unemployment)
        assert len(server.asked) == 1 + web.RETRIES

    def test_server_that_recovers(self, server):
        whole = says(server.answer("/fredgraph.csv?id=UNRATE&cosd=2024-01-01&coed=2026-11-20"))
        server.spoiled["UNRATE"] = in_turn(says(b"", 500), whole)
        assert len(unemployment(SINCE, UNTIL)) == 34

    def test_web_page_in_place_of_csv(self, server):
        server.spoiled["UNRATE"] = says(b"\n<!DOCTYPE html><p>Down.</p>", kind="text/html")
        assert "a web page came; expected CSV" in refusal(unemployment)

    def test_answer_shorter_than_it_says(self, server):
        server.spoiled["UNRATE"] = says(b"observation_date,UNRATE\n2026", Content_Length="5000")
        assert "broke off" in refusal(unemployment)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "columns nothing: expected 'observation_date', 'UNRATE'"),
            (b"observation_date,UNRATE\n", "no rows"),
            (b"observation_date,UNRATE\n2026-01-01,4.3", "broke off in row 1"),
            (b"observation_date,UNRATE\n2026-01-01\n", "expected a day and a number"),
            (b"observation_date,UNRATE\n2026-01-01,4.3,1\n", "expected a day and a number"),
            (b"observation_date,UNRATE\n2026-01-01,nan\n", "expected a day and a number"),
            (b"observation_date,UNRATE\n2026-01-01,4e0\n", "expected a day and a number"),
            ("observation_date,UNRATE\n2026-01-01,٤\n".encode(), "expected a day and a number"),
            (b"observation_date,UNRATE\n01/01/2026,4.3\n", "expected a day and a number"),
            (b"observation_date,UNRATE\n2026-02-30,4.3\n", "a day that is none"),
            (b"observation_date,VALUE\n2026-01-01,4.3\n", "'VALUE': expected"),
            (b"day,UNRATE\n2026-01-01,4.3\n", "columns 'day', 'UNRATE': expected"),
            (b"observation_date,UNRATE\n2026-01-01,4.3\n2026-01-01,4.3\n", "comes twice"),
            (b"observation_date,UNRATE\n2026-02-01,4.3\n2026-01-01,4.3\n", "out of order"),
            (b"observation_date,UNRATE\n2026-01-01,\xff\n", "not UTF-8"),
        ],
    )
    def test_other_content(self, server, content, said):
        server.spoiled["UNRATE"] = says(content)
        assert said in refusal(unemployment)

    def test_header_and_mark_of_earlier_years(self, server):
        server.spoiled["UNRATE"] = says(b"DATE,UNRATE\n2026-01-01,4.3\n2026-02-01,.\n")
        found = unemployment(SINCE, UNTIL)
        assert found.tolist()[0] == 4.3
        assert np.isnan(found.tolist()[1])

    def test_answer_without_an_end(self, server, monkeypatch):
        monkeypatch.setattr(web, "LARGEST", 1000)
        server.spoiled["UNRATE"] = says(b"x" * 200_000)
        assert "too large" in refusal(unemployment)

    def test_a_byte_order_mark_is_no_column(self, server):
        server.spoiled["UNRATE"] = says(b"\xef\xbb\xbfDATE,UNRATE\n2026-01-01,4.3\n")
        assert unemployment(SINCE, UNTIL).tolist() == [4.3]

    def test_no_network_is_told_soon(self, server, monkeypatch):
        monkeypatch.setenv("ROTATION_FRED_URL", "http://127.0.0.1:9/fredgraph.csv")
        begin = time.monotonic()
        assert "127.0.0.1:9 cannot be reached; is there a network?" in refusal(unemployment)
        assert time.monotonic() - begin < 30

    def test_a_name_that_is_not_known(self, server, monkeypatch):
        monkeypatch.setenv("ROTATION_FRED_URL", "http://fred.invalid/fredgraph.csv")
        assert "fred.invalid cannot be reached" in refusal(unemployment)

    def test_an_address_that_is_none(self, server, monkeypatch):
        monkeypatch.setenv("ROTATION_FRED_URL", "nowhere")
        assert "cannot be reached" in refusal(unemployment)

    def test_a_user_s_name_in_an_address_is_not_told(self, server, monkeypatch):
        monkeypatch.setenv("ROTATION_FRED_URL", "http://me:secret@127.0.0.1:9/x.csv")
        assert "secret" not in refusal(unemployment)


class TestKey:
    """FRED's API, in the form that its documentation gives for series/observations."""

    KEY = "0123456789abcdef0123456789abcdef"

    @pytest.fixture
    def api(self, server, monkeypatch):
        monkeypatch.setenv("FRED_API_KEY", self.KEY)
        place = server.environment["ROTATION_FRED_URL"].replace("fredgraph.csv", "observations")
        monkeypatch.setenv("ROTATION_FRED_API_URL", place)
        return server

    def test_is_used_if_there_is_one(self, api):
        rows = [("2026-01-01", "4.3"), ("2026-02-01", ".")]
        answer = {"count": 2, "observations": [{"date": d, "value": v} for d, v in rows]}
        api.spoiled["observations"] = says(json.dumps(answer).encode())
        found = unemployment(SINCE, UNTIL)
        assert found.index.strftime("%Y-%m-%d").tolist() == ["2026-01-01", "2026-02-01"]
        assert found.tolist()[0] == 4.3
        assert np.isnan(found.tolist()[1])
        (asked,) = api.asked
        assert f"api_key={self.KEY}" in asked
        assert "series_id=UNRATE&observation_start=" in asked

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (says(b'{"error_code":400}', 400), "answers 400"),
            (says(b'{"error_code":400}'), "not the form of FRED's API"),
            (says(b"[]"), "not the form of FRED's API"),
        ],
    )
    def test_is_told_in_no_message(self, api, answer, said):
        api.spoiled["observations"] = answer
        message = refusal(unemployment)
        assert said in message
        assert self.KEY not in message

    def test_is_advised_where_the_download_is_barred(self, server):
        server.spoiled["UNRATE"] = says(b"", 403)
        assert "answers 403 Forbidden; expected 200; a free key in FRED_API_KEY" in refusal(
            unemployment
        )
