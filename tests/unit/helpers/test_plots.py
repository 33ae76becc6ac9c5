from __future__ import annotations

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from PIL import Image

from helpers import pictures, plots

SOURCE = "Source: data vintage frozen, closes to 2026-01-22"


@pytest.fixture(autouse=True)
def styled():
    plots.style(SOURCE)
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return plots.figure()[1]


@pytest.fixture
def paths() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(6, 9)).cumsum(axis=0), columns=list("abcdefghi"))
    frame.loc[4:, "c"] = np.nan
    return frame


def line(ax, label: str):
    (found,) = [one for one in ax.get_lines() if one.get_label() == label]
    return found


def texts(ax) -> list[str]:
    return [one.get_text() for one in ax.texts]


class TestShow:
    @pytest.fixture(autouse=True)
    def capture(self, monkeypatch):
        self.outputs = []
        monkeypatch.setattr(plots, "display", lambda data, raw: self.outputs.append((data, raw)))

    def shown(self, title="Small caps led", alt="A rising line.", note="n = 4"):
        """The finished figure, and the data of the one output it made."""
        fig, ax = plots.figure()
        ax.plot([1, 2, 3], [4, 5, 6], label="level")
        self.outputs.clear()
        plots.show(fig, title, alt, note)
        ((data, raw),) = self.outputs
        assert raw
        return fig, data

    def png(self, **words) -> bytes:
        return base64.b64decode(pictures.read(self.shown(**words)[1]).png)

    def test_is_a_png_with_its_words_beside_and_inside(self):
        title, alt = 'Small caps > large caps & "led"', "A rising line, “quoted”: <b>4 to 6</b>."
        _, data = self.shown(title, alt)
        found = pictures.read(data)
        assert (found.finding, found.alt) == (title, alt)
        image = Image.open(io.BytesIO(base64.b64decode(found.png)))
        assert image.width == plots.WIDTH * plots.DPI
        assert image.text == {"Title": title, "Description": alt}

    def test_html_gives_every_viewer_the_alt_text_and_the_caption(self):
        page = BeautifulSoup(self.shown()[1]["text/html"], "html.parser")
        assert page.img["alt"] == "A rising line."
        assert page.figcaption.get_text() == "Small caps led"

    def test_plain_text_tells_title_and_data(self):
        text = self.shown()[1]["text/plain"]
        assert text.startswith("Small caps led\naxes 1:")
        assert "level: n=3 first=4 last=6 sum=15" in text

    def test_note_and_source_stand_in_the_figure(self):
        note = " ".join(["n = 4"] * 40)
        (foot,) = self.shown(note=note)[0].texts
        assert foot.get_text().count("\n") >= 1
        assert foot.get_text().replace("\n", " ") == f"{note}. {SOURCE}"

    @pytest.mark.parametrize("words", [{"title": ""}, {"alt": ""}])
    def test_title_and_alt_text_are_required(self, words):
        with pytest.raises(ValueError, match="expects a title that states its finding"):
            self.shown(**words)

    def test_same_figure_same_bytes_and_no_version_in_them(self):
        first, second = (self.png() for _ in range(2))
        assert first == second
        assert b"Software" not in first
        assert b"matplotlib" not in first.lower()

    def test_closes_the_figure(self):
        fig = self.shown()[0]
        assert not plt.fignum_exists(fig.number)


class TestDescribe:
    def test_is_the_same_for_the_same_data(self, paths):
        def told() -> str:
            fig, ax = plots.figure()
            plots.fan(ax, paths)
            return plots.describe(fig)

        assert told() == told()

    def test_leaves_out_what_is_missing(self, ax):
        ax.plot([1, 2, 3], [np.nan, 2.0, np.nan], label="gaps")
        ax.plot([1], [np.nan], label="nothing")
        told = plots.describe(ax.figure)
        assert "line gaps: n=1 first=2 last=2 sum=2" in told
        assert "line nothing: n=0" in told

    @pytest.mark.parametrize("changed", ["values", "lows", "highs"])
    def test_notices_a_changed_dot_or_interval(self, changed):
        def told(**changes) -> str:
            fig, ax = plots.figure()
            data = {"values": [1.0, 2.0], "lows": [0.0, 1.0], "highs": [2.0, 3.0]} | changes
            plots.dots_with_intervals(ax, ["a", "b"], **data)
            return plots.describe(fig)

        assert told() != told(**{changed: [0.5, 1.5]})

    def test_notices_a_changed_bar(self):
        def told(values) -> str:
            fig, ax = plots.figure()
            plots.bars_by_sign(ax, ["a", "b"], values, "percent")
            return plots.describe(fig)

        assert told([1.0, -2.0]) != told([1.0, -2.5])

    def test_names_axes_and_their_units(self, ax):
        ax.set(xlabel="sessions", ylabel="percentage points")
        assert plots.describe(ax.figure) == "axes 1: x sessions, y percentage points"


class TestPlottedData:
    def test_pair_plots_the_small_side_first_and_in_its_colour(self, ax):
        frame = pd.DataFrame({"Russell 2000": [1.0, 2, 3], "S&P 500": [1.0, 1, 2]})
        plots.pair(ax, frame)
        for name, color in (("Russell 2000", plots.SMALL), ("S&P 500", plots.LARGE)):
            assert line(ax, name).get_ydata().tolist() == frame[name].tolist()
            assert to_hex(line(ax, name).get_color()) == color.lower()
        assert texts(ax) == ["Russell 2000", "S&P 500"]

    def test_fan_plots_median_and_middle_half_of_the_paths_there_are(self, ax, paths):
        plots.fan(ax, paths)
        present = [[x for x in row if not np.isnan(x)] for row in paths.to_numpy()]
        assert [len(row) for row in present] == [9, 9, 9, 9, 8, 8]
        assert line(ax, "median").get_ydata() == pytest.approx([np.median(row) for row in present])
        (band,) = ax.collections
        corners = band.get_paths()[0].vertices
        for step, row in enumerate(present):
            edges = corners[corners[:, 0] == step, 1]
            assert edges.min() == pytest.approx(np.percentile(row, 25))
            assert edges.max() == pytest.approx(np.percentile(row, 75))

    def test_fan_plots_every_path(self, ax, paths):
        plots.fan(ax, paths, {"a": "2008"})
        drawn = [one.get_ydata() for one in ax.get_lines() if one.get_label() == "_path"]
        assert np.column_stack(drawn) == pytest.approx(paths.to_numpy(), nan_ok=True)
        assert "2008" in texts(ax)

    def test_dots_stand_top_to_bottom_with_their_intervals(self, ax):
        plots.dots_with_intervals(
            ax, ["first", "second"], [1.0, -2.0], [0.5, np.nan], [1.5, np.nan]
        )
        (dots,) = [c for c in ax.collections if isinstance(c, PathCollection)]
        assert dots.get_offsets().tolist() == [[1.0, 1.0], [-2.0, 0.0]]
        (spans,) = [c for c in ax.collections if not isinstance(c, PathCollection)]
        assert spans.get_segments()[0].tolist() == [[0.5, 1.0], [1.5, 1.0]]
        ticks = dict(
            zip(ax.get_yticks(), [t.get_text() for t in ax.get_yticklabels()], strict=True)
        )
        assert ticks == {1: "first", 0: "second"}

    def test_bars_have_the_colour_of_who_led(self, ax):
        plots.bars_by_sign(ax, ["small", "large"], [3.0, -1.25], "percentage points")
        assert [bar.get_width() for bar in ax.patches] == [3.0, -1.25]
        colors = [to_hex(bar.get_facecolor()) for bar in ax.patches]
        assert colors == [plots.LEAD.lower(), plots.BEHIND.lower()]
        assert texts(ax) == ["+3.0", "−1.2"]
        assert ax.get_xlabel() == "percentage points"

    def test_shade_covers_each_span(self, ax):
        plots.shade(ax, pd.DataFrame({"start": [1.0, 5.0], "end": [2.0, 7.0]}))
        assert [(p.get_x(), p.get_width()) for p in ax.patches] == [(1, 1), (5, 2)]


class TestSpecificationCurve:
    TABLE = pd.DataFrame(
        {
            "estimate": [-2.0, 1.0, 4.0],
            "low": [-3.0, np.nan, 2.0],
            "high": [-1.0, np.nan, 6.0],
            "least": ["12", "8", "8"],
            "start": ["end", "end", "loss"],
        },
        index=[2, 0, 1],
    )

    @pytest.fixture
    def choices(self):
        return {"least": ("shortest streak", ["12", "8"]), "start": ("window", ["end", "loss"])}

    @pytest.fixture
    def drawn(self, choices):
        upper, lower = plots.figure(2, 1, 4.0, sharex=True)[1]
        envelope = pd.DataFrame({"low": [-5.0, -1, 1], "high": [-1.0, 2, 9]})
        plots.specification_curve(upper, lower, self.TABLE, choices, 1, envelope, 4.2)
        return upper, lower

    @staticmethod
    def dots(ax, label: str):
        (found,) = [one for one in ax.collections if one.get_label() == label]
        return found

    def test_estimates_stand_in_order_in_the_colour_of_who_led(self, drawn):
        dots = self.dots(drawn[0], "estimates")
        assert dots.get_offsets().tolist() == [[0, -2], [1, 1], [2, 4]]
        colors = [to_hex(color) for color in dots.get_facecolors()]
        assert colors == [plots.BEHIND.lower(), plots.LEAD.lower(), plots.LEAD.lower()]

    def test_median_own_reading_and_what_is_stated_are_named(self, drawn):
        upper = drawn[0]
        assert self.dots(upper, "median").get_offsets().tolist() == [[1, 1]]
        assert self.dots(upper, "own reading").get_offsets().tolist() == [[1, 1]]
        assert set(line(upper, "stated").get_ydata()) == {4.2}
        assert {"median +1.0", "own reading +1.0", "stated +4.2"} <= set(texts(upper))
        for ax in drawn:
            assert set(line(ax, "_own").get_xdata()) == {1}

    def test_intervals_and_the_null_lie_behind(self, drawn):
        spans = [one for one in drawn[0].collections if not isinstance(one, PathCollection)]
        ends = [segment[:, 1].tolist() for segment in spans[0].get_segments() if len(segment)]
        assert [-3.0, -1.0] in ends
        assert [2.0, 6.0] in ends
        assert line(drawn[0], "null low").get_ydata().tolist() == [-5, -1, 1]
        assert line(drawn[0], "null high").get_ydata().tolist() == [-1, 2, 9]

    def test_panel_marks_each_option_of_each_specification(self, drawn):
        lower = drawn[1]
        names = [tick.get_text() for tick in lower.get_yticklabels()]
        assert names == ["12", "8", "end", "loss"]
        assert (np.diff(lower.get_yticks()) < 0).all()
        for at, marked, group in zip(
            lower.get_yticks(), [[0], [1, 2], [0, 1], [2]], lower.collections, strict=True
        ):
            segments = group.get_segments()
            assert [segment[0, 0] for segment in segments] == marked
            assert all(segment[:, 1].mean() == pytest.approx(at) for segment in segments)
        assert texts(lower) == ["shortest streak", "window"]

    def test_without_own_reading_null_or_stated_value_none_is_drawn(self, choices):
        upper, lower = plots.figure(2, 1, 4.0, sharex=True)[1]
        plots.specification_curve(upper, lower, self.TABLE, choices, -1)
        assert texts(upper) == ["median +1.0"]
        labels = {one.get_label() for one in (*upper.get_lines(), *lower.get_lines())}
        assert not labels & {"stated", "null low", "null high", "_own"}


def test_a_note_ends_within_the_figure():
    fig, ax = plots.figure()
    ax.plot([0, 1])
    plots.show(fig, "A line", "A line.", "WWWW 0000 mmmm " * 12)
    fig.canvas.draw()
    (foot,) = fig.texts
    assert foot.get_window_extent().x1 <= fig.bbox.x1
