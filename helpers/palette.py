"""The colours of figures and pages: one for each side and each outcome, on light and dark paper.

Outcomes differ in lightness by steps that any colour vision and a grey printer keep; each has its
mark as well.
"""

# Small caps, large caps (Okabe and Ito's), the lead of the first, and a lag.
SMALL, LARGE, LEAD, BEHIND = "#D55E00", "#0072B2", "#5D2FBF", "#8A8A8A"
QUIET, INK, BAND = "#A9A9A9", "#222222", "#DDDDDD"
# From the darkest to white.
OUTCOMES = {
    "supported": "#00604A",
    "contradicted": "#B24787",
    "partly supported": "#5FAE93",
    "not testable": "#BFBFBF",
    "inconclusive": "#F3DC8B",
    "pending": "#FFFFFF",
}


def ink_on(color: str) -> str:
    """Return the ink, dark or white, that is read on a colour."""
    red, green, blue = (int(color[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return INK if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.18 else "#FFFFFF"
