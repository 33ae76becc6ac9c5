import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest

from helpers import claims, data
from helpers.errors import InputError
from helpers.parameters import ParameterError
from rotation.run import planning, pool, publishing, results, runner, worker
from support import schemas

PARAMETERS = 'as_of = "last"  # the last day\nmin_length = 12  # sessions\n'
ALL_OF_A_FAMILY = (
    'from helpers import notebook\nrun = notebook.start("analog_2019", as_of=as_of, '
    "min_length=min_length)\nrun",
    'run.claims.checks("AI-02", "AI-03")',
    'run.claims.rest("analog_2019")',
)


def write(folder, name, *cells, parameters=PARAMETERS):
    """Write a toy notebook, its cells numbered; ``parameters=None`` leaves that cell out."""
    new = nbformat.v4
    made = [new.new_markdown_cell(f"# Toy {name}", id="title")]
    if parameters is not None:
        tags = {"tags": ["parameters"]}
        made.append(new.new_code_cell(parameters, id="parameters", metadata=tags))
    made += [new.new_code_cell(source, id=f"c{n}") for n, source in enumerate(cells)]
    path = folder / f"{name}.ipynb"
    nbformat.write(new.new_notebook(cells=made), path)
    return path


def tree(folder, leave_out=()):
    """Return the sha256 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in leave_out
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of notebooks that the runner takes for its own."""
    path = tmp_path / "notebooks"
    path.mkdir()
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(path))
    return path


@pytest.fixture
def forbidden(monkeypatch):
    """Fail if a notebook is executed."""
    monkeypatch.setattr(pool, "execute", lambda *_: pytest.fail("a notebook was executed"))


# Which notebooks, with which parameters


def test_notebooks_are_found_by_number_name_and_family(folder):
    first, second = write(folder, "01_one"), write(folder, "02_two")
    write(folder, "_03_draft")
    write(folder, "notes")
    assert planning.find() == [first, second]
    assert planning.find(["02"]) == planning.find(["02_two"]) == planning.find(["two"]) == [second]
    assert planning.find(["two", "01_one.ipynb", "02"]) == [first, second]


def test_an_unknown_notebook_is_named_with_those_there_are(folder):
    write(folder, "01_one")
    with pytest.raises(InputError, match=r"^notebook '7': expected one of 01_one$"):
        planning.find(["7"])


def test_a_folder_without_notebooks_is_refused(folder, monkeypatch):
    with pytest.raises(InputError, match="no notebooks there"):
        planning.find()
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(folder / "none"))
    with pytest.raises(InputError, match="none: no such folder"):
        planning.find()


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        (None, "01_toy.ipynb: no cell tagged 'parameters'; expected one"),
        ("n = 1 + x", "01_toy.ipynb: cell tagged 'parameters': expected plain assignments"),
        ("n = ", "01_toy.ipynb: cell tagged 'parameters': expected plain assignments"),
    ],
)
def test_a_notebook_without_plain_parameters_is_refused(folder, forbidden, parameters, line):
    write(folder, "01_toy", parameters=parameters)
    with pytest.raises(InputError, match=line):
        runner.run()


def test_what_is_no_notebook_is_refused(folder):
    (folder / "01_toy.ipynb").write_text("{}")
    with pytest.raises(InputError, match=r"01_toy\.ipynb: not a notebook"):
        planning.plan()


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("8", 12, 8),
        ("-8", 12, -8),
        ("8.5", 12, 8.5),
        ("8", 1.5, 8.0),
        ("1e3", 1.5, 1000.0),
        ("false", True, False),
        ("True", False, True),
        ("21,63", "1", "21,63"),
        ("8", "12", "8"),
        ("", "x", ""),
    ],
)
def test_a_value_is_read_by_the_type_of_its_default(text, default, value):
    got = planning.typed("p", text, default)
    assert (type(got), got) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("eight", 12, "a whole number"),
        ("nan", 12, "a whole number"),
        ("nan", 1.5, "a number"),
        ("inf", 1.5, "a number"),
        ("1", True, "true or false"),
    ],
)
def test_a_value_of_another_type_is_refused(text, default, expected):
    with pytest.raises(InputError, match=f"^p = '{text}': expected {expected}$"):
        planning.typed("p", text, default)


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("min_lenght=8", "unknown parameter 'min_lenght'.*min_length"),
        ("min_length=0", "min_length = 0: expected a whole number from 1 to 60"),
        ("min_length=8.5", "min_length = 8.5: expected a whole number from 1 to 60"),
        ("min_length=x", "min_length = 'x': expected a whole number"),
        ("as_of=soon", "as_of = 'soon': expected an ISO date"),
        ("as_of=1950-01-02", "as_of = '1950-01-02': expected a date from 1978-12-29"),
        ("as_of=2999-01-02", "as_of = '2999-01-02': expected a date from"),
        ("min_length", "parameter 'min_length': expected name=value"),
        ("=3", "parameter '=3': expected name=value"),
    ],
)
def test_bad_parameters_stop_before_anything_runs(folder, forbidden, setting, line):
    write(folder, "01_toy")
    with pytest.raises(InputError, match=line) as caught:
        runner.run(settings=[setting])
    assert "\n" not in str(caught.value)
    assert not (folder.parent / "reports").exists()


def test_a_parameter_applies_to_the_notebooks_that_have_it(folder):
    write(folder, "01_one")
    write(folder, "02_two", parameters='as_of = "last"\nextra = 1.5')
    one, two = planning.plan(settings=["extra=2", "as_of=2026-01-22"])
    assert one.overrides == {"as_of": "2026-01-22"}
    assert two.overrides == {"as_of": "2026-01-22", "extra": 2.0}
    assert two.parameters == {"as_of": "2026-01-22", "extra": 2.0}
    with pytest.raises(ParameterError, match="unknown parameter 'extra'"):
        planning.plan(["one"], ["extra=2"])


def test_a_parameter_at_its_default_is_no_override(folder):
    write(folder, "01_toy")
    assert planning.plan(settings=["min_length=12"])[0].overrides == {}


def test_the_run_id_follows_sources_and_parameters_not_outputs(folder):
    path = write(folder, "01_toy", "1")
    before = planning.run_id(planning.plan())
    assert planning.run_id(planning.plan(settings=["min_length=8"])) != before
    nb = nbformat.read(path, 4)
    nb.cells[-1].outputs = [nbformat.v4.new_output("stream", text="x")]
    nbformat.write(nb, path)
    assert planning.run_id(planning.plan()) == before
    write(folder, "01_toy", "2")
    assert planning.run_id(planning.plan()) != before


def test_an_edited_table_stops_the_run_and_leaves_reports_alone(
    folder, forbidden, tmp_path, monkeypatch
):
    write(folder, "01_toy")
    earlier = folder.parent / "reports" / "index.html"
    earlier.parent.mkdir()
    earlier.write_text("earlier")
    copy = tmp_path / "data"
    shutil.copytree(data.folder(), copy)
    table = copy / "recessions.csv"
    table.write_text(table.read_text().replace("1980-01", "1980-02"))
    monkeypatch.setenv("ROTATION_DATA", str(copy))
    with pytest.raises(InputError, match=r"recessions\.csv: sha256"):
        runner.run()
    assert tree(folder.parent / "reports") == {"index.html": hashlib.sha256(b"earlier").hexdigest()}


def test_an_unwritable_folder_stops_the_run(folder, forbidden, tmp_path):
    write(folder, "01_toy")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/out: cannot write there \(Not a directory\)"):
        runner.run(out=tmp_path / "file" / "out")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["thesis.tex", "logs/mine.log", "index.html"], "index.html, logs, thesis.tex there is"),
        (["manifest.json"], "manifest.json there is"),
        (["04_post_streak_outcomes.ipynb"], "04_post_streak_outcomes.ipynb there is"),
        ([".hidden"], r"\.hidden there is"),
    ],
)
def test_a_folder_of_the_user_s_is_never_written_to(folder, forbidden, tmp_path, files, said):
    write(folder, "01_toy")
    for name in files:
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text('{"name": "an app"}')
    before = tree(tmp_path / "mine")
    with pytest.raises(InputError, match=rf"--out .*mine: {said} not a report's; expected a new"):
        runner.run(out=tmp_path / "mine")
    assert tree(tmp_path / "mine") == before


@pytest.mark.parametrize("name", ["", " "])
def test_a_folder_without_a_name_is_refused(folder, forbidden, name):
    write(folder, "01_toy")
    with pytest.raises(InputError, match="--out: the name is empty"):
        runner.run(out=name)


def test_the_notebooks_folder_is_refused(folder, forbidden):
    write(folder, "01_toy")
    before = tree(folder)
    with pytest.raises(InputError, match=r"01_toy\.ipynb there is not a report's"):
        runner.run(["01"], ["min_length=9"], out=folder)
    assert tree(folder) == before


def test_a_folder_of_an_earlier_report_is_its_own(folder, tmp_path):
    write(folder, "01_toy")
    to = tmp_path / "new" / "out"
    assert runner.run(["01"], out=to).folder == to
    (to / "notes.txt").write_text("mine")
    assert runner.run(["01"], out=to, fresh=True).folder == to
    assert (to / "notes.txt").read_text() == "mine"
    (to / "manifest.json").unlink()
    with pytest.raises(InputError, match="expected a new or empty folder"):
        runner.run(["01"], out=to)


# Executed notebooks


def test_normalising_leaves_nothing_that_differs_from_run_to_run():
    new = nbformat.v4
    cells = [
        new.new_code_cell("a", id="a", execution_count=7, metadata={"tags": [], "papermill": {}}),
        new.new_code_cell("b", metadata={"tags": ["injected-parameters"], "execution": {}}),
        new.new_code_cell("", id="empty"),
        new.new_code_cell("c", id="c", execution_count=9, metadata={"tags": ["x"]}),
    ]
    cells[1].execution_count = 8
    cells[3].outputs = [new.new_output("execute_result", execution_count=9)]
    nb = new.new_notebook(
        cells=cells, metadata={"papermill": {}, "language_info": {"name": "python", "version": "3"}}
    )
    worker.normalise(nb, {"n": 1})
    assert [cell.id for cell in nb.cells] == ["a", "injected-parameters", "empty", "c"]
    assert [cell.execution_count for cell in nb.cells] == [1, 2, None, 3]
    assert nb.cells[3].outputs[0].execution_count == 3
    assert [dict(cell.metadata) for cell in nb.cells] == [
        {},
        {"tags": ["injected-parameters"]},
        {},
        {"tags": ["x"]},
    ]
    assert nb.metadata == {
        "kernelspec": worker.KERNELSPEC,
        "language_info": worker.LANGUAGE,
        "keep_output": True,
        "rotation": {"parameters": {"n": 1}},
    }


def test_a_failure_is_told_in_one_line():
    own = SimpleNamespace(traceback=["\x1b[31mParameterError: n = 0:\n  expected 1"])
    other = SimpleNamespace(traceback=["a", "b"], ename="KeyError", evalue="one\ntwo")
    assert worker.failure_line(own) == "ParameterError: n = 0: expected 1"
    assert worker.failure_line(other) == "KeyError: one"
    assert worker.failure_line(RuntimeError("kernel\ndied")) == "RuntimeError: kernel"
    assert worker.failure_line(RuntimeError()) == "RuntimeError"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A clone of which one notebook was rewritten, then all run twice, then one with a parameter.

    A broken kernel of the name python3 lies in wait on the user's path.
    """
    home = tmp_path_factory.mktemp("clone with {braces}")
    folder = home / "notebooks"
    folder.mkdir()
    write(folder, "01_analog_2019", *ALL_OF_A_FAMILY)
    # The interpreter, hashing and colours are fixed; the working folder is the notebook's.
    write(
        folder,
        "02_plain",
        f"import os, sys\nassert sys.prefix == {sys.prefix!r}",
        'assert os.path.basename(os.getcwd()) == "notebooks"\n'
        '{"a", "b", "c"}, hash("x"), min_length, os.environ["OMP_NUM_THREADS"]',
        parameters='min_length = 12\nword = "x"',
    )
    kernel = home / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "trap", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTATION_NOTEBOOKS", str(folder))
        patch.setenv("JUPYTER_PATH", str(home / "jupyter"))
        rewritten = runner.rewrite(["02"])
        full = runner.run(jobs=1)
        before = tree(home / "reports")
        shutil.copy(full.folder / "01_analog_2019.ipynb", folder)
        again = runner.run(out=home / "again", fresh=True)
        part = runner.run(["02"], ["min_length=8"])
        committed = results.committed_results()
    return SimpleNamespace(
        home=home,
        rewritten=rewritten,
        full=full,
        before=before,
        again=again,
        part=part,
        committed=committed,
    )


def test_a_run_succeeds_with_this_interpreter_whatever_kernels_there_are(finished):
    reports = (finished.rewritten, finished.full, finished.again, finished.part)
    assert [report.failures for report in reports] == [[], [], [], []]


def test_a_default_run_equals_the_committed_notebooks_byte_for_byte(finished):
    for name in ("01_analog_2019.ipynb", "02_plain.ipynb"):
        committed = (finished.home / "notebooks" / name).read_bytes()
        assert (finished.again.folder / name).read_bytes() == committed
        assert committed.endswith(b"}\n")


def test_two_runs_give_the_same_bytes_but_for_the_manifest(finished):
    first = tree(finished.home / "reports", ("manifest.json", "logs", finished.part.folder.name))
    second = tree(finished.home / "again", ("manifest.json", "logs"))
    assert first == second
    assert {"index.html", "results.json", "01_analog_2019.html", "02_plain.ipynb"} <= set(first)
    assert "csv/01_analog_2019-c0.csv" in first


def test_a_part_goes_to_its_own_folder_and_leaves_the_full_report(finished):
    identity = finished.part.results["run"]["id"]
    assert finished.part.folder == finished.home / "reports" / identity
    assert tree(finished.home / "reports", (identity,)) == finished.before


def test_effective_parameters_are_recorded_and_only_changed_ones_injected(finished):
    nb = nbformat.read(finished.part.folder / "02_plain.ipynb", 4)
    effective = {"min_length": 8, "word": "x"}
    assert nb.metadata.rotation == {"parameters": effective}
    assert finished.part.results["run"]["parameters"] == {"02_plain": effective}
    injected = [cell for cell in nb.cells if cell.id == "injected-parameters"]
    assert [cell.source for cell in injected] == ["# Parameters\nmin_length = 8\n"]
    default = nbformat.read(finished.full.folder / "02_plain.ipynb", 4)
    assert default.metadata.rotation == {"parameters": {"min_length": 12, "word": "x"}}
    assert [cell.id for cell in default.cells] == ["title", "parameters", "c0", "c1"]


def test_results_are_as_documented(finished):
    text = (finished.full.folder / "results.json").read_text("utf-8")
    found = json.loads(text)
    assert text == json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    assert list(found) == ["schema", "run", "checks"]
    assert list(found["run"]) == [
        *("id", "vintage", "status", "missing", "hashes", "versions", "parameters")
    ]
    assert found["run"]["hashes"]["articles/ainvest"] == data.sha256(
        (data.folder() / "articles" / "ainvest.toml").read_bytes()
    )
    assert found["run"]["versions"]["python"] == "{}.{}".format(*sys.version_info)
    assert {"numpy", "pandas", "papermill"} <= set(found["run"]["versions"])
    registry = claims.load(data.load())
    family = [claim.claim_id for claim in registry.family("analog_2019")]
    assert [check["claim_id"] for check in found["checks"]] == family
    assert {check["notebook"] for check in found["checks"]} == {"01_analog_2019"}
    for run in (finished.full, finished.again, finished.part):
        schemas.hold_run(run.folder)
    assert finished.committed == found["checks"]


def test_the_manifest_alone_tells_times_and_memory(finished):
    found = json.loads((finished.full.folder / "manifest.json").read_text())
    assert found["run"] == finished.full.results["run"]["id"]
    expected = "schema run started finished seconds commit dirty python platform notebooks"
    assert list(found) == expected.split()
    for one in found["notebooks"].values():
        assert one["status"] == "ok"
        assert 0 < one["seconds"] <= found["seconds"]
        assert 20 < one["peak_memory_mb"] < 500


def test_publishing_replaces_what_it_made_and_nothing_else(tmp_path):
    build, to = tmp_path / "build", tmp_path / "reports"
    old = ["01_a.html", "01_a.pdf", "index.html", "report.pdf", "csv/01_a-old.csv"]
    own = ["mine.pdf", "csv/mine.csv", "csv/02_b-mine.csv"]
    for folder in (build / "csv", build / "logs", to / "csv"):
        folder.mkdir(parents=True)
    for name in (*old, *own):
        (to / name).write_text("earlier")
    (to / "manifest.json").write_text('{"notebooks": {"01_a": {}}}')
    new = ["01_a.html", "index.html", "manifest.json", "csv/01_a-new.csv"]
    for name in new:
        (build / name).write_text("new")
    publishing.publish(build, to)
    left = {str(path.relative_to(to)): path.read_text() for path in to.rglob("*.*")}
    assert left == dict.fromkeys(new, "new") | dict.fromkeys(own, "earlier")


def test_nothing_hidden_stays_behind_but_what_is_kept(finished):
    left = [path.relative_to(finished.home) for path in finished.home.rglob(".*")]
    assert left == [Path(".kept")]
    assert not (finished.home / "reports" / "failed").exists()


# Failures


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A run over an earlier report: one notebook succeeds, four fail in their own ways."""
    home = tmp_path_factory.mktemp("clone")
    folder, reports = home / "notebooks", home / "reports"
    folder.mkdir()
    (reports / "earlier").mkdir(parents=True)
    for name in ("index.html", "results.json", "earlier/index.html"):
        (reports / name).write_text("earlier")
    write(folder, "01_fine", "6 * 7")
    write(folder, "02_refuses", "'before'", "from helpers.errors import InputError", _REFUSE)
    write(folder, "03_breaks", "import os; os.write(2, b'to the log')", "1 / 0")
    write(folder, "04_dies", "'before'", "import os; os._exit(3)")
    own = f"import os, pathlib\npathlib.Path({str(home / 'pid')!r}).write_text(str(os.getpid()))"
    write(folder, "05_sleeps", own + "\n'before'", "import time; time.sleep(600)")
    before, started = tree(reports), time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTATION_NOTEBOOKS", str(folder))
        report = runner.run(jobs=3, timeout=20)
    seconds = time.monotonic() - started
    return SimpleNamespace(home=home, reports=reports, report=report, before=before, took=seconds)


_REFUSE = 'raise InputError("n = 0: expected 1")'


def test_each_failure_is_named_in_one_line_and_does_not_stop_the_others(failed):
    assert {o.name: o.message for o in failed.report.outcomes} == {
        "01_fine": "",
        "02_refuses": "InputError: n = 0: expected 1",
        "03_breaks": "ZeroDivisionError: division by zero",
        "04_dies": "DeadKernelError: Kernel died",
        "05_sleeps": "took longer than 20 s and was stopped",
    }


def test_what_failed_leaves_its_output_and_log(failed):
    for name in ("02_refuses", "04_dies", "05_sleeps"):
        nb = nbformat.read(failed.reports / "failed" / f"{name}.ipynb", 4)
        first = next(cell for cell in nb.cells if cell.id == "c0")
        assert first.outputs[0].data["text/plain"] == "'before'"
        assert (failed.reports / "failed" / f"{name}.log").exists()
    log = (failed.reports / "failed" / "03_breaks.log").read_text()
    assert "to the log" in log
    assert not (failed.reports / "failed" / "01_fine.ipynb").exists()


def test_a_failed_run_leaves_the_full_report_and_keeps_what_finished_apart(failed):
    identity = failed.report.results["run"]["id"]
    assert tree(failed.reports, ("failed", identity)) == failed.before
    assert failed.report.folder == failed.reports / identity
    assert (failed.report.folder / "01_fine.html").exists()
    assert not (failed.report.folder / "02_refuses.ipynb").exists()


def test_a_notebook_that_failed_has_a_page_that_says_why(failed):
    page = (failed.report.folder / "03_breaks.html").read_text("utf-8")
    assert "ZeroDivisionError: division by zero" in page
    index = (failed.report.folder / "index.html").read_text("utf-8")
    assert "ZeroDivisionError: division by zero" in index
    assert 'href="05_sleeps.html"' in index


def test_the_time_limit_leaves_no_kernel(failed):
    pid = int((failed.home / "pid").read_text())
    assert not psutil.pid_exists(pid)
    assert failed.took < 60
    children = [p.cmdline() for p in psutil.Process().children(recursive=True)]
    assert not [line for line in children if "ipykernel_launcher" in line]  # a cold one


def test_a_later_success_clears_the_failure(failed, monkeypatch):
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(failed.home / "notebooks"))
    (failed.reports / "failed" / "01_fine.ipynb").write_text("of an earlier run")
    runner.run(["01"], ["min_length=8"])
    assert not (failed.reports / "failed" / "01_fine.ipynb").exists()
    assert (failed.reports / "failed" / "02_refuses.ipynb").exists()


def test_rewriting_is_all_or_nothing(failed, monkeypatch):
    folder = failed.home / "notebooks"
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(folder))
    before = tree(folder)
    report = runner.rewrite(["01", "02"])
    assert [failure.name for failure in report.failures] == ["02_refuses"]
    assert tree(folder) == before


# Notebooks whose process or kernel died


DIES_ONCE = """import os, pathlib
lives = pathlib.Path({lives!r})
lives.write_text(lives.read_text() + "x" if lives.exists() else "x")
len(lives.read_text()) > 1 or {death}"""


@pytest.mark.parametrize("death", ["os._exit(3)", "os.kill(os.getppid(), 9)"])
def test_a_notebook_that_died_is_tried_again(folder, tmp_path, death):
    lives = tmp_path / "lives"
    write(folder, "01_toy", DIES_ONCE.format(lives=str(lives), death=death))
    told = []
    report = runner.run(done=told.append, retries=1)
    assert lives.read_text() == "xx"
    assert [(outcome.message, outcome.died) for outcome in told] == [("", False)]
    assert (report.folder / "01_toy.ipynb").exists()
    assert not report.failed_folder.exists()


@pytest.mark.parametrize("busy", ["time.sleep(600)", "re.match('(a+)+$', 'a' * 60 + 'b')"])
def test_a_kernel_ends_with_a_worker_that_was_killed(folder, tmp_path, busy):
    note = tmp_path / "pid"
    source = (
        "import os, pathlib, re, time\n"
        f"pathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n"
        f"os.fork() or (time.sleep(1), os.kill({{}}, 9), os._exit(0))\n{busy}"
    ).format("int(os.environ['JPY_PARENT_PID'])")
    write(folder, "01_toy", source)
    report = runner.run()
    assert [outcome.died for outcome in report.failures] == [True]
    kernel = int(note.read_text())
    deadline = time.monotonic() + 5
    while psutil.pid_exists(kernel) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(kernel)


def test_tries_are_counted_and_only_for_what_died(folder, tmp_path):
    lives = [tmp_path / name for name in ("died", "failed")]
    write(folder, "01_died", DIES_ONCE.format(lives=str(lives[0]), death="0") + "\nos._exit(3)")
    write(folder, "02_failed", DIES_ONCE.format(lives=str(lives[1]), death="1 / 0"))
    report = runner.run(retries=2)
    assert [path.read_text() for path in lives] == ["xxx", "x"]
    assert [outcome.died for outcome in report.failures] == [True, False]
    assert report.failures[0].message == "DeadKernelError: Kernel died"


def test_no_worker_or_kernel_outlives_a_run_that_was_killed(folder, tmp_path):
    note = tmp_path / "pids"
    source = (
        "import os, pathlib, time\n"
        f"note = pathlib.Path({str(note)!r})\n"
        "note.with_suffix('.new').write_text(f'{os.getpid()} {os.getppid()}')\n"
        "note.with_suffix('.new').rename(note)\ntime.sleep(600)"
    )
    write(folder, "01_sleeps", source)
    run = subprocess.Popen([sys.executable, "-c", "from rotation.run import runner; runner.run()"])
    limit = time.monotonic() + 60
    while not note.exists() and time.monotonic() < limit and run.poll() is None:
        time.sleep(0.05)
    left = [psutil.Process(int(pid)) for pid in note.read_text().split()]
    run.kill()
    run.wait()
    _gone, alive = psutil.wait_procs(left, timeout=5)
    # A dead process whose new parent has not taken note of it yet is no process.
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


# Claims answered once


def _executed(*claim_ids):
    check = [{"claim_id": claim_id, "article": "ainvest"} for claim_id in claim_ids]
    output = {"output_type": "display_data", "data": {claims.MIMETYPE: check}}
    return {"metadata": {}, "cells": [{"cell_type": "code", "source": "", "outputs": [output]}]}


@pytest.fixture(scope="module")
def registry():
    return claims.load(data.load())


def test_checks_come_in_the_order_of_the_registry(registry):
    family = [claim.claim_id for claim in registry.family("analog_2019")]
    found = results.checks({"01_analog_2019": _executed(*reversed(family))}, registry)
    assert [check["claim_id"] for check in found] == family


def test_a_claim_checked_twice_is_refused(registry):
    notebooks = {"08_x": _executed("AI-02"), "09_y": _executed("AI-02")}
    with pytest.raises(InputError, match="claim AI-02: checked twice, in 08_x and 09_y"):
        results.checks(notebooks, registry)


def test_a_claim_left_out_is_refused(registry):
    family = [claim.claim_id for claim in registry.family("analog_2019")]
    with pytest.raises(InputError, match=f"claim {family[-1]}: not checked in 01_analog_2019"):
        results.checks({"01_analog_2019": _executed(*family[:-1])}, registry)


def test_a_claim_that_does_not_exist_is_refused(registry):
    with pytest.raises(InputError, match="'ZZ-99' is in no article"):
        results.checks({"08_x": _executed("ZZ-99")}, registry)


def test_a_kernel_does_not_inherit_what_changes_results(monkeypatch):
    started = []
    monkeypatch.setattr(
        pool.multiprocessing,
        "get_context",
        lambda _: SimpleNamespace(
            Process=lambda **options: started.append(options) or SimpleNamespace(start=int),
        ),
    )
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    pool._start(SimpleNamespace(name="01_toy"), Path("build"))
    environment = started[0]["args"][2]
    assert "MPLBACKEND" not in environment
    assert environment["PYTHONHASHSEED"] == "0"
    assert environment["TZ"] == "Asia/Tokyo"
    assert environment["PATH"] == os.environ["PATH"]


def test_edited_defaults_are_told_on_the_page(folder, tmp_path):
    write(folder, "01_one", "1")
    runner.rewrite()
    planning.record_defaults()
    assert planning.read(planning.find()[0]).edited == {}
    write(folder, "01_one", "1", parameters='as_of = "last"\nmin_length = 9')
    assert planning.read(planning.find()[0]).edited == {"min_length": 12}
    page = (runner.run(out=tmp_path / "out").folder / "01_one.html").read_text()
    assert "Defaults edited" in page
    assert "<bdi>min_length = 9</bdi>" in page
    assert "<bdi>min_length = 12</bdi>" in page


def test_a_path_names_a_notebook_as_a_shell_completes_it(folder):
    path = write(folder, "01_one", "1")
    assert planning.find([f"notebooks/{path.name}"]) == [path]
