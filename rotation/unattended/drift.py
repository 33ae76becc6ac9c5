"""Two runs compared: verdicts that flipped, values that moved, and the data behind it.

A comparison is a dict of plain JSON types, made by :func:`compare`; text and page only show it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from helpers import claims, data, vintages, words
from helpers.claims import grading
from helpers.errors import InputError
from rotation.report import pages

PAGE = "drift.html"
RESULTS = "results.json"
# Values of two machines may differ in the last of the ten digits that results hold.
NOISE = 1e-8
# What is read of each check.
_READ = (
    *("claim_id", "statement", "measured", "unit", "rule", "bound", "needs"),
    *("outcome", "reason", "notebook"),
)
# Rows of a revised table that are written out; all of them are counted.
EXAMPLES = 20


class DriftError(InputError):
    """A path that holds no run's results."""


def read(path: str | Path) -> dict[str, Any]:
    """Read the results of a run.

    Parameters
    ----------
    path : str or Path
        A run's folder, or its ``results.json``.

    Raises
    ------
    DriftError
        If there are no results.
    """
    file = Path(path).expanduser()
    file = file / RESULTS if file.is_dir() else file
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        found["run"]["id"], found["run"]["vintage"], found["run"]["hashes"]
        for check in found["checks"]:
            for name in _READ:
                check[name]
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
        raise DriftError(f"{file}: {reason}; expected a run's folder or its {RESULTS}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DriftError(
            f"{file}: not the results of a run; expected those of rotation run"
        ) from None
    return found


# Comparing --------------------------------------------------------------------------------------


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the results of two runs.

    Parameters
    ----------
    old, new : dict
        What ``results.json`` holds.

    Returns
    -------
    dict of plain JSON types
        ``old``, ``new`` (id and vintage); ``flipped`` (another verdict), ``due`` (was pending, is
        judged now), ``moved`` (another value, the farthest in tolerances first), ``added`` and
        ``removed`` (claims), ``tables`` (data that differ), ``versions`` and ``parameters``
        (another one). A moved value of several numbers has an entry for each; ``change`` is in
        the unit of the claim and ``tolerances`` in units of its tolerance, None where it has
        none.
    """
    before, after = ({c["claim_id"]: c for c in run["checks"]} for run in (old, new))
    tables = list(_tables(old["run"], new["run"]))
    changed = {table["table"]: _revised(table) for table in tables}
    both = [(before[name], check) for name, check in after.items() if name in before]
    verdicts = [
        _verdict(was, now, changed) for was, now in both if was["outcome"] != now["outcome"]
    ]
    moved = [entry for was, now in both for entry in _moved(was, now, changed)]
    return {
        "old": {key: old["run"][key] for key in ("id", "vintage")},
        "new": {key: new["run"][key] for key in ("id", "vintage")},
        "flipped": [one for one in verdicts if not one["fell_due"]],
        "due": [one for one in verdicts if one["fell_due"]],
        "moved": sorted(moved, key=lambda entry: -abs(entry["tolerances"] or 0)),
        "added": [_brief(check) for name, check in after.items() if name not in before],
        "removed": [_brief(check) for name, check in before.items() if name not in after],
        "tables": tables,
        "versions": _differences(old["run"].get("versions", {}), new["run"].get("versions", {})),
        "parameters": _differences(_parameters(old["run"]), _parameters(new["run"])),
    }


def changed_verdicts(drift: Mapping[str, Any]) -> int:
    """Return how many claims have another verdict, those that fell due among them."""
    return len(drift["flipped"]) + len(drift["due"])


def _brief(check: Mapping[str, Any]) -> dict[str, Any]:
    names = ("claim_id", "statement", "unit", "measured", "outcome", "reason")
    return {name: check.get(name, "") for name in names}


def _verdict(
    was: Mapping[str, Any], now: Mapping[str, Any], changed: Mapping[str, bool]
) -> dict[str, Any]:
    return {
        "claim_id": now["claim_id"],
        "statement": now["statement"],
        "unit": now["unit"],
        "old": {name: was[name] for name in ("outcome", "reason", "measured")},
        "new": {name: now[name] for name in ("outcome", "reason", "measured")},
        "fell_due": was["outcome"] == grading.PENDING,
        "tables": _behind(now, changed),
        "revised": any(changed[name] for name in _behind(now, changed)),
    }


def _moved(
    was: Mapping[str, Any], now: Mapping[str, Any], changed: Mapping[str, bool]
) -> Iterator[dict[str, Any]]:
    """Yield an entry for each value of a claim that is another one now."""
    old, new = was["measured"], now["measured"]
    named = isinstance(old, Mapping) and isinstance(new, Mapping)
    pairs = {n: (old.get(n), new.get(n)) for n in {**old, **new}} if named else {"": (old, new)}
    for name, (one, other) in pairs.items():
        if _same(one, other):
            continue
        change = other - one if _is_number(one) and _is_number(other) else None
        tolerance = _tolerance(now, name)
        yield claims.plain(
            {
                "claim_id": now["claim_id"],
                "name": name,
                "statement": now["statement"],
                "unit": now["unit"],
                "old": one,
                "new": other,
                "change": change,
                "tolerances": change / tolerance if change is not None and tolerance else None,
                "tables": _behind(now, changed),
                "revised": any(changed[table] for table in _behind(now, changed)),
            }
        )


def _same(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return abs(other - one) <= NOISE * max(abs(one), abs(other))
    return one == other


def _tolerance(check: Mapping[str, Any], name: str) -> float | None:
    """Return the tolerance of a claim, or of one of its numbers, if it is judged by one."""
    bound = check["bound"]
    if isinstance(bound, Mapping):
        bound = bound.get(name)
    return bound if check["rule"] == "within" and _is_number(bound) and bound > 0 else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _revised(table: Mapping[str, Any]) -> bool:
    """Tell whether earlier rows of a table are others now, beside what was added."""
    rows = table["rows"]
    return rows is not None and bool(rows["changed"] or rows["removed"])


def _behind(check: Mapping[str, Any], changed: Mapping[str, bool]) -> list[str]:
    return [name for name in check["needs"].split(";") if name in changed]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = sorted({*old, *new})
    return {n: [old.get(n), new.get(n)] for n in names if old.get(n) != new.get(n)}


def _parameters(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a run but for its vintage; one with several values has them all."""
    found: dict[str, list[Any]] = {}
    for values in run.get("parameters", {}).values():
        for name, value in values.items():
            if name != "vintage" and value not in found.setdefault(name, []):
                found[name].append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


# Data behind it ---------------------------------------------------------------------------------


def _tables(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tables that differ between two runs, row by row if both vintages are at hand."""
    for name in sorted({*old["hashes"], *new["hashes"]}):
        hashes = [run["hashes"].get(name) for run in (old, new)]
        if hashes[0] == hashes[1]:
            continue
        rows = None
        if None not in hashes:
            before, after = (_rows(run["vintage"], name, run["hashes"][name]) for run in (old, new))
            rows = None if before is None or after is None else _row_changes(before, after)
        what = "changed" if None not in hashes else "added" if hashes[0] is None else "removed"
        yield {"table": name, "what": what, "rows": rows}


def _rows(vintage: str, table: str, sha256: str) -> dict[str, dict[str, str]] | None:
    """Return the rows of a table by their key, or None if that very file is not at hand."""
    try:
        folders = [vintages.path(vintage), vintages.frozen()]
        file = next(f for folder in folders if (f := folder / f"{table}.csv").is_file())
        content = file.read_bytes()
        if data.sha256(content) != sha256:
            return None
        key = _key(data.descriptor(file.parent), table)
        rows = list(csv.DictReader(content.decode("utf-8").splitlines(keepends=True)))
        return {" ".join(row[name] for name in key or row): row for row in rows}
    except (InputError, OSError, StopIteration, KeyError):
        return None


def _key(package: Mapping[str, Any], table: str) -> list[str]:
    resource = next(r for r in package["resources"] if r["path"] == f"{table}.csv")
    key = resource["schema"].get("primaryKey", [])
    return [key] if isinstance(key, str) else list(key)


def _row_changes(
    old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Return the keys of rows added and removed, and the values that changed, each counted."""
    added = [key for key in new if key not in old]
    removed = [key for key in old if key not in new]
    values = [
        {"row": key, "column": column, "old": old[key].get(column), "new": value}
        for key in new
        if key in old
        for column, value in new[key].items()
        if not _written_alike(old[key].get(column), value)
    ]
    changed = {value["row"] for value in values}
    return {
        "added": len(added),
        "removed": len(removed),
        "changed": len(changed),
        "added_rows": added[:EXAMPLES],
        "removed_rows": removed[:EXAMPLES],
        "changed_values": values[:EXAMPLES],
        "last_added": added[-1] if added else None,
    }


def _written_alike(one: str | None, other: str) -> bool:
    """Tell whether two fields are the same text or the same number."""
    try:
        return one == other or float(one or "nan") == float(other)
    except ValueError:
        return False


# Showing ----------------------------------------------------------------------------------------


def text(drift: Mapping[str, Any]) -> str:
    """Return a comparison as lines of text."""
    lines = [headline(drift)]
    for title, name in (("Verdicts that changed", "flipped"), ("Forecasts that fell due", "due")):
        lines += _section(title, [_verdict_lines(one) for one in drift[name]])
    lines += _section("Values that moved", [_moved_lines(one) for one in drift["moved"]])
    for title, name in (("Claims added", "added"), ("Claims removed", "removed")):
        listed = [[f"{one['claim_id']}  {one['statement']}"] for one in drift[name]]
        lines += _section(title, listed)
    lines += _section("Data that differ", [[told] for told in table_words(drift)])
    for title, name in (("Versions", "versions"), ("Parameters", "parameters")):
        listed = [[f"{n}: {_arrow(*map(words.value, v))}"] for n, v in drift[name].items()]
        lines += _section(title, listed)
    return "\n".join(lines)


def headline(drift: Mapping[str, Any]) -> str:
    """Return which runs were compared and what came of it, in one line."""
    runs = _arrow(*(f"{drift[one]['id']} (vintage {drift[one]['vintage']})" for one in _BOTH))
    said = {
        "verdicts changed": drift["flipped"],
        "forecasts that fell due": drift["due"],
        "values that moved": drift["moved"],
        "claims added": drift["added"],
        "claims removed": drift["removed"],
    }
    found = ", ".join(f"{name}: {len(listed)}" for name, listed in said.items() if listed)
    return f"{runs}: {found or 'no claim, verdict or value changed'}"


def table_words(drift: Mapping[str, Any]) -> list[str]:
    """Return what differs in each table, in words."""
    return [_table_words(table) for table in drift["tables"]]


def _table_words(table: Mapping[str, Any]) -> str:
    name, rows = table["table"], table["rows"]
    if rows is None:
        reason = "; not row by row: a vintage is not at hand" if table["what"] == "changed" else ""
        return f"{name}: {table['what']}{reason}"
    said = []
    if rows["added"]:
        first, last = rows["added_rows"][0], rows["last_added"]
        said.append(
            f"rows added: {rows['added']} ({first if first == last else f'{first} … {last}'})"
        )
    if rows["removed"]:
        listed = ", ".join(rows["removed_rows"])
        said.append(f"rows removed: {rows['removed']} ({listed}{_more(rows, 'removed')})")
    if rows["changed"]:
        listed = ", ".join(
            f"{v['row']} {v['column']} {_arrow(v['old'], v['new'])}" for v in rows["changed_values"]
        )
        said.append(f"rows changed: {rows['changed']} ({listed}{_more(rows, 'changed')})")
    return f"{name}: {'; '.join(said) or 'the same rows, written otherwise'}"


def _more(rows: Mapping[str, Any], what: str) -> str:
    return ", …" if rows[what] > EXAMPLES else ""


_BOTH = ("old", "new")


def _arrow(old: object, new: object) -> str:
    return f"{old} → {new}"


def _section(title: str, entries: list[list[str]]) -> list[str]:
    body = [f"  {line}" for entry in entries for line in entry]
    return ["", f"{title}: {len(entries)}", *body] if entries else []


def _verdict_lines(one: Mapping[str, Any]) -> list[str]:
    old, new = one["old"], one["new"]
    verdict = _arrow(*(f"{claims.MARKS[v['outcome']]} {v['outcome']}" for v in (old, new)))
    measured = _arrow(*(words.quantity(v["measured"], one["unit"]) for v in (old, new)))
    return [
        f"{one['claim_id']}  {verdict}: {new['reason']}",
        f"       {one['statement']}",
        f"       measured {measured}{_because(one)}",
    ]


def _moved_lines(one: Mapping[str, Any]) -> list[str]:
    name = f" {one['name']}" if one["name"] else ""
    values = _arrow(words.value(one["old"]), words.quantity(one["new"], one["unit"]))
    by = f" ({moved_by(one)})" if one["change"] is not None else ""
    return [f"{one['claim_id']}{name}  {values}{by}{_because(one)}"]


def moved_by(one: Mapping[str, Any]) -> str:
    """Return by how much a value moved, ``+0.5, 2 tolerances``; ``–`` if it is no number."""
    if one["change"] is None:
        return "–"
    said = f"{'+' if one['change'] > 0 else ''}{words.value(one['change'])}"
    if one["tolerances"] is not None:
        said += f", {words.value(abs(one['tolerances']))} tolerances"
    return said


def _because(one: Mapping[str, Any]) -> str:
    how = "data that were revised" if one["revised"] else "data that differ"
    return f"; {how}: {', '.join(one['tables'])}" if one["tables"] else ""


def page(drift: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """Return a comparison as a page for the folder of the new run.

    Parameters
    ----------
    drift : dict
    results : dict
        Of the new run.
    """
    return pages.template("diff.html.j2").render(
        **pages.dress("index", scripted=False),
        run=results["run"],
        drift=drift,
        headline=headline(drift),
        tables=table_words(drift),
        moved_by=moved_by,
        pages={check["claim_id"]: f"{check['notebook']}.html" for check in results["checks"]},
    )


def write_page(file: Path, drift: Mapping[str, Any], results: Mapping[str, Any]) -> None:
    """Write :func:`page` to a file.

    Raises
    ------
    DriftError
        If nothing can be written there.
    """
    try:
        file.write_text(page(drift, results), encoding="utf-8")
    except OSError as error:
        raise DriftError(f"{file}: cannot write there ({error.strerror})") from None


def linked(index: str) -> str:
    """Return the text of a run's index with a link to the page of the comparison."""
    link = f'<p><a href="{PAGE}">What changed since the run before</a></p>\n'
    return index.replace("</nav>", f"{link}</nav>", 1) if PAGE not in index else index
