import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers import claims, data
from rotation.run import closure, kept, planning, results, unchanged
from support.data import Package
from support.toy import write

READ = (
    "table:fed_target_changes",
    "sessions:all",
    "claim:AI-02",
    "family:dotcom_precedent",
    "topic:streaks",
)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A data package of one's own, and a notebook."""
    package = Package(tmp_path)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("ROTATION_DATA", str(package.folder))
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(tmp_path / "notebooks"))
    write(tmp_path / "notebooks", "01_toy", "from helpers import returns\n1 + 1")
    return SimpleNamespace(package=package, folder=tmp_path, notebooks=tmp_path / "notebooks")


def store(clone, fresh=False):
    """The store as a new run opens it, and the notebook."""
    planned = planning.plan()
    registry = claims.load(data.load())
    inputs = kept.Inputs(planned, registry, results.versions())
    return kept.Store(clone.folder / "kept", inputs, fresh), planned[0]


def built(clone, name, read=READ):
    """A run's folder in which the notebook was executed."""
    build = clone.folder / name
    for folder in ("logs", ".work"):
        (build / folder).mkdir(parents=True)
    (build / "01_toy.ipynb").write_text(f"executed in {name}")
    (build / ".work" / "01_toy.html").write_text(f"body of {name}")
    (build / "logs" / "01_toy.log").write_text("")
    if read is not None:
        lines = [*read, f"file:{clone.folder / 'mine.csv'}"]
        (build / ".work" / "01_toy.reads").write_text("\n".join(lines))
    return build


@pytest.fixture
def first(clone):
    """The clone after one run."""
    (clone.folder / "mine.csv").write_text("a\n1\n")
    opened, one = store(clone)
    opened.keep(one, built(clone, "first"), {})
    return clone


def why(clone, **extra):
    opened, one = store(clone)
    return opened.why(one, extra)


def test_what_was_kept_is_taken_byte_for_byte(first):
    opened, one = store(first)
    build = built(first, "second", read=None)
    assert opened.take(one, build, {})
    assert (build / "01_toy.ipynb").read_text() == "executed in first"
    assert (build / ".work" / "01_toy.html").read_text() == "body of first"


def test_what_never_ran_runs(clone):
    assert why(clone) == "it has not run yet"


def test_without_a_word_on_what_was_read_nothing_is_kept(clone):
    opened, one = store(clone)
    opened.keep(one, built(clone, "first", read=None), {})
    assert why(clone) == "it has not run yet"


def test_fresh_takes_nothing_and_keeps_all_the_same(first):
    opened, one = store(first, fresh=True)
    assert not opened.take(one, built(first, "second", read=None), {})
    assert why(first) == ""


def one_close(package):
    """Change a figure of a session, and no session."""

    def change(content):
        head, row, rest = content.split(b"\n", 2)
        date, small, large = row.split(b",")
        return b"\n".join([head, b",".join([date, small, large + b"1"]), rest])

    return package.edit("index_closes", change, seal=True)


def test_a_change_of_what_was_read_is_named(first):
    first.package.describe(lambda p: table(p, "fed_target_changes").update(title="another"))
    assert why(first) == "changed: table fed_target_changes"


def table(package, name):
    return next(r for r in package["resources"] if r["path"] == f"{name}.csv")


def test_a_close_that_was_not_read_changes_nothing(first):
    one_close(first.package)
    assert why(first) == ""


def test_a_session_more_is_named(first):
    def less(content):
        return content[: content.rstrip(b"\n").rindex(b"\n") + 1]

    first.package.edit("index_closes", less, seal=True)
    days = (first.package.folder / "index_closes.csv").read_text().splitlines()
    last = days[-1].split(",")[0]
    first.package.describe(lambda p: table(p, "index_closes").update(complete_through=last))
    assert why(first) == "changed: sessions"


def test_a_claim_that_was_read_is_named_and_no_other(first):
    [file] = [
        path
        for path in (first.package.folder / "articles").glob("*.toml")
        if "claim.AI-02]" in path.read_text("utf-8")
    ]
    text = file.read_text("utf-8")
    assert text.count("[claim.") > 5
    start = text.index("[claim.AI-04]")
    other = text[:start] + text[start:].replace('says = "', 'says = "So: ', 1)
    file.write_text(other, "utf-8")
    assert why(first) == ""
    start = text.index("[claim.AI-02]")
    file.write_text(text[:start] + text[start:].replace('says = "', 'says = "So: ', 1), "utf-8")
    assert why(first) == "changed: claim AI-02"


def test_an_opened_file_is_named(first):
    (first.folder / "mine.csv").write_text("a\n2\n")
    assert why(first) == f"changed: file {first.folder / 'mine.csv'}"
    (first.folder / "mine.csv").unlink()
    assert why(first) == f"changed: file {first.folder / 'mine.csv'}"


def test_a_cell_or_a_parameter_is_named(first):
    write(first.notebooks, "01_toy", "from helpers import returns\n1 + 2")
    assert why(first) == "changed: its cells"


def test_another_parameter_is_another_run_and_both_stay(first):
    opened, one = store(first)
    other = replace(one, overrides={"vintage": "other"})
    assert opened.why(other, {}) == "changed: its parameters"
    opened.keep(other, built(first, "second"), {})
    assert opened.why(other, {}) == ""
    assert opened.why(one, {}) == ""


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("helpers/measures/streaks.py", "changed: topic streaks"),
        ("helpers/returns.py", "changed: helpers/returns.py, topic streaks"),
        ("helpers/measures/economy.py", ""),
        ("rotation/run/worker.py", "changed: rotation/run/worker.py"),
        ("requirements.lock", "changed: the packages"),
        ("rotation/refresh/refresh.py", ""),
    ],
)
def test_the_code_that_it_needs_is_named_and_no_other(first, monkeypatch, file, reason):
    content, path = kept._content, kept.HOME / file
    assert path.is_file()
    monkeypatch.setattr(kept, "_content", lambda one: "other" if one == path else content(one))
    assert why(first) == reason


def test_a_topic_that_no_claim_of_it_calls_is_not_in_its_code(first):
    opened, one = store(first)
    known = opened.inputs.of(one)
    topics = {f"helpers/measures/{name}.py" for name in ("streaks", "rates", "economy", "levels")}
    assert all(closure._is_topic(f"helpers.measures.{Path(name).stem}") for name in topics)
    assert topics & set(known) == set()


def test_other_packages_are_other_inputs(first):
    opened, one = store(first)
    inputs = replace(opened.inputs, versions={**results.versions(), "numpy": "0.1"})
    assert replace(opened, inputs=inputs).why(one, {}) == "changed: the packages"


def test_further_inputs_count(first):
    assert why(first, results="x") == "changed: results"


def test_a_damaged_copy_is_not_taken(first):
    [copy] = (first.folder / "kept" / "01_toy").glob("*/notebook.ipynb")
    copy.write_text("edited")
    assert why(first) == "what was kept of it is damaged"
    (copy.parent / "inputs.json").write_text("{")
    assert why(first).startswith("changed: ")


def test_only_so_many_runs_are_kept(first, monkeypatch):
    monkeypatch.setattr(kept, "EACH", 3)
    opened, one = store(first)
    for n in range(5):
        opened.keep(one, built(first, f"run{n}"), {"n": str(n)})
    assert len(list((first.folder / "kept" / "01_toy").iterdir())) == 3
    assert opened.why(one, {"n": "4"}) == ""
    assert [path.name for path in (first.folder / "kept").iterdir()] == ["01_toy"]


# A whole run


@pytest.fixture
def request_(clone):
    report = clone.folder / "out"
    report.mkdir()
    (report / "index.html").write_text("a report")
    mine = clone.folder / "mine.csv"
    mine.write_text("1")
    asked = unchanged.Request(("01",), (), None)
    asked.remember("1 claims", report, [str(mine)])
    return SimpleNamespace(asked=asked, report=report, mine=mine, clone=clone)


def test_an_unchanged_run_is_answered_at_once(request_):
    assert request_.asked.answered() == ("1 claims", request_.report)
    assert unchanged.Request(("02",), (), None).answered() is None
    assert unchanged.Request(("01",), ("n=1",), None).answered() is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: (r.report / "index.html").write_text("edited"),
        lambda r: (r.report / "index.html").unlink(),
        lambda r: r.mine.write_text("2"),
        lambda r: r.mine.unlink(),
        lambda r: write(r.clone.notebooks, "01_toy", "1 + 2"),
        lambda r: write(r.clone.notebooks, "02_toy", "1 + 2"),
        lambda r: (r.clone.package.folder / "index_closes.csv").write_text("x"),
        lambda r: (r.clone.package.folder / "stories" / "new.toml").write_text(""),
        lambda r: (r.clone.folder / ".kept" / "last.json").write_text("{"),
    ],
)
def test_whatever_changed_a_run_is_not_answered(request_, spoil):
    spoil(request_)
    assert request_.asked.answered() is None


def test_few_requests_are_remembered(request_):
    for n in range(20):
        unchanged.Request((str(n),), (), None).remember("", request_.report, [])
    file = request_.clone.folder / ".kept" / "last.json"
    assert len(json.loads(file.read_text())) == 8
