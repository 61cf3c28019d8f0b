"""What stops the server from starting, in one sentence and before anything is served."""

import os
import shlex
import stat
import subprocess
import sys

import pytest

from handrail.bootstrap.approvals import prepare_mlflow
from handrail.errors import Misconfigured
from infra.servers.supervisor import commands
from tests.fakes.mlflow_server import settings_in

CREATE = "from handrail.entrypoints.mlflow.app import create_app; create_app()"


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


def _misspell(settings):
    file = settings.config / "policies" / "champion.yaml"
    file.write_text(file.read_text().replace("quorum:", "quorom:"))


def test_a_misspelt_key_in_a_policy_stops_the_start_with_one_sentence(settings):
    _misspell(settings)
    env = os.environ | {"HANDRAIL_PROJECT": str(settings.project), "HANDRAIL_HOME": str(settings.home)}

    run = subprocess.run([sys.executable, "-c", CREATE], env=env, capture_output=True, text=True, timeout=300)

    assert run.returncode == 1
    assert run.stderr.startswith("error: ")
    assert "'quorom' is unknown. Did you mean 'quorum'?" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_preparing_names_the_mistake_before_a_server_is_started(settings):
    _misspell(settings)

    with pytest.raises(Misconfigured, match="quorom"):
        prepare_mlflow(settings)


def test_without_policies_nothing_would_be_protected_so_nothing_starts(settings):
    for policy in (settings.config / "policies").iterdir():
        policy.unlink()

    with pytest.raises(Misconfigured, match="no alias has a policy"):
        prepare_mlflow(settings)


def test_preparing_twice_keeps_keys_and_passwords(settings):
    first = prepare_mlflow(settings)
    key = (settings.credentials / "gate-signing-key.pem").read_bytes()

    assert prepare_mlflow(settings) == first
    assert (settings.credentials / "gate-signing-key.pem").read_bytes() == key
    assert (settings.permits / "gate.pub").is_file()


def test_the_command_starts_one_worker_of_the_app():
    command = shlex.split(commands()["mlflow"])

    assert command[:5] == ["exec", "mlflow", "server", "--app-name", "handrail"]
    assert command[command.index("--workers") + 1] == "1"


def test_a_lost_signing_key_is_not_replaced_in_silence(settings):
    prepare_mlflow(settings)
    (settings.credentials / "gate-signing-key.pem").unlink()

    with pytest.raises(Misconfigured, match=r"signing key is gone, while its public half, .*gate\.pub, is here"):
        prepare_mlflow(settings)
    (settings.permits / "gate.pub").unlink()
    prepare_mlflow(settings)


def test_an_empty_store_beside_permits_stops_the_start(settings):
    prepare_mlflow(settings)
    (settings.permits / f"{'a' * 64}.json").write_text("{}")
    env = os.environ | {"HANDRAIL_PROJECT": str(settings.project), "HANDRAIL_HOME": str(settings.home)}
    env |= {"MLFLOW_BACKEND_STORE_URI": f"sqlite:///{settings.home}/server.db"}
    env |= {
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(settings.home / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }

    run = subprocess.run([sys.executable, "-c", CREATE], env=env, capture_output=True, text=True, timeout=300)

    assert run.returncode == 1
    assert "the store holds no promotion, while" in run.stderr


def test_no_other_user_of_the_machine_reads_the_accounts_of_a_running_server(server):
    home = server.settings.home / "mlflow"

    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    databases = [file for file in home.iterdir() if ".db" in file.name]
    assert {"auth.db", "server.db"} <= {file.name for file in databases}
    assert {stat.S_IMODE(file.stat().st_mode) for file in databases} == {0o600}
