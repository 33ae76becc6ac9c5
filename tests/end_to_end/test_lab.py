"""JupyterLab in a real Chromium: what if, asked on a copy; a slip of the pen, in one line."""

import shutil

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from support.data import ROOT
from support.lab import CHROMIUM, LIMIT, QUIET, run_all, serving


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab on a copy of the notebook, as make explore has it."""
    shutil.copy(ROOT / "notebooks/20_explore.ipynb", tmp_path / "explore.ipynb")
    with serving(tmp_path, tmp_path / "own") as address:
        yield f"{address}/lab/tree/explore.ipynb"


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed on this machine")
def test_what_if_is_asked_by_hand(lab):
    pytest.importorskip("ipywidgets")
    from playwright.sync_api import sync_playwright

    before = (ROOT / "notebooks/20_explore.ipynb").read_bytes()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1400, "height": 3000})
        page.goto(lab, timeout=LIMIT)
        page.wait_for_selector(".jp-Notebook", timeout=LIMIT)
        run_all(page, ".widget-readout")
        readout = page.locator(".widget-readout")
        readout.click()
        page.keyboard.press("Control+A")
        page.keyboard.type("9")
        page.keyboard.press("Enter")
        # 19 streaks of nine or more have 21 sessions after them.
        page.wait_for_selector(
            '.widget-output tr:has(th:text-is("21")) td:text-is("19")', timeout=LIMIT
        )
        page.wait_for_selector(".widget-output img", timeout=LIMIT)
        browser.close()
    assert (ROOT / "notebooks/20_explore.ipynb").read_bytes() == before


def test_a_slip_of_the_pen_is_one_line_in_a_new_kernel(tmp_path):
    nb = nbformat.read(ROOT / "notebooks/04_post_streak_outcomes.ipynb", as_version=4)
    (cell,) = (cell for cell in nb.cells if "parameters" in cell.metadata.get("tags", ()))
    cell.source = cell.source.replace("min_length = 12", "min_lenght = 9")
    with pytest.raises(CellExecutionError):
        NotebookClient(nb, kernel_name="python3", timeout=60).execute(cwd=str(ROOT / "notebooks"))
    (error,) = (o for c in nb.cells for o in c.get("outputs", ()) if o.output_type == "error")
    line = "ParameterError: unknown parameter 'min_lenght': did you mean min_length?"
    assert error.traceback == [line]
