"""The claims of the articles: files into claims, claims into checks, checks into text.

``registry`` reads the claims (``files``, ``terms``), ``check`` measures and judges them,
``grading`` holds the rules of judgement, ``margins`` what a verdict may be wrong by, ``record``
what a check carries and ``show`` how it looks. The names below are those that notebooks use.
"""

from helpers.claims import grading
from helpers.claims.check import Registry, load
from helpers.claims.files import ClaimError
from helpers.claims.record import Check, Checks
from helpers.claims.registry import Catalogue, Claim
from helpers.claims.show import (
    MARKS,
    MIMETYPE,
    html_table,
    line,
    plain,
    rule_text,
    show_evidence,
    show_forecast,
    show_interval,
    show_margins,
    show_robustness,
)

__all__ = [
    "MARKS",
    "MIMETYPE",
    "Catalogue",
    "Check",
    "Checks",
    "Claim",
    "ClaimError",
    "Registry",
    "grading",
    "html_table",
    "line",
    "load",
    "plain",
    "rule_text",
    "show_evidence",
    "show_forecast",
    "show_interval",
    "show_margins",
    "show_robustness",
]
