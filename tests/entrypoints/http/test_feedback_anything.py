"""Whatever is sent to whichever route in whatever way: no mistake of ours, and no write without a token."""

import asyncio
import gzip
import json

import httpx
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail import open_platform
from handrail.bootstrap.lineage_events import open_access
from handrail.entrypoints.http.feedback_formats import FORMATS
from handrail.entrypoints.http.feedback_otlp import PROTOBUF
from handrail.entrypoints.http.lineage import lineage_app
from handrail.lineage import May, TokenScope
from handrail.settings import Settings
from tests.entrypoints.http.test_feedback import EVENT, PREDICTION
from tests.fakes.effort import tried
from tests.fakes.feedback_bodies import a_table, as_arrow, as_parquet, in_each_format

KINDS = "version: 1\nkinds:\n  ground_truth: {maturity_window_hours: 48}\n"
ROUTES = ("/v1/predictions", "/v1/feedback", "/v1/logs", "/v1/traces")
MEDIA = (*FORMATS, PROTOBUF, "text/plain", "")
CODINGS = ("", "gzip", "zstd", "br", "gzip, gzip")

texts = st.text(max_size=12) | st.sampled_from(["\x00", "\ud800", "ground_truth", "x" * 600, "2013-08-01T08:00:00Z"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
names = (
    st.sampled_from([*EVENT, *PREDICTION, "revision", "event_id", "events", "predictions", "data", "resourceLogs"])
    | texts
)
rows = st.sampled_from([EVENT, PREDICTION]).flatmap(
    lambda row: st.dictionaries(names, values, max_size=3).map(lambda changes: row | changes)
)
events = st.dictionaries(
    st.sampled_from(["id", "source", "type", "specversion", "time", "data", "data_base64"]), values | rows
)
documents = (
    values | rows | st.lists(rows | events, max_size=3) | rows.map(lambda row: {"events": [row, EVENT]}) | events
)
valid = [
    *in_each_format([EVENT, EVENT | {"revision": 1}]).values(),
    as_parquet(a_table([PREDICTION])),
    as_arrow(a_table([PREDICTION])),
]
bodies = (
    documents.map(lambda document: json.dumps(document).encode())
    | st.lists(documents, max_size=3).map(lambda all_: b"\n".join(json.dumps(each).encode() for each in all_))
    | st.binary(max_size=60)
    | st.tuples(st.sampled_from(valid), st.integers(0, 2**16), st.binary(min_size=1, max_size=3)).map(
        lambda cut: damaged(*cut)
    )
    | st.sampled_from(valid)
)
attributes = st.dictionaries(
    st.sampled_from(["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "prefer", "content-length-of"]),
    st.sampled_from(["1.0", "x", "%FF", '"a\\"b"', "return=representation"]),
    max_size=4,
)


def damaged(body, place, other):
    start = place % (len(body) + 1)
    return body[:start] + other + body[start + len(other) :]


def packed(body, coding):
    if coding == "gzip":
        return gzip.compress(body)
    return pa.compress(body, "zstd", asbytes=True) if coding == "zstd" and body else body


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    project = tmp_path_factory.mktemp("served")
    (project / "config").mkdir()
    (project / "config" / "feedback.yaml").write_text(KINDS, encoding="utf-8")
    with open_platform(Settings(project=project, home=project / ".handrail")) as platform:
        scope = TokenScope(frozenset({May.PREDICT, May.REPORT}))
        yield platform, lineage_app(platform), open_access(platform.store).create("all", scope=scope)


def post(app, path, body, headers):
    async def call():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://serve") as client:
            return await client.post(path, content=body, headers=headers)

    return asyncio.run(call())


def held(platform):
    status = platform.feedback.status()
    return status.predictions, status.feedback, status.conflicts, status.quarantined


@tried(40)
@given(st.sampled_from(ROUTES), bodies, st.sampled_from(MEDIA), st.sampled_from(CODINGS), attributes, st.booleans())
def test_no_body_is_our_mistake_and_none_is_written_without_a_token(served, path, body, media, coding, said, allowed):
    platform, app, token = served
    headers = said | {"content-type": media, "content-encoding": coding}
    headers = {name: text for name, text in headers.items() if text}
    before = held(platform)

    if not allowed:
        answer = post(app, path, packed(body, coding), headers | {"authorization": f"Bearer {token}x"})
        assert (answer.status_code, held(platform)) == (401, before)
        return
    answer = post(app, path, packed(body, coding), headers | {"authorization": f"Bearer {token}"})

    assert answer.status_code in (200, 201, 400, 409, 413, 415, 422), answer.text
    if answer.status_code in (400, 413, 415):
        assert held(platform) == before
    if answer.status_code in (200, 201) and path in ROUTES[:2]:
        said = answer.json()
        assert said["accepted"] + said["repeated"] == len(said.get("event_ids", said.get("prediction_ids")))
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"].rstrip()[-1] in ".'\"", answer.json()
