"""The keeper as a process: who may ask, what another user gets by any means, and how it starts and ends."""

import json
import os
import socket
import struct
from pathlib import Path

import pytest

from handrail.approvals.adapters.keeper_client import KeeperClient
from handrail.approvals.adapters.keeper_process import KeeperProcess, run_beside
from handrail.approvals.adapters.keeper_server import KeeperServer
from handrail.approvals.adapters.socket_ledger import SocketLedger
from handrail.approvals.adapters.system_users import SystemUser, become
from handrail.errors import InvalidInput, Misconfigured, Unavailable, UnknownReference
from tests.fakes.keeper import asking, memory_custody, serving
from tests.fakes.other_user import IS_ROOT, OTHER, as_user

pytestmark = pytest.mark.any_version


def _talk(path, content):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while chunk := connection.recv(4096):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


def _frame(values):
    content = json.dumps(values).encode()
    return struct.pack("!I", len(content)) + content


def test_an_error_of_the_keeper_is_raised_as_it_was():
    with asking() as keeper, pytest.raises(UnknownReference) as caught:
        SocketLedger(keeper).load("pr-none")

    assert (caught.value.kind, caught.value.name) == ("promotion request", "pr-none")


@pytest.mark.parametrize(
    "question",
    [
        {},
        [],
        7,
        {"v": 2, "call": "keeper.server", "said": {}},
        {"v": 1, "call": "keeper.shell", "said": {}},
        {"v": 1, "call": "ledger.load", "said": {}},
        {"v": 1, "call": "ledger.load", "said": None},
        {"v": 1, "call": "ledger.open", "said": {"request": "{}"}},
        {
            "v": 1,
            "call": "snapshots.keep",
            "said": {"model": "flights", "account": "ada", "at": "2026-01-01T00:00:00+00:00"},
        },
        {"v": 1, "call": "signer.sign", "said": {"payload": "!", "payload_type": "x"}},
    ],
)
def test_what_cannot_be_understood_is_one_sentence_and_the_next_is_answered(question):
    with serving(memory_custody()) as path:
        refused = _talk(path, _frame(question) + _frame({"v": 1, "call": "keeper.server", "said": {}}))

    first = json.loads(refused[4 : 4 + struct.unpack("!I", refused[:4])[0]])
    assert first["error"] == "InvalidInput"
    assert refused.endswith(b'{"said":"local-1"}')


@pytest.mark.parametrize(
    "content", [b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff\xff\xff", b"\0\0\0\4abc", b"\0\0\0\3{]}", b"\0"]
)
def test_what_is_no_frame_ends_that_conversation_alone(content):
    with serving(memory_custody()) as path:
        assert _talk(path, content) == b""
        with KeeperClient(path) as keeper:
            assert keeper.ask("keeper.server") == "local-1"


def test_a_keeper_that_was_started_again_is_asked_again():
    with serving(memory_custody()) as path, KeeperClient(path) as keeper:
        assert keeper.ask("keeper.server") == "local-1"
        keeper._idle._connections[0].shutdown(socket.SHUT_RDWR)

        assert keeper.ask("keeper.server") == "local-1"
    with pytest.raises(Unavailable, match="handrail approvals keeper"):
        keeper.ask("keeper.server")


def test_another_user_gets_no_word(tmp_path):
    with serving(memory_custody(), users=[OTHER.uid]) as path, pytest.raises(Unavailable):
        KeeperClient(path).ask("keeper.server")


def test_two_keepers_cannot_listen_at_one_place_and_a_dead_one_leaves_it():
    with serving(memory_custody()) as path, pytest.raises(Unavailable, match="another keeper"):
        KeeperServer(path, {}, [])
    with serving(memory_custody()) as path:
        stale = path.with_name("stale.sock")
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(stale))
        KeeperServer(stale, {}, []).server_close()
    with pytest.raises(Unavailable, match="longer than"):
        KeeperServer(Path("/tmp") / ("x" * 120), {}, [])


def test_a_process_serves_and_ends_with_its_context():
    with serving(memory_custody()) as beside:
        path = beside.with_name("process.sock")
        own = SystemUser.current()
        with KeeperProcess.start(own, lambda: KeeperServer(path, {"pid": lambda _s, _f: os.getpid()}, [own.uid])) as it:
            with KeeperClient(path) as keeper:
                assert keeper.ask("pid") == it.pid
            command = ["/bin/sh", "-c", 'test "$ASKED" = yes && exit 7']
            assert run_beside(it, command, own, {"ASKED": "yes"}) == 7
            with pytest.raises(Unavailable, match="cannot be started"):
                run_beside(it, ["/no/such"], own, {})
        assert it.has_ended()
        with pytest.raises(Unavailable, match="ended by itself"):
            run_beside(it, ["/bin/sleep", "60"], own, {})


@pytest.mark.parametrize("problem", [Misconfigured("here", "it is wrong", "Correct it."), InvalidInput("a", "b", "C.")])
def test_what_stops_a_keeper_is_raised_where_it_was_started(problem):
    def fail():
        raise problem

    with pytest.raises(type(problem)) as caught:
        KeeperProcess.start(SystemUser.current(), fail)
    assert str(caught.value) == str(problem)


def test_a_bug_in_the_start_is_one_sentence_too(capfd):
    with pytest.raises(Unavailable, match="did not start"):
        KeeperProcess.start(SystemUser.current(), lambda: 1 / 0)
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["no-such-user", "4294967296", "-1", "1:2:3", ""])
def test_a_user_that_is_not_there_is_named(name):
    with pytest.raises(Misconfigured, match="approvals_user"):
        SystemUser.named(name, "approvals_user")


def test_users_are_named_by_name_and_by_number():
    assert SystemUser.named("root", "x").uid == SystemUser.named("0", "x").uid == 0
    assert SystemUser.named("990:991", "x") == SystemUser(990, 991)


@pytest.mark.parametrize(
    ("mode", "owner", "group", "expected"),
    [
        (0o755, 1, 1, False),
        (0o775, 1, 12345, True),
        (0o757, 1, 1, True),
        (0o400, 12345, 1, True),
        (0o757, 1, 12345, False),
    ],
)
def test_who_may_write_is_read_from_the_permissions(tmp_path, monkeypatch, mode, owner, group, expected):
    entry = os.stat_result((mode, 0, 0, 0, owner, group, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda _path: entry)

    assert OTHER.may_write(tmp_path) is expected


def test_a_process_that_is_not_root_becomes_nobody_else():
    ordinary = (lambda: become(OTHER) or become(SystemUser(54321, 54321))) if IS_ROOT else lambda: become(OTHER)

    assert as_user(OTHER if IS_ROOT else SystemUser.current(), ordinary) == "Misconfigured"
