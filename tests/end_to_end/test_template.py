"""The notebook to copy for a new family: it runs, keeps the conventions, and needs two edits."""

from __future__ import annotations

import json
from itertools import pairwise
from types import SimpleNamespace

import nbformat
import pytest

from rotation.run import planning, runner
from support import article
from support.conventions import CONVENTIONS
from support.data import ROOT, Package

TEMPLATE = ROOT / "notebooks" / "_template.ipynb"


def source(path=TEMPLATE):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The template run as it is, and copied for a made-up family with two rows."""
    home = tmp_path_factory.mktemp("clone")
    (home / "notebooks").mkdir()
    text = TEMPLATE.read_text(encoding="utf-8")
    (home / "notebooks" / "10_dotcom_precedent.ipynb").write_text(text, encoding="utf-8")
    mine = text.replace("dotcom_precedent", "made_up").replace("SA-12", "MB-01")
    (home / "notebooks" / "11_made_up.ipynb").write_text(mine, encoding="utf-8")
    package = Package(home)
    blocks = "\n\n".join(article.CLAIMS[one] for one in ("MB-01", "MB-02"))
    made = f"{article.TOP}\n{blocks}\n".replace("post_streak_outcomes", "made_up")
    package.article("sixth", made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTATION_NOTEBOOKS", str(home / "notebooks"))
        patch.setenv("ROTATION_DATA", str(package.folder))
        report = runner.run()
    assert [outcome.message for outcome in report.outcomes] == ["", ""]
    return SimpleNamespace(
        folder=report.folder,
        checks={check["claim_id"]: check for check in report.results["checks"]},
        notebook=source(report.folder / "10_dotcom_precedent.ipynb"),
    )


def test_a_run_leaves_the_template_out():
    assert TEMPLATE not in planning.find()


def test_the_template_is_kept_without_outputs():
    for cell in source().cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_nbval_leaves_the_template_out():
    line = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "--nbval" in line)
    assert '--ignore-glob="*/_*.ipynb"' in line


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda one: one.__name__)
def test_the_template_keeps_the_conventions(ran, convention):
    convention(ran.notebook)


def test_every_code_cell_is_explained():
    """Words stand before each code cell, or before the one that shows the same step."""
    cells = source().cells
    assert cells[0].cell_type == "markdown"
    for before, cell in pairwise(cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown", cell.id


def test_every_parameter_has_its_rule():
    from helpers.parameters import validated

    defaults = planning.read(TEMPLATE).defaults
    assert {"as_of", "vintage", "tables"} <= set(defaults)
    validated(defaults)


def test_the_templates_own_family_is_answered(ran):
    found = {i: c["outcome"] for i, c in ran.checks.items() if c["notebook"].startswith("10")}
    assert set(found) == {"SA-12", "SA-13"}


def test_a_copy_answers_for_a_new_family(ran):
    own = {i: c for i, c in ran.checks.items() if c["family"] == "made_up"}
    assert {i: (c["outcome"], c["notebook"]) for i, c in own.items()} == {
        "MB-01": ("supported", "11_made_up"),
        "MB-02": ("contradicted", "11_made_up"),  # found by the last cell
    }
    assert "MB-02" in (ran.folder / "index.html").read_text(encoding="utf-8")


def test_the_family_stands_in_one_place():
    cells = ["".join(c["source"]) for c in json.loads(TEMPLATE.read_text("utf-8"))["cells"]]
    code = [text for text in cells if 'FAMILY = "dotcom_precedent"' in text]
    assert len(code) == 1
    assert sum(text.count("dotcom_precedent") for text in cells) == 1
