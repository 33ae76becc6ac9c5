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
from helpers.errors import DataError, Exit, InputError
from rotation import cli
from rotation.refresh import prints, refresh, sources, web
from rotation.refresh.web import SourceError
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


def asked(**options):
    return refresh.refresh(now=NOW, only=CLOSES, **options)


def content(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file() and p.name != ".lock")
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def refusal(kind=SourceError, **options) -> str:
    """Return why a refresh is refused; nothing may have changed."""
    before = content(vintages.home()) if vintages.home().exists() else {}
    with pytest.raises(kind) as caught:
        asked(**options)
    assert content(vintages.home()) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


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
            "index_closes": 64,
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
        assert str(loaded.target_checked.date()) == "2026-11-20"
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
        first = asked(until="2026-09-30")
        assert first.last == "2026-09-30"
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


class TestRevisions:
    def test_are_listed_day_by_day_and_refused(self, made, server):
        change(server, ["2026-11-12", "2026-11-13"], RUT=lambda price: price + 0.5)
        message = refusal(refresh.RevisionError)
        assert message == (
            "2 figures of the previous vintage differ at their source beyond the tolerance "
            "(index_closes); --accept-revisions takes them"
        )
        with pytest.raises(refresh.RevisionError) as caught:
            asked()
        days = [one.key for one in caught.value.revisions]
        assert days == ["2026-11-12", "2026-11-13"]
        one = caught.value.revisions[0]
        assert float(one.now) == pytest.approx(float(one.before) + 0.5)
        assert str(one) == f"index_closes 2026-11-12 russell_2000: {one.before} → {one.now}"

    def test_are_taken_if_accepted(self, made, server):
        change(server, "2026-11-12", RUT=lambda price: price + 0.5)
        before = data.load(vintage="latest").closes
        result = asked(accept_revisions=True)
        assert result.changed
        assert len(result.revisions) == 1
        after = data.load(vintage="latest").closes
        assert after.loc["2026-11-12", "russell_2000"] == pytest.approx(
            before.loc["2026-11-12", "russell_2000"] + 0.5
        )
        same = before.index != "2026-11-12"
        assert after[same].equals(before[same])
        found = json.loads((vintages.path("latest") / "provenance.json").read_text())
        assert found["revisions"][0]["key"] == "2026-11-12"
        # And back: the data are those of the first vintage, so it is the latest again.
        server.spoiled.clear()
        assert asked(accept_revisions=True).vintage == made.vintage
        assert vintages.resolve("latest") == made.vintage

    @pytest.mark.parametrize(("by", "kept"), [(0.02, True), (-0.02, True), (0.03, False)])
    def test_within_the_tolerance_the_earlier_figure_stays(self, made, server, by, kept):
        change(server, "2026-11-12", GSPC=lambda price: price + by)
        if kept:
            assert not asked().changed
        else:
            refusal(refresh.RevisionError)

    def test_a_day_that_the_source_no_longer_has(self, made, server):
        change(server, "2026-11-12", RUT=None, GSPC=None)
        with pytest.raises(refresh.RevisionError) as caught:
            asked()
        assert [str(one) for one in caught.value.revisions] == [
            "index_closes 2026-11-12: a row → none"
        ]

    def test_a_source_that_ends_before_the_vintage(self, made, server):
        change(server, "2026-11-20", RUT=None, GSPC=None)
        refusal(refresh.RevisionError)

    def test_of_other_tables(self, server, monkeypatch):
        text = server.french["Portfolios_Formed_on_ME"]
        assert "202602,  -99.99,    0.97," in text
        text = text.replace("202602,  -99.99,    0.97,", "202602,  -99.99,    1.07,", 1)
        monkeypatch.setitem(server.french, "Portfolios_Formed_on_ME", text)
        levels = server.series["DFEDTARU"].copy()
        levels["2025-01-02":"2025-01-31"] += 0.25
        monkeypatch.setitem(server.series, "DFEDTARU", levels)
        flags = server.series["USREC"].copy()
        flags["2020-05-01"] = 1.0
        monkeypatch.setitem(server.series, "USREC", flags)
        with pytest.raises(refresh.RevisionError) as caught:
            refresh.refresh(now=NOW)
        assert [str(one) for one in caught.value.revisions] == [
            "fed_target_changes 2025-01-01: none → a row",
            "fed_target_changes 2025-01-31: none → a row",
            "recessions 2020-02 trough: 2020-04 → 2020-05",
            "size_portfolios_monthly 2026-02 small_percent: 0.97 → 1.07",
        ]
        assert vintages.names() == []

    def test_inserted_rows_find_their_place(self, server, monkeypatch):
        for name in ("DFEDTARU", "DFEDTARL"):
            levels = server.series[name].copy()
            levels["2025-01-02":"2025-01-31"] += 0.25
            monkeypatch.setitem(server.series, name, levels)
        refresh.refresh(now=NOW, only=("target",), accept_revisions=True)
        found = data.load(vintage="latest").target.loc["2024-12-18":"2025-09-17"]
        assert found["upper_percent"].tolist() == [4.5, 4.75, 4.5, 4.25]
        assert found["change_bp"].tolist() == [-25, 25, -25, -25]


class TestClosures:
    DAY = "2026-10-29"

    def test_a_missing_session_is_refused_by_name(self, server):
        change(server, self.DAY, RUT=None, GSPC=None)
        assert f"no close on {self.DAY}; if the exchange stayed closed" in refusal()

    def test_an_accepted_one_is_kept(self, server):
        change(server, self.DAY, RUT=None, GSPC=None)
        result = asked(closures=[self.DAY])
        assert result.added == {"index_closes": 63}
        loaded = data.load(vintage="latest")
        assert [str(day.date()) for day in loaded.closures] == [self.DAY]
        assert pd.Timestamp(self.DAY) not in loaded.closes.index
        # From then on it need not be said, and may be.
        assert not asked().changed
        assert not asked(closures=[self.DAY]).changed

    def test_one_still_to_come_is_no_mistake(self, server):
        result = asked(until="2026-10-28", closures=[self.DAY])
        assert len(data.load(vintage=result.vintage).closures) == 0

    @pytest.mark.parametrize(
        ("day", "said"),
        [
            ("2026-10-29", "the source has closes of that day"),
            ("2026-10-31", "expected a session after 2026-08-21"),
            ("2026-03-10", "expected a session after 2026-08-21"),
            ("29 October", "expected an ISO date"),
        ],
    )
    def test_days_that_cannot_be(self, server, day, said):
        assert said in refusal(refresh.RefreshError, closures=[day])


class TestBadPrints:
    def test_history_has_none_but_october_1987(self, market):
        found = [str(day.date()) for day, _ in prints.bad_prints(market.closes)]
        assert found == ["1987-10-19", "1987-10-20"]

    @pytest.mark.parametrize(
        ("days", "prices", "said"),
        [
            ("2026-10-29", {"RUT": lambda p: p / 2}, "russell_2000 jumped to 0.5 times"),
            ("2026-11-20", {"GSPC": lambda p: 10 * p}, "sp_500 jumped to 10 times"),
            ("2026-10-29", {"RUT": lambda p: 1.045 * p}, "and back the next day"),
            ("2026-11-20", {"RUT": lambda p: 0.91 * p}, "the indexes moved"),
            ("2026-09-07", {}, "2026-09-07, a Monday, is no New York session"),
            ("2026-09-05", {}, "2026-09-05, a Saturday, is no New York session"),
        ],
    )
    def test_are_refused_by_name(self, server, days, prices, said):
        change(server, days, **prices) if prices else self.add(server, days)
        message = refusal()
        assert said in message
        assert days in message

    def add(self, server, day):
        """Put a row between the others."""
        for name in ("RUT", "GSPC"):
            head, *lines = server.answer(f"/closes/{name}.csv").decode().splitlines()
            lines = sorted([*lines, f"{day},3000.00"])
            server.spoiled[f"{name}.csv"] = says(("\n".join([head, *lines]) + "\n").encode())

    def test_a_price_repeated_on_both(self, server):
        for name in ("RUT", "GSPC"):
            change(server, "2026-11-20", **{name: server.closes[name]["2026-11-19"]})
        assert "2026-11-20: both closes are those of the day before" in refusal()

    def test_a_duplicate_day(self, server):
        head, *lines = server.answer("/closes/RUT.csv").decode().splitlines()
        lines.append(lines[-1])
        server.spoiled["RUT.csv"] = says(("\n".join([head, *lines]) + "\n").encode())
        assert "2026-11-20 comes twice" in refusal()

    def test_a_move_may_be_accepted_and_is_kept(self, server):
        change(server, "2026-11-19", RUT=lambda price: 0.91 * price)
        days = ["2026-11-19", "2026-11-20"]
        assert "--accept-move 2026-11-19" in refusal()
        assert "--accept-move 2026-11-20" in refusal(moves=days[:1])
        assert asked(moves=days).changed
        assert not asked().changed

    def test_no_word_lets_an_index_move_by_a_quarter(self, server):
        change(server, "2026-11-20", RUT=lambda p: 0.6 * p, GSPC=lambda p: 0.6 * p)
        message = refusal(InputError, moves=["2026-11-20"])
        assert "russell_2000 moved by" in message
        assert "expected at most 25% in a day" in message


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
    def test_any_source_s_failure_leaves_all_as_it_was(self, made, server, answer):
        server.spoiled["GSPC.csv"] = answer
        assert "^GSPC" in refusal()
        assert vintages.resolve("latest") == made.vintage

    def test_no_network_is_one_line_soon_and_the_rest_works(self, server, monkeypatch):
        for name in server.environment:
            monkeypatch.setenv(name, "http://127.0.0.1:9/x")
        begin = time.monotonic()
        result = CliRunner().invoke(cli.main, ["refresh"])
        assert time.monotonic() - begin < 30
        assert result.exit_code == Exit.SOURCE_FAILED
        assert result.output == (
            "rotation: FRED DFEDTARL: 127.0.0.1:9 cannot be reached; is there a network?\n"
        )
        assert CliRunner().invoke(cli.main, ["vintages"]).exit_code == 0
        assert data.load(vintage="latest").vintage == "frozen"

    def test_what_does_not_load_is_not_put_in_place(self, server, monkeypatch):
        def refuse(*_, **__):
            raise DataError("index_closes.csv row 1: expected otherwise")

        real = data.load
        monkeypatch.setattr(data, "load", lambda *a, **k: refuse() if a else real(*a, **k))
        refusal(DataError)

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
            "fed_target_changes: 1 new\nindex_closes: 64 new\n"
            f"vintage {name} after frozen, closes to 2026-11-20\n"
        )
        again = self.run("--only", "closes")
        assert again.output == f"nothing new: vintage {name}, closes to 2026-11-20\n"
        listed = CliRunner().invoke(cli.main, ["vintages"])
        assert listed.stdout == f"frozen\n{name} (latest)\n"

    def test_revisions_are_listed_before_the_refusal(self, made, server):
        change(server, "2026-11-12", RUT=lambda price: price + 0.5)
        result = self.run("--only", "closes")
        assert result.exit_code == Exit.SOURCE_FAILED
        first, last = result.stderr.splitlines()
        assert first.startswith("index_closes 2026-11-12 russell_2000: ")
        assert last.startswith("rotation: 1 figures of the previous vintage differ")
        assert self.run("--only", "closes", "--accept-revisions").exit_code == 0

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
