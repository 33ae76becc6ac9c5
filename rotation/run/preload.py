"""Imported by the fork server alone: what workers and the kernels forked from them need.

A module that cannot be imported stays for the kernel that wants it to complain about; ``ABSENT``
names it, and then kernels start cold. ``IMPORTED`` is what the others were when they were read.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys

import helpers
from rotation.run import server

# Of papermill and nbconvert for the workers, of the rest for the kernels.
MODULES = (
    "papermill",
    "nbconvert.exporters.html",
    "rotation.run.worker",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "seaborn",
    "scipy.stats",
    "statsmodels.api",
    "arch.bootstrap",
    *(f"helpers.{found.name}" for found in pkgutil.iter_modules(helpers.__path__)),
)


def _absent() -> list[str]:
    """Import them all, and return those that could not be."""
    absent = []
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception:  # whatever it was must not stop the server
            absent.append(name)
    return absent


# Where a new interpreter would look for modules; workers look where the run does.
PATH = [entry for entry in sys.path if entry]
IMPORTED = server.imported()
ABSENT = _absent()
# What is there now is never collected, so that children go on sharing its memory.
gc.freeze()
