"""config/lineage.yaml: what it may hold, and one sentence for what it may not."""

import re
from pathlib import Path

import pytest

from handrail.errors import Misconfigured
from handrail.lineage.adapters.openlineage.yaml_sinks import Sink, read_accepted, read_sinks
from handrail.lineage.domain.flaws import Acceptance

pytestmark = pytest.mark.any_version

CONFIG = Path(__file__).resolve().parents[4] / "config"
URL = "http://127.0.0.1:5001/api/v1/lineage"


def read(tmp_path, text):
    (tmp_path / "lineage.yaml").write_text(text)
    return read_sinks(tmp_path)


def test_without_a_file_and_as_shipped_there_is_no_sink(tmp_path):
    assert read_sinks(tmp_path) == ()
    assert read_sinks(CONFIG) == ()


def test_sinks_come_by_name(tmp_path, monkeypatch):
    text = f"version: 1\nsinks:\n  b: {{url: {URL}, token_env: MARQUEZ_TOKEN}}\n  a: {{url: {URL}}}\n"

    plain, guarded = read(tmp_path, text)

    assert (plain, plain.token) == (Sink("a", URL), None)
    monkeypatch.delenv("MARQUEZ_TOKEN", raising=False)
    with pytest.raises(Misconfigured, match="MARQUEZ_TOKEN"):
        _ = guarded.token
    monkeypatch.setenv("MARQUEZ_TOKEN", "t")
    assert guarded.token == "t"


def test_accepted_flaws_come_in_their_order(tmp_path):
    text = "version: 1\naccepted:\n- {kind: b-c, subject: 'gx://*', because: x}\n- {kind: a, subject: y, because: z}\n"
    (tmp_path / "lineage.yaml").write_text(text)

    assert read_accepted(tmp_path) == (Acceptance("b-c", "gx://*", "x"), Acceptance("a", "y", "z"))
    assert read_accepted(CONFIG) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "version: 2",
        "sinks: {}",
        "version: 1\nsinks: [a]",
        "version: 1\nsinks: {A b: {url: 'http://x/y'}}",
        "version: 1\nsinks: {a: {}}",
        "version: 1\nsinks: {a: {url: 'ftp://x/y'}}",
        "version: 1\nsinks: {a: {url: 'http://x/y', token: secret}}",
        "version: 1\nsinks: {a: {url: 'http://x/y', token_env: 'a b'}}",
        "version: 1\nsinks: {a: {url: 'http://x/y', transport: {type: console}}}",
        "version: 1\nsinks: {a: {transport: {topic: x}}}",
        "version: 1\nsinks: {a: {transport: {type: console}, token_env: A}}",
        "version: 1\nsinks: {a: {transport: {type: http, auth: {apiKey: bare}}}}",
        "version: 1\nsinks: {a: {transport: {type: kafka, config: [{sasl.password: bare}]}}}",
        "version: 1\nsinks: {a: {transport: {type: http, custom_headers: {Authorization: bare}}}}",
        "version: 1\nsinks: {a: {url: 'http://ann:bare@host/api'}}",
        "version: 1\nmore: 1",
        "version: 1\naccepted: {}",
        "version: 1\naccepted: [{kind: run-without-data, subject: '*'}]",
        "version: 1\naccepted: [{kind: run-without-data, subject: '*', because: ' '}]",
        "version: 1\naccepted: [{kind: run-without-data, subject: '', because: old}]",
        "version: 1\naccepted: [{kind: '*', subject: '*', because: old}]",
        "version: 1\naccepted: [{kind: run-without-data, subject: '*', because: old, until: 2027}]",
        "a: [",
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, text):
    with pytest.raises(Misconfigured, match=r"lineage\.yaml") as wrong:
        read(tmp_path, text)

    assert not re.search("(: |:)bare", str(wrong.value))


def test_a_file_in_another_encoding_is_one_sentence(tmp_path):
    (tmp_path / "lineage.yaml").write_bytes("version: 1 # München".encode("latin-1"))

    with pytest.raises(Misconfigured, match="UTF-8"):
        read_sinks(tmp_path)
