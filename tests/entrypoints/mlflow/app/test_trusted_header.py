"""A header that names a person counts from the proxy's socket alone, once, and in one spelling."""

import asyncio
import socket

import pytest

from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.mlflow.app.trusted_header import HeaderDoor, read_trust, vouched_account
from handrail.errors import Misconfigured, Refused
from tests.fakes.mlflow_server import EVIDENCE, Server, settings_in, start, wait_until_up

PROXIES = ("10.0.0.5", "192.168.7.0/29", "fd00::1")
TRUSTED = ("10.0.0.5", "::ffff:10.0.0.5", "192.168.7.6", "fd00::1")
OTHERS = ("127.0.0.1", "10.0.0.50", "192.168.7.8", "::1", "fd00::2", "", "10.0.0.5, 127.0.0.1", None)
SPELLINGS = (b"x-remote-user", b"X-Remote-User", b"X_Remote_User", b"x-remote_user", b"X-REMOTE_USER")
FORGED = (
    [(b"x-remote-user", b"ada"), (b"x-remote-user", b"ben")],
    [(b"x-remote-user", b"ada"), (b"x-remote-user", b"ada")],
    [(b"x-remote-user", b"ada"), (b"x_remote_user", b"ben")],
    [(b"x_remote_user", b"ada")],
    [(b"x-remote-user", b"ada,ben")],
    [(b"x-remote-user", b"ada ben")],
    [(b"x-remote-user", b"")],
    [(b"x-remote-user", b"%61da")],
    [(b"x-remote-user", b"=?utf-8?q?ada?=")],
    [(b"x-remote-user", "ada\u0430".encode())],
    [(b"x-remote-user", b"ada\xe9")],
    [(b"x-remote-user", b"ada\n")],
    [(b"x-remote-user", b"a" * 256)],
)


class _Cycle:
    """What uvicorn hands to an app as `receive` is a method of an object that has the socket."""

    def __init__(self, peer):
        self.transport = self
        self.peer = peer

    def get_extra_info(self, name):
        assert name == "peername"
        return (self.peer, 40000)

    async def receive(self):
        return {"type": "http.request", "body": b""}


def _send(headers, peer, receive=None):
    """Return the status, and who was vouched for and which headers the app within saw."""
    seen, sent = [], []

    async def within(scope, receive, send):
        seen.append((vouched_account(), scope["headers"]))

    async def send(message):
        sent.append(message)

    # What uvicorn makes of X-Forwarded-For; the door may not look at it.
    scope = {"type": "http", "headers": headers, "client": ("10.0.0.5", 0)}
    door = HeaderDoor(within, read_trust(PROXIES, "X-Remote-User"))
    asyncio.run(door(scope, receive or _Cycle(peer).receive, send))
    assert vouched_account() is None
    return (sent[0]["status"] if sent else 200), seen


@pytest.mark.parametrize("peer", TRUSTED)
def test_the_proxy_names_a_person_and_nobody_further_in_reads_the_header(peer):
    headers = [(b"host", b"x"), (b"X-Remote-User", b"ada@example.org")]

    assert _send(headers, peer) == (200, [("ada@example.org", [(b"host", b"x")])])


@pytest.mark.parametrize("peer", OTHERS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_from_any_other_peer_every_spelling_is_taken_out(peer, name):
    assert _send([(name, b"ada"), (b"host", b"x")], peer) == (200, [(None, [(b"host", b"x")])])


def test_a_server_that_does_not_show_its_socket_trusts_nobody():
    async def receive():
        raise AssertionError

    assert _send([(b"x-remote-user", b"ada")], None, receive) == (200, [(None, [])])


@pytest.mark.parametrize("headers", FORGED)
def test_what_could_be_read_in_two_ways_is_refused_even_from_the_proxy(headers):
    assert _send(headers, "10.0.0.5") == (400, [])


@pytest.mark.parametrize(
    ("proxies", "header", "words"),
    [
        ((), "X-Remote-User", "mlflow_user_header: it is set without mlflow_trusted_proxies"),
        (("10.0.0.5",), None, "mlflow_trusted_proxies: it is set without mlflow_user_header"),
        (("proxy.local",), "X-Remote-User", "'proxy.local' is no address"),
        (("*",), "X-Remote-User", "is no address"),
        (("10.0.0.5/24",), "X-Remote-User", "is no address"),
        (("0.0.0.0/0",), "X-Remote-User", "is everybody"),
        (("::/0",), "X-Remote-User", "is everybody"),
        (("10.0.0.5",), "X_Remote_User", "cannot name a person"),
        (("10.0.0.5",), "", "cannot name a person"),
        (("10.0.0.5",), "Authorization", "cannot name a person"),
        (("10.0.0.5",), "x-forwarded-for", "cannot name a person"),
    ],
)
def test_settings_that_trust_by_halves_or_everybody_are_refused(proxies, header, words):
    with pytest.raises(Misconfigured, match=words):
        read_trust(proxies, header)


def test_it_is_off_by_default():
    assert read_trust((), None) is None


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """A real server that trusts 127.0.0.2, which uvicorn does not, and not 127.0.0.1, which uvicorn does."""
    folder = tmp_path_factory.mktemp("behind")
    settings = settings_in(folder)
    trust = {"HANDRAIL_MLFLOW_TRUSTED_PROXIES": "127.0.0.2", "HANDRAIL_MLFLOW_USER_HEADER": "X-Remote-User"}
    with (folder / "log").open("wb") as log:
        process = start(settings, log, trust)
    try:
        wait_until_up(settings, process, folder / "log")
        server = Server(settings)
        server.make_accounts(("ada", "ben", "cleo"))
        server.write_roles()
        yield server
        server.admin.close()
    finally:
        process.terminate()
        process.wait(60)


def _call(server, peer, lines, method="GET", path=Route.REQUESTS.path, body=b""):
    """Send one request from a local address, header lines as they are; return its status."""
    to = ("127.0.0.1", server.settings.ports.mlflow)
    head = [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", *lines]
    head.append(f"Content-Length: {len(body)}".encode())
    with socket.create_connection(to, timeout=60, source_address=(peer, 0)) as connection:
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
        return int(connection.makefile("rb").readline().split()[1])


def test_the_proxy_logs_in_whom_it_names(behind):
    assert _call(behind, "127.0.0.2", [b"X-Remote-User: ada"]) == 200
    assert _call(behind, "127.0.0.2", [b"X-Remote-User: ada", b"X-Forwarded-For: 203.0.113.9"]) == 200


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("more", [(), (b"X-Forwarded-For: 127.0.0.2",), (b"X-Forwarded-For: 127.0.0.2:1",)])
def test_nobody_else_does_whatever_they_say_of_where_they_come_from(behind, name, more):
    assert _call(behind, "127.0.0.1", [name + b": ada", *more]) == 401


def test_who_comes_without_the_header_is_anonymous_or_has_a_password(behind):
    assert _call(behind, "127.0.0.2", []) == 401
    with behind.person("ada") as http:
        assert http.get(Route.REQUESTS.path).status_code == 200


@pytest.mark.parametrize("account", [b"zoe", b"ADA", b"Ada"])
def test_an_account_that_mlflow_does_not_have_is_not_made(behind, account):
    assert _call(behind, "127.0.0.2", [b"X-Remote-User: " + account]) == 403
    assert behind.admin.get("/api/2.0/mlflow/users/get", params={"username": account.decode()}).status_code == 404


def test_the_header_has_to_be_plain(behind):
    assert _call(behind, "127.0.0.2", [b"X-Remote-User: ada", b"X_Remote_User: ben"]) == 400
    assert _call(behind, "127.0.0.2", [b"X-Remote-User: ada,ben"]) == 400


def test_whoever_uploads_through_the_proxy_is_the_maker(behind):
    made = behind.make_version("ben")
    path = made.artifact("more.bin")
    assert _call(behind, "127.0.0.2", [b"X-Remote-User: ada"], "PUT", path, b"x") == 403
    assert _call(behind, "127.0.0.2", [b"X-Remote-User: ben"], "PUT", path, b"x") == 200
    request_id = made.ask("ben", evidence=EVIDENCE | {"comparison": {"ci_low": 0.0}})["request_id"]

    with pytest.raises(Refused, match="'ben'|Ben"):
        made.say(request_id, "ben")
    assert made.say(request_id, "cleo")["verdict"] == "pending"
