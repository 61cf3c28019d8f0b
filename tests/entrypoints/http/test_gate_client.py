"""What the client of the gate makes of an answer that is not this release's own."""

import pytest

from handrail.entrypoints.http.gate_client import GateClient
from handrail.errors import HandrailError, Refused, Unavailable
from tests.fakes.answering_server import answering

SENTENCE = "The body is larger than 9 bytes. Send less evidence."


@pytest.mark.parametrize(
    ("status", "document", "kind", "words"),
    [
        (413, {"detail": SENTENCE}, Refused, SENTENCE),
        (409, {"title": "Closed", "detail": "It is closed.", "facts": {"other": 1}}, Refused, "It is closed."),
        (503, {"detail": "The store is locked."}, Unavailable, "The store is locked. See its log."),
        (413, {"title": "Content Too Large"}, Unavailable, "it answered 413"),
        (404, {"detail": ["x"]}, Unavailable, "it answered 404"),
        (404, ["x"], Unavailable, "--app-name handrail"),
    ],
)
def test_an_answer_without_facts_keeps_its_sentence(
    status: int, document: object, kind: type[HandrailError], words: str
) -> None:
    with answering(status, document) as url, GateClient(url, "ann", "x") as gate, pytest.raises(kind) as caught:
        gate.requests()

    assert type(caught.value) is kind
    assert words in str(caught.value)
