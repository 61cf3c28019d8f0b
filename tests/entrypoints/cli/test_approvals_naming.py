"""Which request is meant: by its id, the beginning of it, a version, an alias, or the digest of the files."""

import pytest

from handrail.entrypoints.cli.approvals_naming import choose, find_request
from handrail.errors import InvalidInput, UnknownReference


def a_row(number, version, verdict, alias="champion"):
    return {
        "request_id": f"pr-{number:04x}{'0' * 16}",
        "model": "flights",
        "version": version,
        "alias": alias,
        "verdict": verdict,
        "tree_digest": "sha256:" + f"{version}a" * 32,
    }


ROWS = (
    a_row(1, 1, "promoted"),
    a_row(2, 2, "refused"),
    a_row(3, 3, "void"),
    a_row(4, 3, "promoted"),
    a_row(5, 4, "pending"),
    a_row(6, 4, "pending", alias="shadow"),
)


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("pr-0002", 2),
        ("flights/1", 1),
        ("models:/flights/2", 2),
        ("flights@champion", 4),
        ("models:/flights@champion", 4),
        ("flights@shadow", 6),
        ("sha256:" + "1a" * 32, 1),
        ("2a2a2a2a", 2),
    ],
)
def test_a_request_is_meant_by_what_it_is_about(given, number):
    assert choose(given, ROWS) == ROWS[number - 1]["request_id"]


def test_several_requests_are_listed_with_where_they_stand():
    with pytest.raises(InvalidInput, match=r"fits several requests: pr-0003\w+ \(champion, void\), pr-0004"):
        choose("flights/3", ROWS)


def test_an_unknown_one_is_answered_with_the_nearest_name():
    with pytest.raises(UnknownReference, match="Close to it: flights@champion"):
        choose("flights@champoin", ROWS)
    with pytest.raises(UnknownReference, match="handrail approvals list"):
        choose("pr-", ROWS[:0])


def test_a_whole_id_asks_nobody():
    assert find_request(None, ROWS[0]["request_id"]) == ROWS[0]["request_id"]
