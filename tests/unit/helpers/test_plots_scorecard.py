"""Figures of the scorecard, and the palette of all figures and pages."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from helpers import claims, palette, plots, plots_scorecard, scorecard
from helpers.claims import grading
from support.scorecard import check

C = grading.CONTRADICTED
# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color):
    rgb = np.array([int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(color, vision="normal"):
    """CIE L*a*b* of a colour as a kind of colour vision sees it."""
    seen = np.clip(np.array(VISIONS[vision]) @ linear(color), 0, 1)
    x, y, z = np.cbrt(np.maximum(TO_XYZ @ seen / [0.9505, 1, 1.089], 1e-9))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    light, dark = sorted((0.2126, 0.7152, 0.0722) @ linear(c) + 0.05 for c in (one, other))[::-1]
    return light / dark


@pytest.mark.parametrize("vision", VISIONS)
def test_outcomes_are_told_apart_with_any_colour_vision(vision):
    assert set(palette.OUTCOMES) == set(grading.OUTCOMES)
    seen = {name: lab(color, vision) for name, color in palette.OUTCOMES.items()}
    apart = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in combinations(seen, 2)}
    assert min(apart.values()) > 11, min(apart, key=apart.get)


def test_outcomes_differ_in_lightness_for_a_grey_printer():
    lightness = sorted(lab(color)[0] for color in palette.OUTCOMES.values())
    assert min(np.diff(lightness)) > 8


@pytest.mark.parametrize("color", palette.OUTCOMES.values())
def test_the_count_on_a_part_can_be_read(color):
    assert contrast(color, palette.ink_on(color)) > 4.5


@pytest.mark.parametrize("vision", VISIONS)
def test_sides_and_lead_are_told_apart(vision):
    sides = (palette.SMALL, palette.LARGE, palette.LEAD)
    for one, other in combinations((lab(color, vision) for color in sides), 2):
        assert np.linalg.norm(one - other) > 20


def test_dots_beyond_the_limit_become_arrows_with_their_distance():
    rows = [
        check("A1"),
        check("A2", outcome=C, measured=110),
        check("A3", outcome=C, measured=-50),
        check("A4", bound=0, measured=10),
        check("A5", outcome=C, bound=0, measured=9),
    ]
    fig, ax = plots.figure()
    plots_scorecard.tolerance_dots(ax, scorecard.distances(scorecard.frame(rows)), 8)
    texts = [text.get_text() for text in ax.texts]
    assert [t for t in texts if t in ("+50", "−30", "not equal")] == ["+50", "−30", "not equal"]
    assert "10 → 11" in texts
    found = {c.get_label(): np.asarray(c.get_offsets())[:, 0].tolist() for c in ax.collections}
    assert found == {
        "supported": [0.5, 0.0],
        "not supported": [],
        "far below": [-8, -8],
        "far above": [8],
    }
    plots.plt.close(fig)


def test_without_numbers_nothing_is_drawn():
    fig, ax = plots.figure()
    table = scorecard.distances(scorecard.frame([check("A1", rule="none")]))
    plots_scorecard.tolerance_dots(ax, table)
    assert not any(len(cloud.get_offsets()) for cloud in ax.collections)
    plots.plt.close(fig)


def test_bars_show_every_claim_once_each_part_with_its_mark():
    table = scorecard.frame(
        [check(f"A{n}", outcome=outcome) for n, outcome in enumerate(grading.OUTCOMES)]
    )
    fig, ax = plots.figure()
    plots_scorecard.outcome_bars(ax, {"by article": scorecard.count(table, "article")})
    widths = pd.Series([patch.get_width() for patch in ax.patches])
    assert widths.sum() == pytest.approx(100)
    texts = {text.get_text() for text in ax.texts}
    assert {f"{mark} 1" for mark in claims.MARKS.values()} <= texts
    plots_scorecard.outcome_key(ax, table["outcome"].value_counts())
    assert any(text.get_text() == "✗ contradicted 1" for text in ax.texts)
    light = [text for text in ax.texts if to_hex(text.get_color()) == "#ffffff"]
    assert light
    assert not any(text.get_path_effects() for text in light)  # a white rim would fill the letters
    plots.plt.close(fig)
