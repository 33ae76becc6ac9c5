"""Write docs/helpers.md from the docstrings of ``helpers``: ``make docs``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

import helpers

PAGE = Path(__file__).with_name("helpers.md")
# Heading, what it is for, and the modules under it. Modules in no list end the page, one line each.
TOPICS = {
    "Start a notebook": (
        "parameters checked, tables loaded, style set, the family's claims listed",
        ("notebook", "parameters"),
    ),
    "Data": (
        "tables, calendars, vintages, and the one kind of user error",
        ("data", "market", "sessions", "own", "pairs", "vintages", "errors"),
    ),
    "Returns, events, valuation, economy": (
        "plain pandas objects in, plain pandas objects out",
        ("returns", "events", "valuation", "economy"),
    ),
    "How sure is it?": (
        "intervals, tests, what chance gives, regressions on overlapping windows",
        (
            "interval",
            "inference",
            "event_studies",
            "analogs",
            "nulls",
            "regressions",
            "predictive",
            "decidability",
        ),
    ),
    "Would other choices agree?": (
        "specification curves and their nulls",
        ("multiverse", "specifications", "robustness", "influence"),
    ),
    "Claims": (
        "the registry, one claim judged, and what all claims add up to",
        ("claims", "grading", "scorecard", "scores", "dividends"),
    ),
    "Words, tables, figures": (
        "numbers in readers' form, tables, axes in and axes out",
        ("words", "tables", "plots"),
    ),
}
INTRODUCTION = """# What a notebook's author can call

Written by `make docs` from the docstrings; do not edit. Each line is a name and the first sentence
of its docstring; `help(name)` in a notebook shows the rest: arguments with units, what comes back,
missing values, errors, and an example.

## Ask without a notebook

A claim, measured and judged on its own day:

```python
from helpers import claims, data

registry = claims.load(data.load())
registry.to_frame().query("statement.str.contains('streak')")
registry.check("HR-42")
```

What followed streaks of nine sessions, from the first loss, on the indexes or a pair of your own:

```python
from helpers import data, event_studies, events, pairs, returns

closes = data.load().closes  # or pairs.read("iwm.csv, spy.csv").closes
streaks = events.streaks(returns.lead(returns.simple_returns(closes)), 9)
event_studies.event_study(closes, streaks["known"].dropna(), (21, 63, 252))
```

Neither touches a notebook, and no verdict depends on it.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    modules = _modules()
    parts = [INTRODUCTION]
    for heading, (purpose, names) in TOPICS.items():
        parts.append(f"## {heading}\n\n{purpose[0].upper()}{purpose[1:]}.\n")
        parts += [_module(modules.pop(name)) for name in _under(names, modules)]
    parts.append(_measures(modules.pop("measures")))
    rows = [f"| `{name}` | {_sentence(module)} |" for name, module in modules.items()]
    if rows:
        parts.append(
            "\n".join(["## Behind these\n", "| module | its job |", "|---|---|", *rows, ""])
        )
    return "\n".join(parts)


def _modules() -> dict[str, ModuleType]:
    """Return modules and packages of ``helpers`` by name; what a package holds is under its own."""
    found = [one.name for one in pkgutil.iter_modules(helpers.__path__) if one.name[0] != "_"]
    return {name: importlib.import_module(f"helpers.{name}") for name in found}


def _under(names: tuple[str, ...], modules: dict[str, ModuleType]) -> list[str]:
    """Return the modules of a topic in its order; ``plots_x`` follows ``plots``."""
    return [m for name in names for m in modules if m == name or m.startswith(f"{name}_")]


def _module(module: ModuleType) -> str:
    name = module.__name__.removeprefix("helpers.")
    lines = [f"### {name}\n", f"{_sentence(module)}\n", "| call | what it does |", "|---|---|"]
    rows = [_row(f"{name}.{one}", thing) for one, thing in _public(module).items()]
    return "\n".join([*lines, *rows, ""]) if rows else "\n".join(lines[:2])


def _public(module: ModuleType) -> dict[str, object]:
    """Return functions and classes that a module, or a package's own modules, define."""
    return {
        name: thing
        for name, thing in vars(module).items()
        if name[0] != "_"
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and f"{thing.__module__}.".startswith(f"{module.__name__}.")
    }


def _row(name: str, thing: object, skip: tuple[str, ...] = ()) -> str:
    return f"| `{name}{_arguments(thing, skip)}` | {_sentence(thing)} |"


def _arguments(thing: object, skip: tuple[str, ...]) -> str:
    """Return the names of a function's arguments; those that may be left out end in ``=``."""
    if inspect.isclass(thing):
        return ""
    named = []
    for one in inspect.signature(thing).parameters.values():  # type: ignore[arg-type]
        stars = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        optional = "=" if one.default is not one.empty else ""
        if one.name not in skip:
            named.append(f"{stars}{one.name}{optional}")
    return f"({', '.join(named)})"


def _sentence(thing: object) -> str:
    """Return the first paragraph of a docstring on one line, safe in a table."""
    text = inspect.getdoc(thing) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")


def _measures(module: ModuleType) -> str:
    lines = [
        "## Named measurements\n",
        "What a claim's `measure` may name, with its arguments. Each also takes the market, cut",
        "at the claim's as-of date. `rotation measures NAME` explains one.\n",
        "| measure | what it measures |",
        "|---|---|",
    ]
    table = [(name, getattr(one, "function", one)) for name, one in module.MEASURES.items()]
    return "\n".join([*lines, *(_row(name, one, ("market",)) for name, one in sorted(table)), ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
