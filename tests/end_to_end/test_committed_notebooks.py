"""What nbval cannot see: the committed notebooks are whole, clean, fresh and complete."""

import ast
import json
import re

import nbformat
import pytest

from helpers import claims, data
from helpers.claims import MIMETYPE
from support.data import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
MOST_LINES = 30
# Percentages that name a thing: a confidence level, a size portfolio, a discount under test.
DEFINITIONS = {"95%", "30%", "10%"}


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


@pytest.fixture
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(cells):
    return [output for cell in cells for output in cell.outputs]


def test_every_code_cell_was_run_in_order(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def test_cells_that_end_in_an_expression_have_an_output(code):
    ends = {cell.id: ast.parse(cell.source).body[-1] for cell in code}
    silent = [c.id for c in code if isinstance(ends[c.id], ast.Expr) and not c.outputs]
    assert not silent
    assert len(outputs(code)) >= 8


def test_no_output_is_an_error_or_a_stream(code):
    assert not [o.output_type for o in outputs(code) if o.output_type in ("error", "stream")]


def test_at_most_one_list_of_checks_a_cell(code):
    for cell in code:
        assert sum(MIMETYPE in o.get("data", {}) for o in cell.outputs) <= 1, cell.id


def test_figures_have_alt_text_and_tables_their_csv(code):
    for output in outputs(code):
        if "image/png" in output.get("data", {}):
            assert len(output.metadata["image/png"]["alt"]) > 40
            assert "axes 1" in output.data["text/plain"]
        elif "text/html" in output.get("data", {}) and MIMETYPE not in output.data:
            assert output.data["text/csv"]


def test_one_parameters_cell_of_commented_plain_assignments(code):
    (cell,) = [c for c in code if "parameters" in c.metadata.get("tags", [])]
    for line in cell.source.splitlines():
        assert re.fullmatch(r"[a-z_]+ = .+  # .+", line), line


def test_cells_are_short(code):
    # The setup names each import and parameter on a line of its own.
    long = {c.id: len(c.source.splitlines()) for c in code if c.id != "setup"}
    assert {name: n for name, n in long.items() if n > MOST_LINES} == {}


def test_nothing_of_a_machine_or_a_moment_is_left(notebook):
    text = json.dumps(notebook)
    assert not re.search(r"/(home|root|tmp|usr|work|Users)/|[A-Z]:\\\\Users", text)
    assert not re.search(r"object at 0x[0-9a-f]{6,}", text)
    assert "papermill" not in notebook.metadata
    assert notebook.metadata.language_info == {"name": "python"}
    for cell in notebook.cells:
        assert not {"papermill", "execution"} & set(cell.metadata), cell.id


def test_no_prose_quotes_a_result(notebook):
    """Markdown cells hold no percentages or decimals: numbers that quote come from code."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"[−-]?\d+\.\d+ ?%?|\b\d+ ?%", cell.source)
            assert not set(found) - DEFINITIONS, (cell.id, found)


def test_every_claim_of_a_family_is_checked_once_in_its_notebook():
    checked = {}
    for path in NOTEBOOKS:
        cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
        for output in outputs(cells):
            for payload in output.get("data", {}).get(MIMETYPE, []):
                checked.setdefault(payload["claim_id"], []).append(
                    (path.stem[3:], payload["family"])
                )
    registry = claims.load(data.load())
    families = {path.stem[3:] for path in NOTEBOOKS}
    expected = {
        c.claim_id: [(c.family, c.family)] for c in registry.claims.values() if c.family in families
    }
    assert checked == expected
