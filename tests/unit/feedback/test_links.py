"""Links: sealed and read, forged, expired; answers that correct and never double."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput, Refused, UnknownReference
from handrail.feedback import ExpiredLink, ForeignLink, Link, Links, link_choices
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.links import seal, unseal
from handrail.feedback.service.links import MOST_ANSWERS
from tests.fakes.feedback import GO_LIVE, a_log, a_prediction, an_outcome

SECRET, OTHER = b"s" * 32, b"o" * 32
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LINK = Link("p1", "rating", NOW + timedelta(days=7), "How was it?")
RATING = Kind("rating", timedelta(hours=1), at_least=1, at_most=5, whole=True)
COST = Kind("cost", timedelta(hours=1), unit="EUR", at_least=0, aggregation="sum")
OFFICIAL = Kind("official", timedelta(hours=1), values=(0.0, 1.0), sources=("airport",))
BOTH = Kind("both", timedelta(hours=1), values=(0.0, 1.0))
ABOUT = a_prediction()


@pytest.fixture
def log():
    return a_log(kinds=(RATING, COST, OFFICIAL, BOTH))


@pytest.fixture
def links(log):
    moments = iter(GO_LIVE + timedelta(minutes=number) for number in range(10_000))
    return Links(log, lambda: SECRET, lambda: next(moments))


def values(log, kind="rating"):
    return [(each.value, each.revision) for each in log.feedback_about(ABOUT.prediction_id) if each.kind == kind]


def test_what_was_sealed_is_read():
    assert unseal(seal(LINK, SECRET), SECRET, NOW) == LINK


@given(st.text(min_size=1, max_size=500), st.text(max_size=200).filter(str.isprintable))
def test_any_id_and_question_are_read_as_they_were(name, question):
    link = Link(name, "rating", NOW, question)

    assert unseal(seal(link, SECRET), SECRET, NOW - timedelta(seconds=1)) == link


@pytest.mark.parametrize("secret", [OTHER, None, b""])
def test_another_secret_or_none_opens_nothing(secret):
    with pytest.raises(ForeignLink):
        unseal(seal(LINK, SECRET), secret, NOW)


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("changed", [2, "p2", "ground_truth", 4102444800, "Owned?"])
def test_no_part_of_a_link_can_be_changed(place, changed):
    text, mac = seal(LINK, SECRET).split(".")
    content = json.loads(urlsafe_b64decode(text + "=="))
    content[place] = changed
    forged = urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    with pytest.raises(ForeignLink):
        unseal(f"{forged}.{mac}", SECRET, NOW)


@given(st.data())
def test_one_changed_sign_makes_a_link_count_no_more(data):
    token = seal(LINK, SECRET)
    place = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.characters().filter(lambda each: each != token[place]))

    with pytest.raises(ForeignLink):
        unseal(token[:place] + sign + token[place + 1 :], SECRET, NOW)


@pytest.mark.parametrize(
    "token", ["", ".", "a.b", "a" * 9000 + "." + "b" * 43, "é." + "b" * 43, "a." + "b" * 43 + "\n"]
)
def test_what_is_no_token_is_not_read(token):
    with pytest.raises(ForeignLink):
        unseal(token, SECRET, NOW)


def test_a_link_counts_until_the_second_in_which_it_expires():
    token = seal(LINK, SECRET)

    assert unseal(token, SECRET, LINK.expires_at - timedelta(seconds=1)) == LINK
    with pytest.raises(ExpiredLink, match="expired on 2026-12-07 at 12:00 UTC"):
        unseal(token, SECRET, LINK.expires_at)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (RATING, (1, 2, 3, 4, 5)),
        (BOTH, (0, 1)),
        (COST, ()),
        (Kind("nps", timedelta(1), at_least=0, at_most=10, whole=True), tuple(range(11))),
        (Kind("percent", timedelta(1), at_least=0, at_most=100, whole=True), ()),
        (Kind("share", timedelta(1), at_least=0, at_most=1), ()),
        (Kind("odd", timedelta(1), at_least=0.5, at_most=2.5, whole=True), (1, 2)),
        (Kind("below", timedelta(1), at_least=-2, at_most=1, whole=True), (-2, -1, 0, 1)),
    ],
)
def test_a_short_scale_is_chosen_from_and_a_long_one_written(kind, expected):
    assert link_choices(kind) == expected


def test_an_answer_is_recorded_and_another_one_corrects_it(links, log):
    token = links.make(ABOUT.prediction_id, "rating", timedelta(days=7))

    assert [links.answer(token, value) for value in (4, 4, 2, 2)] == [True, False, True, False]
    assert values(log) == [(4.0, 0), (2.0, 1)]
    assert links.look(token).answered == 2


def test_looking_at_a_link_records_nothing(links, log):
    token = links.make(ABOUT.prediction_id, "rating", timedelta(days=7))

    [links.look(token) for _ in range(5)]

    assert log.status().feedback == 0


def test_an_amount_that_is_corrected_is_not_summed(links, log):
    log.record_predictions([ABOUT])
    token = links.make(ABOUT.prediction_id, "cost", timedelta(days=7))

    links.answer(token, 100)
    links.answer(token, 30)

    assert log.amounts([ABOUT.deployment]) == {ABOUT.deployment: {"EUR": 30}}


def test_the_holder_hears_nothing_of_what_others_said_and_counts_after_it(links, log):
    log.record_feedback([an_outcome(ABOUT, kind="both", source="erp", revision=3)])
    token = links.make(ABOUT.prediction_id, "both", timedelta(days=7))

    assert links.look(token).answered is None
    links.answer(token, 0)

    assert values(log, "both") == [(1.0, 3), (0.0, 4)]


def test_a_value_outside_its_scale_is_refused(links, log):
    token = links.make(ABOUT.prediction_id, "rating", timedelta(days=7))

    for value in (0, 6, 2.5, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="value"):
            links.answer(token, value)
    assert values(log) == []


def test_a_mind_may_be_changed_so_often_and_no_more(links, log):
    token = links.make(ABOUT.prediction_id, "rating", timedelta(days=7))
    for number in range(MOST_ANSWERS):
        links.answer(token, 1 + number % 2)

    with pytest.raises(Refused, match="answered 50 times"):
        links.answer(token, 5)
    assert len(values(log)) == MOST_ANSWERS


def test_a_kind_of_other_sources_has_no_links(links):
    with pytest.raises(InvalidInput, match="'link' may not report a official"):
        links.make("p1", "official", timedelta(days=7))


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("p1", "weather", timedelta(days=1)), UnknownReference),
        (("p1", "rating", timedelta(0)), InvalidInput),
        (("p1", "rating", timedelta(days=9999)), InvalidInput),
        (("", "rating", timedelta(days=1)), InvalidInput),
        (("p" * 501, "rating", timedelta(days=1)), InvalidInput),
        (("p1", "rating", timedelta(days=1), "two\nlines"), InvalidInput),
        (("p1", "rating", timedelta(days=1), "?" * 201), InvalidInput),
    ],
)
def test_a_link_that_could_not_work_is_not_made(links, words, error):
    with pytest.raises(error):
        links.make(*words)


def test_without_a_secret_nothing_opens_and_nothing_is_made(log):
    made = Links(log, lambda: SECRET, lambda: GO_LIVE).make("p1", "rating", timedelta(days=7))
    without = Links(log, lambda: None, lambda: GO_LIVE)

    with pytest.raises(ForeignLink):
        without.answer(made, 4)
    with pytest.raises(Refused):
        without.make("p1", "rating", timedelta(days=7))
