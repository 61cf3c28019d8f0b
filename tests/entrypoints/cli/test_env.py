"""`handrail env` as a user takes it: evaluated by a shell, on a home that is not there yet."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HANDRAIL = Path(sys.executable).with_name("handrail")
ASK = "import json, os, shutil; print(json.dumps(dict(os.environ) | {'which python': shutil.which('python')}))"


@pytest.fixture
def evaluated(tmp_path):
    def evaluate():
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HANDRAIL_", "MLFLOW_"))}
        given = clean | {"HANDRAIL_PROJECT": str(tmp_path), "HANDRAIL_HOME": str(tmp_path / "a home"), "ASK": ASK}
        line = f'eval "$({HANDRAIL} env)" && python -c "$ASK"'
        done = subprocess.run(["sh", "-c", line], env=given, capture_output=True, text=True, check=True, timeout=60)
        return json.loads(done.stdout)

    return evaluate


def test_a_shell_finds_the_tools_and_their_state_below_a_fresh_home(evaluated, tmp_path):
    home = tmp_path / "a home"

    seen = evaluated()

    assert seen["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert seen["which python"] == str(Path(sys.executable).with_name("python"))
    assert seen["HANDRAIL_HOME"] == str(home)
    assert (
        seen["MLFLOW_TRACKING_URI"] == seen["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{home / 'mlflow' / 'local.db'}"
    )
    for name, folder in (("PREFECT_HOME", "prefect"), ("BENTOML_HOME", "bentoml"), ("DVC_SITE_CACHE_DIR", "dvc-site")):
        assert seen[name] == str(home / folder)
    assert "HANDRAIL_REPLAY" not in seen
    assert not home.exists()


def test_telemetry_is_off(evaluated):
    seen = evaluated()

    assert {seen[name].lower() for name in ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "BENTOML_DO_NOT_TRACK")} == {
        "true"
    }
    assert {seen[name].lower() for name in ("PREFECT_SERVER_ANALYTICS_ENABLED", "GX_ANALYTICS_ENABLED")} == {"false"}
    assert seen["DVC_NO_ANALYTICS"] == "1"


def test_after_a_replay_event_time_is_the_replays(evaluated, tmp_path):
    now = tmp_path / "a home" / "replay" / "now"
    now.parent.mkdir(parents=True)
    now.write_text("2013-08-01T12:00:00+00:00")

    assert evaluated()["HANDRAIL_REPLAY"] == "true"
