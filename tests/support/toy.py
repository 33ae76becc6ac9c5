"""A toy clone for tests of unattended runs: one tiny notebook, three claims, some vintages."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest

from rotation.refresh import store
from rotation.report import cells
from rotation.run import planning, pool, worker
from support.data import DATA

LAST_FROZEN = "2026-08-07"
SESSIONS = 300
# T-01 holds while the S&P 500 closes within 50 points of its close in the frozen vintage;
# T-02 never changes; T-03 falls due on 2026-08-14.
MEASURE = """
import csv
from IPython.display import display
from helpers import vintages

lines = (vintages.path(vintage) / "index_closes.csv").read_text().splitlines()
rows = list(csv.DictReader(lines))
last, close = rows[-1]["date"], float(rows[-1]["sp_500"])
base = float(next(row["sp_500"] for row in rows if row["date"] == "{frozen}"))

def check(claim_id, measured, stated, bound, outcome, reason):
    made = dict(claim_id=claim_id, article="all", family="toy", statement="What " + claim_id,
        kind="value", stated=stated, measured=measured, unit="index points", as_of="2026-08-14",
        tolerance=str(bound), rule="within", bound=bound, reading="fact", interval=None,
        intervals=None, n=None, specifications=None, p=None, fidelity="same data",
        outcome=outcome, reason=reason, robustness=None, measure="",
        basis="open", needs="index_closes", beside="", others=[], note="", error=[],
        decidability=None, evidence=None, rests_on=[], changes=[], story="",
        chance=1, forecast=None)
    return made

near = abs(close - base) <= 50
due = last >= "2026-08-14"
checks = [
    check("TY-01", close, base, 50, "supported" if near else "contradicted",
        "within tolerance" if near else "outside tolerance"),
    check("TY-02", 1, 1, 1, "supported", "within tolerance"),
    check("TY-03", close, base, 900, "supported" if due else "pending",
        "within tolerance" if due else "not due"),
]
display({{"application/vnd.rotation.check+json": checks, "text/plain": "checks"}}, raw=True)
"""


def write(folder: Path, name: str, *cells: str) -> Path:
    """Write a notebook with the parameter ``vintage`` and these cells."""
    new = nbformat.v4
    parameters = {"tags": ["parameters"]}
    made = [
        new.new_markdown_cell(f"# Toy {name}", id="title"),
        new.new_code_cell('vintage = "frozen"', id="parameters", metadata=parameters),
        *(new.new_code_cell(source, id=f"c{n}") for n, source in enumerate(cells)),
    ]
    path = folder / f"{name}.ipynb"
    nbformat.write(new.new_notebook(cells=made), path)
    return path


def tree(folder: Path, leave_out: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the sha256 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in leave_out
    }


def instantly(
    notebooks: Sequence[planning.Notebook], build: Path, *_: object, **__: object
) -> list[pool.Outcome]:
    """Stand in for ``pool.execute``: the cells are executed here, without a kernel."""
    for name in ("failed", "logs", ".work"):
        (build / name).mkdir()
    return [_instantly(one, build) for one in notebooks]


def _instantly(one: planning.Notebook, build: Path) -> pool.Outcome:
    nb, message = nbformat.reads(json.dumps(one.content), 4), ""
    names = dict(one.parameters)
    try:
        for cell in nb.cells:
            if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", []):
                shown = _shown_by(cell.source, names)
                cell.outputs = [nbformat.v4.new_output("display_data", data) for data in shown]
    except Exception as error:
        message = worker.failure_line(error)
    worker.normalise(nb, one.recorded)
    nbformat.write(nb, (build / "failed" if message else build) / one.path.name)
    (build / ".work" / f"{one.name}.html").write_text(cells.body(nb, one.name), encoding="utf-8")
    (build / ("failed" if message else "logs") / f"{one.name}.log").write_text("")
    return pool.Outcome(one.name, message, 0.1, 1.0)


def _shown_by(source: str, names: dict) -> list[dict]:
    """Execute a cell with these names and return what it displays."""
    shown = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
        exec(source, names)
    return shown


class Toy:
    """A clone below ``folder``: ``notebooks/``, ``data/`` and the user's folder ``home/``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebooks, self.data, self.home = (
            folder / name for name in ("notebooks", "data", "home")
        )
        self.notebooks.mkdir(parents=True)
        self.notebook = write(self.notebooks, "01_toy", MEASURE.format(frozen=LAST_FROZEN))
        shutil.copytree(DATA, self.data)
        self._cut_registry()
        header, *rows = (DATA / "index_closes.csv").read_text("utf-8").splitlines()
        end = next(n for n, row in enumerate(rows) if row.startswith(LAST_FROZEN)) + 1
        self.header, self.old, self.later = header, rows[end - SESSIONS : end], rows[end:]
        self._reseal(self.data, self.old)

    @property
    def environment(self) -> dict[str, str]:
        """What tells the package to use this clone."""
        return {
            "ROTATION_NOTEBOOKS": str(self.notebooks),
            "ROTATION_DATA": str(self.data),
            "ROTATION_HOME": str(self.home),
            "ROTATION_CONFIG": str(self.config),
        }

    @property
    def config(self) -> Path:
        """Its configuration, empty unless it was written."""
        file = self.folder / "config.toml"
        if not file.exists():
            file.write_text("")
        return file

    def use(self, patch: pytest.MonkeyPatch) -> Toy:
        for name, value in self.environment.items():
            patch.setenv(name, value)
        return self

    def vintage(self, days: int, rise: float = 0.0) -> str:
        """Publish a vintage with so many later sessions, the S&P 500 raised on the last."""
        rows = [*self.old, *self.later[:days]]
        date, small, large = rows[-1].split(",")
        rows[-1] = f"{date},{small},{float(large) + rise:.2f}"
        with store.building() as build:
            for file in self.data.glob("*.csv"):
                shutil.copy(file, build)
            package = json.loads((self.data / "datapackage.json").read_text("utf-8"))
            package["resources"] = [r for r in package["resources"] if "hash" in r]
            (build / "datapackage.json").write_text(json.dumps(package))
            hashes = self._reseal(build, rows)
            name = store.name_of(date, hashes)
            package = json.loads((build / "datapackage.json").read_text("utf-8"))
            (build / "datapackage.json").write_text(json.dumps(package | {"vintage": name}))
            store.publish(build, name)
        return name

    def _cut_registry(self) -> None:
        for file in (self.data / "articles").glob("*.toml"):
            file.unlink()
        claim = """
[claim.{0}]
family = "toy"
says = "What {0}"
kind = "value"
stated = 1
unit = "index points"
as_of = 2026-08-14
how = "a made-up one"
measure.price_return = {{ index = "sp_500", start = 2026-01-02 }}
rule.within = 1
"""
        top = 'title = "A made-up article"\npublished = 2026-01-22\nacross = true\n'
        claims = "".join(map(claim.format, ("TY-01", "TY-02", "TY-03")))
        (self.data / "articles" / "all.toml").write_text(top + claims, encoding="utf-8")

    def _reseal(self, folder: Path, rows: list[str]) -> dict[str, str]:
        content = "\n".join([self.header, *rows, ""]).encode()
        (folder / "index_closes.csv").write_bytes(content)
        file = folder / "datapackage.json"
        package = json.loads(file.read_text("utf-8"))
        for resource in package["resources"]:
            if resource["path"] == "index_closes.csv":
                resource["hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
                resource["rows"], resource["bytes"] = len(rows), len(content)
                resource["complete_through"] = rows[-1].split(",")[0]
        file.write_text(json.dumps(package))
        return {
            r["path"].removesuffix(".csv"): r["hash"].removeprefix("sha256:")
            for r in package["resources"]
            if "hash" in r
        }
