"""Addresses of pages: made, matched, and below the path that the server lies at."""

import pytest

from handrail.entrypoints.console.addresses import Address

ODD = ["a b", "m/x", "../..", "é", "%2e", "<script>", "a?b#c"]


@pytest.mark.parametrize("name", ODD)
def test_a_name_stays_one_segment(name):
    address = Address.TIMELINE.to("/prefix", model=name, alias="champion")

    assert address.startswith("/prefix/handrail/timeline/")
    assert address.count("/") == 5
    assert "<" not in address


def test_a_query_is_written_behind_it():
    assert Address.TRACE.to(query={"q": "models:/m@a b"}) == "/handrail/trace?q=models%3A%2Fm%40a+b"


def test_a_path_is_one_address_or_none():
    assert Address.REQUEST.matches("/handrail/requests/pr-1")
    assert not Address.REQUEST.matches("/handrail/requests/pr-1/decision")
    assert not Address.REQUEST.matches("/handrail/requests/")
    assert Address.INBOX.matches("/handrail/")
    assert not any(each.matches("/handrail/api/v1/decisions") for each in Address)


def test_no_path_belongs_to_two_addresses_of_one_method():
    for one in Address:
        filled = one.to(**dict.fromkeys(one.names, "x"))
        found = [each for each in Address if each.method == one.method and each.matches(filled)]
        assert found == [one]
