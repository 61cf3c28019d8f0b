"""Logins never stay in what producers send, and what is no login stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.lineage.domain.logins import document_without_logins, may_hold_logins, without_logins


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgres://etl:hunter2@db:5432", "postgres://db:5432"),
        ("postgres://etl:hun@ter2@db:5432/shop", "postgres://db:5432/shop"),
        ("postgresql+psycopg://etl:hun/ter?2@db:5432/shop", "postgresql+psycopg://db:5432/shop"),
        ("mysql://hunter2@db/shop", "mysql://db/shop"),
        ("https://hunter2@github.com/org/repo.git", "https://github.com/org/repo.git"),
        ("s3a://AKIA:hunter2@lake/raw", "s3a://lake/raw"),
        (
            "jdbc:postgresql://db/shop?user=etl&password=hunter2&ssl=true",
            "jdbc:postgresql://db/shop?user=etl&password=***&ssl=true",
        ),
        ("jdbc:sqlserver://db;user=sa;password=hunter2;x=1", "jdbc:sqlserver://db;user=sa;password=***;x=1"),
        ("jdbc:oracle:thin:scott/hunter2@//db:1521/orcl", "jdbc:oracle:thin:@//db:1521/orcl"),
        ("https://x.blob.core.windows.net/c/f?sv=1&sig=hunter2%3D", "https://x.blob.core.windows.net/c/f?sv=1&sig=***"),
        ("https://b.s3/f?X-Amz-Signature=hunter2&X-Amz-Date=1", "https://b.s3/f?X-Amz-Signature=***&X-Amz-Date=1"),
        ("AccountName=a;AccountKey=hunter2==;x=1", "AccountName=a;AccountKey=***;x=1"),
        ("host=db user=etl password='hunter2 x' port=1", "host=db user=etl password=*** port=1"),
        ("Authorization: Bearer hunter2hunter2", "Authorization: Bearer ***"),
        ("two: redis://:hunter2@a/0 and redis://u:hunter2@b/1", "two: redis://a/0 and redis://b/1"),
        ("abfss://raw:hunter2@acct.dfs.core.windows.net/x", "abfss://raw@acct.dfs.core.windows.net/x"),
    ],
)
def test_a_login_in_a_text_is_masked(given, kept):
    assert may_hold_logins(given)
    assert without_logins(given) == kept
    assert without_logins(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "abfss://raw@acct.dfs.core.windows.net/x",
        "wasbs://raw@acct.blob.core.windows.net",
        "s3://lake/orders@v1",
        "dvc://shop:8080/data/raw@0f.dir",
        "postgres://db:5432/shop@1",
        "openlineage-job://airflow:%2F%2Fprod/clean@daily",
        "actor://person@corp/ann@example.org",
        "select a.token, b.password from a join b on a.key = b.key",
        "select 17 tokens: fine",
        "Unexpected token: SELECT",
        "arn:aws:s3:::lake/x",
        "mail to ann@example.org",
    ],
)
def test_what_is_no_login_stays(text):
    assert without_logins(text) == text


def test_values_are_hidden_by_the_name_of_their_key_too_and_their_paths_are_known():
    document = {
        "run": {"facets": {"spark": {"fs.s3a.secret.key": "hunter2", "parts": [{"password": "hunter2", "rows": 3}]}}},
        "environmentVariables": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "HOME", "value": "/root"}],
        "fields": [{"name": "password", "type": "string"}, {"token": None}, {"secret": ""}],
        "columns": {"password": {"inputFields": []}},
    }

    plain, paths = document_without_logins(document)

    assert "hunter2" not in str(plain)
    assert set(paths) == {
        "run.facets.spark.fs.s3a.secret.key",
        "run.facets.spark.parts.0.password",
        "environmentVariables.0.value",
    }
    assert plain["fields"] == document["fields"]
    assert plain["columns"] == document["columns"]
    assert document_without_logins(plain) == (plain, ())


@pytest.mark.parametrize(
    "text", ["", "s3://lake/raw", "select rows from orders where key = 'a'", "https://host:8080/x"]
)
def test_most_texts_need_no_closer_look(text):
    assert not may_hold_logins(text)


SECRET = st.text(st.sampled_from("aZ09-_.~!$*+=:%@"), min_size=6, max_size=12).map(lambda text: f"x{text}x")


@given(scheme=st.sampled_from(["postgres", "https", "s3a", "mongodb+srv", "redis"]), secret=SECRET)
def test_whatever_a_password_looks_like_it_does_not_stay(scheme, secret):
    text = f"{scheme}://etl:{secret}@host:5432/path"

    assert may_hold_logins(text)
    assert without_logins(text) == f"{scheme}://host:5432/path"
