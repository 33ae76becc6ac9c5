from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from helpers import data, notebook, parameters, vintages
from helpers.errors import DataError, Exit
from rotation import atomic, cli
from rotation.refresh import store
from rotation.run import planning, runner
from support.data import DATA

OLD, NEW = "2026-08-20-0000000a", "2026-08-21-0000000b"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ROTATION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make(name, change=lambda package: None):
    """Put a copy of the frozen tables in place under a name."""
    with store.building() as build:
        package = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
        package["resources"] = [r for r in package["resources"] if "hash" in r]
        package["vintage"] = name
        change(package)
        for resource in package["resources"]:
            shutil.copyfile(DATA / resource["path"], build / resource["path"])
        (build / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
        return store.publish(build, name)


class TestPlaces:
    def test_home_is_the_setting_else_the_systems(self, home, monkeypatch):
        assert vintages.home() == home
        monkeypatch.delenv("ROTATION_HOME")
        assert vintages.home().name == "rotation-claims"
        assert vintages.home().is_absolute()

    def test_asking_makes_nothing(self, home):
        assert vintages.names() == []
        assert vintages.resolve("latest") == "frozen"
        assert vintages.path("frozen") == DATA == vintages.path("latest")
        assert not home.exists()


class TestNames:
    def test_are_those_of_whole_vintages_in_order_of_time(self):
        make(NEW)
        make(OLD)
        (vintages.folder() / "2026-08-22-0000000c").mkdir()  # no descriptor
        (vintages.folder() / ".building-x").mkdir()
        (vintages.folder() / "notes").mkdir()
        assert vintages.names() == [OLD, NEW]

    def test_latest_is_the_one_made_last(self):
        make(NEW)
        make(OLD)
        assert vintages.resolve("latest") == OLD
        (vintages.folder() / "latest").unlink()
        assert vintages.resolve("latest") == NEW
        (vintages.folder() / "latest").symlink_to("nowhere")
        assert vintages.resolve("latest") == NEW

    def test_stranger_is_one_line_with_those_there_are(self):
        make(NEW)
        with pytest.raises(vintages.VintageError) as caught:
            vintages.path("2026-01-01-00000000")
        assert f"expected one of frozen, latest, {NEW} (in " in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("name", ["../x", "2026-08-21", "2026-08-21-0000000B", ""])
    def test_what_has_no_name_s_form_is_none(self, name):
        assert not vintages.is_name(name)
        with pytest.raises(vintages.VintageError):
            vintages.path(name)

    def test_same_tables_same_name(self):
        one = store.name_of("2026-08-21", {"a": "1", "b": "2"})
        assert one == store.name_of("2026-08-21", {"b": "2", "a": "1"})
        assert vintages.is_name(one)
        others = {
            store.name_of("2026-08-21", {"a": "1", "b": "3"}),
            store.name_of("2026-08-20", {"a": "1", "b": "2"}),
            store.name_of("2026-08-21", {"a": "1", "b": "2"}, ["2026-08-19"]),
        }
        assert len(others | {one}) == 4


class TestBuilding:
    def test_nothing_stays_of_a_build_that_failed(self):
        def fail():
            with store.building() as build:
                (build / "half").write_text("x")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert not list(vintages.folder().glob(".building-*"))
        assert vintages.names() == []

    def test_what_a_killed_build_left_is_swept(self):
        with store.building():
            pass
        left = vintages.folder() / ".building-dead"
        left.mkdir()
        (left / "half").write_text("x")
        (vintages.folder() / ".latest").symlink_to("x")
        with store.building():
            assert not left.exists()
        make(NEW)
        assert vintages.resolve("latest") == NEW

    def test_one_at_a_time(self):
        code = "import time\nfrom rotation.refresh import store\n"
        code += "with store.building(): print('in', flush=True); time.sleep(60)"
        other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        try:
            assert other.stdout.readline() == "in\n"
            with pytest.raises(atomic.LockedError) as caught, store.building():
                pass
            assert caught.value.code == Exit.LOCKED == 3
        finally:
            other.kill()
            other.wait()
            other.stdout.close()
        with store.building():  # the dead hold nothing
            assert len(list(vintages.folder().glob(".building-*"))) == 1

    def test_a_place_that_cannot_be_written(self, home):
        home.write_text("a file")
        with pytest.raises(atomic.UnwritableError, match="cannot write there"), store.building():
            pass

    def test_full_disk_is_one_line(self):
        with (
            pytest.raises(atomic.UnwritableError, match="No space left") as caught,
            store.building(),
        ):
            raise OSError(28, "No space left on device")
        assert "\n" not in str(caught.value)

    def test_publishing_what_is_there_only_makes_it_the_latest(self):
        first = make(OLD)
        stamp = (first / "datapackage.json").stat().st_mtime_ns
        make(NEW)
        make(OLD)
        assert vintages.resolve("latest") == OLD
        assert (first / "datapackage.json").stat().st_mtime_ns == stamp


class TestLoading:
    def test_a_vintage_loads_by_name_and_as_latest(self, market):
        make(NEW)
        for name in (NEW, "latest"):
            loaded = data.load(vintage=name)
            assert loaded.vintage == NEW
            assert loaded.hashes == market.hashes
        assert data.load().vintage == "frozen"

    def test_damage_names_the_vintage(self):
        folder = make(NEW)
        with (folder / "index_closes.csv").open("ab") as file:
            file.write(b"x")
        with pytest.raises(
            DataError, match=rf"vintage {NEW}: index_closes\.csv row \d+: expected 3 fields; got 1"
        ):
            data.load(vintage="latest")

    def test_a_folder_under_another_name_is_refused(self):
        make(NEW).rename(vintages.folder() / OLD)
        with pytest.raises(DataError, match=f"vintage '{NEW}': expected '{OLD}'"):
            data.load(vintage=OLD)

    def test_a_closure_is_no_gap(self, package):
        # As if the exchange had stayed closed on a day that its calendar has.
        row = next(
            i
            for i, line in enumerate((DATA / "index_closes.csv").read_text().split("\n"))
            if line.startswith("2026-03-10")
        )
        package.line("index_closes", row, None, seal=True)
        with pytest.raises(DataError, match="the session 2026-03-10 before it is missing"):
            package.load()
        package.describe(lambda p: p.update(closures=["2026-03-10"]))
        assert [str(d.date()) for d in package.load().closures] == ["2026-03-10"]

    @pytest.mark.parametrize("closures", [["10 March"], "2026-03-10x", [["a"]], {"a": 1}, 3])
    def test_closures_that_are_no_dates(self, package, closures):
        package.describe(lambda p: p.update(closures=closures))
        with pytest.raises(DataError, match="expected a list of ISO dates"):
            package.load()

    def test_a_closure_does_not_hide_a_row(self, package):
        package.describe(lambda p: p.update(closures=["2026-03-10"]))
        with pytest.raises(DataError, match="2026-03-10 is no New York session"):
            package.load()


class TestRuns:
    def test_latest_is_resolved_once_for_the_whole_run(self):
        make(NEW)
        planned = planning.plan(["04", "05"], ["vintage=latest"])
        assert [one.overrides for one in planned] == [{"vintage": NEW}] * 2

    def test_without_a_refreshed_vintage_latest_is_the_default(self):
        assert planning.plan(["04"], ["vintage=latest"])[0].overrides == {}

    def test_unknown_vintage_stops_before_anything_runs(self):
        with pytest.raises(vintages.VintageError, match="expected one of frozen, latest"):
            planning.plan(["04"], ["vintage=2026-01-01-00000000"])
        with pytest.raises(parameters.ParameterError, match="'frozen', 'latest' or a name"):
            planning.plan(["04"], ["vintage=newest"])

    def test_run_id_is_that_of_the_tables_wherever_they_lie(self, tmp_path, monkeypatch):
        make(NEW)
        settings = [f"vintage={NEW}"]
        one = planning.run_id(planning.plan(["04"], settings))
        assert one != planning.run_id(planning.plan(["04"]))
        shutil.copytree(vintages.home(), tmp_path / "elsewhere", symlinks=True)
        monkeypatch.setenv("ROTATION_HOME", str(tmp_path / "elsewhere"))
        assert planning.run_id(planning.plan(["04"], settings)) == one
        with (vintages.folder() / NEW / "recessions.csv").open("a") as file:
            file.write("2027-01,2027-02\n")
        assert planning.run_id(planning.plan(["04"], settings)) != one

    def test_notebook_measures_on_the_vintage(self):
        make(NEW)
        run = notebook.start("analog_2019", as_of="last", vintage="latest")
        assert run.market.vintage == NEW

    def test_registry_is_the_clone_s(self):
        folder = make(NEW)
        assert not (folder / "articles").exists()
        run = notebook.start("analog_2019", vintage=NEW)
        assert len(run.claims.claims) > 100


class TestCommand:
    @pytest.fixture
    def given(self, monkeypatch):
        """What ``rotation run`` hands on; nothing runs."""
        handed = []

        def run(names, settings, *_, **__):
            handed.extend(settings)
            planning.plan(names, settings)
            return runner.Report(None, vintages.home(), {}, [])

        monkeypatch.setattr(runner, "run", run)
        return handed

    def rotation(self, *words):
        return CliRunner().invoke(cli.main, words)

    def test_as_of_and_vintage_are_parameters(self, given):
        make(NEW)
        result = self.rotation("run", "--as-of", "2026-01-22", "--vintage", "latest")
        assert result.exit_code == 0, result.output
        assert given == ["as_of=2026-01-22", "vintage=latest"]
        assert f"rotation: the latest vintage is {NEW}\n" in result.stderr

    def test_without_a_vintage_it_says_so(self, given):
        result = self.rotation("run", "04", "--vintage", "latest")
        assert "rotation: the latest vintage is frozen\n" in result.stderr

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--vintage", "2026-01-01-00000000"], "vintage = '2026-01-01-00000000': expected one"),
            (["--vintage", "new"], "vintage = 'new': expected 'frozen', 'latest' or a name"),
            (["--as-of", "22.1.2026"], "as_of = '22.1.2026': expected an ISO date"),
        ],
    )
    def test_mistakes_are_one_line(self, given, words, said):
        result = self.rotation("run", "04", *words)
        assert result.exit_code == Exit.MISTAKE
        assert result.stderr.splitlines()[-1].startswith(f"rotation: {said}")
        assert "Traceback" not in result.output

    def test_list(self):
        one = r" +\d+\.\d MB"
        assert re.fullmatch(rf"frozen{one}  \(latest\)\n", self.rotation("vintages").stdout)
        make(NEW)
        listed = self.rotation("vintages").stdout
        assert re.fullmatch(rf"frozen{one}\n{NEW}{one}  \(latest\)\n", listed), listed


def test_files_on_disk_are_readable_by_others_who_run_reports():
    mask = os.umask(0)
    os.umask(mask)
    folder = make(NEW)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "recessions.csv").stat().st_mode & 0o777 == 0o666 & ~mask
