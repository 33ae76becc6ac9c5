"""Pairs of price files in the forms that people have them, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import pairs
from support import price_files as made


@pytest.fixture(scope="module")
def new_york():
    return [made.closes("XNYS", "2012-03-01", "2025-11-28", seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def london():
    return [made.closes("XLON", "2015-06-01", "2025-11-28", seed) for seed in (3, 4)]


@pytest.fixture(autouse=True)
def nothing_is_shown():
    yield
    pairs.show(None)


def both(small, large) -> str:
    return f"{small}, {large}"


def test_plain_downloads_newest_first_from_a_spreadsheet(tmp_path, london):
    small, large = (
        made.plain(tmp_path / f"{n}.csv", s) for n, s in zip(("mid", "top"), london, strict=True)
    )
    pair = pairs.read(both(small, large))
    assert pair.names == ("mid", "top")
    assert list(pair.closes.columns) == [pairs.SMALL, pairs.LARGE]
    assert len(pair.closes) == len(london[0])  # London's own days, none of New York's
    assert pair.closes.index[0] == london[0].index[0]
    np.testing.assert_allclose(pair.closes[pairs.SMALL], london[0], atol=0.0051)
    assert pair.dropped == 0


@pytest.mark.parametrize("day", ["%m/%d/%Y", "%d/%m/%Y", "%b %d, %Y", "%Y-%m-%d"])
def test_days_and_prices_as_sites_write_them(tmp_path, new_york, day):
    for name, series in zip("ab", new_york, strict=True):
        rows = [f'"{at.strftime(day)}","${1000 + v:,.4f}",1' for at, v in series[::-1].items()]
        (tmp_path / f"{name}.csv").write_text("Date,Close/Last,Volume\n" + "\n".join(rows))
    pair = pairs.read(both(tmp_path / "a.csv", tmp_path / "b.csv"))
    expected = 1000 + new_york[0]
    assert list(pair.closes.index) == list(expected.index)
    np.testing.assert_allclose(pair.closes[pairs.SMALL], expected, atol=1e-6)


def test_the_kind_of_price_chooses_the_column(tmp_path, new_york):
    small, large = (
        made.yahoo(tmp_path / f"{n}.csv", s) for n, s in zip("ab", new_york, strict=True)
    )
    price = pairs.read(both(small, large), "IWM,SPY", "price")
    total = pairs.read(both(small, large), "IWM,SPY", "total return")
    assert price.names == total.names == ("IWM", "SPY")
    # A yearly yield of 1.5% is what parts the two, by construction of the file.
    years = (price.closes.index[-1] - price.closes.index[0]).days / 365.25
    ratio = [(p.closes.iloc[-1] / p.closes.iloc[0])[pairs.SMALL] for p in (price, total)]
    assert np.log(ratio[1] / ratio[0]) / years == pytest.approx(0.015, abs=1e-6)
    assert "prices without dividends" in price.label
    assert "total returns" in total.label


def test_three_header_lines_of_newer_clients(tmp_path, new_york):
    one = made.client(tmp_path / "one.csv", new_york[0], tickers=("IWM",))
    two = made.client(tmp_path / "two.csv", new_york[1], tickers=("SPY",))
    pair = pairs.read(both(one, two))
    assert pair.names == ("IWM", "SPY")
    np.testing.assert_allclose(pair.closes[pairs.LARGE], new_york[1], atol=1e-6)
    together = made.client(tmp_path / "both.csv", *new_york, tickers=("IWM", "SPY"))
    pd.testing.assert_frame_equal(pairs.read(str(together)).closes, pair.closes)


def test_two_generations_of_fred(tmp_path, new_york):
    old = made.fred(tmp_path / "old.csv", new_york[0], "RU2000PR", old=True)
    new = made.fred(tmp_path / "SP500.csv", new_york[1], "SP500")
    pair = pairs.read(both(old, new))
    assert pair.names == ("RU2000PR", "SP500")
    assert list(pair.closes.index) == list(new_york[0].index)
    weekdays = len(pd.bdate_range(new_york[0].index[0], new_york[0].index[-1]))
    assert pair.dropped == weekdays - len(new_york[0])  # holidays


def test_one_table_with_two_columns(tmp_path, london):
    frame = pd.DataFrame({"FTSE 250": london[0], "FTSE 100": london[1]}).rename_axis("date")
    frame.to_csv(tmp_path / "ftse.csv")
    pair = pairs.read(str(tmp_path / "ftse.csv"))
    assert pair.names == ("FTSE 250", "FTSE 100")


def test_days_with_a_time_and_a_zone(tmp_path):
    days = [f"2024-01-{d:02d} 00:00:00-05:00" for d in (2, 3, 4, 5)]
    (tmp_path / "a.csv").write_text(
        "Date,Close\n" + "".join(f"{d},{i + 1}\n" for i, d in enumerate(days))
    )
    (tmp_path / "a.csv").write_text(
        "Date,Close\n" + "".join(f"{d},10.{i}\n" for i, d in enumerate(days))
    )
    (tmp_path / "b.csv").write_text((tmp_path / "a.csv").read_text())
    closes = pairs.read(both(tmp_path / "a.csv", tmp_path / "b.csv")).closes
    assert [str(day.date()) for day in closes.index] == [d[:10] for d in days]


def test_other_start_dates_leave_the_common_days(tmp_path, new_york):
    late = new_york[1].loc["2018-01-02":]
    small = made.plain(tmp_path / "a.csv", new_york[0])
    large = made.plain(tmp_path / "b.csv", late)
    pair = pairs.read(both(small, large))
    assert pair.closes.index[0] == late.index[0]
    assert pair.dropped == 0  # what lies before the later start is no gap


def test_a_few_unmatched_days_are_dropped_and_counted(tmp_path, new_york):
    holes = new_york[1].drop(new_york[1].index[[100, 200, 300]])
    small = made.plain(tmp_path / "a.csv", new_york[0])
    large = made.plain(tmp_path / "b.csv", holes)
    pair = pairs.read(both(small, large))
    assert pair.dropped == 3
    assert len(pair.closes) == len(holes)


HEAD = "Date,Close\n2024-01-02,10\n2024-01-03,11\n2024-01-04,10.5\n"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "a.csv: empty; expected a header line and rows of closes"),
        ("Date;Close\n2024-01-02;1,5\n", "a.csv: one column 'Date;Close'; expected columns parted"),
        ("Day,Close\n2024-01-02,1\n", "a.csv: columns Day, Close; expected one of the name Date"),
        ("Date,Open,High\n2024-01-02,1,2\n", "a.csv: columns Date, Open, High; expected one"),
        (HEAD + "01/05/2024,10\n", "a.csv line 5: date '01/05/2024': expected a day"),
        (HEAD + "2024-02-30,10\n", "a.csv line 5: date '2024-02-30': expected a day"),
        (HEAD + "2024-01-05 15:30:00,10\n", "a.csv line 5: date '2024-01-05 15:30:00': expected"),
        # Twelve thousand for some, a bit more than twelve for others.
        (HEAD + '2024-01-05,"12,345"\n', "a.csv line 5: close '12,345': expected a number"),
        (HEAD + '2024-01-05,"10,7"\n', "a.csv line 5: close '10,7': expected a number"),
        (HEAD + "2024-01-05,$\n", "a.csv line 5: close '$': expected a number"),
        (
            "Date,Close\n10/07/2026,10\n10/08/2026,11\n",
            "a.csv line 2: date '10/07/2026': the file does not show which is the month",
        ),
        (
            "Date,Close\n01/13/2026,10\n14/01/2026,11\n",
            "a.csv line 2: date '01/13/2026': the file does not show which is the month",
        ),
        ("Date,Close\n02/30/2026,10\n", "a.csv line 2: date '2026-02-30': expected a day"),
        ("Date,Close\n01/13/26,10\n", "a.csv line 2: date '01/13/26': expected a day"),
        (HEAD + "2024-01-05,-3\n", "a.csv line 5: close '-3': expected a number"),
        (HEAD + "2024-01-05,10,7\n", "a.csv line 5: 3 cells; expected 2"),
        (HEAD + "2024-01-04,10\n", "a.csv: 2024-01-04: expected each date once, in order"),
        (HEAD + "2024-01-05,5.2\n2024-01-08,2\n", "a.csv: a moves by -62% on 2024-01-08; expected"),
        (HEAD + "2024-03-05,10\n", "a.csv: no close of a in the 61 days before 2024-03-05"),
        (
            "Date,Close\n" + "".join(f"2024-{m:02d}-28,10\n" for m in range(1, 9)),
            "a.csv: 31 days from one close to the next; expected daily closes",
        ),
        ("Date,Adj Close,Volume\n2024-01-02,1,5\n", "a.csv: only adjusted closes"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, content, line):
    (tmp_path / "a.csv").write_text(content)
    (tmp_path / "b.csv").write_text(HEAD)
    with pytest.raises(pairs.PairError) as raised:
        pairs.read(both(tmp_path / "a.csv", tmp_path / "b.csv"))
    assert str(raised.value).startswith(line)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(pairs.PairError, match=r"none\.csv: cannot be read"):
        pairs.read(both(tmp_path / "none.csv", tmp_path / "none.csv"))


def test_another_calendar_is_refused(tmp_path):
    small = made.closes("XNYS", "2015-06-01", "2016-05-31", 1)
    large = small.drop(small.index[small.index.day_of_week == 4])
    a, b = made.plain(tmp_path / "a.csv", small), made.plain(tmp_path / "b.csv", large)
    with pytest.raises(pairs.PairError, match=r"of 25\d days of a have no close of b, the first"):
        pairs.read(both(a, b))


@pytest.mark.parametrize("pair", ["", "a.csv,", ",", "a.csv,b.csv,c.csv"])
def test_a_pair_is_one_or_two_files(pair):
    with pytest.raises(pairs.PairError, match="expected two files like"):
        pairs.files(pair)


@pytest.mark.parametrize("names", ["IWM", "IWM,IWM", "IWM,<b>", "a,b,c", "IWM,$x$"])
def test_names_are_two_and_plain(tmp_path, names):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(HEAD)
    with pytest.raises(pairs.PairError, match="expected two different names"):
        pairs.read(both(tmp_path / "a.csv", tmp_path / "b.csv"), names)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Russell 2000 over S&P 500", "Small caps EU over DAX"),
        ("the lead of small caps; price indexes", "the lead of Small caps EU; total returns"),
        ("Small caps' lead over large caps", "Small caps EU's lead over DAX"),
        ("mean small minus large, points", "mean Small caps EU minus DAX, points"),
        ("Small led, blue: large led", "Small caps EU led, blue: DAX led"),
        ("price index, close of day 0 = 100", "first close rebased, close of day 0 = 100"),
        ("smallest effect of small value", "smallest effect of small value"),
    ],
)  # fmt: skip
def test_readers_see_the_pairs_own_names(text, shown):
    assert pairs.named(text) == text
    closes = pd.DataFrame({pairs.SMALL: [1.0, 2], pairs.LARGE: [1.0, 2]})
    pairs.show(pairs.Pair(closes, ("Small caps EU", "DAX"), "total return", 0))
    assert pairs.named(text) == shown


def test_tables_show_the_pairs_own_names():
    frame = pd.DataFrame({"russell_2000": [1.0], "who": ["small caps"]}, index=["S&P 500"])
    assert pairs.renamed(frame) is frame
    pairs.show(pairs.Pair(frame, ("IWM", "SPY"), "price", 0))
    shown = pairs.renamed(frame)
    assert shown.to_dict() == {"IWM": {"SPY": 1.0}, "who": {"SPY": "IWM"}}
    assert list(frame) == ["russell_2000", "who"]


def test_marked_cells_are_left_out():
    assert pairs.leave_out(["\n", f"{pairs.MARK}\n", "1 / 0\n"]) == ["notebook.left_out()\n"]
    assert pairs.leave_out(["x = 1\n", f"{pairs.MARK}\n"]) == ["x = 1\n", f"{pairs.MARK}\n"]
    assert pairs.leave_out([]) == []
