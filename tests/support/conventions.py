"""What every notebook keeps to, each convention a function of an executed notebook."""

from __future__ import annotations

import ast
import json
import re

from nbformat import NotebookNode

from helpers import pictures
from helpers.claims import MIMETYPE
from rotation.run import worker

MOST_LINES = 30
# Percentages that name a thing: a confidence level, a size portfolio, a discount under test.
DEFINITIONS = {"95%", "30%", "10%"}


def code_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(cells: list[NotebookNode]) -> list[NotebookNode]:
    return [output for cell in cells for output in cell.outputs]


def every_code_cell_was_run_in_order(notebook: NotebookNode) -> None:
    code = code_of(notebook)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def cells_that_end_in_an_expression_have_an_output(notebook: NotebookNode) -> None:
    code = code_of(notebook)
    ends = {cell.id: ast.parse(cell.source).body[-1] for cell in code}
    silent = [c.id for c in code if isinstance(ends[c.id], ast.Expr) and not c.outputs]
    assert not silent
    assert len(outputs_of(code)) >= 5


def no_output_is_an_error_or_a_stream(notebook: NotebookNode) -> None:
    code = code_of(notebook)
    assert not [o.output_type for o in outputs_of(code) if o.output_type in ("error", "stream")]


def at_most_one_list_of_checks_a_cell(notebook: NotebookNode) -> None:
    code = code_of(notebook)
    for cell in code:
        assert sum(MIMETYPE in o.get("data", {}) for o in cell.outputs) <= 1, cell.id


def figures_have_alt_text_and_tables_their_csv(notebook: NotebookNode) -> None:
    code = code_of(notebook)
    for output in outputs_of(code):
        if picture := pictures.read(output.get("data", {})):
            assert len(picture.alt) > 40
            assert picture.finding
            assert "axes 1" in output.data["text/plain"]
        elif "text/html" in output.get("data", {}) and MIMETYPE not in output.data:
            assert output.data["text/csv"]


def one_parameters_cell_of_commented_plain_assignments(notebook: NotebookNode) -> None:
    code = code_of(notebook)
    (cell,) = [c for c in code if "parameters" in c.metadata.get("tags", [])]
    for line in cell.source.splitlines():
        assert re.fullmatch(r"[a-z_]+ = .+  # .+", line), line


def cells_are_short(notebook: NotebookNode) -> None:
    code = code_of(notebook)
    # The setup names each import and parameter on a line of its own.
    long = {c.id: len(c.source.splitlines()) for c in code if c.id != "setup"}
    assert {name: n for name, n in long.items() if n > MOST_LINES} == {}


def nothing_of_a_machine_or_a_moment_is_left(notebook: NotebookNode) -> None:
    text = json.dumps(notebook)
    assert not re.search(r"/(home|root|tmp|usr|work|Users)/|[A-Z]:\\\\Users", text)
    assert not re.search(r"object at 0x[0-9a-f]{6,}", text)
    assert "papermill" not in notebook.metadata
    assert notebook.metadata.language_info == worker.LANGUAGE
    assert "version" not in notebook.metadata.language_info
    assert notebook.metadata.keep_output
    for cell in notebook.cells:
        assert not {"papermill", "execution"} & set(cell.metadata), cell.id


def no_prose_quotes_a_result(notebook: NotebookNode) -> None:
    """Markdown cells hold no percentages or decimals: numbers that quote come from code."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"[−-]?\d+\.\d+ ?%?|\b\d+ ?%", cell.source)
            assert not set(found) - DEFINITIONS, (cell.id, found)


CONVENTIONS = [
    every_code_cell_was_run_in_order,
    cells_that_end_in_an_expression_have_an_output,
    no_output_is_an_error_or_a_stream,
    at_most_one_list_of_checks_a_cell,
    figures_have_alt_text_and_tables_their_csv,
    one_parameters_cell_of_commented_plain_assignments,
    cells_are_short,
    nothing_of_a_machine_or_a_moment_is_left,
    no_prose_quotes_a_result,
]
