"""JupyterLab in a real Chromium: what if, asked on a copy; a slip of the pen, in one line."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from support.data import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# JupyterLab draws the cells in sight alone, so the window is high; a busy machine takes its time.
LIMIT = 120_000


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab of its own on a copy of the notebook, as make explore has it."""
    shutil.copy(ROOT / "notebooks/20_explore.ipynb", tmp_path / "explore.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token="]
    options += ["--LabApp.news_url=None", f"--ServerApp.root_dir={tmp_path}"]
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    environment = os.environ | own | {"ROTATION_PANEL": "1"}
    command = [sys.executable, "-m", "jupyterlab", *options]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(300):
        with socket.socket() as wanted:
            if wanted.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/lab/tree/explore.ipynb"
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def run_all(page, until):
    """Run all cells until something shows; it may ask first which kernel is wanted."""
    for attempt in range(240):
        accept = page.locator(".jp-Dialog .jp-mod-accept")
        if accept.count():
            accept.first.click()
        elif page.locator(until).count():
            return
        elif attempt % 40 == 0:
            page.click('.lm-MenuBar-itemLabel:text("Run")')
            page.click('.lm-Menu-itemLabel:text("Run All Cells")')
        page.wait_for_timeout(500)
    raise AssertionError(f"{until} did not show")


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
