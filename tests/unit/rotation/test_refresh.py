"""Refreshing: what a new vintage is made of, what is refused, and that it is whole or not there."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from frictionless import validate

from helpers import data, vintages
from helpers.errors import DataError, Exit
from rotation import cli
from rotation.refresh import accept, prints, refresh, sources, web
from support.data import DATA, Package
from support.source_server import Sources, says

# Saturday: Friday's closes are final.
NOW = pd.Timestamp("2026-11-21 12:00", tz="UTC")
CLOSES = ("closes",)


@pytest.fixture(scope="module")
def made_up():
    with Sources() as server:
        yield server


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """The frozen package with its long tables cut to their last rows: quicker to load."""
    package = Package(tmp_path_factory.mktemp("short"))
    for table, rows in (("index_closes", 400), ("size_portfolios_monthly", 60)):

        def cut(content, rows=rows):
            head, *lines = content.decode().splitlines()
            return ("\n".join([head, *lines[-rows:]]) + "\n").encode()

        package.edit(table, cut, seal=True)
    return package.folder


@pytest.fixture(scope="module")
def made_once(made_up, short, tmp_path_factory):
    """A home with one vintage of all sources, not to be changed."""
    made_up.spoiled.clear()
    home = tmp_path_factory.mktemp("made") / "home"
    settings = {"ROTATION_HOME": str(home), "ROTATION_DATA": str(short)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (made_up.environment | settings).items():
            patch.setenv(name, value)
        return home, refresh.refresh(now=NOW)


@pytest.fixture
def server(made_up, short, tmp_path, monkeypatch):
    for name, value in made_up.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ROTATION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ROTATION_DATA", str(short))
    monkeypatch.setattr(web, "READ", 0.5)
    made_up.spoiled.clear()
    made_up.asked.clear()
    return made_up


@pytest.fixture
def made(server, made_once, monkeypatch):
    """The same in a home of the test's own."""
    home, result = made_once
    shutil.copytree(home, vintages.home(), symlinks=True)
    return result


def asked(now=NOW, until=None, base="latest", only=CLOSES, **options):
    return refresh.refresh(
        now=now, only=only, until=until, base=base, options=refresh.Options(**options)
    )


def evening(day):
    """A point in time at which the closes of a day may be taken, and those of the next may not."""
    return pd.Timestamp(f"{day} 20:00", tz="America/New_York")


def content(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file() and p.name != ".lock")
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def refusal(kind, **options) -> str:
    """Return why a refresh cannot begin; nothing may have changed."""
    before = content(vintages.home()) if vintages.home().exists() else {}
    with pytest.raises(kind) as caught:
        asked(**options)
    assert content(vintages.home()) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def state(result, table="index_closes"):
    """Return the status of a table, the one in the vintage too."""
    found = next(one for one in result.status if one.table == table)
    kept = next(one for one in vintages.status(result.vintage) if one["table"] == table)
    assert (kept["state"], kept["through"], kept["since"]) == (
        found.state,
        found.through,
        found.since,
    )
    assert "\n" not in found.reason
    return found


def closes_of(result, day):
    return data.load(vintage=result.vintage).closes.loc[day].tolist()


def change(server, days, **prices):
    """Have the server give other closes on some days; None takes a day away."""
    for name, price in prices.items():
        lines = server.answer(f"/closes/{name}.csv").decode().splitlines()
        for day in [days] if isinstance(days, str) else days:
            row = next(i for i, line in enumerate(lines) if line.startswith(day))
            if price is None:
                del lines[row]
            else:
                value = price(float(lines[row].split(",")[1])) if callable(price) else price
                lines[row] = f"{day},{value:.2f}"
        server.spoiled[f"{name}.csv"] = says(("\n".join(lines) + "\n").encode())


class TestNewVintage:
    def test_says_what_is_new(self, made):
        assert made.previous == "frozen"
        assert made.changed
        assert made.last == "2026-11-20"
        # Sessions from Monday 24 August to Friday 20 November, Labor Day not among them.
        assert made.added == {
            "fed_target_changes": 1,
            "macro_readings": 38,
            "size_portfolios_monthly": 2,
            "size_value_portfolios_monthly": 2,
            "index_closes": 32,
        }
        assert made.vintage.startswith("2026-11-20-")
        assert vintages.names() == [made.vintage]
        assert vintages.resolve("latest") == made.vintage

    def test_is_the_frozen_rows_and_the_new_ones(self, server, monkeypatch):
        monkeypatch.setenv("ROTATION_DATA", str(DATA))  # all of it
        untouched = content(DATA)
        made = refresh.refresh(now=NOW)
        assert content(DATA) == untouched
        folder = vintages.path("latest")
        for table in sorted(DATA.glob("*.csv")):
            before, after = table.read_bytes(), (folder / table.name).read_bytes()
            assert after.startswith(before)
            assert after[len(before) :].count(b"\n") == made.added.get(table.stem, 0)
        assert not (folder / "articles").exists()

    def test_rows_are_written_as_the_tables_are(self, made):
        folder = vintages.path("latest")
        last = {p.stem: p.read_text().splitlines()[-1] for p in folder.glob("*.csv")}
        assert last["fed_target_changes"] == "2026-09-16,3.25,3.5,-25"
        assert last["size_portfolios_monthly"] == "2026-04,-0.45,-0.45"
        readings = (folder / "macro_readings.csv").read_text()
        assert "\n2026-08-31,unemployment_rate,,4.3,percent," in readings
        assert "\n2026-10-31,unemployment_rate,4.3,4.3,percent," in readings
        assert "\n2026-10-31,cpi_12_month_change,,,percent," in readings
        # Friday 30 October is the last day of the month with yields.
        assert "\n2026-10-30,treasury_2_year_yield,4,4,percent," in readings
        assert "2026-11" not in readings

    def test_loads_and_goes_on_where_the_frozen_one_ended(self, made):
        market = data.load()
        loaded = data.load(vintage="latest")
        assert str(loaded.last.date()) == "2026-11-20"
        assert str(loaded.target_checked.date()) == "2026-11-19"  # the 20th shows on the 21st
        pd.testing.assert_frame_equal(loaded.closes.loc[: market.last], market.closes)
        assert str(loaded.portfolios.index[-1]) == "2026-04"
        assert loaded.price_to_book.equals(market.price_to_book)
        report = validate(str(vintages.path("latest") / "datapackage.json"))
        assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "note"])

    def test_descriptor_names_the_sources(self, made):
        package = data.descriptor(vintages.path("latest"))
        titles = {r["path"]: [s["title"] for s in r["sources"]] for r in package["resources"]}
        assert titles["index_closes.csv"][-1].startswith("closes from 127.0.0.1:")
        assert titles["fed_target_changes.csv"][-1] == "FRED, DFEDTARL and DFEDTARU"
        assert "CRSP vintage 202604" in titles["size_portfolios_monthly.csv"][0]
        assert len(titles["size_portfolios_monthly.csv"]) == 1
        assert "CRSP vintage 202602" in titles["size_price_to_book.csv"][0]

    def test_only_the_provenance_tells_the_time(self, made):
        folder = vintages.path("latest")
        found = json.loads((folder / "provenance.json").read_text())
        assert found["previous"] == "frozen"
        assert found["added"] == dict(made.added)
        assert pd.Timestamp(found["made"]).tz is not None
        for file in folder.iterdir():
            assert file.name == "provenance.json" or found["made"][:13] not in file.read_text()

    def test_nothing_new_makes_nothing(self, made, server):
        before = content(vintages.folder())
        again = refresh.refresh(now=NOW)
        assert not again.changed
        assert again.vintage == again.previous == made.vintage
        assert content(vintages.folder()) == before

    def test_same_data_same_name(self, made, server, monkeypatch, tmp_path):
        monkeypatch.setenv("ROTATION_HOME", str(tmp_path / "elsewhere"))
        assert refresh.refresh(now=NOW).vintage == made.vintage

    def test_step_by_step_is_the_same_as_at_once(self, server, made_once):
        first = asked(until="2026-10-30")
        assert first.last == "2026-10-30"
        second = asked()
        assert second.previous == first.vintage
        whole = made_once[0] / "vintages" / made_once[1].vintage / "index_closes.csv"
        assert (vintages.path("latest") / "index_closes.csv").read_bytes() == whole.read_bytes()

    def test_only_asks_those_sources(self, server):
        result = asked()
        assert {path.split("?")[0].rsplit("/", 1)[-1] for path in server.asked} == {
            "RUT.csv",
            "GSPC.csv",
        }
        assert list(result.added) == ["index_closes"]
        with pytest.raises(refresh.RefreshError, match="source 'x': expected one of target, rec"):
            refresh.refresh(only=("x",))

    @pytest.mark.parametrize("until", ["soon", "2026-13-01", ""])
    def test_until_is_a_date(self, server, until):
        if until:
            assert "expected an ISO date" in refusal(refresh.RefreshError, until=until)
        else:
            assert asked(until=until).last == "2026-11-20"

    def test_a_column_that_follows_its_source_does(self, made, server):
        values = server.series["UNRATE"].copy()
        server.series["UNRATE"], kept = values, server.series["UNRATE"]
        values["2025-12-01"] += 0.1
        try:
            result = refresh.refresh(now=NOW, only=("macro",))
        finally:
            server.series["UNRATE"] = kept
        assert [str(one) for one in result.revisions] == [
            "macro_readings 2025-12-31 unemployment_rate latest: 4.4 → 4.5"
        ]
        row = "\n2025-12-31,unemployment_rate,4.4,4.5,percent,"
        assert row in (vintages.path("latest") / "macro_readings.csv").read_text()

    def test_a_date_off_by_a_day_is_the_known_one(self, server, monkeypatch):
        # In March 2020 a change announced on a Tuesday took effect on the Wednesday; here the
        # source has it in effect on the Tuesday itself.
        levels = {n: server.series[n].copy() for n in ("DFEDTARU", "DFEDTARL")}
        for name, values in levels.items():
            day = pd.Timestamp("2024-09-18")
            values[day] = values[day + pd.Timedelta(days=1)]
            monkeypatch.setitem(server.series, name, values)
        result = refresh.refresh(now=NOW, only=("target",))
        assert result.added == {"fed_target_changes": 1}
        assert result.revisions == ()


class TestStatus:
    def test_of_a_fresh_vintage(self, made):
        found = {one.table: (one.state, one.through) for one in made.status}
        assert found == {
            "fed_target_changes": ("fresh", "2026-11-19"),
            "recessions": ("fresh", "2026-10-31"),
            "macro_readings": ("fresh", "2026-10-31"),
            "size_portfolios_monthly": ("fresh", "2026-04-30"),
            "size_value_portfolios_monthly": ("fresh", "2026-04-30"),
            "index_closes": ("fresh", "2026-11-20"),
        }

    def test_of_tables_that_no_source_feeds(self, made):
        states = {one["table"]: one["state"] for one in vintages.status("latest")}
        assert states["policy_facts"] == states["valuation_readings"] == "shipped"
        assert {one["state"] for one in vintages.status("frozen")} == {"shipped"}

    def test_a_source_that_fails_stops_no_other(self, server):
        server.spoiled["DFEDTARL"] = says(b"", 503)
        result = refresh.refresh(now=NOW)
        assert "fed_target_changes" not in result.added
        assert result.added["index_closes"] == 32
        found = state(result, "fed_target_changes")
        assert (found.state, found.since) == ("carried over", "2026-11-20")
        assert found.reason.startswith("FRED DFEDTARL: 127.0.0.1:")

    def test_a_state_keeps_the_day_it_began_and_ends(self, server):
        server.spoiled["GSPC.csv"] = says(b"", 404)
        first = asked(now=evening("2026-11-18"))
        again = asked(now=evening("2026-11-19"))
        assert state(first).since == state(again).since == "2026-11-18"
        assert again.vintage == first.vintage  # nothing is new, not even that it is old
        server.spoiled.clear()
        assert state(asked()).state == "fresh"

    def test_a_source_that_is_off(self, server):
        result = refresh.refresh(now=NOW, options=refresh.Options(off=["size", "size-value"]))
        assert state(result, "size_portfolios_monthly").state == "off"
        assert not any("Portfolios" in path for path in server.asked)
        assert state(result, "macro_readings").state == "fresh"

    def test_a_name_that_is_no_source(self, server):
        assert "source 'gossip': expected one of" in refusal(refresh.RefreshError, off=["gossip"])

    @pytest.mark.parametrize(("limit", "expected"), [(2, "late"), (3, "fresh")])
    def test_silence_is_told_after_a_while(self, made, server, limit, expected):
        # Monday to Wednesday follow, the source ends on Friday.
        result = asked(now=evening("2026-11-25"), late_after=limit)
        found = state(result)
        assert found.state == expected
        if expected == "late":
            assert found.reason == "no closes for 3 sessions, to 2026-11-25"
            assert found.through == "2026-11-20"

    def test_a_table_that_does_not_load_is_left_as_it_was(self, server):
        # The schema takes no close of nothing.
        change(server, "2026-11-20", RUT=-5.0)
        result = refresh.refresh(now=NOW)
        assert "index_closes" not in result.added or state(result).state == "refused"
        assert result.added["fed_target_changes"] == 1

    def test_what_the_vintage_before_has_is_kept_once_on_the_disk(self, server):
        first = asked(until="2026-11-19")
        second = asked()
        files = [vintages.path(one.vintage) / "policy_facts.csv" for one in (first, second)]
        assert files[0].samefile(files[1])
        assert files[0].read_bytes() == (DATA / "policy_facts.csv").read_bytes()
        assert not files[0].samefile(DATA / "policy_facts.csv")


class TestAccepting:
    @pytest.mark.parametrize(
        ("text", "day", "covered"),
        [
            ("index_closes", "2020-03-16", True),
            ("index_closes:2026-06-10", "2026-06-10", True),
            ("index_closes:2026-06-10", "2026-06-11", False),
            ("index_closes:2026-06-01..2026-06-30", "2026-06-11", True),
            ("index_closes:2026-06-01..2026-06-30", "2026-07-01", False),
            ("index_closes:2026-06", "2026-06-30", True),
            ("index_closes:2026-06", "2026-07-01", False),
            ("recessions:2020-02", "2020-02", True),
            ("recessions:2020-02-01..2020-02-29", "2020-02", True),
            ("recessions", "2020-03-16", False),
        ],
    )
    def test_days(self, text, day, covered):
        (one,) = accept.read([text], ["index_closes", "recessions"])
        assert one.covers("index_closes" if "recess" not in text else "recessions", day) == (
            covered or text == "recessions"
        )
        assert not one.covers("macro_readings", day)

    def test_editions(self):
        one, whole = accept.read(["size:202604", "size"], ["size"])
        assert one.takes("size", "202604")
        assert not one.takes("size", "202605")
        assert not one.covers("size", "2026-04")
        assert whole.takes("size", "202605")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("index_closes:2026-13-01", "there is no 2026-13-01"),
            ("index_closes:2026-02-30", "there is no 2026-02-30"),
            ("index_closes:2026-06-01..2026-06-31", "there is no 2026-06-31"),
            ("index_closes:2026-13", "there is no 2026-13"),
            ("index_closes:202613", "there is no 2026-13"),
            ("index_closes:2026-06-02..2026-06-01", "expected the earlier day first"),
            ("index_closes:2026-07..2026-06", "expected the earlier day first"),
        ],
    )
    def test_days_that_cannot_be_accepted(self, text, said):
        with pytest.raises(accept.AcceptError, match=f"{text}.*{said}"):
            accept.read([text], ["index_closes"])

    @pytest.mark.parametrize("text", ["", "all", "*", "index_closes:", "index_closes:soon", "true"])
    def test_never_across_the_board(self, server, text):
        message = refusal(accept.AcceptError, accepted=[text])
        assert repr(text) in message
        assert "expected" in message


class TestRevisions:
    def test_are_named_and_the_earlier_close_stays(self, made, server):
        before = closes_of(made, "2026-06-10")
        change(server, "2026-10-12", RUT=lambda price: price + 0.5)
        result = asked()
        assert state(result).state == "refused"
        assert closes_of(result, "2026-06-10") == before
        (one,) = result.refused
        assert str(one) == f"index_closes 2026-10-12 russell_2000: {one.before} → {one.now}"
        assert float(one.now) == pytest.approx(float(one.before) + 0.5)
        assert "--accept-revisions index_closes:2026-10-12 takes them" in state(result).reason

    def test_do_not_stop_new_days(self, server):
        first = asked(until="2026-11-19")
        change(server, "2026-10-12", RUT=lambda price: price + 0.5)
        result = asked()
        assert result.added == {"index_closes": 1}
        assert (state(result).state, state(result).through) == ("refused", "2026-11-20")
        assert closes_of(result, "2026-10-12") == closes_of(first, "2026-10-12")

    def test_are_taken_if_accepted_by_day_and_no_others(self, made, server):
        change(server, ["2026-10-12", "2026-10-13"], RUT=lambda price: price + 0.5)
        result = asked(accepted=["index_closes:2026-10-12"])
        assert len(result.revisions) == len(result.refused) == 1
        assert closes_of(result, "2026-10-12")[0] == pytest.approx(
            closes_of(made, "2026-10-12")[0] + 0.5
        )
        assert closes_of(result, "2026-10-13") == closes_of(made, "2026-10-13")
        found = json.loads((vintages.path("latest") / "provenance.json").read_text())
        assert [one["key"] for one in found["revisions"]] == ["2026-10-12"]

    def test_back_to_the_first_data_is_the_first_vintage(self, made, server):
        change(server, "2026-10-12", RUT=lambda price: price + 0.5)
        accepted = ["index_closes:2026-10-12"]
        assert asked(accepted=accepted).changed
        server.spoiled.clear()
        assert asked(accepted=accepted).vintage == made.vintage
        assert vintages.resolve("latest") == made.vintage

    @pytest.mark.parametrize(("by", "kept"), [(0.02, True), (-0.02, True), (0.03, False)])
    def test_within_the_tolerance_the_earlier_figure_stays(self, made, server, by, kept):
        change(server, "2026-10-12", GSPC=lambda price: price + by)
        result = asked()
        assert (result.refused == ()) is kept
        assert closes_of(result, "2026-10-12") == closes_of(made, "2026-10-12")
        assert asked(tolerance={"closes": 0.05}).refused == ()

    def test_another_series_is_refused_as_a_whole(self, made, server):
        days = [str(d.date()) for d in data.sessions("2026-11-02", "2026-11-20")]
        change(server, days, RUT=lambda price: 1.02 * price)
        result = asked()
        assert state(result).state == "refused"
        assert "known days differ" in state(result).reason
        assert closes_of(result, "2026-11-20") == closes_of(made, "2026-11-20")

    def test_of_other_tables(self, server, monkeypatch):
        levels = server.series["DFEDTARU"].copy()
        levels["2025-01-02":"2025-01-31"] += 0.25
        monkeypatch.setitem(server.series, "DFEDTARU", levels)
        flags = server.series["USREC"].copy()
        flags["2020-05-01"] = 1.0
        monkeypatch.setitem(server.series, "USREC", flags)
        result = refresh.refresh(now=NOW)
        assert [str(one) for one in result.refused] == [
            "fed_target_changes 2025-01-01: none → a row",
            "fed_target_changes 2025-01-31: none → a row",
            "recessions 2020-02 trough: 2020-04 → 2020-05",
        ]
        assert result.added["fed_target_changes"] == 1  # the cut of September
        assert result.added["index_closes"] == 32

    def test_inserted_rows_find_their_place(self, server, monkeypatch):
        for name in ("DFEDTARU", "DFEDTARL"):
            levels = server.series[name].copy()
            levels["2025-01-02":"2025-01-31"] += 0.25
            monkeypatch.setitem(server.series, name, levels)
        asked(only=("target",), accepted=["fed_target_changes:2025-01"])
        found = data.load(vintage="latest").target.loc["2024-12-18":"2025-09-17"]
        assert found["upper_percent"].tolist() == [4.5, 4.75, 4.5, 4.25]
        assert found["change_bp"].tolist() == [-25, 25, -25, -25]


class TestSettling:
    """On 13 of 13 days the last price of the session differed from the settled close."""

    @pytest.fixture
    def evenings(self, server):
        """Closes of 19 November as they were on that evening: 0.26 and 0.79 points off."""
        change(
            server, "2026-11-19", RUT=lambda price: price + 0.26, GSPC=lambda price: price - 0.79
        )
        result = asked(now=evening("2026-11-19"))
        server.spoiled.clear()
        return result

    def test_the_settled_close_replaces_the_provisional_one(self, evenings, server):
        result = asked(now=evening("2026-11-20"))
        assert result.added == {"index_closes": 1}
        assert state(result).state == "fresh"
        assert closes_of(result, "2026-11-19") == server.closes.loc["2026-11-19"].tolist()
        assert len(result.revisions) == 2
        told = "index_closes: settled closes replace provisional ones: 2026-11-19"
        assert told in result.notes

    def test_only_within_the_band(self, evenings, server):
        change(server, "2026-11-19", RUT=lambda price: 1.003 * price)
        result = asked(now=evening("2026-11-20"))
        assert result.added == {"index_closes": 1}
        assert [one.column for one in result.refused] == ["russell_2000"]

    def test_only_for_five_sessions(self, server):
        change(server, "2026-11-12", RUT=lambda price: price + 0.26)
        asked(now=evening("2026-11-12"))
        for day in ("2026-11-13", "2026-11-17", "2026-11-18"):
            result = asked(now=evening(day))
        assert data.descriptor(vintages.path("latest"))["provisional"] == [
            f"2026-11-{day}" for day in (12, 13, 16, 17, 18)
        ]
        asked(now=evening("2026-11-19"))
        server.spoiled.clear()
        result = asked(now=evening("2026-11-20"))
        assert [one.key for one in result.refused] == ["2026-11-12"]

    def test_never_of_the_frozen_closes(self, server):
        change(server, "2026-10-07", RUT=lambda price: price + 0.26)
        assert [one.key for one in asked(now=evening("2026-10-08")).refused] == ["2026-10-07"]


class TestMissing:
    DAY = "2026-10-29"

    def missing(self, result):
        found = data.load(vintage=result.vintage)
        assert vintages.missing(result.vintage) == [str(d.date()) for d in found.missing]
        return vintages.missing(result.vintage)

    @pytest.mark.parametrize("lacking", [("RUT",), ("GSPC",), ("RUT", "GSPC")])
    def test_a_day_that_the_source_lacks_is_carried_as_missing(self, server, lacking):
        change(server, self.DAY, **dict.fromkeys(lacking))
        result = asked()
        assert result.added == {"index_closes": 31}
        assert state(result).state == "fresh"
        assert self.missing(result) == [self.DAY]
        assert pd.Timestamp(self.DAY) not in data.load(vintage="latest").closes.index
        assert any(f"--accept-closure {self.DAY}" in note for note in result.notes)
        assert not asked().changed

    @pytest.mark.parametrize("lacking", [("RUT",), ("RUT", "GSPC")])
    def test_and_filled_when_it_comes(self, made_once, server, lacking):
        change(server, self.DAY, **dict.fromkeys(lacking))
        asked()
        server.spoiled.clear()
        result = asked()
        assert result.added == {"index_closes": 1}
        assert self.missing(result) == []
        assert f"index_closes: {self.DAY} filled in" in result.notes
        whole = made_once[0] / "vintages" / made_once[1].vintage / "index_closes.csv"
        assert (vintages.path("latest") / "index_closes.csv").read_bytes() == whole.read_bytes()

    def test_the_last_day_waits(self, server):
        change(server, "2026-11-20", RUT=None)
        result = asked()
        assert (state(result).state, state(result).through) == ("fresh", "2026-11-19")
        assert self.missing(result) == []

    def test_a_second_source_has_it(self, server, tmp_path):
        for name in ("RUT", "GSPC"):
            (tmp_path / f"{name}.csv").write_bytes(server.answer(f"/closes/{name}.csv"))
        change(server, self.DAY, RUT=None)
        result = asked(second=str(tmp_path))
        assert self.missing(result) == []
        assert closes_of(result, self.DAY) == server.closes.loc[self.DAY].tolist()
        assert f"index_closes: {self.DAY} from the second source" in result.notes

    def test_a_second_source_stands_in_for_a_first_that_is_down(self, server, tmp_path):
        for name in ("RUT", "GSPC"):
            (tmp_path / f"{name}.csv").write_bytes(server.answer(f"/closes/{name}.csv"))
        server.spoiled["RUT.csv"] = says(b"", 404)
        result = asked(second=tmp_path.as_uri())
        assert state(result).state == "fresh"
        assert result.last == "2026-11-20"

    def test_a_known_day_that_is_gone_is_kept(self, made, server):
        change(server, "2026-11-12", RUT=None, GSPC=None)
        result = asked()
        assert state(result).state == "fresh"
        assert closes_of(result, "2026-11-12") == closes_of(made, "2026-11-12")
        assert "index_closes: the source lacks 2026-11-12; kept" in result.notes

    def test_many_that_are_gone_are_no_source(self, made, server):
        days = [str(d.date()) for d in data.sessions("2026-11-02", "2026-11-12")]
        change(server, days, RUT=None)
        assert "lacks 9 of" in state(asked()).reason

    def test_a_source_that_ends_before_the_vintage(self, made, server):
        change(server, "2026-11-20", RUT=None, GSPC=None)
        result = asked()
        assert result.last == "2026-11-20"
        assert not result.changed


class TestClosures:
    DAY = "2026-10-29"

    def test_an_accepted_one_is_kept(self, server):
        change(server, self.DAY, RUT=None, GSPC=None)
        result = asked(closures=[self.DAY])
        assert result.added == {"index_closes": 31}
        loaded = data.load(vintage="latest")
        assert [str(day.date()) for day in loaded.closures] == [self.DAY]
        assert len(loaded.missing) == 0
        # From then on it need not be said, and may be.
        assert not asked().changed
        assert not asked(closures=[self.DAY]).changed

    def test_a_missing_day_may_be_said_to_be_one(self, server):
        change(server, self.DAY, RUT=None, GSPC=None)
        asked()
        result = asked(closures=[self.DAY])
        assert result.changed
        assert vintages.missing("latest") == []

    def test_one_that_was_none_is_filled_in(self, server):
        change(server, self.DAY, RUT=None, GSPC=None)
        asked(closures=[self.DAY])
        server.spoiled.clear()
        result = asked(closures=[self.DAY])
        assert result.added == {"index_closes": 1}
        assert f"index_closes: {self.DAY} has closes and is no closure" in result.notes
        assert len(data.load(vintage="latest").closures) == 0

    def test_a_day_on_which_both_prices_are_repeated_is_none_of_trading(self, server):
        for name in ("RUT", "GSPC"):
            change(server, self.DAY, **{name: server.closes[name]["2026-10-28"]})
        result = asked()
        assert vintages.missing("latest") == [self.DAY]
        assert state(result).state == "fresh"

    def test_one_still_to_come_is_no_mistake(self, server):
        result = asked(until="2026-10-28", closures=[self.DAY])
        assert len(data.load(vintage=result.vintage).closures) == 0

    @pytest.mark.parametrize(
        ("day", "said"),
        [
            ("2026-10-31", "expected a New York session"),
            ("29 October", "expected an ISO date"),
        ],
    )
    def test_days_that_cannot_be(self, server, day, said):
        assert said in refusal(refresh.RefreshError, closures=[day])


class TestEditions:
    """Two of three real steps between editions moved old months, by up to 0.85 points."""

    SIZE = ("size",)
    TABLE = "size_portfolios_monthly"

    def edition(self, server, monkeypatch, name="202606", old="0.97", new=None, cut=""):
        """Have the library show another edition, one figure of February 2026 changed."""
        text = server.french["Portfolios_Formed_on_ME"].replace("202604 CRSP", f"{name} CRSP")
        assert f"202602,  -99.99,    {old}," in text
        if new is not None:
            text = text.replace(f"202602,  -99.99,    {old},", f"202602,  -99.99,{new:>8},", 1)
        if cut:
            lines = text.split("\r\n")
            text = "\r\n".join(line for line in lines if not ("202000" > line[:6] > cut))
        monkeypatch.setitem(server.french, "Portfolios_Formed_on_ME", text)

    def test_a_newer_one_is_taken_as_a_whole(self, made, server, monkeypatch):
        self.edition(server, monkeypatch, new="1.82")
        result = asked(only=self.SIZE)
        assert data.load(vintage="latest").portfolios.loc["2026-02", "small"] == 0.0182
        assert [str(one) for one in result.revisions] == [
            "size_portfolios_monthly 2026-02 small_percent: 0.97 → 1.82"
        ]
        (note,) = result.notes
        assert note == (
            "size_portfolios_monthly: edition 202606 in the place of 202604, 1 earlier figures "
            "moved, 1 of them beyond the tolerance, the farthest by 0.85 points (2026-02 "
            "small_percent 0.97 → 1.82)"
        )
        package = data.descriptor(vintages.path("latest"))
        (resource,) = [r for r in package["resources"] if r["path"] == f"{self.TABLE}.csv"]
        (source,) = resource["sources"]
        assert source["title"].endswith("CRSP vintage 202606")

    def test_within_the_tolerance_too(self, made, server, monkeypatch):
        # Else the table would be labelled with an edition that it does not hold.
        self.edition(server, monkeypatch, new="0.99")
        asked(only=self.SIZE)
        small = data.load(vintage="latest").portfolios.loc["2026-02", "small"]
        assert small == pytest.approx(0.0099)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"name": "202602", "new": "1.07"}, "edition 202602 is older than 202604"),
            ({"name": "202604", "new": "1.07"}, "1 figures differ under the same edition 202604"),
            ({"new": "4.07"}, "edition 202606 moves 1 figures by more than 3 points"),
        ],
    )
    def test_others_are_refused_until_accepted(self, made, server, monkeypatch, change, said):
        self.edition(server, monkeypatch, **change)
        result = asked(only=self.SIZE)
        found = state(result, self.TABLE)
        assert (found.state, found.through) == ("refused", "2026-04-30")
        assert said in found.reason
        assert data.load(vintage="latest").portfolios.loc["2026-02", "small"] == 0.0097
        edition = change.get("name", "202606")
        result = asked(only=self.SIZE, accepted=[f"{self.TABLE}:{edition}"])
        assert state(result, self.TABLE).state == "fresh"
        assert data.load(vintage="latest").portfolios.loc["2026-02", "small"] != 0.0097

    def test_a_shorter_one_is_never_taken(self, server, monkeypatch):
        monkeypatch.setenv("ROTATION_DATA", str(DATA))
        self.edition(server, monkeypatch, cut="200012")
        for accepted in ([], [f"{self.TABLE}:202606"], [self.TABLE]):
            result = asked(only=self.SIZE, accepted=accepted)
            assert "lacks 228 known months" in state(result, self.TABLE).reason
        assert len(data.load(vintage="latest").portfolios) == 1196


class TestMonthEnds:
    def readings(self, server, monkeypatch, last, at):
        """Return the yields that are taken of a source whose last day is ``last``."""
        for name in ("DGS2", "DGS10"):
            monkeypatch.setitem(server.series, name, server.series[name].loc[:last])
        asked(now=evening(at), only=("macro",))
        found = data.load(vintage="latest").macro
        found = found[found["series"] == "treasury_2_year_yield"]["as_of"]
        return [str(day.date()) for day in found[found > "2026-09"]]

    def test_wait_for_the_last_day_of_a_lagging_source(self, server, monkeypatch):
        # On Monday 2 November the source still ends on Thursday the 29th.
        assert self.readings(server, monkeypatch, "2026-10-29", "2026-11-02") == ["2026-09-30"]

    def test_are_taken_once_the_source_has_gone_on(self, server, monkeypatch):
        taken = self.readings(server, monkeypatch, "2026-11-02", "2026-11-03")
        assert taken == ["2026-09-30", "2026-10-30"]

    def test_a_last_day_of_the_calendar_needs_no_more(self, server, monkeypatch):
        assert self.readings(server, monkeypatch, "2026-09-30", "2026-09-30") == ["2026-09-30"]

    def test_do_not_depend_on_when_the_refresh_ran(self, server, monkeypatch):
        one_by_one = None
        full = {name: server.series[name] for name in ("DGS2", "DGS10")}
        for last, at in (
            ("2026-10-29", "2026-10-30"),
            ("2026-10-30", "2026-11-02"),
            ("2026-11-03", "2026-11-04"),
        ):
            for name, values in full.items():
                monkeypatch.setitem(server.series, name, values)
            one_by_one = self.readings(server, monkeypatch, last, at)
        assert one_by_one == ["2026-09-30", "2026-10-30"]


class TestPolicyDays:
    def target(self, server, monkeypatch, at, upper=None, lower=None):
        """Return the last change and the day through which they are known."""
        for name, last in (("DFEDTARU", upper), ("DFEDTARL", lower)):
            if last:
                monkeypatch.setitem(server.series, name, server.series[name].loc[:last])
        result = asked(now=evening(at), only=("target",))
        market = data.load(vintage=result.vintage)
        return str(market.target.index[-1].date()), state(result, "fed_target_changes").through

    def test_the_evening_of_a_cut_does_not_count_yet(self, server, monkeypatch):
        # Announced on the 16th, in effect and shown on the 17th.
        known = self.target(server, monkeypatch, "2026-09-16")
        assert known == ("2025-12-10", "2026-09-15")

    def test_the_day_after_it_does(self, server, monkeypatch):
        assert self.target(server, monkeypatch, "2026-09-17") == ("2026-09-16", "2026-09-16")

    def test_one_series_may_be_a_day_ahead(self, server, monkeypatch):
        known = self.target(server, monkeypatch, "2026-09-18", lower="2026-09-16")
        assert known == ("2025-12-10", "2026-09-15")


class TestBadPrints:
    def test_history_has_none_but_october_1987(self, market):
        found = [str(day.date()) for day, _ in prints.bad_prints(market.closes)]
        assert found == ["1987-10-19", "1987-10-20"]

    @pytest.mark.parametrize(
        ("day", "prices", "said"),
        [
            ("2026-10-29", {"RUT": lambda p: p / 2}, "russell_2000 moved by -49.8%"),
            ("2026-11-20", {"GSPC": lambda p: 10 * p}, "sp_500 moved by"),
            ("2026-10-29", {"RUT": lambda p: 1.045 * p}, "and back the next day"),
            ("2026-11-20", {"RUT": lambda p: 0.91 * p}, "the indexes moved"),
        ],
    )
    def test_hold_back_what_follows_and_nothing_before(self, server, day, prices, said):
        change(server, day, **prices)
        result = asked()
        found = state(result)
        assert found.state == "refused"
        assert found.reason.startswith(f"{day}: ")
        assert said in found.reason
        before = data.sessions("2026-10-08", day)[-2]
        assert (found.through, result.last) == (str(before.date()), str(before.date()))

    @pytest.mark.parametrize("day", ["2026-10-10", "2026-11-08"])
    def test_a_row_on_a_day_without_trading_is_left_out(self, server, day):
        for name in ("RUT", "GSPC"):
            head, *lines = server.answer(f"/closes/{name}.csv").decode().splitlines()
            lines = sorted([*lines, f"{day},3000.00"])
            server.spoiled[f"{name}.csv"] = says(("\n".join([head, *lines]) + "\n").encode())
        result = asked()
        assert result.added == {"index_closes": 32}
        assert result.notes == (f"index_closes: left out {day}: no New York session",)

    def test_a_price_that_one_index_repeats(self, server):
        change(server, "2026-11-16", RUT=server.closes["RUT"]["2026-11-13"])
        result = asked()
        assert "2026-11-16: russell_2000 closed where it did the day before" in state(result).reason
        assert result.last == "2026-11-13"
        assert asked(moves=["2026-11-16"]).last == "2026-11-20"

    def test_a_second_source_confirms_or_corrects(self, server, tmp_path):
        for name in ("RUT", "GSPC"):
            (tmp_path / f"{name}.csv").write_bytes(server.answer(f"/closes/{name}.csv"))
        change(server, "2026-11-16", RUT=server.closes["RUT"]["2026-11-13"])
        result = asked(second=str(tmp_path))
        assert state(result).state == "fresh"
        assert closes_of(result, "2026-11-16") == server.closes.loc["2026-11-16"].tolist()

    def test_a_duplicate_day(self, server):
        head, *lines = server.answer("/closes/RUT.csv").decode().splitlines()
        lines.append(lines[-1])
        server.spoiled["RUT.csv"] = says(("\n".join([head, *lines]) + "\n").encode())
        assert "2026-11-20 comes twice" in state(asked()).reason

    def test_a_move_may_be_accepted_and_is_kept(self, server):
        change(server, "2026-11-19", RUT=lambda price: 0.91 * price)
        days = ["2026-11-19", "2026-11-20"]
        assert "--accept-move 2026-11-19" in state(asked()).reason
        assert "--accept-move 2026-11-20" in state(asked(moves=days[:1])).reason
        assert asked(moves=days).changed
        assert not asked().changed

    def test_no_word_lets_an_index_move_by_a_quarter(self, server):
        change(server, "2026-11-20", RUT=lambda p: 0.6 * p, GSPC=lambda p: 0.6 * p)
        reason = state(asked(moves=["2026-11-20"])).reason
        assert "russell_2000 moved by" in reason
        assert "expected at most 25%" in reason


class TestConditionalRequests:
    def test_what_has_not_changed_is_not_sent_again(self, server):
        server.validators = True
        try:
            first = refresh.refresh(now=NOW)
            refresh.refresh(now=NOW)  # asks for less, as there is more
            sent = dict(server.sent)
            assert not refresh.refresh(now=NOW).changed
            assert server.sent == sent
            (web.folder() / "x").write_text("")  # what nobody knows is no answer
            for file in web.folder().glob("*"):
                if file.suffix != ".json":
                    file.write_bytes(b"spoilt")
            again = refresh.refresh(now=NOW)
        finally:
            server.validators = False
        assert again.vintage == first.vintage
        assert server.sent != sent


class TestWhatIsFinal:
    @pytest.mark.parametrize(
        ("now", "last"),
        [
            ("2026-11-20 17:59", "2026-11-19"),  # Friday: closed at 16:00, two hours not over
            ("2026-11-20 18:00", "2026-11-20"),
            ("2026-11-22 12:00", "2026-11-20"),  # Sunday
            ("2026-11-23 09:00", "2026-11-20"),  # Monday morning
            ("2026-11-26 20:00", "2026-11-25"),  # Thanksgiving
            ("2026-11-27 14:59", "2026-11-25"),  # closes early, at 13:00
            ("2026-11-27 15:00", "2026-11-27"),
            ("2026-07-04 12:00", "2026-07-02"),  # Independence Day kept on Friday
        ],
    )
    def test_last_closed_session(self, now, last):
        found = refresh.last_closed(pd.Timestamp(now, tz="America/New_York"))
        assert str(found.date()) == last

    def test_a_running_session_is_not_taken(self, server):
        during = pd.Timestamp("2026-11-20 15:00", tz="America/New_York")
        result = refresh.refresh(now=during, only=CLOSES)
        assert result.last == "2026-11-19"
        assert (vintages.path("latest") / "index_closes.csv").read_text().count("2026-11-20") == 0


class TestFailure:
    @pytest.mark.parametrize(
        "answer",
        [
            says(b"", 404),
            says(b"<html></html>", kind="text/html"),
            says(b"Date,Close\n2026-11-", Content_Length="5000"),
        ],
        ids=["404", "HTML", "half a file"],
    )
    def test_any_source_s_failure_leaves_its_table_as_it_was(self, made, server, answer):
        server.spoiled["GSPC.csv"] = answer
        result = asked()
        assert "^GSPC" in state(result).reason
        assert state(result).state == "carried over"
        for name in ("index_closes.csv", "macro_readings.csv"):
            old, new = (vintages.path(one) / name for one in (made.vintage, result.vintage))
            assert old.read_bytes() == new.read_bytes()

    def test_no_network_is_told_soon_and_the_rest_works(self, server, monkeypatch):
        for name in server.environment:
            monkeypatch.setenv(name, "http://127.0.0.1:9/x")
        begin = time.monotonic()
        result = CliRunner().invoke(cli.main, ["refresh"])
        assert time.monotonic() - begin < 30
        assert result.exit_code == Exit.SOURCE_FAILED
        lines = result.stderr.splitlines()
        assert len(lines) == 6
        assert "127.0.0.1:9 cannot be reached; is there a network?" in lines[0]
        assert CliRunner().invoke(cli.main, ["vintages"]).exit_code == 0
        assert data.load(vintage="latest").closes.equals(data.load().closes)

    def test_what_does_not_load_is_not_put_in_place(self, server, monkeypatch):
        def refuse(*_, **__):
            raise data.DataError("policy_facts.csv row 1: expected otherwise")

        real = data.load
        monkeypatch.setattr(data, "load", lambda *a, **k: refuse() if a else real(*a, **k))
        refusal(data.DataError)

    def test_a_damaged_latest_is_passed_over_and_made_anew(self, made, server):
        file = vintages.path("latest") / "index_closes.csv"
        whole = file.read_bytes()
        file.write_bytes(whole[:1000])
        result = refresh.refresh(now=NOW)
        assert result.previous == "frozen"
        assert result.vintage == made.vintage
        assert file.read_bytes() == whole
        assert data.load(vintage="latest").vintage == made.vintage
        asked()
        assert [p.name for p in vintages.folder().glob(".building-*")] == []

    def test_a_damaged_base_that_was_named_is_refused(self, made, server):
        (vintages.path("latest") / "recessions.csv").unlink()
        message = refusal(DataError, base=made.vintage)
        assert f"vintage {made.vintage}: recessions.csv: cannot be read" in message

    def test_a_link_lost_between_two_steps_is_set_again(self, made, server):
        (vintages.folder() / "latest").unlink()
        (vintages.folder() / "latest").symlink_to("frozen")
        assert vintages.resolve("latest") == made.vintage
        refresh.refresh(now=NOW, base="frozen")
        assert (vintages.folder() / "latest").readlink() == Path(made.vintage)


class TestCommand:
    def run(self, *words):
        return CliRunner().invoke(cli.main, ["refresh", *words])

    @pytest.fixture(autouse=True)
    def at_noon(self, monkeypatch):
        monkeypatch.setattr(refresh, "last_closed", lambda _: pd.Timestamp("2026-11-20"))

    def test_tells_what_is_new(self, server):
        result = self.run("--only", "closes", "--only", "target")
        assert result.exit_code == 0, result.output
        name = vintages.resolve("latest")
        assert result.output == (
            "fed_target_changes: 1 new\nindex_closes: 32 new\n"
            f"vintage {name} after frozen, closes to 2026-11-20\n"
        )
        again = self.run("--only", "closes")
        assert again.output == f"nothing new: vintage {name}, closes to 2026-11-20\n"
        listed = CliRunner().invoke(cli.main, ["vintages"])
        assert [line.split()[0] for line in listed.stdout.splitlines()] == ["frozen", name]
        assert listed.stdout.endswith(" MB  (latest)\n")

    def test_what_is_refused_is_told_with_what_to_do(self, made, server):
        change(server, "2026-10-12", RUT=lambda price: price + 0.5)
        result = self.run("--only", "closes")
        assert result.exit_code == Exit.SOURCE_FAILED
        (line,) = result.stderr.splitlines()
        assert line.startswith("rotation: index_closes: refused since 2026-11-20, data to 2026-")
        assert "--accept-revisions index_closes:2026-10-12 takes them" in line
        accepted = self.run("--only", "closes", "--accept-revisions", "index_closes:2026-10-12")
        assert accepted.exit_code == 0
        assert "index_closes 2026-10-12 russell_2000: " in accepted.stdout

    def test_a_mistake_is_one_line(self, server):
        result = self.run("--only", "gossip")
        assert result.exit_code == Exit.MISTAKE
        assert result.stderr.startswith("rotation: source 'gossip': expected one of")


def test_every_source_has_a_table_with_its_rules():
    package = data.descriptor()
    ruled = {r["path"].removesuffix(".csv"): r for r in package["resources"] if "refresh" in r}
    assert {one.table for one in sources.SOURCES} == set(ruled)
    for resource in ruled.values():
        columns = {one["name"] for one in resource["schema"]["fields"]}
        rules = resource["refresh"]
        assert set(rules) <= {"overlap_days", "key_days", "tolerance", "follows"}
        assert set(rules["tolerance"]) <= columns
        assert set(rules.get("follows", ())) <= set(rules["tolerance"])
