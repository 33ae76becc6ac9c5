"""Where simulations are worked out: processes of this machine, or a Dask cluster.

``ROTATION_SCHEDULER=tcp://host:8786`` sends them to a cluster, whose workers run in a clone of the
same code with ``PYTHONPATH=tests``. Each simulation draws its own numbers from its own seed, so
what comes back is the same, wherever it was worked out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

SCHEDULER = "ROTATION_SCHEDULER"


@contextlib.contextmanager
def executor(workers: int = 2) -> Iterator[Executor]:
    """Yield what carries out simulations; ``workers`` counts this machine's processes."""
    address = os.environ.get(SCHEDULER)
    if not address:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
        return
    from distributed import Client

    with Client(address, timeout=20, set_as_default=False) as client:
        yield client.get_executor(pure=False)
