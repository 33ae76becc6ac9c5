"""What happens in a worker process: papermill executes one notebook, whose page body is made."""

from __future__ import annotations

import contextlib
import copy
import json
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from rotation import atomic
from rotation.report import cells
from rotation.run import warm
from rotation.run.planning import FOLDERS, PAIR, Notebook

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# What a kernel says of its language, without its version: exporters name a script by it.
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# A path of a socket holds some hundred characters; with a longer one kernels fall back to ports.
_LONGEST_SOCKET = 90
# How a failure's line begins if the kernel ended or never answered, whatever the notebook says.
_DEATHS = ("DeadKernelError: ", "RuntimeError: Kernel died", "RuntimeError: Kernel didn't respond")
# Seconds that a worker has, once its kernel is killed, to write down what was executed.
GRACE = 10.0


def work(one: Notebook, build: Path, environment: Mapping[str, str]) -> None:
    """Execute one notebook and write what came of it; the body of a worker process."""
    log = os.open(build / "logs" / f"{one.name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    waiting = warm.spare(environment)  # before there is any thread
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    # As JupyterLab and nbval do.
    os.chdir(one.path.parent)
    nb, message, died = execute(one, waiting)
    if nb is not None:
        normalise(nb, one.recorded, one.parameters)
        _write_notebook(nb, (build / "failed" if message else build) / one.path.name)
    if not message:
        body = cells.body(nb, one.name)
        (build / ".work" / f"{one.name}.html").write_text(body, encoding="utf-8")
    left = {"message": message, "died": died, "peak_memory_mb": _peak_memory()}
    atomic.write_json(build / ".work" / f"{one.name}.json", left)


def _peak_memory() -> float | None:
    """Return the most memory in MB that the ended kernel had, None where no system tells."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    scale = 1024**2 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / scale, 1)


def _end_with_parent() -> None:
    """End this worker and its kernel once the run that started it is gone, even by SIGKILL.

    Without a kernel the worker ends by itself, and takes its sockets along; if not, it is ended.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process().children(recursive=True):
            child.kill()
    time.sleep(GRACE)
    os._exit(1)


def execute(one: Notebook, waiting: warm.Spare | None = None) -> tuple[Any, str, bool]:
    """Execute a notebook with papermill, in a kernel that waits or a new one.

    Returns
    -------
    The executed notebook, in part if it failed; the one line of its failure; whether its kernel
    died or never answered.
    """
    import nbformat
    import papermill

    content = json.loads(json.dumps(one.content)) | {"nbformat_minor": 5}
    for number, cell in enumerate(content["cells"]):
        cell.setdefault("id", f"cell-{number}")
    held: list[Any] = []
    sockets = str(atomic.scratch(Path(tempfile.gettempdir()), "rotation-"))
    try:
        nb = papermill.execute_notebook(
            nbformat.from_dict(content),
            None,
            parameters=dict(one.overrides),
            kernel_name="python3",
            language="python",
            kernel_manager_class=_kernel_manager(sockets, waiting),
            shutdown_kernel="immediate",
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            progress_bar=False,
            start_timeout=120,
            on_notebook_start=lambda notebook: held.append(notebook),
        )
    except Exception as error:  # whatever it was, the others must go on
        line = failure_line(error)
        return (held[0] if held else None), line, line.startswith(_DEATHS)
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
        if waiting is not None:
            waiting.dismiss()
    return nb, "", False


def _kernel_manager(sockets: str, waiting: warm.Spare | None) -> type:
    """Return a manager whose ``python3`` is this interpreter, whatever kernels a user installed.

    Its kernels talk through files in a folder of their own: two that start at the same time can
    pick the same free port, and then one of them dies.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager

    class OwnInterpreter(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            own: dict[str, Any] = {"kernel_spec_manager": KernelSpecManager(kernel_dirs=[])}
            if os.name == "posix" and len(sockets) < _LONGEST_SOCKET:
                own |= {"transport": "ipc", "ip": f"{sockets}/k"}
            super().__init__(**own, **options)

        async def _async_pre_start_kernel(self, **options: Any) -> Any:
            if self.provisioner is None:
                self.kernel_id = options.pop("kernel_id", "") or str(uuid.uuid4())
                self.provisioner = warm.Provisioner(
                    kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
                )
                self.provisioner.waiting = waiting
            return await super()._async_pre_start_kernel(**options)

    return OwnInterpreter


def failure_line(error: Exception) -> str:
    """Return what went wrong as one line: an input error's own, else its name and first line."""
    shown = getattr(error, "traceback", [])
    if len(shown) == 1:
        return " ".join(_ANSI.sub("", shown[0]).split())
    name = getattr(error, "ename", type(error).__name__)
    lines = str(getattr(error, "evalue", error)).strip().splitlines()
    return f"{name}: {lines[0]}" if lines else name


def normalise(
    nb: Any,
    parameters: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
) -> None:
    """Strip from an executed notebook, in place, what differs from run to run.

    Timings, papermill's notes and the random id of the injected cell go; execution counts run
    from 1; the kernel is named without its version; ``parameters`` are recorded. A folder among
    the parameters as they were ``given`` stands in the injected cell as it is recorded.
    """
    given = given or {}
    folders = [(given[name], parameters[name]) for name in (*FOLDERS, PAIR) if given.get(name)]
    quoted = [[json.dumps(text, ensure_ascii=False) for text in pair] for pair in folders]
    nb.metadata.pop("papermill", None)
    nb.metadata.update(
        kernelspec=dict(KERNELSPEC),
        language_info=copy.deepcopy(LANGUAGE),
        keep_output=True,  # nbstripout would take the record away
        rotation={"parameters": dict(parameters)},
    )
    count = 0
    for cell in nb.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
            for path, name in quoted:
                cell.source = cell.source.replace(path, name)
        if cell.cell_type == "code" and cell.execution_count is not None:
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count


def _write_notebook(nb: Any, path: Path) -> None:
    import nbformat

    with path.open("w", encoding="utf-8", newline="\n") as file:
        nbformat.write(nb, file)
