"""config/lineage.yaml: what it may hold, and one sentence for what it may not."""

from pathlib import Path

import pytest

from handrail.errors import Misconfigured
from handrail.lineage.adapters.yaml_sinks import Sink, read_sinks

CONFIG = Path(__file__).resolve().parents[3] / "config"
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
        "version: 1\nmore: 1",
        "a: [",
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, text):
    with pytest.raises(Misconfigured, match=r"lineage\.yaml") as wrong:
        read(tmp_path, text)

    assert ": bare" not in str(wrong.value)


def test_a_file_in_another_encoding_is_one_sentence(tmp_path):
    (tmp_path / "lineage.yaml").write_bytes("version: 1 # München".encode("latin-1"))

    with pytest.raises(Misconfigured, match="UTF-8"):
        read_sinks(tmp_path)
