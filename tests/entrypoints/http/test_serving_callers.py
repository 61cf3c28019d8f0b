"""Who calls a guarded app: the installation's token and named keys, and what no caller may send."""

from __future__ import annotations

import asyncio
import io
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.caller_settings import CallerSettings
from handrail.delivery import EVERY_RIGHT, Keys, Right, Slot
from handrail.entrypoints.bentoml.logs import RequestLog
from handrail.entrypoints.bentoml.observed import Observed, Routes
from handrail.entrypoints.bentoml.watch import Watch
from handrail.entrypoints.http.feedback_guard import FeedbackGuard
from handrail.entrypoints.http.serving_callers import ServingCallers, schemes_of, serving_callers
from handrail.settings import Settings
from tests.fakes import oidc_issuer as oidc
from tests.fakes.guarded_app import AUTHORISED, RULES, TOKEN, TYPE, Answer, Inner, call, with_callers
from tests.fakes.serving_keys import KeysInMemory

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class World:
    """A guarded app with keys in memory, and two clocks that tests move."""

    def __init__(self) -> None:
        self.now, self.later = AT, 0.0
        self.book, self.inner = KeysInMemory(), Inner()
        self.keys = Keys(self.book, Slot("prod", "churn"), lambda: self.now)
        self.callers = ServingCallers(TOKEN, self.keys.ring, None, lambda: self.now)
        assert self.callers._keys is not None
        self.callers._keys._clock = lambda: time.monotonic() + self.later
        self.app: Any = FeedbackGuard(self.inner, with_callers(self.callers))

    def ask(self, key: str, path: str = "/predict", query: bytes = b"", more: tuple[Any, ...] = ()) -> Answer:
        headers = [TYPE, (b"authorization", f"Bearer {key}".encode()), *more]
        return call(_with_query(self.app, query), path, headers=headers)


def _with_query(app: Any, query: bytes) -> Any:
    async def asked(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"query_string": query}, receive, send)

    return asked


@pytest.fixture
def world() -> World:
    return World()


def test_a_key_opens_what_it_allows_and_the_token_everything(world: World) -> None:
    predicts, _ = world.keys.make("crew-desk", "ada", DAY, frozenset({Right.PREDICT}))
    reports, _ = world.keys.make("workshop", "ada", DAY, frozenset({Right.REPORT}))

    found = {
        name: [world.ask(key, path).status for path in ("/predict", "/api/feedback")]
        for name, key in (("predicts", predicts), ("reports", reports), ("token", TOKEN))
    }

    assert found == {"predicts": [200, 403], "reports": [403, 200], "token": [200, 200]}


def test_a_missing_right_is_said_with_the_remedy(world: World) -> None:
    key, _ = world.keys.make("workshop", "ada", DAY, frozenset({Right.REPORT}))

    answer = world.ask(key)

    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="predict"'
    assert answer.problem["detail"].startswith("You may not predict here. Ask who runs the service")
    assert world.inner.seen == []


def test_a_revoked_key_is_refused_within_three_seconds_and_a_new_one_opens_after_one(world: World) -> None:
    old, made = world.keys.make("crew-desk", "ada", DAY)
    assert world.ask(old).status == 200
    new, _ = world.keys.make("crew-desk", "ada", DAY)
    world.later = 1.1

    assert [world.ask(key).status for key in (new, old)] == [200, 200]
    world.keys.revoke(made.key_id, "ada")
    world.later += 3.1

    assert [world.ask(key).status for key in (old, new)] == [401, 200]


def test_a_key_that_expires_is_refused_in_that_moment_without_reading_anything(world: World) -> None:
    key, _ = world.keys.make("crew-desk", "ada", DAY)
    assert world.ask(key).status == 200
    reads, world.now = world.book.reads, AT + DAY

    answer = world.ask(key)

    assert (answer.status, world.book.reads) == (401, reads)
    assert "has expired or was revoked" in answer.problem["detail"]
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_of_another_service_or_environment_is_refused(world: World) -> None:
    for slot in (Slot("staging", "churn"), Slot("prod", "other")):
        key, _ = Keys(world.book, slot, lambda: AT).make("crew-desk", "ada", DAY)
        assert world.ask(key).status == 401

    assert world.inner.seen == []


def test_a_key_in_the_address_is_refused_even_beside_a_good_header(world: World) -> None:
    key, _ = world.keys.make("crew-desk", "ada", DAY)

    hidden = (f"key=%68rk%5f{key.removeprefix('hrk_')}".encode(), b"access%5Ftoken%3D" + TOKEN.encode())
    for query in (f"key={key}".encode(), b"access_token=" + TOKEN.encode(), *hidden):
        answer = world.ask(key, query=query)
        assert answer.status == 401
        assert "sent in the address" in answer.problem["detail"]
        assert key.encode() not in answer.body
    assert world.inner.seen == []


def test_a_header_that_comes_twice_is_refused_whatever_is_in_it(world: World) -> None:
    key, _ = world.keys.make("crew-desk", "ada", DAY)

    assert world.ask(key, more=((b"Authorization", f"Bearer {key}".encode()),)).status == 401
    assert world.ask(TOKEN, more=(AUTHORISED[0],)).status == 401


@pytest.mark.parametrize("spoilt", ["{}A", "{} x", "x{}", "{:.59}", "\u00e9{}"])
def test_a_key_is_taken_whole(world: World, spoilt: str) -> None:
    key, _ = world.keys.make("crew-desk", "ada", DAY)

    assert world.ask(spoilt.format(key)).status == 401


def test_while_the_store_is_away_known_keys_open_and_new_ones_are_not_judged(world: World) -> None:
    key, _ = world.keys.make("crew-desk", "ada", DAY)
    assert world.ask(key).status == 200
    world.book.away, world.later = True, 60
    known, token = world.ask(key).status, world.ask(TOKEN).status
    world.later = 700

    late = world.ask(key)

    assert (known, token, late.status, late.headers["retry-after"]) == (200, 200, 503, "5")
    assert world.ask(TOKEN).status == 200


def test_a_key_that_was_revoked_in_a_quiet_time_is_not_judged_by_a_store_that_answers_late(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, made = world.keys.make("crew-desk", "ada", DAY)
    assert world.ask(key).status == 200
    world.keys.revoke(made.key_id, "ada")
    world.later, world.book.slow_s = 590, 0.3

    with monkeypatch.context() as impatient:
        impatient.setattr("handrail.entrypoints.http.kept.PATIENCE_S", 0.05)
        late = world.ask(key)
    world.book.slow_s = 0.0

    assert (late.status, late.headers["retry-after"]) == (503, "5")
    world.later += 2
    assert world.ask(key).status == 401


def test_what_is_not_chosen_lets_nobody_in(world: World, tmp_path: Path) -> None:
    key, _ = world.keys.make("crew-desk", "ada", DAY)
    found = {}
    for name, chosen in (
        ("token", CallerSettings(keys=False)),
        ("keys", CallerSettings(token=False)),
        ("issuer", CallerSettings(token=False, keys=False, **_oidc(tmp_path))),
    ):
        settings = Settings(project=tmp_path, home=tmp_path, callers=chosen)
        rules = with_callers(serving_callers(settings, TOKEN, lambda: Keys(world.book, world.keys.slot, _now).ring()))
        tried = (TOKEN, key, oidc.signed())
        ask = [[TYPE, (b"authorization", f"Bearer {each}".encode())] for each in tried]
        found[name] = [call(FeedbackGuard(Inner(), rules), "/predict", headers=headers).status for headers in ask]

    # The key was made at a moment that is past for a clock of today: it has expired.
    assert found == {"token": [200, 401, 401], "keys": [401, 200, 401], "issuer": [401, 401, 200]}


def _now() -> datetime:
    return AT


def _oidc(folder: Path) -> dict[str, Any]:
    (folder / "keys.json").write_text(json.dumps({"keys": [oidc.jwk(oidc.rsa_key())]}))
    return {"oidc_issuer": oidc.ISSUER, "oidc_audience": oidc.AUDIENCE, "oidc_jwks": "keys.json"}


def test_nothing_that_is_configured_lets_nobody_in() -> None:
    rules = with_callers(ServingCallers())

    answer = call(FeedbackGuard(Inner(), rules), "/predict")

    assert answer.status == 401
    assert "settings `callers`" in answer.problem["detail"]


def test_the_sentence_says_what_there_is(world: World) -> None:
    detail = call(world.app, "/predict", headers=[TYPE]).problem["detail"]

    assert "Authorization: Bearer" in detail
    assert "serving-token.json" in detail
    assert "handrail delivery key make" in detail


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_health_and_metrics_need_no_key(world: World, path: str) -> None:
    assert call(world.app, path, "GET", headers=()).status == 200


def test_the_log_names_the_caller_and_never_holds_a_key(world: World, caplog: pytest.LogCaptureFixture) -> None:
    key, _ = world.keys.make("crew-desk", "ada", DAY, frozenset({Right.PREDICT}))
    stream = io.StringIO()
    log = RequestLog(stream, lambda: AT)
    routes = Routes(RULES.guarded_paths, RULES.model_paths)
    world.app = Observed(world.app, Watch("deploy://prod/churn", lambda: AT), routes, log)
    world.inner.raises = RuntimeError("a mistake")

    statuses = [world.ask(key).status, world.ask(key, "/api/feedback").status, world.ask(f"{key[:-4]}AAAA").status]
    log.flush()

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert statuses == [500, 403, 401]
    assert [line.get("caller") for line in lines] == ["key:crew-desk", "key:crew-desk", None]
    assert key[:30] not in stream.getvalue() + caplog.text


def test_the_document_names_a_scheme_for_each_way_in(tmp_path: Path) -> None:
    def names(**chosen: Any) -> set[str]:
        return set(schemes_of(Settings(project=tmp_path, home=tmp_path, callers=CallerSettings(**chosen))))

    assert names() == {"token", "key"}
    assert names(token=False, **_oidc(tmp_path)) == {"key", "oidc"}
    assert names(keys=False) == {"token"}


def test_a_new_key_and_an_old_one_open_for_everybody_who_asks_at_once(world: World) -> None:
    texts = [world.keys.make("crew-desk", "ada", DAY, EVERY_RIGHT)[0] for _ in range(2)]

    async def ask_all() -> list[str]:
        found = await asyncio.gather(*(world.callers.find(f"Bearer {text}") for text in texts * 50))
        return [known.name for known in found]

    assert set(asyncio.run(ask_all())) == {"key:crew-desk"}
    assert world.book.reads == len(texts) + 1
