"""Short names and plain words: read from URIs, whole where the form is unknown."""

from datetime import UTC, datetime

import pytest

from handrail.entrypoints.answers.names import listed, moment_of, name_at, word_of

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("mlflow://local-1/registered/flights/1795/3", "flights 3"),
        ("mlflow://local-1/run/0123456789abcdef0123456789abcdef", "0123456789ab"),
        ("deploy://local/flights/v1-ab", "flights v1-ab"),
        ("bento://flights/v1-ab", "flights:v1-ab"),
        (f"feast://shop/feature_view/weather@{HEX}", "weather"),
        ("approval://local/pr-0123456789abcdef0123", "pr-0123456789abcdef0123"),
        ("actor://local/Ada%20Author", "Ada Author"),
        (f"dvc-stage://shop/train@{HEX}", "train"),
        (f"git://shop/{HEX[:40]}", HEX[:12]),
        (f"gx://shop/validation/{HEX}", HEX[:12]),
        ("s3://lake/orders@7", "s3://lake/orders@7"),
    ],
)
def test_a_uri_has_a_short_name(uri, name):
    assert name_at(uri) == name


def test_kinds_have_plain_words():
    assert [word_of(kind) for kind in ("tracking-run", "feedback-snapshot", "kafka-topic")] == [
        "MLflow run",
        "Feedback snapshot",
        "Kafka topic",
    ]


def test_names_are_listed_as_one_reads_them():
    assert [listed(list("abcdef")[:n]) for n in (0, 1, 2, 4, 6)] == [
        "",
        "a",
        "a and b",
        "a, b, c and d",
        "a, b, c and 3 more",
    ]


def test_a_moment_is_in_utc():
    assert moment_of(datetime(2026, 3, 1, 0, 5, tzinfo=UTC)) == "1 Mar 2026 at 00:05 UTC"
