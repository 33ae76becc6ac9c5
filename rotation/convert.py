"""Old forms into new ones: rows of ``claims.csv`` and ``articles.csv`` into articles' files."""

from __future__ import annotations

import csv
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from helpers import measures
from helpers.claims import registry
from helpers.errors import InputError
from helpers.own import own_descriptor
from rotation import renamed

WIDTH = 100
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)([.][0-9]+)?")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
ACROSS = "all"


def convert(folder: Path, story: str = "") -> list[str]:
    """Bring what a folder of an older version holds into the present form.

    Parameters
    ----------
    folder : Path
        With rows of the registry (``articles.csv`` and ``claims.csv``), a vintage, or tables of
        one's own.
    story : str, optional
        The story that the articles belong to.

    Returns
    -------
    One line for what was written or is to be done. Files that are there are not written over.

    Raises
    ------
    InputError
        If the folder holds nothing that is known, or not in the old form.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    said = []
    if (folder / "claims.csv").exists():
        target = folder / "articles"
        texts = articles(folder, story)
        there = [name for name in texts if (target / f"{name}.toml").exists()]
        if there:
            raise InputError(f"{target}: there are {there} already; nothing was written")
        target.mkdir(exist_ok=True)
        for name, text in texts.items():
            (target / f"{name}.toml").write_text(text, encoding="utf-8")
            said.append(f"{target / name}.toml: rotation check --file {target / name}.toml")
    return said or [_advice(folder)]


def _advice(folder: Path) -> str:
    """Return what to do about a folder that needs no conversion."""
    names = {file.name for file in folder.iterdir()}
    own = sorted(names & {r["path"] for r in own_descriptor()["resources"]})
    if "datapackage.json" in names:
        return f"{folder}: a vintage of an older version is read as it is"
    if own:
        return f"{folder}: tables of your own are read as they are: rotation run --tables {folder}"
    if any(name.endswith(".toml") for name in names):
        return f"{folder}: settings are read as they are: rotation schedule --config FILE --dry-run"
    raise InputError(f"{folder}: expected claims.csv, a vintage, settings or tables of your own")


def articles(folder: Path, story: str = "") -> dict[str, str]:
    """Turn the two CSV tables of a folder into the text of one file an article.

    Parameters
    ----------
    folder : Path
        With ``articles.csv`` and ``claims.csv``.
    story : str, optional
        The story that the articles belong to.

    Raises
    ------
    InputError
        If a table is missing, or a row does not hold what the old form asked for.
    """
    listed, rows = (_rows(folder / f"{name}.csv") for name in ("articles", "claims"))
    unknown = {row["article"] for row in rows} - {row["article"] for row in listed}
    if unknown:
        raise InputError(f"claims.csv: articles that articles.csv does not list: {sorted(unknown)}")
    return {
        row["article"]: article(
            row, [one for one in rows if one["article"] == row["article"]], story
        )
        for row in listed
    }


def article(row: Mapping[str, str], rows: Sequence[Mapping[str, str]], story: str = "") -> str:
    """Return the text of an article's file from its row and those of its claims."""
    facts = {name: row.get(name, "") for name in ("title", "publisher")}
    lines = ["#:schema ../article.schema.json"]
    lines += [_text(name, value) for name, value in facts.items() if value]
    lines += [f"published = {row['published']}"]
    lines += [f"story = {_string(story)}"] if story else []
    lines += ["across = true"] if row["article"] == ACROSS else []
    lines += [_text("note", row["note"])] if row.get("note") else []
    return "\n".join([*lines, *("\n" + claim(one) for one in rows)]) + "\n"


def claim(row: Mapping[str, str]) -> str:
    """Return the block of one claim from its row."""
    try:
        return "\n".join(_claim(row))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"claims.csv: {row.get('claim_id')}: not the old form ({what})") from None


def _claim(row: Mapping[str, str]) -> list[str]:
    held = {
        name: json.loads(row[name], parse_float=Decimal) if row.get(name) else None
        for name in ("call", "bound", "others", "own")
    }
    old = held["call"] or {}
    call = renamed.today(old) if old else {}
    year = row["unit"] == "year"
    lines = [f"[claim.{row['claim_id']}]", f'family = "{row["family"]}"']
    lines += [_text("says", row["statement"]), f'kind = "{row["kind"]}"']
    lines += [f"stated = {_stated(row['stated'])}"] if row["stated"] else []
    lines += [_text("unit", row["unit"])] if row["unit"] else []
    lines += [f"as_of = {row['as_of']}"]
    lines += [_text("how", row["measure"])] if row["measure"] else []
    if row["rule"] == "none":
        lines.append(f"untested = {_value(held['bound'])}")
        lines += [_text("needs", row["needs"])] if row["needs"] else []
    else:
        lines += _tested(row, call, held["bound"], year)
    said = registry.tolerance(row["rule"], held["bound"])
    lines += [_text("tolerance", row["tolerance"])] if row["tolerance"] != said else []
    reading = "estimates" if old.get("measure") == "nearest_reading" else row["reading"]
    lines += [f'reading = "{reading}"'] if reading != "fact" else []
    lines += [_text("note", row["note"])] if row["note"] else []
    for label, changes in (held["others"] or {}).items():
        lines += _other(f"others.{_key(label)}", old, changes)
    return lines + _own(held["own"], year)


def _tested(row: Mapping[str, str], call: Mapping[str, Any], bound: Any, year: bool) -> list[str]:
    known = measures.MEASURES[call["measure"]]
    lines = [_call("measure", call), *_rule("rule", row["rule"], bound, year)]
    if row["basis"] != known.basis:
        lines.append(f'basis = "{row["basis"]}"')
    if row["needs"] != ";".join(known.needs):
        lines.append(f"needs = {_value([one for one in row['needs'].split(';') if one])}")
    return lines


def _call(prefix: str, call: Mapping[str, Any]) -> str:
    known = measures.MEASURES[call["measure"]].arguments
    rest = {
        name: int(value) if _whole(known.get(name)) and isinstance(value, str) else value
        for name, value in call.items()
        if name != "measure"
    }
    return f"{prefix}.{call['measure']} = {_value(rest)}"


def _whole(argument: measures.Argument | None) -> bool:
    return argument is not None and argument.kind.schema.get("type") == "integer"


def _rule(prefix: str, rule: str, bound: Any, year: bool) -> list[str]:
    name = f"{prefix}.{rule.replace(' ', '_')}"
    if not isinstance(bound, Mapping):
        return [f"{name} = {_value(bound, year)}"]
    if rule == "all of":
        return [
            line
            for label, one in bound.items()
            for asked, limit in one.items()
            for line in _rule(f"{name}.{_key(label)}", asked, limit, year)
        ]
    return [f"{name}.{_key(label)} = {_value(one, year)}" for label, one in bound.items()]


def _other(prefix: str, call: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """Return another reading: what differs, or its measure whole."""
    if "measure" not in changes and None not in changes.values():
        return [f"{prefix} = {_value(renamed.changed(call['measure'], changes))}"]
    whole = {**call, **changes}
    whole = {name: one for name, one in whole.items() if one is not None and name != "as_of"}
    lines = [_call(f"{prefix}.measure", renamed.today(whole))]
    return lines + ([f"{prefix}.as_of = {changes['as_of']}"] if "as_of" in changes else [])


def _own(own: Mapping[str, Any] | None, year: bool) -> list[str]:
    if own is None:
        return []
    lines = [
        f"own.table = {_string(own['table'])}",
        _call("own.measure", renamed.today(own["call"])),
    ]
    lines += [_text("own.how", own["measure"])] if "measure" in own else []
    lines += _rule("own.rule", own["rule"], own["bound"], year) if "rule" in own else []
    return lines + ([_text("own.tolerance", own["tolerance"])] if "tolerance" in own else [])


def _stated(text: str) -> str:
    if ";" in text:
        return f"[{', '.join(map(_stated, text.split(';')))}]"
    return text if _NUMBER.fullmatch(text) or _DAY.fullmatch(text) else _string(text)


def _value(value: Any, year: bool = False) -> str:
    """Return a JSON value as TOML, numbers as printed and days bare."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_value(one, year)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_value(one, year) for one in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        bare = _DAY.fullmatch(value) or (year and re.fullmatch("[0-9]{4}", value))
        return value if bare else _string(value)
    return str(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


def _text(key: str, value: str) -> str:
    """Return ``key = text``, wrapped where it would not fit in a line."""
    line = f"{key} = {_string(value)}"
    if len(line) <= WIDTH:
        return line
    body = value.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if body.endswith('"'):
        body = body[:-1] + '\\"'
    wrapped = textwrap.fill(body, WIDTH, initial_indent="  ", subsequent_indent="  ",
                            break_long_words=False, break_on_hyphens=False)  # fmt: skip
    return f'{key} = """\n{wrapped}"""'


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            return [{name: one or "" for name, one in row.items()} for row in csv.DictReader(lines)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file.name}: cannot be read ({error}); expected the old table") from None
