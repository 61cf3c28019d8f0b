import re
from pathlib import Path

import pytest

from flows.steps.release.comparison_page import comparison_page
from handrail.use_case import read_use_case
from tests.fakes.compared import COMPARED

CASE = read_use_case(Path(__file__).parents[3])
FOUND = COMPARED | {"champion": "bentoml://<b>"}


def test_the_page_says_on_what_both_were_judged():
    page = comparison_page(FOUND, CASE, "flights version 4", "2013-09")

    assert "the same 28,220 flights of 2013-09, in 30 days" in page
    for words in ("0.4223", "0.4100", "+0.0123", "-0.0010 to +0.0250", "sha256:abcdef", "is not worse"):
        assert words in page


def test_the_page_needs_nothing_else_and_shows_names_as_text():
    page = comparison_page(FOUND, CASE, "<script>alert(1)</script>", "2013-09")

    assert not re.search(r"<script|<link|src=|href=|url\(|<b>", page)


@pytest.mark.parametrize(
    ("low", "not_worse", "words"), [(0.001, True, "It is better"), (-0.1, False, "It may be worse")]
)
def test_the_page_says_what_the_interval_means(low, not_worse, words):
    page = comparison_page(FOUND | {"ci_low": low, "not_worse": not_worse}, CASE, "flights version 4", "2013-09")

    assert words in page


@pytest.mark.parametrize("margin", [0.0, 0.005])
def test_equal_models_have_a_picture_too(margin):
    same = {"delta": 0.0, "ci_low": 0.0, "ci_high": 0.0, "margin": margin}

    assert "nan" not in comparison_page(FOUND | same, CASE, "flights version 4", "2013-09")
