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
from rotation.report import glossary, whole

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
HOST = "127.0.0.1"
# Seconds that the printing of one document may take.
TIME_LIMIT = 300.0
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)


class DeliveryError(InputError):
    """A report that is not there, or that cannot be printed or shown."""


def pages(folder: Path) -> list[Path]:
    """Return the pages of a report in reading order: index, how claims are judged, notebooks.

    Raises
    ------
    DeliveryError
        If the folder holds no report.
    """
    index = folder / "index.html"
    if not index.is_file():
        raise DeliveryError(f"{folder}: no report there; make one with rotation run")
    judging = folder / glossary.PAGE
    notebooks = sorted(folder.glob("[0-9][0-9]_*.html"))
    return [index, *([judging] if judging.is_file() else []), *notebooks]


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


def print_pdf(
    folder: Path, paper: str = whole.PAPERS[0], done: Callable[[Path], None] | None = None
) -> list[Path]:
    """Print a report beside its pages: ``report.pdf``, all of it, and ``brief.pdf``, one sheet.

    Parameters
    ----------
    folder : Path
    paper : str
        One of ``whole.PAPERS``.
    done : callable, optional
        Called with each file as it is there.

    Raises
    ------
    DeliveryError
        If there is no report, no Chromium, or it cannot print; what cannot be printed is named.
    """
    sources, command, made = {"report": pages(folder)}, browser(), []
    if (folder / "brief.html").is_file():
        sources["brief"] = [folder / "brief.html"]
    with tempfile.TemporaryDirectory(prefix="rotation-pdf-") as scratch:
        for name, parts in sources.items():
            source, drawn = Path(scratch) / f"{name}.html", Path(scratch) / f"{name}.pdf"
            source.write_text(whole.document(parts, paper), encoding="utf-8")
            _print(command, source, drawn, Path(scratch) / "profile")
            made.append(folder / drawn.name)
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
