"""What the console reads from requests: which host they name, which page sent them, and what is preferred."""

import asyncio

import pytest
from starlette.requests import Request

from handrail.entrypoints.http.console_requests import (
    MOST_BYTES,
    check_host,
    check_own_page,
    read_form,
    read_query,
    wants_json,
)
from handrail.entrypoints.http.problems import Rejection
from handrail.errors import InvalidInput, Refused

FORM = "application/x-www-form-urlencoded"


def a_request(body=b"", query=b"", **headers):
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request(
        {"type": "http", "method": "POST", "path": "/", "query_string": query, "headers": named, "scheme": "http"},
        receive,
    )


def fields(body, *known):
    return asyncio.run(read_form(a_request(body), *known))


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:7878", "127.0.0.1:1", "[::1]:7878", "10.0.0.7", "lineage.shop:80"]
)
def test_a_host_that_the_server_has_passes(host):
    check_host(a_request(host=host), ("localhost", "Lineage.shop"))


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example:1", "127.0.0.1.evil.example", "[evil]"])
def test_a_host_that_the_server_does_not_have_is_refused(host):
    with pytest.raises(Refused, match="HANDRAIL_ALLOWED_HOSTS"):
        check_host(a_request(host=host), ("localhost",))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://h:1"},
        {"sec_fetch_site": "same-origin"},
        {"origin": "http://h:1", "sec_fetch_site": "same-origin"},
    ],
)
def test_a_form_of_an_own_page_passes(headers):
    check_own_page(a_request(host="h:1", content_type=f"{FORM}; charset=utf-8", **headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://evil"},
        {"origin": "http://h:2"},
        {"sec_fetch_site": "none"},
        {"origin": "http://h:1", "sec_fetch_site": "cross-site"},
        {"origin": "http://h:1", "content_type": "text/plain"},
    ],
)
def test_a_form_of_another_page_is_refused(headers):
    with pytest.raises(Refused, match="page of this server"):
        check_own_page(a_request(**({"host": "h:1", "content_type": FORM} | headers)))


def test_missing_fields_are_empty_and_unknown_or_repeated_ones_are_refused():
    assert fields(b"secret=a+b%26", "secret", "next") == {"secret": "a b&", "next": ""}
    with pytest.raises(InvalidInput):
        fields(b"secret=a&secret=b", "secret")
    with pytest.raises(InvalidInput):
        fields(b"admin=1", "secret")
    with pytest.raises(InvalidInput):
        fields(b"\xff\xfe", "secret")


def test_a_form_is_bounded():
    with pytest.raises(Rejection) as caught:
        fields(b"secret=" + b"a" * MOST_BYTES, "secret")
    assert caught.value.status == 413


def test_a_query_is_read_by_known_names_alone():
    assert read_query(a_request(query=b"q=%20a%20"), "q", "as_of") == {"q": "a", "as_of": ""}
    with pytest.raises(InvalidInput):
        read_query(a_request(query=b"q=1&q=2"), "q")
    with pytest.raises(InvalidInput, match="U\\+0000"):
        read_query(a_request(query=b"q=a%00"), "q")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", True),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("text/html;q=0.5, application/json;q=0.9", True),
        ("application/json;q=x, text/html;q=0.1", True),
        ("*/*", False),
        ("", False),
    ],
)
def test_the_facts_are_sent_to_whoever_prefers_them(accept, expected):
    assert wants_json(a_request(accept=accept)) is expected
