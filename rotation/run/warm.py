"""Kernels that start warm: forked from a worker that has imported what notebooks import.

The first thing a worker does, before it has any thread, is to fork a child that waits. papermill
starts its kernel through :class:`Provisioner`, which sends command, environment and folder to that
child; it becomes the kernel, and is the worker's own child as any kernel is: what ends, measures
or polls kernels does not tell one from the other. Wherever something speaks against it the kernel
starts cold, as a new interpreter; the bytes it gives are the same. ``ROTATION_KERNELS=cold`` asks
for that.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import logging
import multiprocessing
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from multiprocessing import context, process
from pathlib import Path
from typing import Any, NoReturn

from jupyter_client.provisioning import LocalProvisioner

from rotation.run import reads, server
from rotation.run.server import SERVER_ENVIRONMENT

SWITCH = "ROTATION_KERNELS"
COLD = "cold"
# See prctl(2).
_PR_SET_PDEATHSIG = 1

log = logging.getLogger(__name__)


class Spare:
    """A forked child that waits to become a kernel, with the face of ``subprocess.Popen``.

    Attributes
    ----------
    pid : int
        It leads a session and a process group of its own.
    returncode : int or None
    """

    stdin = stdout = stderr = None

    def __init__(self) -> None:
        self.returncode: int | None = None
        self._end, theirs = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            self._end.close()
            _wait(theirs)
        theirs.close()
        self._end.recv(1)  # from here on its group is its own

    def become(self, arguments: Sequence[str], folder: str, environment: Mapping[str, str]) -> None:
        """Have it run a kernel with these arguments."""
        asked = {"arguments": arguments, "folder": folder, "environment": dict(environment)}
        self._end.sendall(json.dumps(asked).encode())
        self.dismiss()

    def dismiss(self) -> None:
        """Let it go: without anything asked of it, it ends."""
        self._end.close()

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""
        return self._wait(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end."""
        return self._wait(0)

    def _wait(self, how: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, how)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def spare(environment: Mapping[str, str]) -> Spare | None:
    """Return a child that waits, or None where a kernel had better start cold.

    Parameters
    ----------
    environment : dict
        What the kernel will be given.
    """
    reason = objection(environment)
    if reason:
        log.info("kernels start cold: %s", reason)
        return None
    return Spare()


def objection(environment: Mapping[str, str]) -> str:
    """Return what speaks against forking a kernel from this process, or ``""``."""
    preload = sys.modules.get("rotation.run.preload")
    unlike = [name for name, value in SERVER_ENVIRONMENT.items() if os.environ.get(name) != value]
    if not sys.platform.startswith("linux"):
        return "forking an interpreter is safe on Linux alone"
    if environment.get(SWITCH) == COLD:
        return f"{SWITCH} asks for it"
    if preload is None or preload.ABSENT:
        return f"not imported beforehand: {preload.ABSENT if preload else 'anything'}"
    if server.imported() != preload.IMPORTED:
        return "code or data were changed since the fork server imported them"
    if unlike or sys.flags.hash_randomization:
        return f"the fork server was started with other settings: {unlike or 'PYTHONHASHSEED'}"
    if threading.active_count() > 1 or len(list(Path("/proc/self/task").iterdir())) > 1:
        return "there is more than one thread"
    return ""


class Provisioner(LocalProvisioner):
    """Start the first kernel in the child that waits, if there is one."""

    waiting: Spare | None = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Start a kernel; as the class it stands for does."""
        at = cmd.index("ipykernel_launcher")
        arguments = cmd[at:]
        if self.waiting is None:
            started = [*cmd[:at], "rotation.run.kernel", *cmd[at + 1 :]]
            return await super().launch_kernel(started, **options)
        child, self.waiting = self.waiting, None
        environment = options["env"] | {"JPY_PARENT_PID": str(os.getpid())}
        child.become(arguments, options.get("cwd") or str(Path.cwd()), environment)
        self.process: Any = child
        self.pid = self.pgid = child.pid
        return self.connection_info


# In the child -----------------------------------------------------------------------------------


def _wait(end: socket.socket) -> NoReturn:
    """Wait for what is asked, and do it; end with the worker if nothing is."""
    code = 1
    try:
        os.setsid()
        end.send(b".")
        asked = b"".join(iter(lambda: end.recv(1 << 16), b""))
        if asked:
            _become(json.loads(asked))
        code = 0
    except BaseException:  # nothing above may run a second time
        traceback.print_exc()
    finally:
        os._exit(code)


def _become(asked: Mapping[str, Any]) -> None:
    """Be as a new interpreter that was started to run this kernel, and run it."""
    from ipykernel.kernelapp import launch_new_instance

    os.environ.clear()
    os.environ.update(asked["environment"])
    _end_with_worker(int(os.environ["JPY_PARENT_PID"]))
    os.chdir(asked["folder"])
    _forget_multiprocessing()
    _forget_files()
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = list(asked["arguments"])
    sys.path[:] = sys.modules["rotation.run.preload"].PATH
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # or every kernel would draw the same
    reads.listen()
    launch_new_instance()


def _end_with_worker(pid: int) -> None:
    """Have the system end this kernel with its worker, even one that is killed.

    ipykernel looks for its parent when it is imported, and this one was imported beforehand.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != pid:
        os._exit(1)


def _forget_multiprocessing() -> None:
    """Be no one's worker: a process of its own, with children of its own."""
    from multiprocessing import forkserver, resource_tracker

    inherited: Any = process
    key = inherited.AuthenticationString(os.urandom(32))
    vars(inherited.current_process()).update(
        _identity=(),
        _name="MainProcess",
        _parent_pid=None,
        _popen=None,
        _config={"authkey": key, "semprefix": "/mp"},
    )
    inherited._parent_process, inherited._children = None, set()
    inherited._process_counter = itertools.count(1)
    contexts: Any = context
    contexts._default_context._actual_context = None
    for one in (forkserver._forkserver, resource_tracker._resource_tracker):  # type: ignore[attr-defined]
        vars(one).update(vars(type(one)()))
    sys.modules.pop("__mp_main__", None)
    multiprocessing.util._finalizer_registry.clear()  # type: ignore[attr-defined]


def _forget_files() -> None:
    """Read nothing, print where the worker prints, and hold no other file of it open."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
