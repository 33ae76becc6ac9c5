"""One run of a sweep in a process of its own, for a worker of a cluster: JSON in, JSON out."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace

from rotation.run import planning, server, values, worker
from rotation.run.planning import Notebook


def main() -> None:
    """Execute the notebook that standard input describes, and write it to standard output."""
    told = json.loads(sys.stdin.read())
    path = planning.folder() / f"{told['name']}.ipynb"
    one = Notebook(path, told["content"], told["defaults"], told["overrides"])
    started = time.monotonic()
    here = planning.run_id([replace(one, overrides={})])
    nb, message = None, f"this worker has other code or data (run {here})"
    if here == told["identity"]:
        os.environ.update(server.KERNEL_ENVIRONMENT)
        os.chdir(path.parent)
        nb, message, died = worker.execute(one)
        if died:
            raise SystemExit(message)  # the cluster tries it again
    seconds = round(time.monotonic() - started, 2)
    numbers = values.told(nb, one.parameters) if nb is not None and not message else {}
    sys.stdout.write(json.dumps({"message": message, "seconds": seconds, **numbers}))


if __name__ == "__main__":
    main()
