"""Checks made up for the scorecard, and executed notebooks that carry them."""

import nbformat

from helpers import claims
from helpers.claims import grading


def check(claim_id, article="one", outcome=grading.SUPPORTED, **other):
    return {
        "claim_id": claim_id,
        "article": article,
        "family": "family",
        "notebook": "01_family",
        "statement": f"Statement {claim_id}",
        "kind": "value",
        "stated": 10,
        "measured": 11,
        "unit": "percent",
        "as_of": "2026-01-12",
        "rule": "within",
        "bound": 2,
        "interval": None,
        "intervals": None,
        "n": None,
        "fidelity": "same data",
        "outcome": outcome,
        "reason": "within tolerance",
        "measure": "",
        "needs": "index_closes",
        "beside": "",
        "others": [],
        "note": "",
    } | other


def write(folder, name, checks, parameters=None, injected=None):
    """Write an executed notebook that carries checks, one cell a check."""
    new = nbformat.v4
    cells = [new.new_code_cell(injected, id="injected-parameters")] if injected else []
    for one in checks:
        output = new.new_output("display_data", {claims.MIMETYPE: [one]})
        cells.append(new.new_code_cell("1", outputs=[output]))
    nb = new.new_notebook(cells=cells, metadata={"rotation": {"parameters": parameters or {}}})
    path = folder / f"{name}.ipynb"
    nbformat.write(nb, path)
    return path
