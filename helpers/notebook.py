"""What the first cells of a notebook need: parameters validated, style set, claims listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
from IPython import get_ipython
from IPython.display import Markdown
from matplotlib.figure import Figure

from helpers import claims, data, multiverse, pairs, plots, specifications, vintages, words
from helpers.absent import needs, restore
from helpers.answers import answer, box
from helpers.claims import grading
from helpers.errors import InputError, listing
from helpers.parameters import (
    ParameterError,
    check_ranges,
    given_names,
    resolve_as_of,
    unknown,
    validated,
    watch_names,
)
from helpers.tables import Table

__all__ = ["answer", "box", "needs"]

watch_names()
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


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
    pair : Pair or None
        The user's own pair of price series, if the closes are its.
    """

    market: data.Market
    claims: claims.Registry
    parameters: SimpleNamespace
    pair: pairs.Pair | None = None

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        sessions, values = self.market.sessions, vars(self.parameters)
        span = f"{words.day(sessions[0])} to {words.day(sessions[-1])}, {len(sessions):,} sessions"
        elsewhere = ("as_of", "vintage", "tables", "pair", "names", "prices")
        rest = (f"{k} = {words.plain(v)}" for k, v in values.items() if k not in elsewhere)
        rows = {
            "data": f"vintage {self.market.vintage}; closes {span}",
            "as of": f"{values.get('as_of', 'last')}: the close of {words.day(sessions[-1])}",
            "parameters": "; ".join(rest),
            "claims": "each is judged on its own day by its own rule; parameters change what is "
            "shown, never a verdict",
        }
        if self.pair:
            left = f"; {self.pair.dropped} days of one alone left out" if self.pair.dropped else ""
            rows["your own pair"] = f"{self.pair.label}{left}; claims are not judged on it"
        if self.market.own:
            rows["your own tables"] = "; ".join(
                _own_table(name, frame) for name, frame in self.market.own.items()
            )
        return table(pd.DataFrame({"": rows}), header=False)._repr_mimebundle_()


def start(family: str | None, story: str | None = None, **parameters: Any) -> Run:
    """Validate a notebook's parameters, load the data and the claims, set the style.

    Parameters
    ----------
    family : str or None
        Family of claims the notebook answers for; None if it only reads what others found.
    story : str, optional
        Story whose articles the notebook is about: the claims are those of it alone.
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

    Examples
    --------
    >>> run = start(None, as_of="2026-01-18", min_length="8")
    >>> run.parameters.min_length, str(run.market.last.date()), len(run.claims.claims) > 100
    (8, '2026-01-16', True)
    """
    restore()
    unknown(given_names(parameters), parameters)
    values = validated(parameters)
    market = data.load(
        tables=values.get("tables", ""), vintage=values.get("vintage", vintages.FROZEN)
    )
    pair = pairs.read(values["pair"], values["names"], values["prices"]) if _asks(values) else None
    _show(pair)
    if pair is not None:
        market = market.but(closes=pair.closes)
        values["history_start"] = max(
            values.get("history_start", ""), str(pair.closes.index[0].date())
        )
    as_of = values.get("as_of", "last")
    session = resolve_as_of(as_of, market)
    # A day without a session keeps what was known that day, such as a cut on a Sunday.
    market = market.until(session if as_of == "last" else as_of, known=True)
    check_ranges(values, market)
    registry = _claims(market, story, values) if pair is None else _NotJudged()
    if family is not None and pair is None:
        registry.family(family)
    source = f"data vintage {market.vintage}" if pair is None else pair.label
    plots.style(f"Source: {source}, closes to {words.day(market.last)}")
    return Run(market, cast(claims.Registry, registry), SimpleNamespace(**values), pair)


def _claims(market: data.Market, story: str | None, values: Mapping[str, Any]) -> claims.Registry:
    """Return the claims that a notebook is about: all, a story's, or what an article has left."""
    if "article" not in values:
        registry = claims.load(market)
        return registry.of_story(story) if story else registry
    from helpers import executed

    name = values["article"]
    file = EXAMPLES / f"{name}.toml" if name == executed.EXAMPLE else None
    registry = claims.load(market, file=file)
    ids = {claim.claim_id for claim in registry.of_article(name)}
    if name != executed.EXAMPLE:
        ids &= {*executed.homeless(registry).get(name, ())}
    shown = {key: one for key, one in registry.claims.items() if key in ids}
    return replace(registry, claims=shown, articles=registry.articles.loc[[name]])


def _asks(values: Mapping[str, Any]) -> bool:
    """Tell whether parameters ask for a pair of the user's own."""
    if values.get("pair"):
        return True
    if values.get("names"):
        raise ParameterError(f"names = {values['names']!r}: expected '' without a pair")
    return False


class _NotJudged:
    """In the place of the registry where the closes are not those of the claims."""

    def __getattr__(self, name: str) -> Any:
        raise InputError(
            f"claims.{name}: claims are judged on their own indexes alone; expected pair = '', or "
            f"a first line {pairs.MARK!r} in this cell"
        )


def _show(pair: pairs.Pair | None) -> None:
    """Name a pair wherever readers look, and leave out the cells about claims."""
    pairs.show(pair)
    shell = get_ipython()
    if shell is not None:
        others = [one for one in shell.input_transformers_cleanup if one is not pairs.leave_out]
        shell.input_transformers_cleanup[:] = [*others, *([pairs.leave_out] if pair else [])]


def left_out(without: bool = False) -> Markdown:
    """Return what stands in the place of a cell that is only for the articles' own indexes.

    ``without`` tells that the subject of the notebook is not in the data.
    """
    if without:
        return Markdown("*Left out: what it would show is not in the data.*")
    return Markdown(
        "*Left out: this cell is about the articles' claims, which are judged on the Russell 2000 "
        "and the S&P 500 alone.*"
    )


def _own_table(name: str, frame: pd.DataFrame) -> str:
    """Say in words what a table of the user's own holds by the run's as-of date."""
    if frame.empty:
        return f"{name}: no rows by then"
    first, last = frame["date"].min().date(), frame["date"].max().date()
    providers = listing(sorted(set(frame[data.PROVIDER])))
    rows = words.count(len(frame), "row")
    return f"{name}: {rows}, {first} to {last}, by {providers}"


def table(frame: pd.DataFrame, digits: int | Mapping[str, int] = 1, header: bool = True) -> Table:
    """Return a frame as an HTML table with inline styles, numbers rounded, texts escaped.

    The frame itself travels beside it as CSV for download.

    Parameters
    ----------
    frame : DataFrame
    digits : int or dict
        Decimals of float columns, for all or by column.
    header : bool
        Whether to show the column names.

    Examples
    --------
    >>> shown = table(pd.DataFrame({"lead": [-1.26]}, index=pd.Index(["2026-01"], name="month")))
    >>> "January 2026" in shown.data, "−1.3" in shown.data
    (True, True)
    """
    return Table(frame, digits, header)


def text(markdown: str) -> Markdown:
    """Return prose whose numbers the notebook computed, as Markdown without machine words.

    Examples
    --------
    >>> text("sp_500 led by -0.5 points on 2026-01-12, after 1 sessions").data
    'S&P 500 led by −0.5 points on 12 January 2026, after 1 session'
    """
    return Markdown(words.prose(pairs.named(markdown)))


def claims_table(registry: claims.Registry, family: str | None) -> Table:
    """Return the claims a notebook answers for: id, article, statement, stated, as of, rule.

    Examples
    --------
    >>> run = start("dotcom_precedent", as_of="last")
    >>> "SA-12" in claims_table(run.claims, "dotcom_precedent").data
    True
    """
    rows = [
        {
            "claim": c.claim_id,
            "article": c.article,
            "statement": c.statement,
            "stated": words.value(c.stated_value)
            + (f" {c.unit}" if c.stated_number is not None and c.kind != "since" else ""),
            "as of": str(c.as_of.date()),
            "judged by": claims.rule_text({"rule": c.rule, "bound": c.bound})
            if c.rule != "none"
            else f"not testable: {c.bound}",
        }
        for c in map(registry.as_judged, registry.family(family))
    ]
    return table(pd.DataFrame(rows).set_index("claim"))


def undecided(registry: claims.Registry, family: str | None) -> pd.DataFrame:
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


def readings_table(registry: claims.Registry, family: str | None) -> Table:
    """Return the other readings that a family's rows name, and which of them change an outcome.

    Examples
    --------
    >>> run = start("dotcom_precedent", as_of="2026-01-30")
    >>> "SA-12" in str(readings_table(run.claims, "dotcom_precedent"))
    True
    """
    rows = []
    for claim in registry.family(family):
        if not claim.others or claim.as_of > registry.market.day:
            continue
        own, outcome = registry.reading(claim.claim_id)
        rows += [
            {
                "claim": claim.claim_id,
                "read": one["reading"],
                "measured": words.value(one["measured"]),
                "outcome": one["outcome"],
                "by its row": f"{words.value(own)}: {outcome}",
                "turns": "yes" if one["outcome"] not in (outcome, grading.PENDING) else "no",
            }
            for one in registry.others(claim.claim_id)
        ]
    columns = ["claim", "read", "measured", "outcome", "by its row", "turns"]
    return table(pd.DataFrame(rows, columns=columns).set_index("claim"))


def dividends_table(paid: pd.DataFrame) -> Table:
    """Return what :func:`helpers.dividends.table` found, in readers' form."""
    shown = paid.assign(
        measured=paid["measured"].map(words.value),
        could_change=paid["could_change"].map({True: "yes", False: "no"}),
    )
    return table(shown.rename(columns=lambda name: name.replace("_", " ")), {"years": 2})


def choices_table(family: multiverse.Family) -> Table:
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
    form: Callable[[float], str] = words.signed,
) -> Figure:
    """Return the figure of a specification curve, as high as its choices need.

    ``stated`` and ``form`` are as in :func:`helpers.plots.specification_curve`.
    """
    options = sum(len(labels) for _, labels in curve.choices.values())
    heights = (2.8, 0.2 * options)
    fig, axes = plots.figure(2, 1, 0.6 + sum(heights), sharex=True, height_ratios=heights)
    upper, lower = axes
    drawn = (curve.table, curve.choices, curve.place, curve.envelope)
    plots.specification_curve(upper, lower, *drawn, stated=stated, form=form)
    axes[0].set_ylabel(ylabel)
    return fig


def curve_words(curve: multiverse.Curve) -> Markdown:
    """Return what a specification curve says in a few sentences."""
    found, moved = curve.summary(), multiverse.influence(curve).iloc[0]
    said = [
        f"The choice that moves the answer most is *{moved.name}*: from {moved['lowest']} to "
        f"{moved['highest']} the mean estimate changes by {moved['spread']:.1f}."
    ]
    if found["lowest"] < 0 < found["highest"]:
        said.append(f"{found['share above zero']:.0%} of the readings lie above zero.")
    if "share with p below 5%" in found:
        said.append(f"{found['share with p below 5%']:.1%} have a placebo p below 0.05.")
    if curve.drawn is not None:
        said.append(
            f"In {len(curve.drawn)} resampled histories, in which the events say nothing about "
            "what follows, the median of all readings mostly runs from "
            f"{words.signed(found['median under the null, low'])} to "
            f"{words.signed(found['median under the null, high'])}; the observed "
            f"{words.signed(found['median'])} has a p of {found['p of the median']:.2f}."
        )
    return text(" ".join(said))


def specifications_table(registry: claims.Registry, *claim_ids: str) -> Table:
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
