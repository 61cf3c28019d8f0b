"""Random forgeries of signed evidence: whatever differs from what the pipeline signed for this request, none counts."""

import base64
import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.judging import Verdict
from handrail.errors import HandrailError
from tests.fakes.approvals_attesting import PARITY, Pipeline
from tests.fakes.approvals_world import World
from tests.fakes.effort import tried
from tests.unit.approvals.test_attestations import Signed

FORGERIES = 500
WORSE, BETTER = {"labels_differ": 7}, {"labels_differ": 0}
TEXTS = st.text(max_size=20)


def _flip(content, where):
    place = where % (8 * len(content))
    changed = bytearray(content)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


class Forger:
    """Somebody who holds what an honest pipeline has signed about two versions, and a key of their own."""

    def __init__(self):
        self.signed = Signed(World())
        self.signed.world.register(2)
        self.pipeline, self.own = self.signed.pipeline, Pipeline("forger", "Ada", seed=9)
        self.given = self.signed.nonce()
        self.worse = self.pipeline.attest(self.given, WORSE)
        self.other = self.pipeline.attest(self.signed.nonce(2), BETTER)

    def forgery(self, draw):
        kind = draw(st.sampled_from(sorted(FORGE)))
        return FORGE[kind](self, draw)


def _edited(forger, draw):
    """Change the signed text, and keep the signature."""
    envelope = json.loads(forger.worse)
    payload = base64.b64decode(envelope["payload"])
    better = payload.replace(b'"labels_differ":7', b'"labels_differ":0')
    part = draw(st.sampled_from(["number", "payload", "signature"]))
    if part == "number":
        envelope["payload"] = base64.b64encode(better).decode()
    elif part == "payload":
        envelope["payload"] = base64.b64encode(_flip(better, draw(st.integers(0, 10**6)))).decode()
    else:
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        envelope["payload"] = base64.b64encode(better).decode()
        envelope["signatures"][0]["sig"] = base64.b64encode(_flip(signature, draw(st.integers(0, 10**6)))).decode()
    return json.dumps(envelope)


def _own_key(forger, draw):
    """Sign with a key of one's own, under whatever name."""
    envelope = json.loads(forger.own.attest(forger.given, BETTER))
    named = draw(st.sampled_from([forger.pipeline.identity.key_id, forger.own.identity.key_id, "", "nightly"]) | TEXTS)
    envelope["signatures"][0]["keyid"] = named
    return json.dumps(envelope)


def _elsewhere(forger, draw):
    """Have the pipeline sign, for another subject, use, nonce or predicate type."""
    changed = draw(
        st.sampled_from(
            [
                {"tree_digest": "sha256:" + "0" * 64},
                {"nonce": "made-up"},
                {"server": "local-2"},
                {"model": "flights-b"},
                {"alias": "shadow"},
                {"version": 2},
            ]
        )
        | st.builds(lambda text: {"nonce": text}, TEXTS)
        | st.builds(lambda text: {"tree_digest": f"sha256:{text}"}, TEXTS)
    )
    return forger.pipeline.attest(forger.given | changed, BETTER)


def _wrong_type(forger, draw):
    kind = draw(TEXTS.filter(lambda text: text != PARITY))
    return forger.pipeline.attest(forger.given, BETTER, kind)


def _wrong_payload_type(forger, draw):
    envelope = json.loads(forger.pipeline.attest(forger.given, BETTER))
    return json.dumps(envelope | {"payloadType": draw(st.sampled_from(["application/json", "", None, 1]) | TEXTS)})


def _replayed(forger, _draw):
    return forger.other


def _more_signatures(forger, draw):
    envelope = json.loads(forger.pipeline.attest(forger.given, BETTER))
    more = {"keyid": draw(TEXTS), "sig": base64.b64encode(draw(st.binary(max_size=64))).decode()}
    return json.dumps(envelope | {"signatures": draw(st.sampled_from([[], [more], [more, *envelope["signatures"]]]))})


def _claims_the_level(_forger, draw):
    """Send the content itself, with whatever it says about who signed it."""
    said = draw(st.dictionaries(st.sampled_from(["level", "by", "attested", "nonce", "signatures"]), TEXTS))
    return BETTER | said


FORGE = {
    "edited": _edited,
    "own key": _own_key,
    "elsewhere": _elsewhere,
    "predicate": _wrong_type,
    "payload type": _wrong_payload_type,
    "replayed": _replayed,
    "signatures": _more_signatures,
    "level": _claims_the_level,
}


@tried(FORGERIES, "FORGERIES")
@given(st.data())
def test_no_forgery_of_evidence_counts(data):
    forger = Forger()
    forgery = forger.forgery(data.draw)

    verdict = None
    with suppress(HandrailError):
        if isinstance(forgery, str):
            verdict = forger.signed.ask(forgery).judgement.verdict
        else:
            request_id = forger.signed.world.ask(evidence={"parity": forgery})
            verdict = forger.signed.world.gate.request(request_id).judgement.verdict

    assert verdict in (None, Verdict.REFUSED)


def test_what_the_forger_could_not_do_the_pipeline_can():
    forger = Forger()

    view = forger.signed.ask(forger.pipeline.attest(forger.given, BETTER))

    assert view.judgement.verdict is Verdict.PENDING
