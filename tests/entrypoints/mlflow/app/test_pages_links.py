"""Links and lists on a real server: no link leads nowhere, and no list says how much there is that one may not read."""

import re
from html import unescape

import pytest

from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.pages import KEYS
from handrail.entrypoints.http import console as serve
from handrail.entrypoints.mlflow.app.cursors import Cursors
from handrail.entrypoints.mlflow.app.pages.desk import PLACES
from handrail.entrypoints.mlflow.app.pages.routes import VIEWS
from handrail.errors import InvalidInput
from tests.fakes.mlflow_server import EVIDENCE
from tests.fakes.page_forms import facts_at, page_at

pytestmark = pytest.mark.any_version
OF_EACH = 3
"""How many pages of each address are walked through: the server is shared by many tests."""
LOGIN = {Address.LOGIN, Address.LOG_IN, Address.LOG_OUT}


def test_every_address_is_answered_by_a_server():
    assert {*VIEWS, Address.STATIC} | {*serve.VIEWS} | LOGIN == set(Address)


def test_every_page_of_both_menus_has_a_key():
    assert {address for address, _ in (*PLACES, *serve.PLACES)} <= set(KEYS)


def _links(html):
    # MLflow's own pages are one file, which reads what is behind the #.
    found = re.findall(r'(?:href|src|action)="(?!/#/)([^"#]+)', html)
    return {unescape(each) for each in found}


def _address(path):
    return next((each for each in Address if each.method == "GET" and each.matches(path.partition("?")[0])), None)


def test_no_link_of_any_page_leads_nowhere(server, made):
    made.promote()
    server.make_version(name=made.name).ask(evidence=EVIDENCE)
    walked, left = dict.fromkeys(Address, 0), ["/handrail/"]
    failed, seen = {}, set(left)
    with server.person("cleo") as http:
        while left:
            path = left.pop()
            answer = page_at(http, path)
            # Without the token of its form the address that logs out leads to the first page.
            expected = 303 if path.endswith(Address.LEAVE.to("")) else 200
            if answer.status_code != expected:
                failed[path] = answer.status_code
            for link in (
                sorted(_links(answer.text) - seen) if "text/html" in answer.headers.get("Content-Type", "") else ()
            ):
                seen.add(link)
                address = _address(link)
                is_form = any(each.method == "POST" and each.matches(link) for each in VIEWS)
                assert address or is_form, f"{path} leads to {link}"
                if address and walked[address] < OF_EACH:
                    walked[address] += 1
                    left.append(link)

    assert failed == {}
    assert walked[Address.REQUEST] == OF_EACH
    assert walked[Address.TIMELINE] > 0
    assert walked[Address.STATIC] > 0


@pytest.fixture
def hidden(server):
    """A model with one request that Dora may read, and two with requests that she may not."""
    shown, *others = (server.make_version() for _ in range(3))
    for each in (others[0], shown, others[1]):
        each.request_id = each.ask(evidence=EVIDENCE)["request_id"]
    for each in others:
        body = {"username": "dora", "resource_type": "registered_model", "resource_id": each.name, "permission": "DENY"}
        granted = server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=body)
        assert granted.status_code == 200, granted.text
    return shown, others


def test_lists_are_as_long_as_they_say_and_lead_on_to_something_that_may_be_read(server, hidden):
    shown, others = hidden
    with server.person("dora") as http:
        path, found, pages = "/handrail/api/v1/promotion-requests?limit=2", [], []
        on = ""
        while on is not None:
            page = http.get(path, params={"limit": "2"} | ({"after": on} if on else {})).json()
            pages.append([row["request_id"] for row in page["requests"]])
            found += pages[-1]
            on = page.get("next")
            assert on is None or not on.isdigit()
        listed = facts_at(http, "/handrail/requests")

    assert shown.request_id in found
    assert not {each.request_id for each in others} & set(found)
    assert all(len(page) == 2 for page in pages[:-1])
    assert pages[-1]
    assert listed["rows"][0]["request_id"] == shown.request_id
    assert listed["next"] is None or not listed["next"]["before"].isdigit()


def test_a_cursor_of_nobody_is_refused_with_a_sentence(server):
    with server.person("cleo") as http:
        answers = [
            page_at(http, "/handrail/requests?before=12"),
            http.get("/handrail/api/v1/promotion-requests?after=12"),
        ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert all("is not of this server" in answer.text for answer in answers)


def test_a_cursor_says_its_number_to_its_own_server_alone():
    one, other = Cursors(b"secret"), Cursors(b"other")

    sealed = one.seal(12345)

    assert one.open(sealed, "after") == 12345
    assert one.open("", "after") == 0
    assert "12345" not in sealed
    with pytest.raises(InvalidInput, match="is not of this server"):
        other.open(sealed, "after")
