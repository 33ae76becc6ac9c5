"""A year of evenings: everything that happened to real sources, and nobody at the desk but once.

Each evening the sources show what they would show by then; the schedule refreshes, runs two small
notebooks, compares and publishes. At the end the vintage is the one that the final sources give in
one go, but for the first releases, which only those who asked in time have seen. A second test runs
all shipped notebooks at the end of each month.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator

import nbformat
import numpy as np
import pandas as pd
import pytest

from helpers import data, executed, vintages
from helpers.errors import Exit
from rotation.refresh import refresh
from rotation.run import planning, pool
from rotation.unattended import attempts, config, drift, history, home, schedule, session, status
from support.source_server import Sources, says
from support.toy import LAST_FROZEN, Toy, write

FULL = os.environ.get("ROTATION_PROOF") == "full"
EVENINGS = 250 if FULL else 25


class Year:
    """Sources as they were on each evening of a year.

    Attributes
    ----------
    days : list of Timestamp
        The evenings' sessions.
    day : Timestamp
        The evening.
    """

    def __init__(self, server: Sources) -> None:
        self.server = server
        end = data.sessions("2026-08-10", "2027-12-31")[EVENINGS - 1]
        self.days = list(data.sessions("2026-08-10", str(end.date())))
        self.day = self.days[0]
        self.closes, self.series = server.closes.copy(), dict(server.series)
        self.library = dict(server.french)
        chance = np.random.default_rng(14)
        middle = self.days[5:-6]
        picked = chance.permutation(len(middle))[: 4 * max(1, EVENINGS // 50)]
        # Days that one index or both lack until four evenings later, by day: which.
        self.gaps = {
            middle[n]: [("RUT",), ("GSPC",), ("RUT", "GSPC")][i % 3]
            for i, n in enumerate(picked[::2])
        }
        self.late = {middle[n] for n in picked[1::2]}  # there only a day later
        self.down = {*self.days[EVENINGS // 3 : EVENINGS // 3 + max(3, EVENINGS // 12)]}
        self.full = self.days[EVENINGS // 2]
        self.killed = {*self.days[7::40]}
        # A known day that is another from some evening on, and the evening on which that is taken.
        self.changed, self.told, self.taken = self.days[2], self.days[14], self.days[17]
        cut = self.days[EVENINGS // 4]
        for name in ("DFEDTARL", "DFEDTARU"):
            levels = self.series[name].copy()
            levels.loc[cut + pd.Timedelta(days=1) :] -= 0.25
            self.series[name] = levels
        self.editions = {self.days[0]: 0, self.days[EVENINGS // 5]: 1, self.days[-8]: 2}

    def show(self, day: pd.Timestamp) -> None:
        """Have the server answer as on the evening of a day."""
        self.day = day
        self.server.closes = self._closes(day)
        self.server.series = {name: self._known(name, s) for name, s in self.series.items()}
        edition = max(n for first, n in self.editions.items() if first <= day)
        self.server.french = {
            name: self._edition(text, edition) for name, text in self.library.items()
        }
        self.server.spoiled.clear()
        if day in self.down:
            self.server.spoiled["fredgraph.csv"] = says(b"", 503)

    def final(self) -> None:
        """Have the server answer as on the last evening, with every close settled."""
        self.show(self.days[-1])
        self.server.closes = self._settled().loc[: self.days[-1]]

    def _settled(self) -> pd.DataFrame:
        closes = self.closes.copy()
        closes.loc[self.changed, "RUT"] += 1.0
        return closes

    def _closes(self, day: pd.Timestamp) -> pd.DataFrame:
        closes = (self._settled() if day >= self.told else self.closes).loc[:day].copy()
        closes.loc[day, ["RUT", "GSPC"]] += [0.26, -0.79]  # the evening's, not the settled ones
        for gap, names in self.gaps.items():
            if gap <= day < self._after(gap, 4):
                closes.loc[gap, [*names]] = np.nan
        return closes.iloc[:-1] if day in self.late else closes

    def _after(self, day: pd.Timestamp, evenings: int) -> pd.Timestamp:
        return self.days[self.days.index(day) + evenings]

    def _known(self, name: str, values: pd.Series) -> pd.Series:
        return values.loc[: self.day - pd.Timedelta(days=lag(name))]

    def _edition(self, text: str, number: int) -> str:
        """A later edition moves some old months, the farthest by 0.85 points."""
        text = text.replace("202604 CRSP", f"{202604 + 2 * number} CRSP")
        if number:
            text = re.sub(
                r"(202601,.*?)4\.93,", rf"\g<1>{4.93 - 0.85 * number / 2:.2f},", text, count=1
            )
        return text


@pytest.fixture
def year(tmp_path, monkeypatch) -> Iterator[Year]:
    toy = Toy(tmp_path / "clone").use(monkeypatch)
    assert LAST_FROZEN < "2026-08-10"
    write(toy.notebooks, "02_toy", "print(vintage)")
    end = data.sessions("2026-08-10", "2027-12-31")[EVENINGS + 5]
    monkeypatch.setenv("ROTATION_DATA", str(toy.data))
    with Sources(end) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield Year(server)


def at(day: pd.Timestamp) -> pd.Timestamp:
    return pd.Timestamp(f"{day.date()} 20:00", tz="America/New_York")


def test_a_year_needs_one_hand(year, monkeypatch, tmp_path):
    real, codes = refresh.refresh, Counter()
    accepted: tuple[str, ...] = ()
    for day in year.days:
        year.show(day)
        if day == year.taken:  # the one time that somebody is needed
            accepted = (f"index_closes:{year.changed.date()}",)
        settings = config.Config(refresh=config.Refresh(accept_revisions=accepted))
        monkeypatch.setattr(
            refresh, "refresh", lambda options, day=day: real(now=at(day), options=options)
        )
        with monkeypatch.context() as patch:
            if day == year.full:
                patch.setattr(session, "NEEDED", 10**18)
            if day in year.killed:
                with monkeypatch.context() as kill:
                    kill.setattr(pool, "execute", stop)
                    with pytest.raises(KeyboardInterrupt):
                        schedule.run(settings)
            summary = schedule.run(settings)
        # The library served here brings editions and no months: after 400 days that is told, too.
        told = [line for line in summary.stale if not line.startswith("size_")]
        codes[int(summary.exit) if told or summary.exit != Exit.SOURCE_FAILED else 0] += 1
        check(year, day, summary)
    assert codes[Exit.FAILED] == 0
    assert codes[Exit.MISTAKE] == 1  # the full disk
    # As long as FRED is down, the revision is not accepted: no more evenings than that.
    assert 0 < codes[Exit.SOURCE_FAILED] <= len(year.down) + 3
    published = [line["last_close"] for line in history.read()]
    assert published == sorted(published)
    # An evening whose close is late or lacking publishes nothing newer, nor does a full disk.
    assert len({*published}) >= EVENINGS - len(year.late) - len(year.gaps) - 2
    assert len(attempts.read()) == EVENINGS
    kept = [one for one in home.runs().iterdir() if not one.name.startswith(".")]
    assert len(kept) <= 30
    assert len(vintages.names()) <= 60
    compare(year, real, monkeypatch, tmp_path)


def lag(name: str) -> int:
    """Return the days after which a series of FRED's is out."""
    return 45 if name in ("UNRATE", "CPIAUCNS", "USREC") else int(name.startswith("DGS"))


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def check(year, day, summary):
    """Hold what must be so on every evening."""
    if day == year.full:
        assert "MB are free" in summary.message
        return
    states = {one["table"]: one["state"] for one in summary.status}
    fred = {states[name] for name in ("fed_target_changes", "recessions", "macro_readings")}
    assert fred == ({"carried over"} if day in year.down else {"fresh"}), summary.stale
    refused = year.told <= day < year.taken
    assert states["index_closes"] == ("refused" if refused else "fresh"), summary.stale
    market = data.load(vintage=summary.vintage)
    lacking = {gap for gap in year.gaps if gap <= day < year._after(gap, 4)}
    late = day in year.late or day in lacking
    assert str(market.last.date()) == str((year._after(day, -1) if late else day).date())
    assert {*market.missing} == {gap for gap in lacking if gap < market.last}
    current = drift.read(home.current())
    assert current["run"]["vintage"] == summary.vintage or summary.folder is None
    found = status.gather(config.Config(), at(day))
    # Runs are noted by the clock on the wall, which is not that of the year.
    wrong = [line for line in found["wrong"] if "no successful run" not in line]
    assert len(wrong) == len(summary.stale), wrong


def compare(year, real, monkeypatch, tmp_path):
    """Hold that the last vintage is that of the final sources."""
    year.final()
    last = data.load(vintage=vintages.LATEST)
    stepwise = vintages.path(vintages.LATEST)
    monkeypatch.setenv("ROTATION_HOME", str(tmp_path / "at once"))
    made = real(now=at(year.days[-1]))
    assert all(one.table.startswith("size_") and one.state == "late" for one in made.wrong)
    whole, at_once = data.load(vintage=made.vintage), vintages.path(made.vintage)
    for file in sorted(at_once.glob("*.csv")):
        if file.stem == "index_closes":
            # The last close was taken on its evening and is not settled yet.
            pd.testing.assert_frame_equal(last.closes.iloc[:-1], whole.closes.iloc[:-1])
            gap = (last.closes.iloc[-1] - whole.closes.iloc[-1]).abs()
            assert gap.round(2).tolist() == [0.26, 0.79]
        elif file.stem == "macro_readings":
            same = last.macro.drop(columns="first_release")
            pd.testing.assert_frame_equal(same, whole.macro.drop(columns="first_release"))
            assert last.macro["first_release"].count() > whole.macro["first_release"].count()
        else:
            assert (stepwise / file.name).read_bytes() == file.read_bytes(), file.stem


# All notebooks, month by month --------------------------------------------------------------------

MONTHS = 12 if FULL else 1


def test_every_notebook_runs_at_the_end_of_each_month(tmp_path, monkeypatch):
    monkeypatch.setenv("ROTATION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ROTATION_CONFIG", str(tmp_path / "none.toml"))
    before = {
        one["claim_id"]: one
        for path in planning.find()
        for one in executed.payloads(nbformat.read(path, as_version=4))
    }
    frozen = data.load().last
    real = refresh.refresh
    ends = pd.date_range(frozen, periods=MONTHS, freq="BME")
    with Sources(ends[-1]) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        closes, series = server.closes.copy(), dict(server.series)
        for end in ends:
            server.closes = closes.loc[:end]
            server.series = {
                name: values.loc[: end - pd.Timedelta(days=lag(name))]
                for name, values in series.items()
            }
            monkeypatch.setattr(
                refresh, "refresh", lambda options, end=end: real(now=at(end), options=options)
            )
            summary = schedule.run(config.Config())
            assert summary.failures == {}
            assert summary.folder is not None, summary.message
            assert summary.last_close == str(server.closes.index[-1].date())
            checks = {one["claim_id"]: one for one in drift.read(summary.folder)["checks"]}
            assert checks.keys() == before.keys()
            # What happened by the last frozen close stays as it was judged.
            past = [
                name
                for name, one in before.items()
                if one["reading"] == "fact" and one["as_of"] <= str(frozen.date())
            ]
            moved = [n for n in past if checks[n]["outcome"] != before[n]["outcome"]]
            assert moved == []
