"""What is written online, and what online reads saw, is in lineage; no request waits for it."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from feast import FeatureStore
from feast.data_source import PushMode
from feast.infra.compute_engines.local.compute import LocalComputeEngine

from handrail.entrypoints.feast import provider as feast_provider
from handrail.entrypoints.feast.provider import pending
from handrail.errors import InvalidInput
from tests.entrypoints.feast.provider.shop import hour, open_shop, write_orders

pytestmark = pytest.mark.filterwarnings("ignore:.* is an experimental feature:RuntimeWarning")

DEADLINE_S = 20


@pytest.fixture
def writable(project):
    """A shop of this test's own."""
    return open_shop(project / "features")


def clicks(count, customer=1):
    return pd.DataFrame({"customer": [customer], "at": [hour(4)], "clicks": [count]})


def read(shop, times=1):
    for _ in range(times):
        answer = shop.get_online_features(
            features=shop.get_feature_service("checkout"), entity_rows=[{"customer": 1, "basket": 3.0}]
        )
    return answer.to_dict()


def present(told, view):
    history = told.lineage.pointer_history(f"feast online shop/{view}")
    return history[-1].target


def test_materialising_leaves_a_state_made_of_the_sources_bytes(writable, told):
    writable.materialize(hour(0), hour(5), feature_views=["orders"])

    state = present(told, "orders")
    (filling,) = told.causes(state)["materialization"]
    expected = {"rows": "2", "interval_start": hour(0).isoformat(), "interval_end": hour(5).isoformat()}
    assert expected.items() <= filling.attributes.items()
    causes = told.causes(filling.uri)
    assert [node.attributes["path"] for node in causes["dvc-data"]] == ["features/orders.parquet"]
    assert causes["feature-view"][0].uri.startswith("feast://shop/feature_view/orders@")
    assert "online-features" not in causes, "there was no state before"


def test_the_next_state_is_made_from_the_one_before(writable, told):
    writable.materialize(hour(0), hour(1), feature_views=["orders"])
    first = present(told, "orders")

    writable.materialize_incremental(hour(5), feature_views=["orders"])

    second = present(told, "orders")
    assert second != first
    filling = told.causes(second)["materialization"][0].uri
    assert [node.uri for node in told.causes(filling)["online-features"]] == [first]


def test_a_materialisation_that_fails_raises_as_ever_and_is_recorded(writable, project, told):
    (project / "features" / "orders.parquet").unlink()

    with pytest.raises(InvalidInput, match=r"orders\.parquet"):
        writable.materialize(hour(0), hour(5), feature_views=["orders"])

    (uri,) = told.uris("materialization")
    assert told.node(uri).attributes["outcome"] == "failed"
    assert told.uris("online") == []


class SlowlyReadingEngine(LocalComputeEngine):
    """An engine to which Feast hands all views at once, as its Spark application engine."""

    supports_batch = True

    def materialize(self, registry, tasks, **options):
        write_orders(Path(tasks[0].feature_view.batch_source.path).parent, first=8.0)
        return super().materialize(registry, tasks)


def test_an_engine_that_takes_all_views_at_once_is_recorded_with_both_bytes(writable, told, caplog):
    provider = writable.provider
    engine = SlowlyReadingEngine(
        repo_config=writable.config, offline_store=provider.offline_store, online_store=provider.online_store
    )
    provider._watch(engine)
    provider._batch_engine = engine

    with caplog.at_level(logging.WARNING, logger="handrail.lineage"):
        writable.materialize(hour(0), hour(5), feature_views=["orders"])

    (uri,) = told.uris("materialization")
    assert len(told.causes(uri)["dvc-data"]) == 2
    assert told.node(uri).attributes["rows"] == "2"
    assert "changed while" in caplog.text


def test_a_push_is_there_with_its_rows_and_their_digest(writable, told):
    writable.push("clicks_pushed", clicks(9), to=PushMode.ONLINE)

    state = present(told, "clicks")
    (push,) = told.causes(state)["feature-push"]
    assert {"rows": "1", "batches": "1", "watermark": hour(4).isoformat()}.items() <= push.attributes.items()
    assert push.attributes["rows_digest"].startswith("sha256:")
    assert told.causes(push.uri)["feature-view"][0].uri.startswith("feast://shop/feature_view/clicks@")


def test_equal_pushes_have_equal_digests_and_others_do_not(writable, told):
    digests = []
    for count in (9, 9, 8):
        writable.push("clicks_pushed", clicks(count))
        state = present(told, "clicks")
        digests.append(told.causes(state)["feature-push"][0].attributes["rows_digest"])

    assert digests[0] == digests[1] != digests[2]


def test_a_stream_of_pushes_is_one_fact(writable, told):
    for count in range(50):
        writable.push("clicks_pushed", clicks(count))

    feast_provider.flush()
    pushes = [told.node(uri).attributes for uri in told.uris("push")]
    assert sum(int(push["rows"]) for push in pushes) == 50
    assert len(pushes) < 25


class WithCoroutines:
    """An online store whose coroutines do what its functions do."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def online_write_batch_async(self, *args, **options):
        self._store.online_write_batch(*args, **options)

    async def get_online_features_async(self, **options):
        return self._store.get_online_features(**options)


def test_pushes_and_reads_from_coroutines_are_recorded_too(writable, told):
    writable.provider._online_store = WithCoroutines(writable.provider.online_store)

    asyncio.run(writable.write_to_online_store_async("clicks", clicks(3)))
    reading = writable.get_online_features_async(features=["clicks:clicks"], entity_rows=[{"customer": 1}])
    answer = asyncio.run(reading)

    assert answer.to_dict()["clicks"] == [3]
    state = present(told, "clicks")
    assert told.causes(state)["feature-push"][0].attributes["rows"] == "1"
    (uri,) = told.uris("online_read")
    assert [node.uri for node in told.causes(uri)["online-features"]] == [state]


def test_many_online_reads_are_one_fact_that_names_the_state_they_saw(writable, told):
    writable.materialize(hour(0), hour(5), feature_views=["orders"])
    state = present(told, "orders")

    assert read(writable, 40)["amount"] == [3.0]

    (uri,) = told.uris("online_read")
    node = told.node(uri)
    expected = {"reads": "40", "entity_rows": "40", "feature_service": "checkout", "watermark": hour(2).isoformat()}
    assert expected.items() <= node.attributes.items()
    assert node.started < node.ended
    causes = told.causes(uri)
    assert [found.uri for found in causes["online-features"]] == [state]
    assert causes["feature-service"][0].uri.startswith("feast://shop/feature_service/checkout@")


def test_reads_before_and_after_a_write_of_this_process_are_distinguished(writable, told):
    for end in (1, 5):
        writable.materialize(hour(0), hour(end), feature_views=["orders"])
        read(writable)
    feast_provider.flush()

    saw = [told.causes(uri)["online-features"] for uri in told.uris("online_read")]

    assert len(saw) == 2
    assert {len(states) for states in saw} == {1}
    assert saw[0][0].uri != saw[1][0].uri


def test_reads_by_name_name_their_views(writable, told):
    writable.get_online_features(features=["clicks:clicks", "orders:amount"], entity_rows={"customer": [1, 2, 3]})
    feast_provider.flush()

    (uri,) = told.uris("online_read")
    assert told.node(uri).attributes["entity_rows"] == "3"
    assert len(told.causes(uri)["feature-view"]) == 2


def test_what_waits_is_recorded_in_the_background(writable, monkeypatch, told):
    monkeypatch.setattr(pending, "WRITES_WAIT_S", 0.05)
    monkeypatch.setattr(pending, "TICK_S", 0.02)
    writable.push("clicks_pushed", clicks(1))

    deadline = time.monotonic() + DEADLINE_S
    while pending._pending and time.monotonic() < deadline:
        threading.Event().wait(0.02)

    assert not pending._pending
    assert len(told.uris("push")) == 1


ONE_READ = """
import sys
from pathlib import Path
from tests.entrypoints.feast.provider.shop import hour, open_shop
from feast import FeatureStore
shop = FeatureStore(repo_path="features")
shop.get_online_features(features=["orders:amount"], entity_rows=[{"customer": 1}])
"""


def test_what_waits_is_recorded_when_the_process_ends(writable, project, told):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}

    done = subprocess.run(
        [sys.executable, "-c", ONE_READ], cwd=project, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    feast_provider.flush()
    assert len(told.uris("online_read")) == 1


def test_a_broken_store_of_lineage_is_said_once_and_serves_on(writable, project, monkeypatch, caplog):
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", "sqlite:////proc/nowhere/handrail.db")
    broken = FeatureStore(repo_path=str(project / "features"))

    with caplog.at_level(logging.WARNING, logger="handrail.lineage"):
        for _ in range(5):
            assert read(broken)["share"] == [None]
            feast_provider.flush()

    assert caplog.text.count("Lineage does not know of online reads of Feast.") == 1


def test_a_forked_process_does_not_record_what_its_parent_counted(writable, told):
    read(writable)

    child = os.fork()
    if child == 0:
        os._exit(len(pending._pending))
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert pending._pending
    feast_provider.flush()
    assert len(told.uris("online_read")) == 1


def test_a_process_forked_while_the_parents_thread_begins_to_wait_has_locks_of_its_own():
    with pending._gate, pending._wake._cond:
        child = os.fork()
        if child == 0:
            free = [lock.acquire(blocking=False) for lock in (pending._gate, pending._wake._cond)]
            os._exit(0 if all(free) else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
