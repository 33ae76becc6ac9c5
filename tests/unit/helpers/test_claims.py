from __future__ import annotations

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import claims, specifications, words
from helpers.claims import MIMETYPE, Checks, ClaimError, grading
from helpers.interval import Interval
from helpers.measures import Measured
from helpers.multiverse import STATISTIC, Choice, Family, Option, Sample
from support.data import claim_of

HOSTILE = "<script>alert('x')</script> & <img src=x onerror=y>"

# The keys that README and results.json promise for every check.
PROMISED = {
    *("claim_id", "article", "family", "statement", "kind", "stated", "measured", "unit"),
    *("as_of", "tolerance", "rule", "bound", "interval", "n", "fidelity", "outcome", "reason"),
    *("robustness", "note"),
}


class Tags(HTMLParser):
    """The tags of a piece of HTML, in order, and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture(scope="module")
def every(loaded_claims) -> Checks:
    registry = replace(loaded_claims, checked=set())
    return registry.checks(*registry.claims)


def as_of(registry, market, day: str):
    return replace(registry, market=market.until(day))


class TestPlain:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (3.0, 3),
            (-0.0, 0),
            (1 / 3, 0.3333333333),
            (123456.7890123, 123456.789),
            (1e-12 / 3, 3.333333333e-13),
            (float("nan"), None),
            (float("inf"), None),
            (np.float64(2.5), 2.5),
            (np.int64(7), 7),
            (np.bool_(True), True),
            (np.nan, None),
            (pd.Timestamp("2026-01-12"), "2026-01-12"),
            ({"x": (1.0, np.nan)}, {"x": [1, None]}),
            ({2019: 0.5}, {"2019": 0.5}),
            (True, True),
            ("text", "text"),
            (
                Interval(0.123456789012, 1.0, 0.95, "t"),
                {"low": 0.123456789, "high": 1, "level": 0.95, "method": "t"},
            ),
        ],
    )
    def test_value(self, value, expected):
        found = claims.plain(value)
        assert found == expected
        assert type(found) is type(expected)

    @given(st.floats(-1e300, 1e300))
    def test_floats_keep_ten_significant_digits(self, value):
        found = claims.plain(value)
        assert math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-300)
        assert isinstance(found, int) == float(found).is_integer()
        assert claims.plain(found) == found

    @pytest.mark.parametrize("value", [{1, 2}, object(), pd.NaT, 1j])
    def test_other_types_are_refused(self, value):
        with pytest.raises(TypeError, match="expected a number, text, list, dict or Interval"):
            claims.plain(value)


class TestPayload:
    def test_is_plain_json_for_every_claim(self, every):
        for check in every:
            payload = check.payload()
            assert json.loads(json.dumps(payload, allow_nan=False)) == payload
            assert set(payload) >= PROMISED

    def test_outcome_and_fidelity_are_of_the_closed_lists(self, every):
        for payload in (check.payload() for check in every):
            assert payload["outcome"] in grading.OUTCOMES
            assert payload["reason"] in grading.REASONS
            assert payload["fidelity"] in grading.FIDELITIES

    def test_measured_has_the_form_of_what_is_stated(self, every):
        for payload in (check.payload() for check in every if check.measured is not None):
            if payload["rule"] == "same set":
                assert isinstance(payload["measured"], list)
            if payload["rule"] in ("within", "rank", *grading.SIDES) and not isinstance(
                payload["bound"], dict
            ):
                estimates = payload["reading"] == "estimates"
                assert isinstance(payload["measured"], dict if estimates else (int, float))

    def test_the_first_named_interval_is_the_headline(self, registry):
        payload = registry.check("AI-10").payload()
        assert list(payload["intervals"]) == ["mean", "median", "hit rate"]
        assert payload["interval"] == payload["intervals"]["mean"]
        assert set(payload["interval"]) == {"low", "high", "level", "method"}

    def test_a_nan_is_null_and_says_why(self, registry):
        payload = registry.check("HR-42", float("nan"), n=0).payload()
        assert payload["measured"] is None
        assert (payload["outcome"], payload["reason"]) == ("inconclusive", "not measured")

    @pytest.mark.parametrize(
        ("stated", "value", "number"),
        [
            ("7.1", 7.1, 7.1),
            ("22.0", 22, 22.0),
            ("3.50;3.75", [3.5, 3.75], None),
            ("2008-06;2010-10", ["2008-06", "2010-10"], None),
            ("12 to 15", "12 to 15", None),
            ("", "", None),
            # What Python reads as numbers and a reader would not.
            ("nan", "nan", None),
            ("inf", "inf", None),
            ("1_000", "1_000", None),
            ("٣", "٣", None),
        ],
    )
    def test_stated_value(self, loaded_claims, stated, value, number):
        claim = replace(loaded_claims.get("AI-02"), stated=stated)
        assert (claim.stated_value, claim.stated_number) == (value, number)


class TestFidelity:
    @pytest.mark.parametrize(
        ("claim_id", "fidelity"),
        [
            ("HR-42", "same data"),
            ("HR-70", "proxy"),
            ("SA-12", "revised data"),
            ("SA-11", "proxy"),
            ("HR-21", "dated readings"),
            ("HR-16", "arithmetic"),
            ("HR-14", "none"),
            ("HR-47", "none"),
            ("AI-15", "dated readings"),
        ],
    )
    def test_follows_basis_and_tables(self, registry, claim_id, fidelity):
        assert registry.check(claim_id).fidelity == fidelity


class TestDue:
    @pytest.mark.parametrize(
        ("day", "outcome"), [("2026-01-16", "pending"), ("2026-01-20", "supported")]
    )
    def test_a_claim_is_pending_before_its_day(self, registry, market, day, outcome):
        check = as_of(registry, market, day).check("HR-04")
        assert check.grade.outcome == outcome
        assert (check.measured is None) == (outcome == "pending")

    def test_a_forecast_shows_its_value_so_far(self, registry):
        check = registry.check("SA-17")
        assert check.grade == grading.Grade("pending", "not due")
        assert isinstance(check.measured, float)
        assert check.beside.startswith("so far, by 2026-10-07: ")

    def test_a_forecast_whose_window_has_not_begun_shows_nothing(self, registry, market):
        check = as_of(registry, market, "2026-01-22").check("HR-51")
        assert check.grade == grading.Grade("pending", "not due")
        assert (check.measured, check.beside) == (None, "nothing to measure yet")

    def test_a_value_measured_by_hand_waits_too(self, registry, market):
        check = as_of(registry, market, "2026-01-16").check("HR-04", 11)
        assert (check.measured, check.grade.outcome) == (None, "pending")

    def test_what_cannot_be_tested_is_said_at_any_time(self, registry, market):
        check = as_of(registry, market, "2000-01-03").check("HR-14")
        assert check.grade == grading.Grade("not testable", "no definition")


class TestCheck:
    def test_a_value_measured_by_hand_is_judged_by_the_row(self, registry):
        interval = Interval(-1.0, 2.0, 0.95, "t")
        check = registry.check("HR-61", 6, interval=interval, n=4, beside="why")
        payload = check.payload()
        assert payload["outcome"] == "supported"
        assert (payload["n"], payload["beside"], payload["robustness"]) == (4, "why", None)
        assert payload["interval"]["high"] == 2

    def test_a_value_that_does_not_fit_the_rule_is_one_line(self, registry):
        with pytest.raises(ClaimError, match=r"^claim HR-42: expected a number, got 'much'$"):
            registry.check("HR-42", "much")

    def test_an_objection_explains_a_contradiction(self, registry):
        assert registry.check("HR-23").grade == grading.Grade("contradicted", "not a trading day")

    @pytest.mark.parametrize(
        ("claim_id", "reason"), [("NX-03", "contradicts itself"), ("XA-01", "articles disagree")]
    )
    def test_arithmetic_names_who_disagrees(self, registry, claim_id, reason):
        assert registry.check(claim_id).grade == grading.Grade("contradicted", reason)

    def test_rest_checks_each_claim_of_a_family_once(self, registry):
        family = [claim.claim_id for claim in registry.family("analog_2019")]
        first = registry.checks(*family[:3])
        rest = registry.rest("analog_2019")
        assert [c.claim.claim_id for c in (*first, *rest)] == family
        assert len(registry.rest("analog_2019")) == 0

    def test_another_reading_is_no_check(self, registry):
        value, outcome = registry.reading("HR-61", min_length=8)
        assert value > registry.check("HR-61").measured
        assert outcome == "contradicted"
        assert registry.reading("HR-61", 6)[1] == "supported"
        assert registry.checked == {"HR-61"}

    def test_another_reading_waits_for_its_day(self, registry, market):
        early = as_of(registry, market, "2026-01-16")
        assert early.reading("HR-61") == (None, "pending")
        assert early.reading("HR-61", as_of="2026-01-16")[0] == 4

    @pytest.mark.parametrize("changes", [{"min_length": None}, {"colour": 3}, {"min_length": 0}])
    def test_another_reading_that_cannot_be_measured_is_one_line(self, registry, changes):
        with pytest.raises(ClaimError, match=r"^claim HR-61: "):
            registry.reading("HR-61", **changes)


class TestRobustness:
    """Claim ZZ-01 states 28.9, tolerance 0.15; its specifications are made up here."""

    @pytest.fixture
    def check(self, registry, claim_row, monkeypatch):
        def check(estimates, key="", resampled=False, **row):
            choice = Choice("one", "one", tuple(Option(str(v), v, f"{v}") for v in estimates))
            statistic = Choice(STATISTIC, "statistic", (Option("value", "value", "one number"),))
            family = Family(
                *("toy", ("ZZ-01",), "how much", "percent", (choice, statistic)),
                sample=lambda history, one: Sample(np.array([float(one)]), np.array([0])),
                key=key,
                resampled=resampled,
            )
            monkeypatch.setattr(specifications, "BY_CLAIM", {"ZZ-01": family})
            claim = claim_of(claim_row | row)
            return replace(registry, claims={"ZZ-01": claim}).check("ZZ-01")

        return check

    def test_few_that_agree_reverse_nothing_without_a_reference(self, check):
        """These have no histories to say what share was to be expected."""
        found = check([28.9, 20.0, 30.0])
        assert found.grade == grading.Grade("supported", "within tolerance")
        assert (found.robustness, found.specifications) == (pytest.approx(1 / 3), 3)

    @pytest.mark.parametrize(("p_true", "outcome"), [(0.04, "inconclusive"), (0.06, "supported")])
    def test_few_that_agree_reverse_a_verdict_if_that_is_improbable(
        self, check, monkeypatch, p_true, outcome
    ):
        found = SimpleNamespace(speaks_against=p_true < 0.05)
        monkeypatch.setattr(claims.check.multiverse, "curve", lambda *_, **__: None)
        monkeypatch.setattr(claims.check.robustness, "robustness", lambda *_: found)
        assert check([28.9, 20.0, 30.0], resampled=True).grade.outcome == outcome

    def test_at_one_half_it_stands(self, check):
        found = check([28.9, 20.0, 30.0, 29.0])
        assert found.grade == grading.Grade("supported", "within tolerance")
        assert found.robustness == 0.5

    def test_nothing_to_look_at_does_not_count(self, check):
        found = check([28.9, float("nan"), 20.0])
        assert (found.robustness, found.specifications) == (0.5, 2)
        found = check([float("nan")])
        assert (found.robustness, found.specifications) == (None, None)
        assert found.grade.outcome == "supported"

    def test_the_rule_of_the_key_judges(self, check):
        row = {
            "as_of": "2026-01-22",
            "call": '{"measure": "lead_in_recessions"}',
            "rule": "all of",
            "bound": '{"share below zero": {"above": 0.5}, "mean": {"below": 0}}',
        }
        found = check([-1.0, 2.0, -3.0], key="mean", **row)
        assert found.robustness == pytest.approx(2 / 3)
        assert found.grade == grading.Grade("supported", "all conditions hold")
        assert check([-1.0, 2.0, 0.0], key="mean", **row).robustness == pytest.approx(1 / 3)
        # Without a condition of that name there is nothing to judge the estimates by.
        with pytest.raises(ClaimError) as caught:
            check([-1.0], key="median", **row)
        assert str(caught.value) == (
            "claim ZZ-01: bound: expected all of, with a rule for 'median', by which its "
            "specifications are judged"
        )

    def test_key_without_keyed_bound_is_one_line(self, check):
        with pytest.raises(ClaimError, match=r"^claim ZZ-01: bound: expected all of, with a rule"):
            check([29.0], key="mean")

    def test_what_is_not_due_waits(self, registry, market):
        found = as_of(registry, market, "2026-01-16").check("HR-42")
        assert (found.robustness, found.specifications, found.p) == (None, None, None)
        assert found.grade.outcome == "pending"

    def test_a_user_s_own_table_has_no_other_specifications(self, registry):
        check = registry.check("AI-13")
        own = claims.check._on_own_table(
            check, Measured({"1998": -0.2, "1999": -0.1, "2000": -0.1})
        )
        assert check.robustness is not None
        assert (own.robustness, own.specifications, own.p) == (None, None, None)

    def test_claims_with_declared_specifications_have_one_and_no_other(self, every):
        for check in every:
            declared = check.claim.claim_id in specifications.BY_CLAIM
            assert (check.robustness is not None) == (check.specifications is not None) == declared
            if declared:
                assert 0 <= check.robustness <= 1

    def test_only_tendencies_have_a_p_value(self, every):
        tendencies = {"AI-10", "HR-67", "HR-70", "CS-21"}  # CS-22 counts windows that overlap
        assert {check.claim.claim_id for check in every if check.p is not None} == tendencies
        assert all(0 < check.p <= 1 for check in every if check.p is not None)

    def test_is_told_beside_the_interval(self, registry):
        check = registry.check("AI-10")
        shown = claims.html_table([check.payload()])
        assert f"{check.robustness:.0%} of {check.specifications} specifications agree" in shown
        assert f"p = {words.p_value(check.p)} by chance" in shown

    def test_agreement_is_judged_by_the_row(self, registry):
        # HR-42 states 4.2, tolerance 1; AI-10 asks for a mean above zero.
        found = registry.agreement("HR-42", [3.2, 5.2, float("nan"), 3.19, 5.21])
        assert found.tolist() == [True, True, False, False]
        assert registry.agreement("AI-10", [0.1, 0.0, -3]).tolist() == [True, False, False]


class TestUnknown:
    @pytest.mark.parametrize(
        ("claim_id", "expected"),
        [
            ("HR-99", "HR-01 to HR-74"),
            ("hr-42", "HR-01 to HR-74"),
            ("QQ-01", "AI-…, CS-…, HR-…, NX-…, SA-…, XA-…"),
            ("", "AI-…, CS-…"),
            (None, "AI-…, CS-…"),
        ],
    )
    def test_id_is_one_line_that_helps(self, registry, claim_id, expected):
        with pytest.raises(ClaimError) as caught:
            registry.check(claim_id)
        assert f"claim {claim_id!r} is in no article; expected one of {expected}" in str(
            caught.value
        )
        assert caught.value._render_traceback_() == [f"ClaimError: {caught.value}"]

    def test_family_is_one_line_that_lists_them(self, registry):
        with pytest.raises(ClaimError, match=r"family 'astrology' is not known; expected one of a"):
            registry.family("astrology")


class TestDisplay:
    def test_one_output_carries_all_checks_once(self, registry):
        checks = registry.checks("HR-42", "HR-28", "HR-14")
        bundle = checks._repr_mimebundle_()
        assert [key for key in bundle if key.endswith("+json")] == [MIMETYPE]
        assert [p["claim_id"] for p in bundle[MIMETYPE]] == ["HR-42", "HR-28", "HR-14"]
        assert bundle["text/plain"].count("\n") == 2

    def test_ipython_shows_the_bundle(self, registry):
        """A list would be printed as text: the checks must not be one."""
        from IPython.core.formatters import DisplayFormatter

        for shown in (registry.check("HR-42"), registry.checks("HR-42", "HR-28")):
            data, _ = DisplayFormatter().format(shown)
            assert {MIMETYPE, "text/html", "text/plain"} <= set(data)

    def test_no_check_at_all_is_shown_too(self, registry):
        bundle = registry.checks()._repr_mimebundle_()
        assert bundle[MIMETYPE] == []
        assert bundle["text/plain"] == "no claims"

    def test_hostile_text_is_escaped(self, registry):
        check = registry.check("HR-42", 4.0, beside=HOSTILE)
        hostile = replace(
            check.claim, statement=HOSTILE, note=HOSTILE, unit=HOSTILE, stated=HOSTILE
        )
        html = replace(check, claim=hostile)._repr_mimebundle_()["text/html"]
        tags = Tags(html)
        assert set(tags.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "b", "br", "small"}
        assert tags.attributes <= {"style", "scope", "class"}
        assert html.count("&lt;script&gt;") == 5

    def test_hostile_measured_names_are_escaped(self, registry):
        check = registry.check("AI-01", {"longer": HOSTILE, "as long": "2019"})
        html = check._repr_mimebundle_()["text/html"]
        assert "<script" not in html

    def test_table_is_well_formed(self, every):
        html = every._repr_mimebundle_()["text/html"]
        tags = Tags(html).tags
        assert tags.count("tr") == len(every) + 1
        assert tags.count("td") == 5 * len(every)
        assert html.count("<td") == html.count("</td>")

    def test_every_outcome_has_a_mark(self):
        assert set(claims.MARKS) == set(grading.OUTCOMES)

    @pytest.mark.parametrize(
        ("claim_id", "text"),
        [
            ("HR-42", "within 1"),
            ("HR-14", "none"),
            ("AI-10", "all of: mean above 0; median above 0; hit rate above 0.5"),
            ("XA-04", "in range −2.15, −1.85"),
        ],
    )
    def test_rule_in_words(self, registry, claim_id, text):
        assert claims.rule_text(registry.check(claim_id).payload()) == text

    def test_interval_in_words(self, registry):
        text = claims.show_interval(registry.check("AI-10").payload())
        assert text.startswith("mean ")
        assert "(95%, t)" in text
        assert "(95%, Clopper-Pearson)" in text
        assert "; n = 9; p = " in text
        assert claims.show_interval(registry.check("HR-14").payload()) == "–"


def test_claims_and_market_show_themselves_in_a_line(registry, market):
    assert repr(registry) == "172 claims of 5 articles; to_frame() lists them"
    assert len(repr(market)) < 500
    assert repr(market).startswith("vintage frozen; closes 1978-12-29 to 2026-10-07, 12,041 sess")
    assert len(registry._repr_html_()) < 30_000


def test_claims_are_a_table_to_search(registry):
    table = registry.to_frame()
    assert list(table.index) == list(registry.claims)
    assert "HR-42" in table[table["statement"].str.contains("streak")].index
    assert table.loc["HR-42", ["family", "stated"]].tolist() == ["post_streak_outcomes", "4.2"]
    assert (table["as_of"].dtype.kind, table["unit"].isna().sum()) == ("M", 0)


def test_what_was_not_published_by_the_day_of_a_run_decides_nothing(loaded_claims, market):
    early = loaded_claims.on(market.until("2026-01-12", known=True))
    assert early.market.hidden
    assert not market.hidden
    assert not market.until(market.last, known=True).hidden
    prices = early.check("SA-14")  # consumer prices of December came out on 13 January
    assert (prices.grade.outcome, prices.grade.reason) == ("inconclusive", "not measured")
    assert prices.beside == "what decides it was not published by 2026-01-12"
    dated = loaded_claims.on(market.until("2026-01-12")).check("SA-14")
    assert dated.grade.outcome == "supported"


def test_a_forecast_shows_how_often_it_comes_true_anyway(registry):
    base = {"horizon": 50, "base_rate": 0.4795, "base_low": 0.417, "base_high": 0.5425}
    check = registry.check("NX-13", base={**base, "windows": 240, "drift": 0.155})
    assert claims.show_forecast(check.payload()) == (
        "comes true from 48% of all start days (42% to 54%, 240 windows); mean of all +0.2, "
        "here −1.0 beyond it"
    )
    assert check.payload()["forecast"]["came_true"] is False
    assert claims.show_forecast(registry.check("AI-02").payload()) == ""


def test_a_check_names_a_session_that_its_source_lacked(loaded_claims, market):
    gap = pd.Timestamp("2026-01-07")
    closes = market.closes.drop(gap)
    lacking = loaded_claims.on(replace(market, closes=closes, missing=pd.DatetimeIndex([gap])))
    within = "the source lacked the closes of 2026-01-07, which are within this"
    assert within in lacking.check("CS-01").beside  # the year to 16 January
    assert within not in lacking.check("AI-02").beside  # December 2018
    assert "lacked" not in loaded_claims.on(market).check("CS-01").beside
