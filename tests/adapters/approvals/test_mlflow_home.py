import configparser
import json
import stat

import pytest

from handrail.approvals.adapters.mlflow_home import prepare_mlflow_home, stable_server_name
from handrail.errors import Misconfigured


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "ho%me" / "mlflow", tmp_path / "credentials"


def test_the_admin_is_generated_once_and_readable_by_the_owner_alone(folders):
    home, credentials = folders
    prepare_mlflow_home(home, credentials, "local")
    admin = json.loads((credentials / "mlflow-admin.json").read_text())

    prepare_mlflow_home(home, credentials, "local")

    assert json.loads((credentials / "mlflow-admin.json").read_text()) == admin
    assert len(admin["password"]) >= 24
    for file in (*credentials.iterdir(), home / "auth.ini"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o700


def test_mlflow_can_read_its_own_file_even_with_a_percent_in_the_path(folders):
    home, credentials = folders
    env = prepare_mlflow_home(home, credentials, "local")
    read = configparser.ConfigParser()
    read.read(env["MLFLOW_AUTH_CONFIG_PATH"])

    assert read["mlflow"]["database_uri"] == f"sqlite:///{home / 'auth.db'}"
    assert read["mlflow"]["default_permission"] == "READ"
    assert read.getint("mlflow", "auth_cache_ttl_seconds") == 60


def test_the_environment_turns_jobs_and_telemetry_off_and_keeps_its_secret(folders):
    env = prepare_mlflow_home(*folders, "local")

    assert env["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert env["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert prepare_mlflow_home(*folders, "local") == env


def test_a_lost_password_file_beside_existing_accounts_is_named(folders):
    home, credentials = folders
    prepare_mlflow_home(home, credentials, "local")
    (home / "auth.db").touch()
    (credentials / "mlflow-admin.json").unlink()

    with pytest.raises(Misconfigured, match=r"mlflow-admin\.json: it is missing"):
        prepare_mlflow_home(home, credentials, "local")


@pytest.mark.parametrize("content", ["", "{}", "[]", "not json"])
def test_a_damaged_password_file_is_named(folders, content):
    home, credentials = folders
    credentials.mkdir(parents=True)
    (credentials / "mlflow-admin.json").write_text(content)

    with pytest.raises(Misconfigured, match="no username and password"):
        prepare_mlflow_home(home, credentials, "local")


def test_the_servers_name_is_made_once(tmp_path):
    name = stable_server_name(tmp_path, "local")

    assert name.startswith("local-")
    assert stable_server_name(tmp_path, "other") == name


def test_a_damaged_name_is_not_replaced(tmp_path):
    (tmp_path / "server-name").write_text("a b\n")

    with pytest.raises(Misconfigured, match="'a b' is not a name"):
        stable_server_name(tmp_path, "local")


@pytest.mark.parametrize("is_old", [False, True])
def test_the_folder_and_the_databases_are_their_owners_alone(folders, is_old):
    home, credentials = folders
    if is_old:
        prepare_mlflow_home(home, credentials, "local")
        home.chmod(0o755)
        for name in ("auth.db", "server.db", "server.db-wal"):
            (home / name).touch()
            (home / name).chmod(0o644)

    prepare_mlflow_home(home, credentials, "local")

    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    files = list(home.glob("*.db*"))
    assert "auth.db" in {file.name for file in files}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
