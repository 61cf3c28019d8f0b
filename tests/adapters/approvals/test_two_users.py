"""A shell as the server's user beside a keeper: what it can read, write and have signed.

Only root starts processes of two users. Elsewhere both are one, and then the socket alone is tried.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from handrail.approvals.adapters.keeper_client import KeeperClient
from handrail.approvals.adapters.socket_custody import SocketShelf, SocketSigner
from handrail.approvals.adapters.socket_ledger import SocketLedger
from handrail.approvals.adapters.system_users import SystemUser
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.events import MoveDone, MoveIntended
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.permit import Permit, make_statement
from handrail.approvals.domain.revocations import PAYLOAD_TYPE as REVOCATIONS
from handrail.approvals.domain.revocations import RevocationList
from handrail.bootstrap.approvals import migrated
from handrail.bootstrap.approvals_custody import held_here
from handrail.bootstrap.approvals_keeper import KeeperProcess, keeper_settings, open_keeper, prepare_gate_home
from handrail.clock import system_time
from handrail.errors import HandrailError, Misconfigured
from handrail.manifest import canonical_json
from handrail.storage import open_store
from tests.fakes.approvals import FakeSigner
from tests.fakes.approvals_world import TERMS, World, opening
from tests.fakes.mlflow_server import settings_in
from tests.fakes.other_user import IS_ROOT, OTHER, as_user

SERVER = OTHER if IS_ROOT else SystemUser.current()


@pytest.fixture
def settings():
    # Not below pytest's own folder, which no other user can pass.
    folder = Path(tempfile.mkdtemp(prefix="kept-"))
    folder.chmod(0o755)
    try:
        yield keeper_settings(settings_in(folder))
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def kept(settings):
    """The settings of a keeper that is at work."""
    own = SystemUser.current()
    prepare_gate_home(settings, own)
    with KeeperProcess.start(own, lambda: open_keeper(settings, [own, SERVER])):
        yield settings


def _secrets(settings):
    home = settings.gate_home
    return [
        *sorted((home / "credentials").iterdir()),
        home / "ledger" / "approvals.db",
        home / "mlflow" / "server-name",
    ]


def _public(settings):
    return [settings.permits / "gate.pub", settings.log / "checkpoint", settings.log / "log.vkey"]


def test_keys_and_ledger_are_readable_by_the_keeper_alone(kept):
    assert len(_secrets(kept)) == 5
    for file in _secrets(kept):
        assert file.stat().st_mode & 0o077 == 0
        assert file.parent.stat().st_mode & 0o077 == 0


if IS_ROOT:

    def test_the_server_s_user_reads_no_secret_and_writes_nothing(kept):
        for file in _secrets(kept):
            assert as_user(SERVER, file.read_bytes) == "PermissionError", file
        for file in (*_secrets(kept), *_public(kept)):
            assert as_user(SERVER, lambda file=file: file.open("ab").close()) == "PermissionError", file
            assert as_user(SERVER, file.unlink) == "PermissionError", file
        for folder in (kept.gate_home, kept.permits, kept.log, kept.approvals_socket.parent):
            assert as_user(SERVER, (folder / "new").touch) == "PermissionError", folder
        for file in _public(kept):
            assert as_user(SERVER, file.read_bytes) == file.read_bytes()

    def test_a_third_user_gets_no_answer(kept):
        def ask():
            with KeeperClient(kept.approvals_socket) as keeper:
                return keeper.ask("keeper.server")

        assert as_user(SystemUser(54321, 54321), ask) == "Unavailable"
        assert as_user(SERVER, ask).startswith("local-")

    def test_a_keeper_does_not_start_where_the_server_writes_the_rules(settings):
        prepare_gate_home(settings, SystemUser.current())
        (settings.config / "roles.yaml").chmod(0o666)

        with pytest.raises(Misconfigured, match=r"roles\.yaml.*may change it"):
            open_keeper(settings, [SERVER])

    @pytest.mark.parametrize("above", ["home", "approvals"])
    def test_a_folder_that_the_server_could_replace_is_refused(settings, above):
        prepare_gate_home(settings, SystemUser.current())
        folder = settings.home if above == "home" else settings.gate_home
        os.chown(folder, SERVER.uid, SERVER.gid)

        with pytest.raises(Misconfigured, match=f"may write to {folder} and so replace"):
            open_keeper(settings, [SERVER])

    def test_a_folder_that_the_keeper_cannot_pass_is_named(settings):
        prepare_gate_home(settings, OTHER)
        settings.home.chmod(0o700)

        with pytest.raises(Misconfigured, match=f"cannot (pass through|read) .*({settings.home}|os.py)"):
            KeeperProcess.start(OTHER, lambda: open_keeper(settings, [OTHER]))


def _forged():
    """Return what a shell would have signed: a permit for a request that it made up, approved by nobody."""
    world = World()
    request = world.gate.open_request(opening(), "ada").history.request
    approved = Judgement(Verdict.APPROVED)
    return request, make_statement(request, approved, system_time().isoformat(), TERMS)


def _attempts(path):
    """Try, as whoever runs this, to get a permit or to write history; return what came of each."""
    with KeeperClient(path) as keeper:
        ledger, signer = SocketLedger(keeper), SocketSigner(keeper)
        server = keeper.ask("keeper.server")
        request, statement = _forged()
        payload = canonical_json(statement)
        envelope = FakeSigner().sign(payload).to_json()
        now = system_time()
        listed, other = (RevocationList(name, now.isoformat(), ()) for name in (server, "other"))
        history = World().gate.open_request(opening(), "ada").history
        tries = {
            "sign a permit": lambda: signer.sign(payload),
            "sign a list of another server": lambda: signer.sign(other.payload, REVOCATIONS),
            "sign any bytes": lambda: signer.sign(b"tree head", "text/plain"),
            "open a made-up request": lambda: ledger.open(request),
            "intend a move": lambda: ledger.append(history, MoveIntended(now, statement)),
            "say that a move is done": lambda: ledger.append(history, MoveDone(now, envelope)),
            "publish a permit": lambda: SocketShelf(keeper).put(Permit.from_payload(payload), envelope),
            "publish a list signed otherwise": lambda: SocketShelf(keeper).put_revoked(
                FakeSigner().sign(listed.payload, REVOCATIONS).to_json()
            ),
            "call what is not there": lambda: keeper.ask("keeper.private_key"),
        }
        return {name: _outcome(attempt) for name, attempt in tries.items()}


def _outcome(attempt):
    try:
        attempt()
    except HandrailError as err:
        return type(err).__name__
    return "DONE"


def test_a_shell_as_the_server_s_user_yields_no_permit(kept):
    outcomes = as_user(SERVER, lambda: _attempts(kept.approvals_socket))

    assert "DONE" not in outcomes.values(), outcomes
    assert set(outcomes.values()) <= {"Refused", "MovedMeanwhile", "UnknownReference", "InvalidInput"}, outcomes
    assert not list(kept.permits.rglob("*.json"))


def test_an_older_home_is_brought_to_the_keeper_with_all_that_it_held(settings):
    before = settings.model_copy(update={"approvals_home": None, "approvals_socket": None})
    store = migrated(open_store(before.store_url))
    held = held_here(before, store)
    world = World()
    request = world.gate.open_request(opening(), "ada").history.request
    held.ledger.open(request)
    held.provenance.record("run", "run-1", "ada")
    key = (before.credentials / "gate-signing-key.pem").read_bytes()
    store.close()

    said = prepare_gate_home(settings, SystemUser.current())
    again = prepare_gate_home(settings, SystemUser.current())

    assert len(said) == 1
    assert again == []
    assert (settings.gate_credentials / "gate-signing-key.pem").read_bytes() == key
    assert not list(before.credentials.glob("gate-*")) + list(before.credentials.glob("log-*"))
    own = SystemUser.current()
    with (
        KeeperProcess.start(own, lambda: open_keeper(settings, [own])),
        KeeperClient(settings.approvals_socket) as keeper,
    ):
        assert keeper.ask("keeper.server") == held.server
        assert SocketLedger(keeper).load(request.request_id).request == request
    # The older place begins no second ledger beside it.
    with pytest.raises(LogMismatch):
        held_here(before, open_store(before.store_url))


@pytest.mark.parametrize("folder", ["permits", "credentials"])
def test_a_link_in_an_older_home_is_not_followed(settings, folder):
    before = settings.model_copy(update={"approvals_home": None, "approvals_socket": None})
    held_here(before, migrated(open_store(before.store_url)))
    (settings.home / folder / "more").symlink_to("/etc/passwd")

    with pytest.raises(Misconfigured, match="it is a link"):
        prepare_gate_home(settings, SystemUser.current())

    assert not list(settings.gate_home.rglob("more"))
    assert list(before.credentials.glob("gate-*"))
