"""What the first cells of a notebook need: parameters validated, style set, claims listed."""

from __future__ import annotations

import ast
import difflib
import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pandas as pd
from IPython import get_ipython
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from helpers import claims, data, multiverse, plots, returns, specifications, vintages
from helpers.claims import grading
from helpers.errors import InputError, listing


class ParameterError(InputError):
    """A parameter that does not exist, has the wrong type or an impossible value."""


@dataclass(frozen=True)
class Run:
    """What :func:`start` hands to a notebook; displayed, it is a small table of provenance.

    Attributes
    ----------
    market : Market
        The vintage, cut at the as-of date.
    claims : Registry
        The claims, to be measured on that market.
    parameters : SimpleNamespace
        Every parameter, checked and converted, as attributes.
    """

    market: data.Market
    claims: claims.Registry
    parameters: SimpleNamespace

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        closes, values = self.market.closes.index, vars(self.parameters)
        span = f"{closes[0].date()} to {closes[-1].date()}, {len(closes):,} sessions"
        elsewhere = ("as_of", "vintage", "tables")
        rest = (f"{k} = {_text(v)}" for k, v in values.items() if k not in elsewhere)
        rows = {
            "data": f"vintage {self.market.vintage}; closes {span}",
            "as of": f"{values.get('as_of', 'last')}: the close of {closes[-1].date()}",
            "parameters": "; ".join(rest),
        }
        if self.market.own:
            rows["your own tables"] = "; ".join(
                _own_table(name, frame) for name, frame in self.market.own.items()
            )
        return table(pd.DataFrame({"": rows}), header=False)._repr_mimebundle_()


def start(family: str | None, **parameters: Any) -> Run:
    """Validate a notebook's parameters, load the data and the claims, set the style.

    Parameters
    ----------
    family : str or None
        Family of claims the notebook answers for; None if it only reads what others found.
    **parameters
        Every parameter of the notebook by its name; each must be described in ``PARAMETERS``.
        Without ``as_of`` the data are not cut.

    Returns
    -------
    Run

    Raises
    ------
    ParameterError
        For an unknown name in an injected cell, a wrong type or an impossible value.
    DataError, VintageError, ClaimError
        If data or registry cannot be used.
    """
    unknown(injected_names(), parameters)
    values = validated(parameters)
    market = data.load(
        tables=values.get("tables", ""), vintage=values.get("vintage", vintages.FROZEN)
    )
    market = market.until(resolve_as_of(values.get("as_of", "last"), market))
    if "history_start" in values:
        _check_history_start(values["history_start"], market.first, market.last)
    if "pivot_month" in values:
        _check_pivot(values["pivot_month"], market.value_portfolios.index)
    registry = claims.load(market)
    if family is not None:
        registry.family(family)
    plots.style(f"Source: data vintage {market.vintage}, closes to {market.last.date()}")
    return Run(market, registry, SimpleNamespace(**values))


def _own_table(name: str, frame: pd.DataFrame) -> str:
    """Say in words what a table of the user's own holds by the run's as-of date."""
    if frame.empty:
        return f"{name}: no rows by then"
    first, last = frame["date"].min().date(), frame["date"].max().date()
    providers = listing(sorted(set(frame[data.PROVIDER])))
    return f"{name}: {len(frame):,} rows, {first} to {last}, by {providers}"


def table(frame: pd.DataFrame, digits: int | Mapping[str, int] = 1, header: bool = True) -> HTML:
    """Return a frame as an HTML table with inline styles, numbers rounded, texts escaped.

    The frame itself travels beside it as CSV for download.

    Parameters
    ----------
    frame : DataFrame
    digits : int or dict
        Decimals of float columns, for all or by column.
    header : bool
        Whether to show the column names.
    """
    return _Table(frame, digits, header)


def text(markdown: str) -> Markdown:
    """Return prose whose numbers the notebook computed, as Markdown."""
    return Markdown(markdown)


def claims_table(registry: claims.Registry, family: str) -> HTML:
    """Return the claims a notebook answers for: id, article, statement, stated, as of, rule."""
    rows = [
        {
            "claim": c.claim_id,
            "article": c.article,
            "statement": c.statement,
            "stated": claims.show(c.stated_value)
            + (f" {c.unit}" if c.stated_number is not None and c.kind != "since" else ""),
            "as of": str(c.as_of.date()),
            "judged by": claims.rule_text({"rule": c.rule, "bound": c.bound})
            if c.rule != "none"
            else f"not testable: {c.bound}",
        }
        for c in map(registry.as_judged, registry.family(family))
    ]
    return table(pd.DataFrame(rows).set_index("claim"))


def undecided(registry: claims.Registry, family: str) -> pd.DataFrame:
    """Return the claims of a family that open data cannot decide, and what would.

    Returns
    -------
    DataFrame of shape (n_claims, 4) indexed by claim, columns ``article``, ``statement``,
    ``reason`` and ``what would decide it`` (the row's needs, else its note), claims that wait
    for the same data side by side. Claims that the user's own tables decide are left out.
    """
    rows = [
        {
            "claim": c.claim_id,
            "article": c.article,
            "statement": c.statement,
            "reason": str(c.bound),
            "what would decide it": c.needs or c.note,
        }
        for c in map(registry.as_judged, registry.family(family))
        if c.rule == "none"
    ]
    columns = ["claim", "article", "statement", "reason", "what would decide it"]
    table = pd.DataFrame(rows, columns=columns).set_index("claim")
    return table.sort_values(["reason", "what would decide it"], kind="stable")


def readings_table(registry: claims.Registry, family: str) -> HTML:
    """Return the other readings that a family's rows name, and which of them turn an outcome."""
    rows = []
    for claim in registry.family(family):
        if not claim.others or claim.as_of > registry.market.last:
            continue
        own, outcome = registry.reading(claim.claim_id)
        rows += [
            {
                "claim": claim.claim_id,
                "read": one["reading"],
                "measured": claims.show(one["measured"]),
                "outcome": one["outcome"],
                "by its row": f"{claims.show(own)}: {outcome}",
                "turns": "yes" if one["outcome"] not in (outcome, grading.PENDING) else "no",
            }
            for one in registry.others(claim.claim_id)
        ]
    columns = ["claim", "read", "measured", "outcome", "by its row", "turns"]
    return table(pd.DataFrame(rows, columns=columns).set_index("claim"))


def choices_table(family: multiverse.Family) -> HTML:
    """Return a family's choices, their options and the reason for each; the row's own first."""
    rows = {
        choice.title: {"own": _reasoned(choice.options[:1]), "other": _reasoned(choice.options[1:])}
        for choice in family.choices
    }
    names = {"own": "the row's own", "other": "as reasonable"}
    frame = pd.DataFrame.from_dict(rows, orient="index").rename(columns=names)
    return table(frame.rename_axis("choice"))


def _reasoned(options: Iterable[multiverse.Option]) -> str:
    return "; ".join(f"{one.label} ({one.reason})" for one in options)


def curve_figure(
    curve: multiverse.Curve,
    ylabel: str,
    stated: float | None = None,
    form: Callable[[float], str] = plots.signed,
) -> Figure:
    """Return the figure of a specification curve, as high as its choices need.

    ``stated`` and ``form`` are as in :func:`helpers.plots.specification_curve`.
    """
    options = sum(len(labels) for _, labels in curve.choices.values())
    heights = (2.8, 0.17 * options)
    fig, axes = plots.figure(2, 1, 0.6 + sum(heights), sharex=True, height_ratios=heights)
    drawn = (curve.table, curve.choices, curve.place, curve.envelope, stated, form)
    plots.specification_curve(*axes, *drawn)
    axes[0].set_ylabel(ylabel)
    return fig


def curve_words(curve: multiverse.Curve) -> Markdown:
    """Return what a specification curve says in a few sentences."""
    found, moved = curve.summary(), multiverse.influence(curve).iloc[0]
    words = [
        f"The choice that moves the answer most is *{moved.name}*: from {moved['lowest']} to "
        f"{moved['highest']} the mean estimate changes by {moved['spread']:.1f}."
    ]
    if found["lowest"] < 0 < found["highest"]:
        words.append(f"{found['share above zero']:.0%} of the readings lie above zero.")
    if "share with p below 5%" in found:
        words.append(f"{found['share with p below 5%']:.1%} have a placebo p below 0.05.")
    if curve.drawn is not None:
        words.append(
            f"In {len(curve.drawn)} resampled histories, in which the events say nothing about "
            "what follows, the median of all readings mostly runs from "
            f"{plots.signed(found['median under the null, low'])} to "
            f"{plots.signed(found['median under the null, high'])}; the observed "
            f"{plots.signed(found['median'])} has a p of {found['p of the median']:.2f}."
        )
    return text(" ".join(words))


def specifications_table(registry: claims.Registry, *claim_ids: str) -> HTML:
    """Return what the declared specifications of some claims give, and how many agree."""
    rows = {}
    for claim_id in claim_ids:
        family, day = specifications.BY_CLAIM[claim_id], registry.get(claim_id).as_of
        if day > registry.market.last:
            continue
        curve = multiverse.curve(family, registry.market.until(day))
        found, moved = curve.summary(), multiverse.influence(curve).iloc[0]
        agree = registry.agreement(claim_id, curve.table["estimate"])
        rows[claim_id] = {
            "estimated": f"{family.question}, {family.unit}",
            "specifications": len(agree),
            "agree, %": 100 * agree.mean(),
            "own": found["the row's own"],
            **found[["lowest", "median", "highest"]],
            "moved most by": f"{moved.name} ({moved['lowest']} to {moved['highest']})",
        }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("claim")
    return table(frame, dict.fromkeys(("own", "lowest", "median", "highest"), 2))


# Parameters -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parameter:
    """How a parameter is checked and what is expected of it, in words for the error line."""

    expected: str
    convert: Callable[[Any], Any]


def _whole(low: int, high: int) -> Parameter:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return Parameter(f"a whole number from {low} to {high}", convert)


def _wholes(low: int, high: int) -> Parameter:
    def convert(value: Any) -> tuple[int, ...]:
        numbers = tuple(int(part) for part in str(value).split(","))
        if not all(low <= number <= high for number in numbers) or len(set(numbers)) < len(numbers):
            raise ValueError
        return numbers

    return Parameter(
        f"different whole numbers from {low} to {high}, as text with commas like '21,63'", convert
    )


def _number(low: float, high: float) -> Parameter:
    def convert(value: Any) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise ValueError
        return float(value)

    return Parameter(f"a number from {low:g} to {high:g}", convert)


def _one_of(*options: str) -> Parameter:
    def convert(value: Any) -> str:
        if value not in options:
            raise ValueError
        return value

    return Parameter(f"one of {listing(map(repr, options))}", convert)


def _month() -> Parameter:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}", value):
            raise ValueError
        return str(pd.Period(value, "M"))

    return Parameter("a month like '2000-03'", convert)


def _folder() -> Parameter:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or "\0" in value:
            raise ValueError
        return value

    return Parameter("the name of a folder, or '' for none", convert)


def _vintage() -> Parameter:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or not vintages.is_name(value):
            raise ValueError
        return value

    return Parameter("'frozen', 'latest' or a name that rotation vintages lists", convert)


def _date(or_last: bool = False) -> Parameter:
    def convert(value: Any) -> str:
        if or_last and value == "last":
            return value
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError
        return str(pd.Timestamp(value).date())

    return Parameter("an ISO date like '2026-01-22'" + (" or 'last'" if or_last else ""), convert)


PARAMETERS: dict[str, Parameter] = {
    "as_of": _date(or_last=True),
    "vintage": _vintage(),
    "tables": _folder(),
    "results": _folder(),
    "history_start": _date(),
    "min_length": _whole(1, 60),
    "compare_lengths": _wholes(1, 60),
    "horizons": _wholes(1, 2520),
    "first_cut_min_bp": _number(1, 300),
    "first_cut_quiet_months": _whole(0, 120),
    "window_before": _whole(1, 504),
    "window_after": _whole(0, 504),
    "closest": _whole(1, 50),
    "percentile_years": _wholes(5, 200),
    "small_quintile": _whole(1, 4),
    "lead_points": _number(0.1, 100),
    "lead_sessions": _whole(1, 252),
    "episode_gap": _whole(1, 252),
    "pivot_month": _month(),
    "quiet_sessions": _wholes(1, 5040),
    "months": _wholes(1, 600),
    "start_months": _whole(1, 120),
    "recent_months": _whole(2, 60),
    "window_from": _one_of("last win", "first loss"),
    "draws": _whole(100, 100_000),
    "placebo_draws": _whole(100, 100_000),
    "histories": _whole(20, 10_000),
    "seed": _whole(0, 2**32 - 1),
}


def validated(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check each parameter against ``PARAMETERS`` and convert it.

    Raises
    ------
    ParameterError
        Naming the parameter, the value and what was expected.
    """
    values = {}
    for name, value in parameters.items():
        rule = PARAMETERS.get(name)
        if rule is None:
            raise ParameterError(f"{name}: expected a rule for it in helpers.notebook.PARAMETERS")
        try:
            values[name] = rule.convert(value)
        except (ValueError, TypeError):
            raise ParameterError(f"{name} = {value!r}: expected {rule.expected}") from None
    return values


def unknown(names: list[str], known: Mapping[str, Any]) -> None:
    """Refuse names that are no parameter of the notebook.

    Raises
    ------
    ParameterError
        Naming the stranger, a near name and all known ones.
    """
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ParameterError(
                f"unknown parameter {name!r}: {hint}expected one of {listing(known)}"
            )


def injected_names() -> list[str]:
    """Return the names that the last injected cell of this kernel assigned.

    papermill and jupyter-scheduler begin that cell with a comment ``# Parameters`` or
    ``# Injected parameters``; only its text tells a name that the notebook does not have.
    """
    shell = get_ipython()
    cells = shell.user_ns.get("In", []) if shell is not None else []
    injected = [c for c in cells if re.match(r"# (Injected )?[Pp]arameters\b", c)]
    return assigned(injected[-1]) if injected else []


def assigned(source: str) -> list[str]:
    """Return the names that a cell's plain assignments bind, in order."""
    return [
        target.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]


def resolve_as_of(as_of: str, market: data.Market) -> pd.Timestamp:
    """Return the session a run's as-of date stands for: the last close on or before it.

    Raises
    ------
    ParameterError
        If the date lies before the first close or after the last one.
    """
    if as_of == "last":
        return market.last
    day = pd.Timestamp(as_of)
    if not market.first <= day <= market.last:
        raise ParameterError(
            f"as_of = {as_of!r}: expected a date from {market.first.date()} to {market.last.date()}"
        )
    return returns.resolve(market.closes, day)


def _check_history_start(value: str, first: pd.Timestamp, last: pd.Timestamp) -> None:
    if not first <= pd.Timestamp(value) < last:
        raise ParameterError(
            f"history_start = {value!r}: expected from {first.date()} to before {last.date()}, the "
            "close of as_of"
        )


def _check_pivot(value: str, months: pd.PeriodIndex) -> None:
    if not months[0] <= pd.Period(value, "M") < months[-1]:
        raise ParameterError(
            f"pivot_month = {value!r}: expected from {months[0]} to before {months[-1]}"
        )


# Tables ---------------------------------------------------------------------------------------


class _Table(HTML):
    """A frame shown as HTML, carried as CSV."""

    def __init__(self, frame: pd.DataFrame, digits: int | Mapping[str, int], header: bool) -> None:
        self._frame = frame
        super().__init__(_html(frame, digits, header))

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {
            "text/html": self.data,
            "text/csv": self._frame.to_csv(float_format="%.10g"),
            "text/plain": self._frame.to_string(float_format="%.6g"),
        }


def _html(frame: pd.DataFrame, digits: int | Mapping[str, int], header: bool) -> str:
    cell = "padding:3px 8px;border-bottom:1px solid #bbb;vertical-align:top"

    def show(value: Any, column: str) -> str:
        if isinstance(value, float):
            places = digits.get(column, 1) if isinstance(digits, Mapping) else digits
            if pd.isna(value):
                return "–"
            return f"{round(value, places) + 0.0:,.{places}f}".replace("-", "−")
        return html.escape("–" if value is None or value is pd.NaT else _text(value))

    def one(tag: str, content: str, number: bool = False) -> str:
        scope = {"th": ' scope="row"', "hd": ' scope="col"'}.get(tag, "")
        tag = "th" if tag == "hd" else tag
        align = "right" if number else "left"
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", content):
            align += ";white-space:nowrap"
        return f'<{tag}{scope} style="{cell};text-align:{align}">{content}</{tag}>'

    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    lines = []
    if header:
        names = [one("hd", html.escape(_text(frame.index.name or "")))]
        names += [
            one("hd", html.escape(_text(c)), n) for c, n in zip(frame.columns, numeric, strict=True)
        ]
        lines.append("<tr>" + "".join(names) + "</tr>")
    for label, *values in frame.itertuples(name=None):
        cells = [one("th", html.escape(_text(label)))]
        cells += [
            one("td", show(v, c), n) for v, c, n in zip(values, frame.columns, numeric, strict=True)
        ]
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>'


def _text(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)
