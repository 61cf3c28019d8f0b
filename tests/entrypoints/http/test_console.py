"""The console under `handrail serve`: nothing without a login, pages and facts with one, and forms of its own only."""

import re

import pytest
from fastapi.testclient import TestClient

from handrail.bootstrap.lineage_events import open_access
from handrail.clock import system_time
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.http.console import VIEWS
from handrail.entrypoints.http.console_sessions import COOKIE, TRIES
from handrail.entrypoints.http.lineage import lineage_app
from handrail.errors import Misconfigured
from handrail.lineage import HolderKind, May, TokenScope
from tests.fakes.lineage import VERSION
from tests.fakes.lineage_events import a_dataset
from tests.fakes.lineage_server import a_platform, an_event_now, is_problem
from tests.fakes.lineage_store import story_in

HOST = "http://localhost:7878"
OWN = {"origin": HOST}
JSON = {"accept": "application/json"}
HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture
def platform(tmp_path):
    with a_platform(tmp_path, allowed_hosts=("lineage.shop",)) as opened:
        yield opened


@pytest.fixture
def client(platform):
    with TestClient(
        lineage_app(platform), HOST, raise_server_exceptions=False, follow_redirects=False, client=("10.0.0.9", 1)
    ) as opened:
        yield opened


@pytest.fixture
def token(platform):
    return open_access(platform.store).create("cleo", HolderKind.PERSON, TokenScope(frozenset({May.ASK})))


def hidden(html, name="token"):
    return re.search(f'name="{name}" value="([^"]*)"', html)[1]


def log_in(client, secret, wanted="", **headers):
    page = client.get("/handrail/login", params={"next": wanted} if wanted else {})
    form = {"secret": secret, "token": hidden(page.text), "next": wanted}
    return client.post("/handrail/login", data=form, headers=OWN | headers)


def test_nobody_sees_a_page_without_a_login(client):
    for address in VIEWS:
        answer = client.get(address.path, params={"q": "x"} if address is Address.INBOX else {})
        assert (answer.status_code, answer.text) == (303, "")
        assert answer.headers["location"].startswith("/handrail/login")
        is_problem(client.get(address.path, headers=JSON), 401, "/handrail/login")


def test_every_route_but_login_and_static_files_asks_who_is_there(client):
    paths = {route.path for route in client.app.routes if getattr(route, "path", "").startswith("/handrail/")}

    known = {each.path for each in (*VIEWS, Address.LOGIN, Address.LOG_OUT, Address.STATIC)}
    assert paths == known | {"/handrail/{rest:path}"}


def test_an_address_without_a_page_has_the_menu_and_the_one_of_a_form_leads_to_a_page(client, token):
    log_in(client, token)

    unknown = client.get("/handrail/requests/pr-1")
    form = client.get("/handrail/logout")
    slash = client.get("/handrail/trace/")

    assert unknown.status_code == 404
    assert "There is no page at this address." in unknown.text
    assert 'aria-label="Main"' in unknown.text
    assert (form.status_code, form.headers["location"]) == (303, "/handrail/")
    assert (slash.status_code, slash.headers["location"]) == (303, "/handrail/trace")


def test_the_root_leads_to_the_search_box(client, token):
    assert client.get("/").headers["location"] == "/handrail/"
    log_in(client, token)

    assert 'type="search" name="q"' in client.get("/", follow_redirects=True).text


def test_a_login_is_a_cookie_that_scripts_and_other_sites_do_not_get(client, token):
    answer = log_in(client, token, "/handrail/deployments?service=x")

    assert (answer.status_code, answer.headers["location"]) == (303, "/handrail/deployments?service=x")
    cookie = answer.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/handrail;", "max-age=43200"))
    assert "secure" not in cookie
    assert token.lower() not in cookie
    page = client.get("/handrail/deployments")
    assert page.status_code == 200
    assert "<b>cleo</b>" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_over_https_the_cookie_is_sent_over_https_alone(platform, token):
    with TestClient(lineage_app(platform), "https://localhost", follow_redirects=False) as client:
        answer = log_in(client, token, origin="https://localhost")

    assert "; secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("wanted", ["//evil.example/", "https://evil.example", "/handrail/../x", "/docs"])
def test_a_login_leads_to_no_other_place(client, token, wanted):
    assert log_in(client, token, wanted).headers["location"] == "/handrail/"


def test_a_wrong_token_is_refused_and_the_eleventh_has_to_wait_but_nobody_else(client, token):
    answers = [log_in(client, "wrong") for _ in range(TRIES + 1)]

    assert [each.status_code for each in answers] == [401] * TRIES + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 61
    assert "or it was revoked" in answers[0].text
    assert COOKIE not in client.cookies
    assert log_in(client, token).status_code == 303


def test_callers_behind_a_trusted_proxy_are_distinguished_and_others_cannot_choose(tmp_path):
    def spoil(client, address):
        for _ in range(TRIES):
            log_in(client, "wrong", **{"x-forwarded-for": address})

    def waits(client, address):
        return log_in(client, "wrong", **{"x-forwarded-for": address}).status_code == 429

    with a_platform(tmp_path, lineage_trusted_proxies=("10.0.0.0/29",)) as platform:
        app = lineage_app(platform)
        with (
            TestClient(app, HOST, client=("10.0.0.5", 1)) as proxy,
            TestClient(app, HOST, client=("10.9.9.9", 1)) as other,
        ):
            spoil(proxy, "192.0.2.1")
            spoil(other, "192.0.2.7")

            assert waits(proxy, "192.0.2.1, 10.0.0.6")
            assert not waits(proxy, "192.0.2.1, 192.0.2.2")
            assert not waits(proxy, "192.0.2.7")
            assert waits(other, "192.0.2.8")


def test_the_cookie_is_secure_where_a_trusted_proxy_says_that_the_browser_spoke_https(tmp_path):
    with a_platform(tmp_path, lineage_trusted_proxies=("10.0.0.5",)) as platform:
        token, app = open_access(platform.store).create("cleo"), lineage_app(platform)
        cookies = []
        for peer in ("10.0.0.5", "10.0.0.4"):
            with TestClient(app, HOST, follow_redirects=False, client=(peer, 1)) as client:
                cookies.append(log_in(client, token, **{"x-forwarded-proto": "https"}).headers["set-cookie"].lower())

    assert ["; secure" in cookie for cookie in cookies] == [True, False]


@pytest.mark.parametrize("given", ["proxy.shop", "0.0.0.0/0", "10.0.0.5/24"])
def test_a_proxy_that_is_no_address_or_everybody_stops_the_start(tmp_path, given):
    with (
        a_platform(tmp_path, lineage_trusted_proxies=(given,)) as platform,
        pytest.raises(Misconfigured, match="lineage_trusted_proxies"),
    ):
        lineage_app(platform)


def test_a_token_that_may_only_send_lets_nobody_in(client, platform):
    only_sends = open_access(platform.store).create("etl", scope=TokenScope(frozenset({May.SEND})))

    answer = log_in(client, only_sends)

    assert (answer.status_code, COOKIE in client.cookies) == (403, False)
    is_problem(client.get("/handrail/", headers=JSON | {"authorization": f"Bearer {only_sends}"}), 403, "--may ask")


def test_a_revoked_token_ends_the_login_at_the_next_request(client, platform, token):
    log_in(client, token)
    open_access(platform.store).revoke("cleo")

    assert client.get("/handrail/").status_code == 303
    is_problem(client.get("/handrail/", headers=JSON), 401)


def test_a_login_ends_after_twelve_hours(client, token, monkeypatch):
    log_in(client, token)
    from datetime import timedelta

    from handrail.entrypoints.http import console_desk

    monkeypatch.setattr(console_desk, "system_time", lambda: system_time() + timedelta(hours=12, seconds=1))

    assert client.get("/handrail/").status_code == 303


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://localhost:9999"])
def test_a_login_that_another_page_sends_is_refused(client, token, origin):
    form = {"secret": token, "token": hidden(client.get("/handrail/login").text)}

    answer = client.post("/handrail/login", data=form, headers={"origin": origin} if origin else {})

    assert (answer.status_code, COOKIE in client.cookies) == (403, False)


def test_a_form_without_the_page_s_own_token_is_refused(client, token):
    answer = client.post("/handrail/login", data={"secret": token, "token": "1.x"}, headers=OWN)

    assert (answer.status_code, COOKIE in client.cookies) == (403, False)


def test_a_logout_ends_every_copy_of_the_cookie(client, token):
    log_in(client, token)
    copy, page = client.cookies[COOKIE], client.get("/handrail/")

    refused = client.post("/handrail/logout", data={"token": "1.x"}, headers=OWN)
    foreign = client.post("/handrail/logout", data={"token": hidden(page.text)}, headers={"origin": "http://evil"})
    still = client.get("/handrail/").status_code
    answer = client.post("/handrail/logout", data={"token": hidden(page.text)}, headers=OWN)

    assert (refused.status_code, foreign.status_code, still) == (403, 403, 200)
    assert (answer.status_code, answer.headers["location"]) == (303, "/handrail/login")
    assert COOKIE not in client.cookies
    assert client.get("/handrail/", headers={"cookie": f"{COOKIE}={copy}"}).status_code == 303


@pytest.mark.parametrize("path", ["/handrail/", "/handrail/login", "/handrail/deployments"])
def test_a_name_that_was_turned_to_this_server_gets_no_page(client, token, path):
    log_in(client, token)

    answer = client.get(path, headers={"host": "evil.example:7878"})

    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/plain; charset=utf-8")
    assert "HANDRAIL_ALLOWED_HOSTS" in answer.text
    assert client.get("/handrail/login", headers={"host": "lineage.shop"}).status_code == 200


def test_whatever_has_a_name_is_found_and_shown_as_text(client, platform, token):
    sender = open_access(platform.store).create("etl")
    sent = an_event_now(inputs=[a_dataset("orders", "7")], outputs=[a_dataset(f"clean {HOSTILE}", "8")])
    client.post("/api/v1/lineage", json=sent, headers={"authorization": f"Bearer {sender}"})
    log_in(client, token)

    found = client.get("/handrail/", params={"q": "s3://lake/orders"})
    facts = client.get("/handrail/", params={"q": "s3://lake/orders"}, headers=JSON).json()
    missing = client.get("/handrail/", params={"q": HOSTILE})
    trace = client.get("/handrail/trace", params={"q": f"s3://lake/clean {HOSTILE}"})
    impact = client.get("/handrail/impact", params={"q": "s3://lake/orders"})

    assert (trace.status_code, impact.status_code) == (200, 200)
    assert 'href="/handrail/trace?q=s3' in trace.text + impact.text
    assert (found.status_code, facts["found"]["uri"]) == (200, "s3://lake/orders@7")
    assert "s3://lake/orders@7" in found.text
    assert missing.status_code == 404
    for page in (found, missing, trace, impact):
        assert "<script>alert" not in page.text
        assert "\u202e" not in page.text


def test_pages_lead_to_no_page_that_this_server_does_not_have(client, platform, token):
    story_in(platform, platform.settings.project)
    log_in(client, token)
    asked = {"/handrail/": VERSION.uri, "/handrail/trace": VERSION.uri, "/handrail/impact": "data/raw/2013-01.csv"}

    pages = [client.get(path, params={"q": q}) for path, q in asked.items()]
    pages += [client.get(f"/handrail/{name}") for name in ("feedback", "deployments")]

    assert {page.status_code for page in pages} == {200}
    led = {each for page in pages for each in re.findall(r'(?:href|action)="(/handrail/[^"?#]*)', page.text)}
    here = {each.path for each in (*VIEWS, Address.LOG_OUT)}
    assert {each for each in led if not each.startswith("/handrail/static/")} <= here


def test_facts_are_there_for_whoever_sends_the_token_itself(client, token):
    bearer = JSON | {"authorization": f"Bearer {token}"}

    assert client.get("/handrail/deployments", headers=bearer).json() == {"service": "", "slots": [], "more": 0}
    is_problem(client.get("/handrail/deployments", params={"service": "x"}, headers=bearer), 404, "x")
    is_problem(client.get("/handrail/deployments", params={"admin": "1"}, headers=bearer), 400, "admin")
    is_problem(client.get("/handrail/deployments", headers=JSON | {"authorization": "Bearer x"}), 401)


def test_files_of_the_pages_are_there_for_all_and_no_others(client):
    assert client.get("/handrail/static/console.css").headers["content-type"] == "text/css; charset=utf-8"
    assert client.get("/handrail/static/base.html").status_code == 404


def test_pages_say_nothing_of_a_store_that_is_away(client, platform, token):
    log_in(client, token)
    platform.store.close()
    (platform.settings.home / "handrail.db").rename(platform.settings.home / "away.db")
    (platform.settings.home / "handrail.db").mkdir()

    answer = client.get("/handrail/deployments")

    assert answer.status_code == 503
    assert "Traceback" not in answer.text
