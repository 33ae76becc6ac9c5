"""A default run of the committed notebooks gives them again: bytes here, values elsewhere."""

import json
import math
import re
import subprocess
import sys
from importlib import metadata

import nbformat
import pytest

from helpers.claims import MIMETYPE
from rotation.run import planning, results
from support import schemas
from support.blocks import is_current
from support.data import ROOT
from support.pixels import apart, drawn, inverted

pytestmark = pytest.mark.xdist_group("full run")  # the fixture ``report`` is made once
DRAWN_WITH = ("matplotlib", "nbformat", "numpy", "pandas", "scipy", "seaborn", "statsmodels")
RELATIVE, ABSOLUTE = 1e-6, 1e-8
# Of 255 levels a point of two pictures may differ by on average: fonts are smoothed otherwise.
ALIKE = 2.0


def unlocked():
    """Return packages whose installed version is not the pinned one."""
    lock = (ROOT / "requirements.lock").read_text()
    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ \\;]+)", lock, flags=re.M))
    return [name for name in DRAWN_WITH if metadata.version(name) != pins[name]]


def close(measured, expected):
    """Compare plain JSON values, numbers with tolerance."""
    if isinstance(expected, dict):
        return measured.keys() == expected.keys() and all(
            close(measured[name], expected[name]) for name in expected
        )
    if isinstance(expected, list):
        return len(measured) == len(expected) and all(map(close, measured, expected))
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        return math.isclose(measured, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return measured == expected


def test_no_notebook_failed(report):
    assert [outcome.message for outcome in report.failures] == []


@pytest.mark.skipif(bool(unlocked()), reason=f"not the pinned versions of {unlocked()}")
@pytest.mark.parametrize("name", [path.name for path in planning.find()])
def test_a_default_run_gives_the_committed_bytes(report, name):
    fresh, committed = report.folder / name, ROOT / "notebooks" / name
    assert fresh.read_bytes() == committed.read_bytes(), f"{name} is stale: make notebooks"


def test_a_default_run_gives_the_committed_checks(report):
    committed = {check["claim_id"]: check for check in results.committed_results()}
    fresh = {check["claim_id"]: check for check in report.results["checks"]}
    assert fresh.keys() == committed.keys()
    for claim, check in fresh.items():
        for name in ("outcome", "reason", "fidelity", "n"):
            assert check[name] == committed[claim][name], (claim, name)
        for name in ("measured", "interval", "intervals", "robustness"):
            assert close(check[name], committed[claim][name]), (claim, name)


def test_a_default_run_describes_its_figures_as_the_committed_notebooks_do(report):
    for path in planning.find():
        fresh, committed = (drawn(p) for p in (report.folder / path.name, path))
        assert [one.alt for one in fresh] == [one.alt for one in committed], path.name


def test_a_default_run_draws_what_the_committed_notebooks_show(report):
    count = 0
    for path in planning.find():
        for fresh, committed in zip(drawn(report.folder / path.name), drawn(path), strict=True):
            assert apart(fresh.png, committed.png) < ALIKE, (path.name, committed.finding)
            count += 1
    assert count > 40


def test_another_picture_is_told_apart(report):
    (first, second, *_) = drawn(report.folder / "04_post_streak_outcomes.ipynb")
    assert apart(first.png, first.png) == 0
    assert apart(first.png, second.png) > ALIKE
    assert apart(first.png, inverted(first.png)) > ALIKE


def test_every_link_of_the_pages_leads_somewhere(report):
    texts = {path.name: path.read_text("utf-8") for path in report.folder.glob("*.html")}
    ids = {name: set(re.findall(r"\sid=\"?([^\s\">]+)", text)) for name, text in texts.items()}
    seen = 0
    for name, text in texts.items():
        for link in re.findall(r"<a [^>]*href=\"?([^\s\">]+)", text):
            file, _, anchor = link.partition("#")
            assert not file or (report.folder / file).is_file(), (name, link)
            assert not anchor or anchor in ids[file or name], (name, link)
            seen += 1
    assert seen > 500


def test_pages_are_light(report):
    for path in report.folder.glob("*.html"):
        beside = re.sub(r"data:image/png;base64,[\w+/=]+", "", path.read_text("utf-8"))
        limit = 150
        assert len(beside.encode()) < limit * 1024, path.name


def test_the_readme_has_no_gap_left_to_fill():
    prose = re.sub(r"`[^`]*`|```.*?```|\|.*", "", (ROOT / "README.md").read_text(), flags=re.S)
    assert not re.findall(r"\b(?:RUNTIME|TESTTIME|MEMORY|TODO|TBD|XXX)\b", prose)


def test_readme_and_scorecard_show_the_committed_results():
    current = is_current(ROOT, results.committed_results())
    assert current, "README.md or docs/scorecard.md is stale: make notebooks"


def test_papermill_runs_a_notebook_with_a_parameter_from_any_folder(tmp_path):
    command = [sys.executable, "-m", "papermill", ROOT / "notebooks/04_post_streak_outcomes.ipynb"]
    options = ["out.ipynb", "-k", "python3", "--no-progress-bar", "-p", "min_length", "8"]
    few = [word for name in ("draws", "placebo_draws", "histories") for word in ("-p", name, "100")]
    subprocess.run([*command, *options, *few], cwd=tmp_path, check=True, capture_output=True)
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    by_id = {cell.id: cell for cell in cells}
    shown = by_id["streak-table"].outputs[0].data["text/csv"].splitlines()
    assert len(shown) > 20
    assert all(int(row.split(",")[2]) >= 8 for row in shown[1:])
    (checks,) = [o.data[MIMETYPE] for o in by_id["after-checks"].outputs]
    assert checks[0]["n"] == 4, "a claim keeps its own definition whatever the parameters"


def test_results_are_strict_json(report):
    def refuse(constant):
        raise AssertionError(constant)

    text = (report.folder / "results.json").read_text()
    assert json.loads(text, parse_constant=refuse) == report.results
    schemas.hold_run(report.folder)
