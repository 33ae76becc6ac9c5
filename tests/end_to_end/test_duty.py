"""What the person on duty sees: status, today, the attempts, notices, evenings made up for."""

from __future__ import annotations

import json
import os
import time
from datetime import date

import pandas as pd
import pytest
from click.testing import CliRunner

from helpers import data, vintages
from helpers.errors import Exit
from rotation import cli
from rotation.refresh import refresh
from rotation.refresh.status import Status
from rotation.run import pool
from rotation.unattended import (
    attempts,
    config,
    history,
    home,
    notices,
    schedule,
    session,
    status,
    today,
)
from support.toy import Toy, instantly

QUIET = config.Config(refresh=config.Refresh(enabled=False))
# The frozen closes of the toy end on Friday 7 August 2026.
FRIDAY = pd.Timestamp("2026-08-07 20:00", tz="America/New_York")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "execute", instantly)
    return Toy(tmp_path / "clone").use(monkeypatch)


def rotation(*words):
    return CliRunner().invoke(cli.main, words, env={"COLUMNS": "100"})


def refreshed(monkeypatch, *states):
    name = vintages.resolve("latest")
    made = refresh.Refreshed(name, name, "2026-08-07", {}, (), (), states)
    monkeypatch.setattr(refresh, "refresh", lambda **_: made)


class TestStatus:
    def gather(self, at=FRIDAY):
        return status.gather(QUIET, at)

    def ran(self, monkeypatch, at):
        """Run at a point in time."""

        class Clock(schedule.datetime):
            @classmethod
            def now(cls, tz):
                return at.tz_convert("UTC").to_pydatetime().astimezone(tz)

        monkeypatch.setattr(schedule, "datetime", Clock)
        return schedule.run(QUIET)

    def test_before_the_first_run(self, toy):
        found = self.gather()
        assert found["exit"] == Exit.FAILED
        assert found["wrong"][0].startswith("no scheduled run yet: ")

    def test_after_a_good_one(self, toy, monkeypatch):
        self.ran(monkeypatch, FRIDAY)
        found = self.gather(FRIDAY + pd.Timedelta(days=2))
        assert (found["exit"], found["wrong"], found["behind"]) == (Exit.DONE, [], 0)
        assert found["last_success"] == found["last_run"]
        assert status.text(found)[0] == "all is well"

    @pytest.mark.parametrize(("days", "well"), [(4, True), (5, False)])
    def test_of_runs_that_stopped(self, toy, monkeypatch, days, well):
        # Tuesday evening is two sessions later, Wednesday evening three.
        self.ran(monkeypatch, FRIDAY)
        found = self.gather(FRIDAY + pd.Timedelta(days=days))
        assert (found["exit"] == Exit.DONE) is well
        if not well:
            assert "no successful run for 3 sessions" in found["wrong"][0]
            assert "the closes end on 2026-08-07, 3 sessions ago" in found["wrong"][1]

    def test_of_one_that_failed(self, toy, monkeypatch):
        self.ran(monkeypatch, FRIDAY)
        monkeypatch.setattr(session, "NEEDED", 10**18)
        schedule.run(QUIET)
        found = self.gather()
        assert found["exit"] == Exit.FAILED
        assert "MB are free; expected at least" in found["wrong"][0]
        assert found["last_success"]["exit"] == 0

    def test_forecasts_to_come_and_overdue(self, toy, monkeypatch):
        self.ran(monkeypatch, FRIDAY)
        (one,) = self.gather()["due"]
        assert (one["claim_id"], one["due"], one["overdue"]) == ("TY-03", "2026-08-14", False)
        late = self.gather(FRIDAY + pd.Timedelta(days=9))
        assert late["due"][0]["overdue"]
        assert "TY-03         overdue since 2026-08-14: What TY-03" in status.text(late)

    def test_the_command_is_for_a_monitor(self, toy):
        result = rotation("status", "--json")
        assert result.exit_code == Exit.FAILED
        assert json.loads(result.stdout)["vintage"] == "frozen"
        assert rotation("status").stdout.startswith("to look at: ")


class TestAttempts:
    def test_failed_and_refused_runs_are_noted(self, toy, monkeypatch):
        schedule.run(QUIET)
        refreshed(
            monkeypatch, Status("index_closes", "refused", "2026-08-07", "2026-08-10", "changed")
        )
        schedule.run(config.Config())
        monkeypatch.setattr(session, "NEEDED", 10**18)
        schedule.run(QUIET)
        found = attempts.read()
        assert [one["exit"] for one in found] == [0, 20, 2]
        assert [bool(one["folder"]) for one in found] == [True, False, False]
        assert len(history.read()) == 1  # only what was published
        lines = rotation("history").stdout.splitlines()
        assert len(lines) == 3
        assert "exit 20" in lines[1]

    def test_a_torn_line_is_left_out(self, toy):
        schedule.run(QUIET)
        with attempts.file().open("a") as file:
            file.write('{"at": "2026')
        assert len(attempts.read()) == 1
        schedule.run(QUIET)
        assert len(attempts.read()) == 2


class TestNotices:
    def test_of_runs(self, toy, monkeypatch, tmp_path):
        told = tmp_path / "told"
        command = f"sh -c 'echo \"$ROTATION_SUBJECT\" >> {told}; cat >> {told}'"
        settings = config.Config(notices=config.Notices(command=command))
        refreshed(monkeypatch)
        schedule.run(settings)
        schedule.run(settings)
        assert told.read_text().count("TY-03 fell due on 2026-08-14 and is still open: What") == 1
        bad = Status("index_closes", "refused", "2026-08-07", "2026-08-10", "changed")
        refreshed(monkeypatch, bad)
        schedule.run(settings)
        schedule.run(settings)
        assert told.read_text().count("Rotation claims: sources to look at: 1\n") == 1
        toy.vintage(5, rise=100)
        refreshed(monkeypatch)
        schedule.run(settings)
        text = told.read_text()
        assert "verdicts changed: 1, forecasts due or settled: 1, recovered" in text
        assert "TY-01 supported → contradicted: What TY-01" in text

    def test_that_cannot_be_sent_stop_nothing(self, toy, monkeypatch, capsys):
        bad = Status("index_closes", "refused", "2026-08-07", "2026-08-10", "changed")
        refreshed(monkeypatch, bad)
        summary = schedule.run(config.Config(notices=config.Notices(command="/nowhere/mail")))
        assert summary.folder is not None
        assert "notices.command: " in capsys.readouterr().err

    def test_only_of_the_kinds_asked_for(self, toy, monkeypatch, tmp_path):
        bad = Status("index_closes", "refused", "2026-08-07", "2026-08-10", "changed")
        refreshed(monkeypatch, bad)
        sent = []
        monkeypatch.setattr(notices, "send", lambda *words: sent.append(words) or [])
        schedule.run(config.Config(notices=config.Notices(on=("failed",))))
        assert sent == []

    def test_the_test_notice(self, toy, tmp_path):
        assert "expected notices.command" in rotation("schedule", "--test-notice").stderr
        toy.config.write_text(f"[notices]\ncommand = \"sh -c 'cat > {tmp_path}/told'\"\n")
        assert rotation("schedule", "--test-notice").stdout == "sent\n"
        assert "arrive" in (tmp_path / "told").read_text()


class TestBackfill:
    def test_every_missed_evening_has_its_report(self, toy):
        text = toy.notebook.read_text("utf-8")
        text = text.replace('vintage = \\"frozen\\"', 'vintage = \\"frozen\\"\\nas_of = \\"last\\"')
        text = text.replace("DictReader(lines))", "DictReader(lines))[: 300 + days]")
        seen = "days = {'2026-08-10': 1, '2026-08-11': 2, '2026-08-12': 3, '2026-08-13': 4}"
        text = text.replace("import csv", f"{seen}.get(as_of, 0)\\nimport csv")
        toy.notebook.write_text(text, "utf-8")
        first = schedule.run(QUIET)
        assert first.exit == Exit.DONE, first
        toy.vintage(5)
        result = rotation("schedule", "--no-refresh", "--until", "2026-08-13")
        days = ["2026-08-10", "2026-08-11", "2026-08-12", "2026-08-13"]
        assert [line.split(":")[0] for line in result.stdout.splitlines()] == days
        assert [one["last_close"] for one in history.read()] == ["2026-08-07", *days]
        again = rotation("schedule", "--until", "2026-08-13")
        assert again.exit_code == Exit.MISTAKE
        assert "the reports reach 2026-08-13 already" in again.stderr

    @pytest.mark.parametrize("until", ["2026-12-31", "soon", "1999-01-04"])
    def test_a_day_without_data(self, toy, until):
        result = rotation("schedule", "--until", until)
        assert result.exit_code == Exit.MISTAKE
        assert f"--until {until}: expected a date from" in result.stderr


class TestHousekeeping:
    def test_vintages_are_kept_that_reports_are_made_from(self, toy):
        names = [toy.vintage(days) for days in range(1, 5)]
        schedule.run(QUIET)  # from the last
        assert home.prune_vintages(2) == names[:2]
        assert vintages.names() == names[2:]
        toy.vintage(1)
        assert home.prune_vintages(1) == [names[2]]  # the latest and the report's stay
        assert sorted(vintages.names()) == sorted([names[0], names[3]])

    def test_sizes_are_listed_and_old_ones_removed(self, toy):
        names = [toy.vintage(days) for days in range(1, 4)]
        lines = rotation("vintages").stdout.splitlines()
        assert [line.split()[0] for line in lines] == ["frozen", *names]
        assert all(" MB" in line for line in lines)
        result = rotation("vintages", "--keep", "1")
        assert [line.split()[0] for line in result.stdout.splitlines()] == ["frozen", names[-1]]

    def test_a_file_that_is_the_same_is_on_the_disk_once(self, toy):
        first = schedule.run(QUIET).folder
        toy.vintage(1)
        second = schedule.run(QUIET).folder
        pairs = [
            (file, first / file.relative_to(second))
            for file in second.rglob("*")
            if file.is_file() and (first / file.relative_to(second)).is_file()
        ]
        alike = [a for a, b in pairs if a.read_bytes() == b.read_bytes()]
        assert alike
        assert [a for a, b in pairs if a.samefile(b)] == alike
        assert home.size(second) <= sum(f.stat().st_size for f in second.rglob("*") if f.is_file())


class TestToday:
    @pytest.fixture
    def home(self, tmp_path, monkeypatch):
        monkeypatch.setenv("ROTATION_HOME", str(tmp_path / "home"))
        monkeypatch.delenv("ROTATION_DATA", raising=False)

    def test_of_the_frozen_data(self, home, market):
        found = today.gather(date(2026, 8, 22))
        conditions = {one["name"]: one for one in found["conditions"]}
        # The first cut of September 2024, and no rise since; the eight before it.
        easing = conditions["easing"]
        assert easing["holds"]
        assert "since 2024-09-18" in easing["says"]
        assert "AI-10" in easing["claims"]
        cuts = ["1984-09-20", "1987-11-04", "1989-06-06", "1995-07-06"]
        cuts += ["1998-09-29", "2001-01-03", "2007-09-18", "2019-07-31"]
        closes = market.closes
        leads = []
        for cut in cuts:
            start = closes.index.searchsorted(pd.Timestamp(cut), side="right") - 1
            moves = closes.iloc[start + 252] / closes.iloc[start] - 1
            leads.append(100 * (moves["russell_2000"] - moves["sp_500"]))
        row = next(one for one in easing["after"] if one["window"] == "252 sessions")
        assert row["n"] == 8
        assert row["mean"] == pytest.approx(sum(leads) / 8, abs=0.01)
        assert conditions["cheapness"]["holds"]
        assert not conditions["streak"]["holds"]

    def test_of_a_streak(self, home, market):
        # On 22 January 2026 small caps had led on 14 sessions in a row.
        leads = market.closes.pct_change()
        days = (leads["russell_2000"] > leads["sp_500"]).loc[:"2026-01-22"]
        length = int(days[::-1].cumprod().sum())
        found = today._streak(market.until("2026-01-22"))
        assert found["holds"]
        assert f"on {length} sessions in a row" in found["says"]

    def test_forecasts_that_fall_due(self, home):
        found = today.gather(date(2026, 9, 5))
        assert [one["claim_id"] for one in found["due"]] == ["HR-53"]
        assert today.gather(date(2026, 8, 22))["due"] == []

    def test_asked_again_it_is_there_at_once(self, home, monkeypatch):
        first = rotation("today")
        assert first.exit_code == 0, first.output
        monkeypatch.setattr(data, "load", lambda **_: pytest.fail("worked out again"))
        begin = time.process_time()
        assert rotation("today").stdout == first.stdout
        assert time.process_time() - begin < 1
        assert json.loads(rotation("today", "--json").stdout)["vintage"] == "frozen"

    def test_other_data_are_worked_out_anew(self, home, package, monkeypatch):
        monkeypatch.setenv("ROTATION_DATA", str(package.folder))
        today.gather(date(2026, 8, 22))
        kept = vintages.home() / "cache"
        assert len(list(kept.glob("today-*"))) == 1
        article = next(iter((package.folder / "articles").glob("*.toml")))
        os.utime(article)  # a date on the disk says nothing: git writes a new one
        today.gather(date(2026, 8, 22))
        assert len(list(kept.glob("today-*"))) == 1
        article.write_text("# Edited.\n" + article.read_text("utf-8"), "utf-8")
        today.gather(date(2026, 8, 22))
        assert len(list(kept.glob("today-*"))) == 2
