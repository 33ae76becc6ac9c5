"""Which notebooks run, and with which parameters."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from helpers import data, executed, pairs, vintages
from helpers.claims import registry
from helpers.errors import InputError, listing
from helpers.executed import SCORECARD, folder
from helpers.measures.arguments import nearest
from rotation import atomic

# Beside the notebooks: the defaults that they come with.
DEFAULTS = "defaults.json"
TABLES, PAIR = "tables", "pair"
# Parameters that name a folder: kernels need the whole path, records only its name.
FOLDERS = (TABLES, "results")
# The clone that this package stands in.
HOME = Path(__file__).resolve().parents[2]

_NAME = re.compile(r"\d\d_\w+")


class RunError(InputError):
    """A run that cannot start, or whose notebooks do not answer for their claims."""


@dataclass(frozen=True)
class Notebook:
    """A notebook to run.

    Attributes
    ----------
    path : Path
    content : dict
        The file as JSON.
    defaults : dict
        What its cell tagged ``parameters`` assigns.
    overrides : dict
        Parameters that differ from the defaults.
    """

    path: Path
    content: Mapping[str, Any]
    defaults: Mapping[str, Any]
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def copied(self) -> bool:
        """Whether it is the neutral notebook, executed once more for an article."""
        return executed.is_copy(self.name)

    @property
    def name(self) -> str:
        """File name without suffix, ``04_post_streak_outcomes``."""
        return self.path.stem

    @property
    def family(self) -> str:
        """Family of claims it answers for, as its name says."""
        return self.name[3:]

    @property
    def parameters(self) -> dict[str, Any]:
        """Every parameter with the value it runs with."""
        return {**self.defaults, **self.overrides}

    @property
    def edited(self) -> dict[str, Any]:
        """The defaults that were edited in the notebook, each with the value it came with."""
        shipped = _shipped(self.path.parent).get(self.name, {})
        return {
            name: shipped[name]
            for name, value in self.defaults.items()
            if name in shipped and shipped[name] != value
        }

    @property
    def recorded(self) -> dict[str, Any]:
        """The parameters as results and pages state them: a folder by its name alone."""
        return self.parameters | {
            name: _each(text, lambda path: path.name)
            for name in (*FOLDERS, PAIR)
            if (text := self.parameters.get(name))
        }


def _each(text: str, change: Callable[[Path], object]) -> str:
    """Change each of the paths that a parameter names, parted by commas."""
    return ", ".join(str(change(Path(one.strip()))) for one in text.split(","))


def reports() -> Path:
    """Return the folder of the full report, ``reports/`` beside the notebooks."""
    return folder().parent / "reports"


def find(names: Iterable[str] = ()) -> list[Path]:
    """Return notebooks by number, name or family; all of them, in order, if none is named.

    Raises
    ------
    RunError
        Naming the stranger and the notebooks there are.
    """
    paths = sorted(p for p in folder().glob("*.ipynb") if _NAME.fullmatch(p.stem))
    known = {key: p for p in paths for key in (p.stem[3:], p.stem[:2], p.stem)}
    if not paths:
        raise RunError(f"{folder()}: no notebooks there; expected files like 04_family.ipynb")
    # A path is taken too, as a shell completes it.
    wanted = [Path(name).name.removesuffix(".ipynb") for name in names]
    for name in wanted:
        if name not in known:
            raise RunError(f"notebook {name!r}: expected one of {listing(p.stem for p in paths)}")
    return sorted({known[name] for name in wanted}) or paths


def read(path: Path) -> Notebook:
    """Read a notebook and the defaults of its parameters.

    Raises
    ------
    RunError
        If it is no notebook, or has no cell tagged ``parameters`` with plain assignments.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = [c for c in content["cells"] if c["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path.name}: not a notebook ({type(error).__name__}: {error})") from None
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    if not tagged:
        raise RunError(f"{path.name}: no cell tagged 'parameters'; expected one")
    return Notebook(path, content, _assignments(path.name, "".join(tagged[0]["source"])))


def plan(names: Iterable[str] = (), settings: Iterable[str] = ()) -> list[Notebook]:
    """Return the notebooks to run, each with the parameters given for it, all validated.

    Parameters
    ----------
    names : iterable of str
        As for :func:`find`.
    settings : iterable of str
        ``name=value``. The value is read by the type of the default; a name must belong to at
        least one of the notebooks and applies to those that have it. The vintage ``latest``
        becomes the name of the one that is the latest now.

    Raises
    ------
    RunError, ParameterError, VintageError
        For an unknown notebook, parameter or vintage or an impossible value.
    """
    from helpers import parameters

    names = list(names)
    found = [read(path) for path in find(names)]
    given = dict(_split(setting) for setting in settings)
    parameters.unknown(list(given), {name: None for one in found for name in one.defaults})
    if "vintage" in given and vintages.is_name(given["vintage"]):
        # Once for the whole run: a refresh may end while it goes on.
        given["vintage"] = vintages.resolve(given["vintage"])
    for name in (*FOLDERS, PAIR):  # a kernel's working directory is another one
        if given.get(name):
            given[name] = _each(given[name], lambda path: path.expanduser().absolute())
    if given.get(PAIR):
        pairs.read(given[PAIR], given.get("names", ""), given.get("prices", pairs.KINDS[0]))
    planned = [replace(one, overrides=_overrides(one.defaults, given)) for one in found]
    if not names:
        planned += _copies(planned)
    for one in planned:
        described = {k: v for k, v in one.parameters.items() if k in parameters.PARAMETERS}
        parameters.validated(described)
    return planned


def _copies(planned: Iterable[Notebook]) -> list[Notebook]:
    """Return the neutral notebook once more for each article with claims of no other notebook."""
    neutral = [one for one in planned if one.family == executed.ANY]
    articles = executed.homeless(registry.read()) if neutral else {}
    return [
        replace(
            one,
            path=one.path.with_stem(f"{one.name}-{article}"),
            overrides={**one.overrides, "article": article},
        )
        for one in neutral
        for article in articles
    ]


def _shipped(place: Path) -> dict[str, dict[str, Any]]:
    """Return the defaults that notebooks came with, by notebook; empty if that is not known."""
    with contextlib.suppress(OSError, ValueError):
        known = json.loads((place / DEFAULTS).read_text("utf-8"))
        return known if isinstance(known, dict) else {}
    return {}


def record_defaults() -> None:
    """Take today's defaults of all notebooks for those that they come with."""
    known = {path.stem: dict(read(path).defaults) for path in find()}
    atomic.write_json(folder() / DEFAULTS, known)


def sweep_copies(planned: Iterable[Notebook]) -> None:
    """Remove copies of the neutral notebook for articles that need none any more."""
    kept = {one.path for one in planned}
    for path in folder().glob("*.ipynb"):
        if executed.is_copy(path.stem) and path not in kept:
            path.unlink()


def taking_pairs() -> list[str]:
    """Return the names of the notebooks that can show any pair of price series."""
    return [path.stem for path in find() if PAIR in read(path).defaults]


def require_notebooks() -> None:
    """Refuse a registry with a claim of a family that no notebook answers for.

    A run of all notebooks would leave such a claim out of its results.

    Raises
    ------
    InputError
        Naming the claim and its family, or if the registry cannot be read.
    """
    families = {path.stem[3:] for path in find()}
    known = registry.read()
    for claim in known.claims.values():
        if claim.family not in families and executed.ANY not in families:
            raise RunError(
                f"claim {claim.claim_id}: no notebook answers for family "
                f"{claim.family!r}{nearest(claim.family, families)}, "
                f"or a notebook 11_{claim.family}.ipynb"
            )


def _assignments(file: str, source: str) -> dict[str, Any]:
    try:
        return {
            target.id: ast.literal_eval(statement.value)
            for statement in ast.parse(source).body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
    except (SyntaxError, ValueError):
        raise RunError(
            f"{file}: cell tagged 'parameters': expected plain assignments of values"
        ) from None


def _split(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals or not name.strip():
        raise RunError(f"parameter {setting!r}: expected name=value")
    return name.strip(), value


def _overrides(defaults: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    values = {n: typed(n, text, defaults[n]) for n, text in given.items() if n in defaults}
    return {n: v for n, v in values.items() if (type(v), v) != (type(defaults[n]), defaults[n])}


def typed(name: str, text: str, default: Any) -> Any:
    """Read a value given as text by the type of the parameter's default.

    A number that is no whole one is kept as it is for a whole default: whether it may stand is
    for the parameter's own rule to say.

    Raises
    ------
    RunError
        If the text cannot be of that type.
    """
    kind, word = type(default), text.strip()
    if kind is bool and word.lower() in ("true", "false"):
        return word.lower() == "true"
    if kind is int and re.fullmatch(r"[+-]?\d+", word):
        return int(word)
    with contextlib.suppress(ValueError):
        if kind in (int, float) and math.isfinite(float(word)):
            return float(word)
    if kind in (bool, int, float):
        expected = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise RunError(f"{name} = {text!r}: expected {expected}")
    return text


def with_scorecard(names: Iterable[str] = ()) -> list[str]:
    """Return names of notebooks to rewrite, the scorecard among them: it shows their results."""
    there = SCORECARD in (path.stem for path in find())
    return [*names, SCORECARD] if (names := list(names)) and there else names


def own_folder(planned: Sequence[Notebook]) -> str:
    """Return the folder of the user's own tables, empty if there is none."""
    return next((folder for one in planned if (folder := one.parameters.get(TABLES))), "")


def pair_hashes(planned: Sequence[Notebook]) -> dict[str, str]:
    """Return the sha256 of each file of the user's own pair, by ``pair/`` and its name."""
    text = next((own for one in planned if (own := one.parameters.get(PAIR))), "")
    return {
        f"pair/{path.name}": data.sha256(path.read_bytes())
        for path in (pairs.files(text) if text else [])
    }


def vintage(planned: Sequence[Notebook]) -> str:
    """Return the vintage that the notebooks of a run measure on."""
    named = (one.parameters.get("vintage") for one in planned)
    return next(filter(None, named), vintages.FROZEN)


def run_id(planned: Sequence[Notebook]) -> str:
    """Return 12 hexadecimal digits that stand for everything a run's results depend on.

    Notebooks (their sources, not their outputs), effective parameters, this package, the data,
    the user's own tables wherever they lie, and the pinned environment.
    """
    digest = hashlib.sha256()
    tables = vintages.path(vintage(planned))
    own = own_folder(planned)
    if own:
        closed = data.closures(data.descriptor(tables))
        digest.update(json.dumps(data.load_own(own, closed)[1]).encode())
    if pair := pair_hashes(planned):
        digest.update(json.dumps(pair).encode())
    for one in planned:
        cells = [[c.get("id"), "".join(c["source"])] for c in one.content["cells"]]
        parameters = {k: v for k, v in one.parameters.items() if k not in (TABLES, PAIR) or not v}
        digest.update(json.dumps([one.name, cells, parameters]).encode())
    rooms = (HOME / "helpers", HOME / "rotation")
    code = (path for room in rooms for path in room.rglob("*") if path.is_file())
    files = [path for path in code if "__pycache__" not in path.parts]
    files += [
        *data.folder().glob("*.json"),
        *data.folder().rglob("*.toml"),
        *tables.glob("*.csv"),
    ]
    files += [lock] if (lock := HOME / "requirements.lock").is_file() else []
    # By name: where a vintage lies is no matter.
    contents = sorted({f"{file.name} {data.sha256(file.read_bytes())}" for file in files})
    digest.update(json.dumps(contents).encode())
    return digest.hexdigest()[:12]


def registry_files() -> list[Path]:
    """Return the files of the registry: they are no part of a vintage."""
    return sorted((data.folder() / registry.FOLDER).glob("*.toml"))
