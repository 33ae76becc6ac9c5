"""What if? Another pair, a shorter streak, another day: table, figure and interval at once.

Nothing here judges a claim or writes a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import Markdown, display

from helpers import event_studies, events, notebook, plots, returns, words

if TYPE_CHECKING:
    from helpers.notebook import Run

DEFAULTS: dict[str, Any] = {
    "pair": "",
    "names": "",
    "prices": "price",
    "min_length": 12,
    "window_from": "first loss",
    "horizons": "21,63,126,252",
    "as_of": "last",
    "history_start": "1978-12-29",
    "vintage": "frozen",
}
_SHARES = dict.fromkeys(("hit_rate", "hit_low", "hit_high", "base_hit_rate"), 2)


@dataclass(frozen=True)
class Explored:
    """What followed the streaks of a pair; displayed, it is two tables and a figure.

    Attributes
    ----------
    run : Run
        The data, and the parameters that made it.
    streaks : DataFrame of shape (n_streaks, 4 + n_horizons) indexed by end
        As :func:`helpers.events.streaks` gives them, and the lead over each horizon from the
        window's start in percentage points; NaN where a window is not full.
    study : DataFrame of shape (n_horizons, 11) indexed by sessions
        As :func:`helpers.event_studies.event_study` gives it; a streak that still runs is left out.
    """

    run: Run
    streaks: pd.DataFrame
    study: pd.DataFrame

    def sentence(self) -> str:
        """Return what the longest horizon with a full window shows."""
        length = self.run.parameters.min_length
        span = f"streaks of {length} or more"
        full = self.study[self.study["n"] > 0]
        if full.empty:
            return f"No streak of {length} or more has a full window after it."
        sessions, own = full.index[-1], full.iloc[-1]
        known = f"{words.signed(own['low'], 0)} to {words.signed(own['high'], 0)}"
        sure = f"95% interval {known}" if own["n"] > 1 else "one case gives no interval"
        return (
            f"Over {words.sessions(sessions)} after {own['n']:.0f} {span} small minus large "
            f"averaged {words.signed(own['mean'])} points ({sure}), after all days "
            f"{words.signed(own['base_mean'])}; small caps led after "
            f"{own['hit_rate'] * own['n']:.0f}."
        )

    def figure(self) -> None:
        """Show the mean lead and the share of wins by horizon, with 95% intervals."""
        study = self.study
        fig, (left, right) = plots.figure(1, 2, height=3.4, sharey=True)
        labels, up = [f"{h:,} sessions" for h in study.index], range(len(study))[::-1]
        plots.dots_with_intervals(left, labels, study["mean"], study["low"], study["high"])
        rate, low, high, base = (100 * study[name] for name in _SHARES)
        plots.dots_with_intervals(right, labels, rate, low, high)
        for ax, ticks in ((left, study["base_mean"]), (right, base)):
            ax.scatter(ticks, up, marker="|", s=160, color=plots.INK, label="all days")
        left.set_xlabel("mean small minus large, percentage points")
        right.set_xlabel("small caps led, percent of cases")
        right.set_xlim(-3, 103)
        plots.show(
            fig,
            self.sentence(),
            "Left, mean lead of small caps after streaks by horizon with 95% intervals; right, the "
            "share of streaks after which they led; ticks show the same after all days.",
            "Dots: after streaks, with 95% interval; ticks: after all days; windows not full are "
            "left out",
        )

    def _ipython_display_(self) -> None:
        display(notebook.table(self.study, _SHARES | {"n": 0, "dropped": 0}))
        self.figure()
        display(notebook.table(self.streaks))


def streaks(run: Run | None = None, **changes: Any) -> Explored:
    """Ask what followed the streaks of small against large caps.

    Parameters
    ----------
    run : Run, optional
        A run whose parameters hold where nothing else is asked for; without it ``DEFAULTS`` do.
    **changes
        Any of ``DEFAULTS``: ``pair`` ("small.csv, large.csv") with ``names`` and ``prices``,
        ``min_length`` (sessions), ``window_from``, ``horizons`` (sessions), ``as_of``,
        ``history_start``, ``vintage``.

    Returns
    -------
    Explored

    Raises
    ------
    ParameterError
        For an unknown name or an impossible value.

    Examples
    --------
    >>> found = streaks(min_length=12, window_from="last win", horizons=252)
    >>> found.study.loc[252, ["n", "mean"]].astype(float).round(2).tolist()
    [4.0, -0.39]
    """
    given = {**DEFAULTS, **(vars(run.parameters) if run else {}), **changes}
    notebook.unknown([*changes], DEFAULTS)
    run = notebook.start(None, **{name: given[name] for name in DEFAULTS})
    p, closes = run.parameters, run.market.closes.loc[run.parameters.history_start :]
    leads = returns.lead(returns.simple_returns(closes))
    table = events.streaks(leads, p.min_length)
    start = events.window_starts(table, closes.index, p.window_from)
    for h in p.horizons:
        after = 100 * events.forward_leads(closes, start, h)["lead"].to_numpy()
        table[f"lead, {h} sessions"] = after
    ended = events.window_starts(
        events.earlier_streaks(leads, p.min_length), closes.index, p.window_from
    )
    study = event_studies.event_study(closes, ended, p.horizons)
    return Explored(run, table.set_index("end"), study)


def panel(run: Run | None = None) -> Any:
    """Return controls that ask anew with each change, or how to ask without them.

    The controls need ipywidgets (``pip install 'rotation-claims[explore]'``) and a notebook that
    somebody looks at: ``make explore`` and ``make lab`` say so by ``ROTATION_PANEL=1``.
    """
    import os

    try:
        import ipywidgets as widgets
    except ImportError:
        widgets = None
    if widgets is None or not os.environ.get("ROTATION_PANEL"):
        return Markdown(
            "`make explore` shows controls here. Without them: change a value in the first cell "
            "and run all cells, or ask in a cell of your own, such as "
            "`explore.streaks(run, min_length=9, pair='small.csv, large.csv')`."
        )
    return _controls(widgets, run)


def _controls(widgets: Any, run: Run | None) -> Any:
    given = {**DEFAULTS, **(vars(run.parameters) if run else {})}
    wide = {"style": {"description_width": "8em"}, "layout": {"width": "26em"}}
    late = {"continuous_update": False}
    horizons = given["horizons"]
    text = horizons if isinstance(horizons, str) else ",".join(map(str, horizons))
    fields = {
        "pair": widgets.Text(given["pair"], placeholder="small.csv, large.csv", **late, **wide),
        "names": widgets.Text(given["names"], placeholder="IWM,SPY", **late, **wide),
        "prices": widgets.Dropdown(
            options=["price", "total return"], value=given["prices"], **wide
        ),
        "min_length": widgets.IntSlider(given["min_length"], min=1, max=30, **late, **wide),
        "window_from": widgets.Dropdown(
            options=["first loss", "length reached", "last win"], value=given["window_from"], **wide
        ),
        "horizons": widgets.Text(text, **late, **wide),
        "as_of": widgets.Text(given["as_of"], **late, **wide),
        "history_start": widgets.Text(given["history_start"], **late, **wide),
    }
    for name, field in fields.items():
        field.description = name.replace("_", " ")

    def ask(**changes: Any) -> None:
        try:
            display(streaks(run, **changes))
        except ValueError as error:  # an InputError: what was expected, in one line
            display(Markdown(f"**{error}**"))

    shown = widgets.interactive_output(ask, fields)
    return widgets.VBox([widgets.GridBox([*fields.values()], layout=_GRID), shown])


_GRID = {"grid_template_columns": "repeat(2, 27em)"}
