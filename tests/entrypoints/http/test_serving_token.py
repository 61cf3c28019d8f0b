"""The serving token: made once, private, never empty."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handrail.entrypoints.http.serving_token import serving_token, token_file
from handrail.errors import Misconfigured
from handrail.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project=tmp_path, home=tmp_path / "home")


def test_the_token_is_made_once_and_only_its_owner_may_read_it(settings: Settings) -> None:
    token = serving_token(settings)

    assert serving_token(settings) == token
    assert len(token) >= 32
    assert stat.S_IMODE(token_file(settings).stat().st_mode) == 0o600


def test_processes_that_start_at_once_agree(settings: Settings) -> None:
    with ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(lambda _: serving_token(settings), range(64)))

    assert len(tokens) == 1
    assert [file.name for file in settings.credentials.iterdir()] == ["serving-token.json"]


def test_a_token_that_others_may_read_is_refused(settings: Settings) -> None:
    serving_token(settings)
    token_file(settings).chmod(0o644)

    with pytest.raises(Misconfigured, match="chmod 600"):
        serving_token(settings)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"token": ""}', '{"token": 5}', json.dumps({"token": "ä" * 40})]
)
def test_a_file_without_a_usable_token_is_refused(settings: Settings, content: str) -> None:
    settings.credentials.mkdir(parents=True)
    token_file(settings).write_text(content)
    token_file(settings).chmod(0o600)

    with pytest.raises(Misconfigured, match="no usable token"):
        serving_token(settings)
