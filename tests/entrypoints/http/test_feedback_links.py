"""The forms behind links: what a person sees, and what an attacker gets."""

import re
import stat
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient

from handrail.bootstrap import open_platform
from handrail.clock import system_time
from handrail.entrypoints.http.feedback_links import MOST, WITHIN_S, Pace, snippet
from handrail.entrypoints.http.lineage import lineage_app
from handrail.errors import InvalidInput, Misconfigured, UnknownReference
from handrail.feedback import Link, Prediction
from handrail.feedback.domain.links import seal
from handrail.http import feedback_link

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KINDS = """
version: 1
kinds:
  rating: {maturity_window_hours: 1, type: rating, at_least: 1, at_most: 5, whole: true}
  ground_truth: {maturity_window_hours: 1, values: [0, 1]}
  cost: {maturity_window_hours: 1, unit: EUR, at_least: 0}
"""
HTML = {"accept": "text/html"}


@pytest.fixture
def platform(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    with open_platform() as opened:
        opened.feedback.record_predictions(
            [Prediction(name, "deploy://local/e/1", f"cup-{name}", NOON, 0.5, 1) for name in ("p1", "p2")]
        )
        yield opened


@pytest.fixture
def client(platform):
    with TestClient(lineage_app(platform), base_url="http://127.0.0.1:7878", headers=HTML) as made:
        yield made


@pytest.fixture
def link(platform):
    def make(prediction_id="p1", kind="rating", **more):
        return feedback_link(prediction_id, kind, platform=platform, **more).removeprefix("http://127.0.0.1:7878")

    return make


def recorded(platform, prediction_id="p1"):
    return [(each.kind, each.value, each.revision) for each in platform.feedback.feedback_about(prediction_id)]


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text.partition("<body>")[2]))


def test_a_person_rates_and_corrects(client, link, platform):
    address = link(question="How was your coffee?")

    shown = client.get(address)
    first = client.post(address, data={"value": "4"})
    again = client.get(address)
    second = client.post(address, data={"value": "2"})
    same = client.post(address, data={"value": "2"})

    assert "How was your coffee?" in text_of(shown)
    assert re.findall(r'type="radio" name="value" value="(\d)"', shown.text) == ["1", "2", "3", "4", "5"]
    assert "You answered 4 before." in text_of(again)
    assert 'value="4" required checked' in again.text
    assert [each.status_code for each in (shown, first, again, second, same)] == [200, 201, 200, 201, 200]
    assert recorded(platform) == [("rating", 4.0, 0), ("rating", 2.0, 1)]
    assert recorded(platform, "p2") == []


def test_the_form_is_that_of_the_kind(client, link):
    yes_or_no = client.get(link(kind="ground_truth")).text
    amount = client.get(link(kind="cost")).text

    assert [label.strip() for label in re.findall(r"required> (\w+)", yes_or_no)] == ["No", "Yes"]
    assert "Your answer in EUR, at least 0" in amount
    assert 'type="radio"' not in amount


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_records_nothing_whatever_the_address_has(client, link, platform, method):
    address = link()

    for query in ("", "?value=5", "?value=5&_method=POST"):
        assert client.request(method, address + query).status_code == 200
    assert client.request(method, address, headers={"x-http-method-override": "POST"}).status_code == 200
    assert recorded(platform) == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_no_other_method_does_anything(client, link, platform, method):
    assert client.request(method, link(), data={"value": "5"}).status_code == 405
    assert recorded(platform) == []


@pytest.mark.parametrize("value", ["0", "6", "2.5", "nan", "inf", "1e400", "", "four", "9" * 41, "0x4", "４"])
def test_a_wrong_value_shows_the_form_again_and_records_nothing(client, link, platform, value):
    answered = client.post(link(), data={"value": value})

    assert answered.status_code == 422
    assert "Nothing was recorded." in text_of(answered)
    assert 'type="radio"' in answered.text
    assert recorded(platform) == []


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"value": "4", "kind": "ground_truth"}},
        {"data": {"value": "4", "prediction_id": "p2"}},
        {"content": "value=4&value=5", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b"\xff\xfe\x00", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": "value=" + "4" * 10_000, "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": "value=4" + "&a=1" * 3000, "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"json": {"value": 4}},
    ],
)
def test_a_body_that_is_not_its_form_is_refused(client, link, platform, body):
    answered = client.post(link(), **body)

    assert 400 <= answered.status_code < 500
    assert (recorded(platform), recorded(platform, "p2")) == ([], [])


def forged(link, platform):
    good = link().rpartition("/")[2]
    text, mac = good.split(".")
    other = link("p2", "ground_truth").rpartition("/")[2]
    mine = seal(Link("p1", "rating", system_time() + timedelta(days=7)), b"k" * 32)
    return [f"{other.split('.')[0]}.{mac}", f"{text}.{'A' * 43}", text, f"{text}.", good + "A", "x", "../login", mine]


def test_a_forged_link_records_nothing_and_shows_nothing(client, link, platform):
    pages = set()
    for token in forged(link, platform):
        for answered in (client.get(f"/feedback/{token}"), client.post(f"/feedback/{token}", data={"value": "5"})):
            assert answered.status_code in (403, 404), token
            if answered.status_code == 403:
                pages.add(answered.text)

    assert len(pages) == 1
    assert "This link does not count" in pages.pop()
    assert (recorded(platform), recorded(platform, "p2")) == ([], [])


def test_a_link_says_nothing_of_whether_its_prediction_is_recorded(client, link):
    known, unknown = client.get(link("p1")), client.get(link("p3"))

    strip = re.compile(r"/feedback/[\w.-]+")
    assert strip.sub("", known.text) == strip.sub("", unknown.text)


def test_an_expired_link_is_gone(client, platform, link):
    link()
    secret = bytes.fromhex((platform.settings.credentials / "feedback-link-secret").read_text())
    token = seal(Link("p1", "rating", system_time() - timedelta(seconds=1)), secret)

    for answered in (client.get(f"/feedback/{token}"), client.post(f"/feedback/{token}", data={"value": "5"})):
        assert answered.status_code == 410
        assert "This link has expired" in text_of(answered)
    assert recorded(platform) == []


def test_deleting_the_secret_withdraws_every_link_at_once(client, link, platform):
    before = link()
    secret = platform.settings.credentials / "feedback-link-secret"
    mode = stat.S_IMODE(secret.stat().st_mode)
    secret.unlink()

    answers = [client.get(before).status_code, client.post(before, data={"value": "5"}).status_code]
    after = client.get(link()).status_code

    assert mode == 0o600
    assert answers == [403, 403]
    assert (after, client.get(before).status_code) == (200, 403)
    assert recorded(platform) == []


def test_a_secret_that_others_may_read_is_not_used(client, link, platform):
    address = link()
    (platform.settings.credentials / "feedback-link-secret").chmod(0o644)

    assert client.post(address, data={"value": "5"}).status_code == 500
    with pytest.raises(Misconfigured, match="other users may read it"):
        link()
    assert recorded(platform) == []


ATTACKS = "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "a&amp;b", "</h1></title><b>"


@pytest.mark.parametrize("question", ATTACKS)
def test_a_question_stays_text(client, link, question):
    shown = client.get(link(question=question)).text

    heading = re.search(r"<h1>(.*?)</h1>", shown, re.DOTALL)[1]
    page, form = "html head meta title link body main h1", "form fieldset legend p label input button"
    assert unescape(heading) == question
    assert set(re.findall(r"<(\w+)", shown)) <= {*page.split(), *form.split()}


def test_the_page_is_closed_to_others(client, link):
    headers = client.get(link()).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    assert headers["x-robots-tag"].startswith("noindex")
    assert "set-cookie" not in headers


def test_a_login_neither_helps_nor_is_needed(client, link, platform):
    headers = {"authorization": "Bearer nonsense", "cookie": "handrail_session=x", "origin": "https://evil.example"}

    assert client.post(link(), data={"value": "3"}, headers=headers).status_code == 201
    assert recorded(platform) == [("rating", 3.0, 0)]


def test_too_many_answers_wait(client, link, platform):
    address, other = link(), link("p2")
    codes = [client.post(address, data={"value": str(1 + number % 5)}).status_code for number in range(MOST + 1)]
    slow = client.post(address, data={"value": "5"})

    assert codes == [201] * MOST + [429]
    assert (slow.status_code, slow.headers["retry-after"]) == (429, "60")
    assert client.post(other, data={"value": "5"}).status_code == 201
    assert len(recorded(platform)) == MOST


def test_the_pace_forgets():
    clock = iter([*[0.0] * MOST, 1.0, WITHIN_S + 0.5])
    pace = Pace(lambda: next(clock))

    assert [pace.allows("a") for _ in range(MOST + 2)] == [True] * MOST + [False, True]


def test_programs_get_facts_and_problems(client, link):
    accept = {"accept": "application/json"}

    facts = client.get(link(), headers=accept).json()
    problem = client.get("/feedback/x", headers=accept)

    assert facts["choices"] == ["1", "2", "3", "4", "5"]
    assert (problem.status_code, problem.headers["content-type"]) == (403, "application/problem+json")


def test_the_snippet_is_the_form_and_works_from_another_page(client, link, platform):
    from handrail.bootstrap.feedback_links import open_links

    address = link(question='Was it "good" & <hot>?')
    asked = open_links(platform).look(address.rpartition("/")[2])

    html = snippet(f"http://127.0.0.1:7878{address}", asked)

    assert "Was it &#34;good&#34; &amp; &lt;hot&gt;?" in html
    assert f'action="http://127.0.0.1:7878{address}"' in html
    assert html.count('type="radio"') == 5
    sent = client.post(address, data={"value": "5"}, headers={"origin": "https://shop.example"})
    assert sent.status_code == 201


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"kind": "weather"}, UnknownReference),
        ({"expires": timedelta(0)}, InvalidInput),
        ({"url": "javascript:alert(1)"}, InvalidInput),
        ({"url": "https://a.example/?x"}, InvalidInput),
    ],
)
def test_a_link_that_could_not_work_is_not_made(platform, words, error):
    with pytest.raises(error):
        feedback_link(**{"prediction_id": "p1", "kind": "rating", "platform": platform} | words)


def test_a_link_may_lie_behind_a_name_of_ones_own(platform):
    made = feedback_link("p1", "rating", url="https://feedback.example.com/us/", platform=platform)

    assert made.startswith("https://feedback.example.com/us/feedback/")
