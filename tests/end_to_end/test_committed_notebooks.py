"""What nbval cannot see: the committed notebooks are whole, clean, fresh and complete."""

import json
import re
import subprocess
import sys

import nbformat
import pytest

from helpers import claims, data, executed
from support.conventions import CONVENTIONS
from support.data import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda one: one.__name__)
def test_the_notebook_keeps_the_conventions(notebook, convention):
    convention(notebook)


def test_every_claim_is_checked_once_in_the_notebook_that_answers_it():
    checked = {}
    for path in NOTEBOOKS:
        for payload in executed.payloads(nbformat.read(path, as_version=4)):
            checked.setdefault(payload["claim_id"], []).append(path.stem[3:])
    registry = claims.load(data.load())
    homeless = executed.homeless(registry)
    expected = {c.claim_id: [c.family] for c in registry.claims.values()}
    for article, ids in homeless.items():
        expected |= {claim_id: [f"{executed.ANY}-{article}"] for claim_id in ids}
    assert checked == expected


def test_notebooks_import_the_authors_room_only():
    for path in NOTEBOOKS:
        source = "\n".join(
            "".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]
        )
        assert not re.search(r"\b(?:from|import) rotation\b", source), path.name


def test_a_notebook_becomes_a_script_by_its_right_name(tmp_path):
    source = ROOT / "notebooks/20_explore.ipynb"
    command = [sys.executable, "-m", "nbconvert", "--to", "script", f"--output-dir={tmp_path}"]
    subprocess.run([*command, source], check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ["20_explore.py"]
