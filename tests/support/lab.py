"""A JupyterLab of its own, for a test to talk to."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# JupyterLab draws the cells in sight alone, so a window is high; a busy machine takes its time.
LIMIT = 120_000


@contextlib.contextmanager
def serving(root: Path, own: Path, *options: str) -> Iterator[str]:
    """Serve a folder, with settings in a folder of its own, and yield the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *options]
    command += [f"--port={port}", "--IdentityProvider.token=", "--LabApp.news_url=None"]
    command += [f"--ServerApp.root_dir={root}", "--ServerApp.disable_check_xsrf=True"]
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")
    environment = os.environ | {name: str(own / name) for name in names} | {"ROTATION_PANEL": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            with socket.socket() as wanted:
                if wanted.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def run_all(page, until: str) -> None:
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
