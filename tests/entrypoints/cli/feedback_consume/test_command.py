"""`handrail feedback consume` as a user types it, over real brokers."""

import json

import pytest

from handrail.bootstrap import open_platform
from handrail.errors import InvalidInput, Misconfigured, Unavailable
from tests.entrypoints.cli.feedback_consume.test_reading import KINDS, a_prediction, an_outcome, as_json
from tests.entrypoints.cli.test_feedback import run
from tests.fakes.streams import REAL, NatsBroker, a_broker

MAY = ("--may", "report", "--source", "desk", "--may", "predict")


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    return tmp_path


@pytest.fixture(params=REAL)
def broker(request, tmp_path):
    with a_broker(request.param, tmp_path) as broker:
        yield broker


def consume(broker, *more):
    return run("consume", broker.url, "--stream", broker.name, "--once", *more)


def test_once_records_what_is_there_and_then_has_nothing_to_do(project, broker):
    broker.send(as_json(an_outcome(1)))
    broker.send(as_json({"predictions": [a_prediction(1), a_prediction(2)]}), {"content-type": "application/json"})

    first, again = consume(broker, *MAY, "--batch", 1), consume(broker, *MAY, "--json")

    assert first.stdout == "2 messages: 3 rows recorded, 0 known already.\n"
    assert json.loads(again.stdout) == dict.fromkeys(("messages", "accepted", "repeated", "conflicts", "refused"), 0)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert broker.unacknowledged() == 0


def test_poison_is_set_aside_once_named_and_does_not_come_again(project, broker):
    for body in (b"{", as_json(an_outcome(1)), as_json(an_outcome(2, source="erp")), b"\xff\x00"):
        broker.send(body)

    first, again = consume(broker, *MAY), consume(broker, *MAY)

    assert (first.exit_code, again.exit_code) == (1, 0)
    assert "3 are set aside. Look at them with `handrail feedback quarantine list`." in first.stderr
    with open_platform() as platform:
        held = platform.feedback.quarantined()
        assert platform.feedback.status().feedback == 1
    assert {each.reason for each in held} == {"malformed", "not_allowed"}
    assert all(each.origin.startswith(f"{broker.url} {broker.name} ") for each in held)


def test_two_groups_get_every_message_each(project, broker):
    broker.send(as_json(an_outcome(1)))

    first, other = consume(broker, *MAY), consume(broker, *MAY, "--group", "copies")

    assert "1 rows recorded, 0 known" in first.stdout
    assert "0 rows recorded, 1 known" in other.stdout


def test_a_broker_that_is_not_there_is_one_sentence(project, broker):
    broker.stop()

    with pytest.raises(Unavailable, match=r"does not answer .*Start it, or correct the address\."):
        consume(broker, *MAY)

    broker.start()


URL = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((URL, "--stream", "a"), "--may: nothing is taken"),
        ((URL, "--stream", "a", "--may", "report"), "--source: no source is named"),
        ((URL, "--stream", "a", "--may", "predict", "--source", "desk"), "--source: no outcomes are taken"),
        ((URL, "--stream", "a b", *MAY), "stream: 'a b' is not a name"),
        ((URL, "--stream", "", *MAY), "stream: '' is not a name"),
        (("nats://h:4222", "--stream", "a.b", *MAY), "stream: 'a.b' is not a name in NATS"),
        (("nats://h:4222", "--stream", "a", "--group", "g>", *MAY), "group: 'g>' is not a name in NATS"),
        (("amqp://h", "--stream", "a", *MAY), "url: 'amqp://h' is no address"),
        (("redis://h:x/0", "--stream", "a", *MAY), "url: 'redis://h:x/0' is no address"),
    ],
)
def test_what_is_not_said_or_said_wrongly_is_refused_before_anything_is_opened(project, words, said):
    with pytest.raises(InvalidInput) as refused:
        run("consume", *words)

    assert str(refused.value).startswith(said)
    assert not (project / ".handrail").exists()


@pytest.mark.parametrize("url", ["redis://me:s3cret@h:6379/0", "redis://:s3cret@h:6379/0", "nats://s3cret@h:4222"])
def test_credentials_in_an_address_are_refused_and_not_shown(project, url):
    with pytest.raises(InvalidInput, match="it holds credentials") as refused:
        run("consume", url, "--stream", "a", *MAY)

    assert "s3cret" not in str(refused.value)


if "redis" in REAL:

    @pytest.fixture
    def locked(tmp_path):
        """Lend a Redis stream that only a user with a password may read."""
        with a_broker("redis", tmp_path) as broker:
            user = broker.name
            broker.client.execute_command(*f"ACL SETUSER {user} on >s3cret ~{broker.name} +@all".split())
            broker.send(as_json(an_outcome(1)))
            yield broker
            broker.client.acl_deluser(user)

    def test_redis_lets_in_whom_the_environment_or_a_file_names(project, locked, monkeypatch, tmp_path):
        file = tmp_path / "redis.txt"
        file.write_text(f"{locked.name}:s3cret\n")
        assert consume(locked, *MAY, "--credentials", file).exit_code == 0
        monkeypatch.setenv("HANDRAIL_STREAM__CREDENTIALS", f"{locked.name}:s3cret")
        assert consume(locked, *MAY).exit_code == 0
        monkeypatch.setenv("HANDRAIL_STREAM__CREDENTIALS", f"{locked.name}:other-s3cret")

        with pytest.raises(Misconfigured, match="Redis does not let us in") as refused:
            consume(locked, *MAY)

        assert "s3cret" not in str(refused.value)

    def test_a_key_that_is_no_stream_is_said(project, tmp_path):
        with a_broker("redis", tmp_path) as broker:
            broker.client.set(broker.name, "a text")
            with pytest.raises(Misconfigured, match="the key is no stream"):
                consume(broker, *MAY)


if "nats" in REAL:

    def test_nats_lets_in_whom_the_environment_names_and_needs_a_stream(project, tmp_path, monkeypatch):
        broker = NatsBroker(tmp_path, 'authorization { user: me, password: "s3cret" }')
        try:
            with pytest.raises(Misconfigured, match="NATS does not let us in"):
                consume(broker, *MAY)
            monkeypatch.setenv("HANDRAIL_STREAM__CREDENTIALS", "me:s3cret")
            with pytest.raises(
                Misconfigured, match="there is no such stream. Make it, as with: nats stream add outcomes"
            ):
                consume(broker, *MAY)
        finally:
            broker.close()


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"\xff", "it is not a text"), (b"\n", "holds no")]
)
def test_a_file_of_credentials_that_cannot_be_used_is_said(project, tmp_path, content, said):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(Misconfigured, match=said):
        run("consume", URL, "--stream", "a", *MAY, "--credentials", file)
