"""Plugin for nbval: kernels talk through socket files.

Two kernels that start at the same time can pick the same free port, and then one of them dies.
"""

from __future__ import annotations

import tempfile
from functools import partial

import nbval.kernel
import pytest
from jupyter_client import KernelManager


def pytest_configure(config: pytest.Config) -> None:
    folder = tempfile.TemporaryDirectory(prefix="rotation-")
    config.add_cleanup(folder.cleanup)
    nbval.kernel.KernelManager = partial(KernelManager, transport="ipc", ip=f"{folder.name}/k")
