"""Read a Frictionless data package strictly: its descriptor, and each table by its schema.

Dates are ISO, numbers plain decimals, every row has every field, and row count and sha256 are
those recorded. A message names the file, the row (1 is the first below the header) and the rule.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.errors import DataError, excerpt, listing
from helpers.vintages import DESCRIPTOR
from helpers.vintages import frozen as folder

# There was no year 0, though pandas has one.
_PATTERNS = {
    "date": re.compile(r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "yearmonth": re.compile(r"(?!0000)[0-9]{4}-[0-9]{2}"),
    "number": re.compile(r"-?[0-9]+(\.[0-9]+)?"),
}


@contextmanager
def loading() -> Iterator[None]:
    """Tell whoever listens that what is opened meanwhile is loaded whole, not read by itself."""
    sys.audit("helpers.loading", 1)
    try:
        yield
    finally:
        sys.audit("helpers.loading", -1)


def descriptor(path: str | Path | None = None, name: str = DESCRIPTOR) -> dict[str, Any]:
    """Read ``datapackage.json``, or another descriptor, and note its folder under ``folder``.

    Raises
    ------
    DataError
        If the file is missing or is not JSON with a list of resources and, for the shipped
        package, a vintage.
    """
    home = Path(path) if path is not None else folder()
    file = home / name
    try:
        package = json.loads(file.read_text(encoding="utf-8"))
        package["resources"] = list(package["resources"])
        for resource in package["resources"]:
            resource["path"], resource["schema"]["fields"]
        if name == DESCRIPTOR:
            package["vintage"]
    except FileNotFoundError:
        raise DataError(f"{file}: missing") from None
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: not a data package ({type(error).__name__}: {error})") from None
    return package | {"folder": home}


def closures(package: dict[str, Any], name: str = "closures") -> pd.DatetimeIndex:
    """Return the days on which a vintage knows the exchange closed though its calendar does not.

    ``name="missing"`` gives the sessions whose closes its source lacked.

    Raises
    ------
    DataError
        If ``closures`` in ``datapackage.json`` is no list of ISO dates.
    """
    listed = package.get(name, [])
    try:
        if not isinstance(listed, list) or not all(isinstance(day, str) for day in listed):
            raise TypeError
        return pd.DatetimeIndex(pd.to_datetime(listed, format="%Y-%m-%d")).as_unit("us")
    except (ValueError, TypeError):
        raise DataError(
            f"datapackage.json: {name} {listed!r}: expected a list of ISO dates"
        ) from None


def table(package: dict[str, Any], name: str) -> pd.DataFrame:
    """Read one table of a package and check it against its schema, row count and sha256.

    Dates become Timestamps, ``yearmonth`` becomes monthly periods, numbers floats with NaN where
    a value is missing, strings stay strings with ``""`` where missing.

    Raises
    ------
    DataError
        Naming the file, the row (1 is the first below the header) and the rule.
    """
    file = f"{name}.csv"
    resource = next((r for r in package["resources"] if r["path"] == file), None)
    if resource is None:
        raise DataError(f"datapackage.json: expected {file} listed")
    schema = resource["schema"]
    content = content_of(package["folder"] / file)
    columns = _columns(content, file, [field["name"] for field in schema["fields"]])
    missing = schema.get("missingValues", [""])
    frame = pd.DataFrame(
        {f["name"]: _typed(file, f, columns[f["name"]], missing) for f in schema["fields"]}
    )
    _check_key(file, frame, schema.get("primaryKey", []))
    _check_fingerprint(file, resource, content, len(frame))
    return frame


def sha256(content: bytes) -> str:
    """Return the sha256 of bytes as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


def content_of(file: Path) -> bytes:
    """Return the bytes of a file, or raise a DataError that names it."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"{file.name}: cannot be read ({error.strerror}: {file})") from None


def _columns(content: bytes, name: str, expected: list[str]) -> dict[str, np.ndarray]:
    """Split CSV bytes into columns of text; every row must have every field."""
    try:
        rows = list(csv.reader(content.decode("utf-8").splitlines(keepends=True), strict=True))
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not UTF-8 text at byte {error.start}") from None
    except csv.Error as error:
        raise DataError(f"{name}: not CSV ({error})") from None
    if not rows or rows[0] != expected:
        found = listing(excerpt(name, 40) for name in rows[0][:30]) if rows else "nothing"
        raise DataError(f"{name}: header: expected {listing(expected)}; found {found}")
    if len(rows) == 1:
        raise DataError(f"{name}: no rows below the header")
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(expected):
            raise DataError(f"{name} row {number}: expected {len(expected)} fields; got {len(row)}")
    return dict(zip(expected, np.array(rows[1:], dtype=object).T, strict=True))


def _typed(name: str, field: dict[str, Any], text: np.ndarray, missing: list[str]) -> pd.Series:
    """Convert one column as its schema says and enforce its constraints."""
    values = pd.Series(text, dtype="str")
    gone = values.isin(missing)
    there = ~gone
    rules = field.get("constraints", {})

    def refuse(bad: pd.Series, rule: str) -> None:
        if bad.any():
            row = int(bad.idxmax())
            raise DataError(
                f"{name} row {row + 1}: {field['name']} {excerpt(values.iloc[row])}: "
                f"expected {rule}"
            )

    if rules.get("required"):
        refuse(gone, "a value")
    kind = field["type"]
    if kind != "string" and kind not in _PATTERNS:
        raise DataError(
            f"{name}: {field['name']}: type {kind!r}: expected string, {listing(_PATTERNS)}"
        )
    if kind == "string":
        typed = values.where(there, "") if gone.any() else values
    else:
        refuse(there & ~values.str.fullmatch(_PATTERNS[kind]), f"a {kind}")
        typed = _parsed(kind, values.where(there) if gone.any() else values)
        refuse(there & typed.isna(), f"a {kind}")
    if "pattern" in rules:
        refuse(there & ~values.str.fullmatch(rules["pattern"]), f"the form {rules['pattern']}")
    if "enum" in rules:
        refuse(there & ~values.isin(rules["enum"]), f"one of {listing(rules['enum'])}")
    if "minimum" in rules:
        refuse(typed < rules["minimum"], f"at least {rules['minimum']}")
    if "maximum" in rules:
        refuse(typed > rules["maximum"], f"at most {rules['maximum']}")
    if rules.get("unique"):
        refuse(there & values.duplicated(), "each value once")
    return typed


def _parsed(kind: str, values: pd.Series) -> pd.Series:
    """Turn text of the right form into its type; what is no such thing becomes missing."""
    if kind == "number":
        # Digits enough overflow to infinity, which is no number either.
        return values.astype(float).replace([np.inf, -np.inf], np.nan)
    form = "%Y-%m-%d" if kind == "date" else "%Y-%m"
    dates = pd.to_datetime(values, format=form, errors="coerce").astype("datetime64[us]")
    return dates if kind == "date" else dates.dt.to_period("M")


def _check_key(name: str, frame: pd.DataFrame, key: str | list[str]) -> None:
    fields = [key] if isinstance(key, str) else key
    repeated = frame.duplicated(fields) if fields else pd.Series(False, index=frame.index)
    if repeated.any():
        row = int(repeated.idxmax())
        raise DataError(f"{name} row {row + 1}: expected one row for each {listing(fields)}")


def _check_fingerprint(name: str, resource: dict[str, Any], content: bytes, rows: int) -> None:
    if "rows" in resource and rows != resource["rows"]:
        raise DataError(f"{name}: expected {resource['rows']} rows; found {rows}")
    if "hash" in resource and f"sha256:{sha256(content)}" != resource["hash"]:
        raise DataError(
            f"{name}: sha256 {sha256(content)[:12]}… differs from datapackage.json: "
            "the file was edited; restore it, or record the new sha256 if the edit is meant"
        )
