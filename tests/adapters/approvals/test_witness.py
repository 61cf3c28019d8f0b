"""A witness as C2SP tlog-witness has it, and the log's publisher that asks it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from handrail.approvals import FolderWitness, LogVerifier, TamperedLog
from handrail.approvals.adapters.ed25519_notes import is_cosigned
from handrail.approvals.adapters.folder_log import FolderLog
from handrail.approvals.adapters.http_witnesses import HttpWitnesses
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.domain import merkle
from handrail.approvals.domain.log_policy import LogPolicy, Witness
from handrail.approvals.domain.notes import COSIGNATURE, Checkpoint, Note
from handrail.approvals.domain.proofs import Submission
from handrail.approvals.service import Publisher
from handrail.entrypoints.http.witness import MOST_BYTES, witness_app
from tests.fakes.approvals_store import approvals_store, fill_log, log_key, logged_ledger
from tests.fakes.log_folder import contents_of, signed_leaves
from tests.unit.approvals.test_merkle import _node

LOG, OTHER = log_key(), log_key()
SIGNER = log_key("example.com/w1", COSIGNATURE)
CONTENTS = contents_of(20)


@pytest.fixture
def witness(tmp_path):
    return FolderWitness(SIGNER, [LOG.key], tmp_path / "witness", lambda: 1_700_000_000)


def _note(size, contents=CONTENTS, signer=LOG):
    return signed_leaves(signer, contents[:size])[1]


def _submit(witness, old, size, **changes):
    proof = merkle.consistency_proof(old, size, _node(CONTENTS)) if old <= size else ()
    return witness.add_checkpoint(Submission(old, changes.pop("proof", proof), _note(size, **changes)).to_bytes())


def test_a_log_that_grows_is_cosigned_with_the_time(witness):
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 20)):
        reply = _submit(witness, old, size)

        assert reply.status == 200
        note = Note.parse(_note(size).to_bytes() + reply.body)
        assert is_cosigned(note, SIGNER.key)
        assert int.from_bytes(note.signatures[-1].content[:8], "big") == 1_700_000_000
        assert not is_cosigned(Note(_note(size).text + "x\n", note.signatures), SIGNER.key)


@pytest.mark.parametrize(("old", "size"), [(0, 5), (0, 3), (2, 5), (4, 5)])
def test_another_old_size_is_answered_with_the_size(witness, old, size):
    _submit(witness, 0, 3)

    reply = _submit(witness, old, size)

    assert (reply.status, reply.body, reply.media_type) == (409, b"3\n", "text/x.tlog.size")


def test_a_log_that_was_cut_or_forked_is_not_cosigned(witness):
    _submit(witness, 0, 8)
    forked = [*CONTENTS[:5], *contents_of(30)[25:]]

    assert _submit(witness, 8, 8, contents=forked).status == 409
    assert _submit(witness, 8, 10, contents=forked).status == 422
    assert _submit(witness, 8, 3).status == 400
    assert _submit(witness, 3, 3).status == 409
    assert _submit(witness, 8, 9).status == 200


@pytest.mark.parametrize("proof", [(), (b"x" * 32,), (b"x" * 32,) * 3])
def test_a_wrong_proof_is_not_cosigned_and_changes_nothing(witness, proof):
    _submit(witness, 0, 3)

    assert _submit(witness, 3, 8, proof=proof).status == 422
    assert _submit(witness, 3, 8).status == 200


def test_a_proof_from_nothing_has_to_be_empty(witness):
    assert _submit(witness, 0, 3, proof=(b"x" * 32,)).status == 422


def test_an_unknown_log_an_unknown_key_and_nonsense_are_refused(witness):
    assert _submit(witness, 0, 3, signer=log_key("example.com/else")).status == 404
    assert _submit(witness, 0, 3, signer=OTHER).status == 403
    assert witness.add_checkpoint(b"hello\n").status == 400
    assert witness.add_checkpoint(b"\xff\xfe").status == 400


def test_what_was_cosigned_is_remembered_by_another_process(witness, tmp_path):
    _submit(witness, 0, 8)

    again = FolderWitness(SIGNER, [LOG.key], tmp_path / "witness", lambda: 0)

    assert _submit(again, 0, 8).body == b"8\n"


def test_of_many_at_once_none_rolls_the_log_back(witness, tmp_path):
    _submit(witness, 0, 1)
    others = [FolderWitness(SIGNER, [LOG.key], tmp_path / "witness", lambda: 0) for _ in range(4)]

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda size: _submit(others[size % 4], 1, size).status, range(2, 18)))

    assert sorted(set(statuses)) == [200, 409]
    assert statuses.count(200) == 1


def _call(app, method, path, body):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app({"type": "http", "method": method, "path": path}, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])[b"content-type"].decode(), sent[1]["body"]


def test_the_app_has_one_route_and_a_limit(witness):
    app, body = witness_app(witness), Submission(0, (), _note(3)).to_bytes()

    assert _call(app, "POST", "/add-checkpoint", body)[0] == 200
    assert _call(app, "POST", "/add-checkpoint", body)[::2] == (409, b"3\n")
    assert _call(app, "GET", "/add-checkpoint", b"")[0] == 404
    assert _call(app, "POST", "/", body)[0] == 404
    assert _call(app, "POST", "/add-checkpoint", b"x" * (MOST_BYTES + 1))[0] == 413


@pytest.fixture
def log(tmp_path):
    with approvals_store("sqlite", tmp_path) as store:
        logged_ledger(store, LOG)
        yield SqlLog(store, LOG)


def _asking(*handlers):
    """Return witnesses behind HTTP, each answered by a function of the request's body."""

    def answer(request):
        reply = handlers[int(request.url.host.removeprefix("w"))](request.content)
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status, content=reply.body, headers={"content-type": reply.media_type})

    named = [Witness(f"w{number}", SIGNER.key, f"http://w{number}/") for number in range(len(handlers))]
    return HttpWitnesses(named, httpx.Client(transport=httpx.MockTransport(answer)))


def test_the_checkpoint_is_written_with_the_cosignature(log, witness, tmp_path):
    files = FolderLog(tmp_path / "log", durable=False)
    publisher = Publisher(log, files, LOG.key, _asking(witness.add_checkpoint))
    policy = LogPolicy.parse(f"witness w {SIGNER.key.text}\nquorum w\n")
    verifier = LogVerifier(tmp_path / "log", LOG.key)

    for count in (3, 5, 0, 300):
        fill_log(log, count)
        before = publisher.catch_up()
        if count:
            with pytest.raises(TamperedLog, match="cosigned by nobody, and the policy wants 'w'"):
                verifier.verify(policy=policy)
        publisher.collect(before)

        assert is_cosigned(files.published(), SIGNER.key)
        assert verifier.verify(policy=policy).witnesses == ("w",)
    # A process that has forgotten what the witness saw asks again.
    again = Publisher(log, files, LOG.key, _asking(witness.add_checkpoint))
    fill_log(log, 1)
    assert is_cosigned(again.collect(again.catch_up()), SIGNER.key)


@pytest.mark.parametrize(
    "answer",
    [
        lambda body: httpx.ConnectError("refused"),
        lambda body: type("R", (), {"status": 500, "body": b"no", "media_type": "text/plain"}),
        lambda body: type("R", (), {"status": 200, "body": b"no", "media_type": "text/plain"}),
        lambda body: type("R", (), {"status": 409, "body": b"many", "media_type": "text/plain"}),
        lambda body: type("R", (), {"status": 200, "body": b"\xff", "media_type": "text/plain"}),
        lambda body: FolderWitness.add_checkpoint(FALSE, body),
    ],
    ids=["away", "broken", "nonsense", "no size", "no text", "another key"],
)
def test_a_witness_that_gives_nothing_stops_nothing(log, tmp_path, caplog, answer, monkeypatch):
    global FALSE
    FALSE = FolderWitness(log_key("example.com/w1", COSIGNATURE), [LOG.key], tmp_path / "false", lambda: 0)
    files = FolderLog(tmp_path / "log", durable=False)
    publisher = Publisher(log, files, LOG.key, _asking(answer))
    fill_log(log, 3)

    note = publisher.collect(publisher.catch_up())

    assert files.published() == note
    assert Checkpoint.parse(note.text).size == 3
    assert not is_cosigned(note, SIGNER.key)
    assert "The witness w0 gave" in caplog.text


def test_a_witness_that_saw_more_says_that_the_log_was_cut(log, witness, tmp_path, caplog):
    _submit(witness, 0, 20)
    publisher = Publisher(log, FolderLog(tmp_path / "log"), LOG.key, _asking(witness.add_checkpoint))
    fill_log(log, 3)

    publisher.collect(publisher.catch_up())

    assert "The witness w0 has cosigned 20 leaves of this log, which has 3: its end was removed." in caplog.text
