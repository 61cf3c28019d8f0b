"""`handrail acquire --follow`: what a broker has is online at once and offline soon, whatever is killed in between."""

import json
import os
import random
import signal
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from handrail.entrypoints.cli import build
from handrail.errors import HandrailError
from tests.fakes.brokers import BROKERS, Broker
from tests.fakes.killed_acquiring import start
from tests.fakes.pushed_project import SOURCE, TABLE, VIEW, make_project
from tests.fakes.streams import until

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = ("a", "b", "c")
FOLLOW = (TABLE, "--follow", "--push", SOURCE, "--to", "acquired", "--every", "0.2")
KILLS = {
    "amqp": [("kept", 2), ("pushed", 1)],
    "mqtt": [("noted", 2), ("inserted", 1)],
    "nats": [("read", 2), ("pushed", 1)],
    "redis": [("confirmed", 1), ("kept", 1)],
}


@pytest.fixture(params=sorted(BROKERS))
def broker(request):
    made = Broker(request.param)
    made.make()
    yield made
    made.remove()


@pytest.fixture
def project(broker, tmp_path, monkeypatch):
    monkeypatch.setenv("BROKER_LOGIN", "guest:guest")
    stream = {"url": broker.url, "topic": broker.topic, "group": broker.topic, "most": 7}
    made = make_project(tmp_path, stream | ({"credentials_env": "BROKER_LOGIN"} if broker.kind == "amqp" else {}))
    yield made
    made.close()


def readings(count, begin=0):
    """Return readings of three sensors, late ones and repeated ones among them, and one that is no reading."""
    made = [
        {"sensor": SENSORS[number % 3], "at": f"{START + timedelta(milliseconds=10 * number):%FT%T.%f}Z"}
        | {"x": float(number), "n": number}
        for number in range(begin, begin + count)
    ]
    shuffled = [*made, *made[::5]]
    random.Random(count).shuffle(shuffled)
    return made, [*(json.dumps(each).encode() for each in shuffled), b"{"]


def parts(project):
    folder = project.folder / "acquired" / TABLE
    return pq.read_table(folder).to_pylist() if folder.is_dir() else []


def newest(made):
    found = {each["sensor"]: (each["x"], each["n"]) for each in made}
    return {sensor: found[sensor] for sensor in SENSORS}


def log(project):
    file = project.folder / "log.txt"
    return file.read_text() if file.exists() else ""


def stop(process):
    os.kill(process.pid, signal.SIGTERM)
    process.join(30)
    return process.exitcode


def test_killed_anywhere_nothing_is_lost_or_doubled_online_and_offline(broker, project):
    made, bodies = readings(40)
    broker.send(*bodies)
    for die_at in KILLS[broker.kind]:
        killed = start(project.folder, *FOLLOW, die_at=die_at)
        killed.join(60)
        assert killed.exitcode == -signal.SIGKILL, (die_at, log(project))

    process = start(project.folder, *FOLLOW)
    until(lambda: len(parts(project)) >= 40 or not process.is_alive(), "all rows offline")
    more, bodies = readings(6, begin=40)
    broker.send(*bodies)
    until(lambda: len(parts(project)) >= 46 or not process.is_alive(), "what came later")
    assert stop(process) == 0, log(project)

    published = sorted((each["sensor"], each["x"], each["n"]) for each in [*made, *more])
    assert sorted((row["sensor"], row["x"], row["n"]) for row in parts(project)) == published
    assert project.online(*SENSORS) == newest([*made, *more])
    asked = pd.DataFrame({"sensor": SENSORS, "event_timestamp": [START + timedelta(minutes=5)] * 3})
    offline = project.store.get_historical_features(asked, [f"{VIEW}:x", f"{VIEW}:n"]).to_df()
    assert {row.sensor: (row.x, row.n) for row in offline.itertuples()} == newest([*made, *more])


@pytest.fixture
def idle(tmp_path, monkeypatch):
    """Give a project whose stream nobody sends to, in the current folder."""
    made = make_project(tmp_path, {"url": "redis://127.0.0.1:9", "topic": "t"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    return made


def run(*arguments):
    return CliRunner().invoke(build(), ["acquire", *arguments], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((TABLE, "--push", SOURCE), "Add --follow"),
        ((TABLE, "--every", "3"), "Add --follow"),
        ((TABLE, "--follow", "--as-of", "2026-01-01"), "is known since it comes"),
        (("--follow",), "Name one table"),
        (("nothing", "--follow"), "Write one of orders, readings"),
        (("orders", "--follow"), "'orders' is no stream"),
        ((TABLE, "--follow", "--push", "others"), "no feature view has a push source 'others'"),
        ((TABLE, "--follow", "--push", SOURCE, "--feature-repo", "nowhere"), "Name the folder with feature_store.yaml"),
    ],
)
def test_a_mistake_is_one_sentence(idle, arguments, said):
    file = idle.folder / "config" / "sources.yaml"
    sources = yaml.safe_load(file.read_text())
    sources["tables"]["orders"] = {"key": ["id"], "documents": {"path": "in/*.json"}}
    file.write_text(yaml.safe_dump(sources))

    with pytest.raises(HandrailError, match=said):
        run(*arguments)


def test_a_table_that_is_followed_is_not_followed_twice(idle):
    first = start(idle.folder, TABLE, "--follow")
    until(lambda: "Messages stay at the broker" in log(idle) or not first.is_alive(), "the first follower waits")

    with pytest.raises(HandrailError, match="Another process follows it"):
        run(TABLE, "--follow")
    with pytest.raises(HandrailError, match="end the follower first"):
        CliRunner().invoke(build(), ["sources", "open", TABLE], catch_exceptions=False)

    assert stop(first) == 0


def test_what_is_followed_is_left_out_and_the_other_tables_are_acquired(idle):
    file = idle.folder / "config" / "sources.yaml"
    sources = yaml.safe_load(file.read_text())
    sources["tables"]["orders"] = {"key": ["id"], "documents": {"path": "in/*.json"}}
    file.write_text(yaml.safe_dump(sources))
    (idle.folder / "in").mkdir()
    (idle.folder / "in" / "a.json").write_text('[{"id": 1}]')
    first = start(idle.folder, TABLE, "--follow")
    until(lambda: "Messages stay at the broker" in log(idle) or not first.is_alive(), "the first follower waits")

    ran = run()

    assert stop(first) == 0
    assert f"{TABLE}: another process follows this table, so nothing of it is read here." in ran.stderr
    assert "orders: 1 new rows" in ran.stdout
    assert TABLE not in ran.stdout
