"""What may be kept of a text or a URL that holds secrets."""

import pytest

from handrail.entrypoints.hosts.masking import plain_url, without_secrets


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://ann:pw@host/x.csv?sig=1", "https://host/x.csv"),
        ("HTTPS://ann:pw@host/x.csv", "HTTPS://host/x.csv"),
        ("s3://key:p@ss@lake/orders", "s3://lake/orders"),
        ('{"url": "https://token@host/a?b", "rows": 3}', '{"url": "https://host/a", "rows": 3}'),
        ('{"sql": "select 1", "password": "hunter2"}', '{"sql": "select 1", "password": "***"}'),
        ("jdbc:sqlserver://host;user=ann;password=hunter2;db=x", "jdbc:sqlserver://host;user=ann;password=***;db=x"),
        ("aws_secret_access_key=abc/def region=eu", "aws_secret_access_key=*** region=eu"),
        ("trained with 17 tokens: fine", "trained with 17 tokens: fine"),
        ("dvc://shop/data/x.csv@0f", "dvc://shop/data/x.csv@0f"),
    ],
)
def test_logins_queries_and_what_is_called_a_secret_are_taken_out_of_a_text(text, kept):
    assert without_secrets(text) == kept


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("s3://key:p@ss@lake/orders?versionId=1#x", "s3://lake/orders"),
        ("dbfs:///mnt/orders", "dbfs:///mnt/orders"),
        ("dvc://shop/data/x.csv@0f", "dvc://shop/data/x.csv@0f"),
    ],
)
def test_a_url_stays_itself_but_for_login_and_query(url, kept):
    assert plain_url(url) == kept
