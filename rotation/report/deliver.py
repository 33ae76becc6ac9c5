"""A report's folder for readers without this package: as PDF files, or shown by a local server.

The PDF files are printed by a Chromium that is installed on the machine, without any network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from helpers.errors import InputError

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
HOST = "127.0.0.1"
# Seconds that the printing of one page may take.
TIME_LIMIT = 120.0
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
)


class DeliveryError(InputError):
    """A report that is not there, or that cannot be printed or shown."""


def pages(folder: Path) -> list[Path]:
    """Return the pages of a report, the index first.

    Raises
    ------
    DeliveryError
        If the folder holds no report.
    """
    index = folder / "index.html"
    if not index.is_file():
        raise DeliveryError(f"{folder}: no report there; make one with rotation run")
    return [index, *sorted(path for path in folder.glob("[0-9][0-9]_*.html"))]


def browser() -> str:
    """Return the command of an installed Chromium.

    Raises
    ------
    DeliveryError
        If there is none, with how to get it.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise DeliveryError(
            "no Chromium found to print with; install it (Debian, Ubuntu: apt install chromium; "
            "macOS: brew install --cask chromium; else Google Chrome) and try again"
        )
    return found


def print_pdf(folder: Path, done: Callable[[Path], None] | None = None) -> list[Path]:
    """Print every page of a report to a PDF file beside it.

    Parameters
    ----------
    folder : Path
    done : callable, optional
        Called with each file as it is there.

    Raises
    ------
    DeliveryError
        If there is no report, no Chromium, or a page cannot be printed; the page is named.
    """
    sources, command, made = pages(folder), browser(), []
    with tempfile.TemporaryDirectory(prefix="rotation-pdf-") as scratch:
        for source in sources:
            drawn = Path(scratch) / "page.pdf"
            _print(command, source, drawn, Path(scratch) / "profile")
            made.append(source.with_suffix(".pdf"))
            _move(drawn, made[-1])
            if done is not None:
                done(made[-1])
    return made


def _print(command: str, source: Path, to: Path, profile: Path) -> None:
    root = ("--no-sandbox",) if getattr(os, "geteuid", lambda: 1)() == 0 else ()
    options = [*_OPTIONS, *root, f"--user-data-dir={profile}", f"--print-to-pdf={to}"]
    try:
        ended = subprocess.run(
            [command, *options, source.absolute().as_uri()],
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeliveryError(
            f"{source.name}: printing took longer than {TIME_LIMIT:g} s and was stopped"
        ) from None
    except OSError as error:
        raise DeliveryError(f"{command}: cannot be started ({error.strerror})") from None
    if not to.is_file() or not to.read_bytes().startswith(b"%PDF"):
        raise DeliveryError(
            f"{source.name}: {command} printed no PDF (exit code {ended.returncode})"
        )


def _move(drawn: Path, to: Path) -> None:
    # A copy beside its place, then a rename: never half a file under the final name.
    beside = to.with_name(f".{to.name}")
    try:
        shutil.move(drawn, beside)
        beside.replace(to)
    except OSError as error:
        raise DeliveryError(f"{to}: cannot write there ({error.strerror})") from None


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of a report for this machine alone; the caller runs and closes it.

    Parameters
    ----------
    folder : Path
    port : int
        0 for any that is free.

    Raises
    ------
    DeliveryError
        If there is no report or the port is taken.
    """
    pages(folder)
    try:
        return ThreadingHTTPServer((HOST, port), partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise DeliveryError(
            f"port {port}: cannot be used ({error.strerror}); try another with --port"
        ) from None


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""
