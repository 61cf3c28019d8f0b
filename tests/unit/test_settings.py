"""Settings: environment beats YAML beats default, and nothing unknown is accepted."""

import subprocess
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.entrypoints.http.serving_token import serving_token
from handrail.errors import Misconfigured
from handrail.settings import find_project, load_settings, make_home


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("HANDRAIL_PROJECT", "HANDRAIL_HOME", "HANDRAIL_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\nports: {mlflow: 5050}\n")
    return tmp_path


def test_yaml_beats_defaults(project):
    settings = load_settings(project)

    assert (settings.repository, settings.ports.mlflow, settings.ports.prefect) == ("shop", 5050, 4200)


def test_environment_beats_yaml(project, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PORTS__MLFLOW", "5051")
    monkeypatch.setenv("HANDRAIL_REPOSITORY", "other")

    settings = load_settings(project)

    assert (settings.repository, settings.ports.mlflow) == ("other", 5051)


def test_project_is_found_from_a_folder_below(project):
    below = project / "data" / "raw"
    below.mkdir(parents=True)

    assert find_project(below) == project
    assert load_settings(below).home == project / ".handrail"


def test_home_may_lie_outside_the_project(project, monkeypatch, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HANDRAIL_HOME", str(home))

    assert load_settings(project).home == home


@pytest.mark.parametrize(
    ("yaml", "named"),
    [
        ("repositry: x", "repositry"),
        ("ports: {mlfow: 1}", "ports.mlfow"),
        ("ports: {mlflow: 0}", "ports.mlflow"),
        ("- a list", "mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_a_misspelt_key_or_wrong_value_is_named_with_its_file(project, yaml, named):
    (project / "config" / "handrail.yaml").write_text(yaml)

    with pytest.raises(Misconfigured, match=named) as caught:
        load_settings(project)

    assert "handrail.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("repositry: x", "line 3: 'repositry' is unknown. Did you mean 'repository'?"),
        ("ports: {mlfow: 1}", "line 3: 'ports.mlfow' is unknown. Did you mean 'mlflow'?"),
        ("ports: {mlflow: 99999}", "line 3: 'ports.mlflow' is 99999, expected a number up to 65535. Correct it there."),
        ("environment: Local", "line 3: 'environment' is 'Local', expected a text that fits ^[a-z][a-z0-9-]*$."),
        ("database_url: [hunter2]", "line 3: 'database_url' cannot be used: expected a text."),
    ],
)
def test_a_mistake_in_the_file_has_its_line_and_the_name_that_was_meant(project, line, words):
    (project / "config" / "handrail.yaml").write_text(f"# mine\nreplay: false\n{line}\n")

    with pytest.raises(Misconfigured) as caught:
        load_settings(project)

    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        (
            "HANDRAIL_PORTS__LINEAGE",
            "abc",
            "HANDRAIL_PORTS__LINEAGE: 'ports.lineage' is 'abc', expected a whole number",
        ),
        ("handrail_ports__lineage", "abc", "handrail_ports__lineage: 'ports.lineage'"),
        ("HANDRAIL_PORTS", '{"mlflow": "abc"}', "HANDRAIL_PORTS: 'ports.mlflow'"),
        ("HANDRAIL_PORTS", "abc", "HANDRAIL_PORTS: it is not JSON"),
        ("HANDRAIL_REPLAY", "perhaps", "HANDRAIL_REPLAY: 'replay'"),
        ("HANDRAIL_HOMME", "x", "HANDRAIL_HOMME: there is no such setting. Did you mean HANDRAIL_HOME?"),
        ("HANDRAIL_PORTS__MLFOW", "1", "Did you mean HANDRAIL_PORTS__MLFLOW?"),
        ("HANDRAIL_PORTS_MLFLOW", "1", "Did you mean HANDRAIL_PORTS__MLFLOW?"),
    ],
)
def test_a_wrong_variable_is_blamed_itself_and_no_file(project, monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)

    with pytest.raises(Misconfigured) as caught:
        load_settings(project)

    assert str(caught.value).startswith(words) or str(caught.value).endswith(words)
    assert "handrail.yaml" not in str(caught.value)


def test_a_file_is_blamed_for_its_own_value_while_variables_are_right(project, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PORTS__LINEAGE", "7879")
    (project / "config" / "handrail.yaml").write_text("ports: {mlflow: abc}\n")

    with pytest.raises(Misconfigured, match=r"config/handrail\.yaml, line 1: 'ports\.mlflow'"):
        load_settings(project)


def test_a_variable_that_is_nothing_to_us_is_named_once(project, monkeypatch, caplog):
    monkeypatch.setenv("HANDRAIL_COLOUR_OF_THE_SKY", "blue")

    assert load_settings(project) == load_settings(project)

    (told,) = caplog.messages
    assert told.startswith("HANDRAIL_COLOUR_OF_THE_SKY is not a setting of Handrail")


@pytest.mark.parametrize(
    "variable",
    [
        "HANDRAIL_TEST_EFFORT",
        "HANDRAIL_FLOW_RUN_ID",
        "HANDRAIL_SERVICE_PORT_HTTP",
        "HANDRAIL_PORT",
        "HANDRAIL_PORT_7878_TCP",
        "HANDRAIL_MLFLOW_SERVICE_HOST",
    ],
)
def test_variables_of_tests_flows_and_kubernetes_are_passed_over(project, monkeypatch, caplog, variable):
    monkeypatch.setenv(variable, "tcp://10.0.0.1:80")

    load_settings(project)

    assert not caplog.messages


def test_a_database_password_is_masked_when_settings_are_printed(project, monkeypatch):
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", "postgresql://me:hunter2@db/x")

    settings = load_settings(project)

    assert "hunter2" not in repr(settings)
    assert "hunter2" in settings.store_url


def test_the_embedded_store_lies_in_home(project):
    assert load_settings(project).store_url == f"sqlite:///{project / '.handrail' / 'handrail.db'}"


def test_event_time_is_replayed_only_on_request(project, monkeypatch):
    assert load_settings(project).replay_clock is None

    monkeypatch.setenv("HANDRAIL_REPLAY", "true")

    assert load_settings(project).replay_clock == project / ".handrail" / "replay" / "now"


def test_the_address_of_a_tool_can_be_given(project, monkeypatch):
    assert load_settings(project).url("mlflow") == "http://127.0.0.1:5050"

    monkeypatch.setenv("HANDRAIL_MLFLOW_URL", "https://mlflow.example/")

    assert load_settings(project).url("mlflow") == "https://mlflow.example"


def test_a_folder_without_configuration_is_its_own_project(tmp_path, monkeypatch):
    monkeypatch.delenv("HANDRAIL_PROJECT", raising=False)

    assert load_settings(Path(tmp_path)).project == tmp_path


def test_nothing_below_home_can_be_added_to_git_by_accident(project):
    subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    platform = open_platform(load_settings(project))
    serving_token(platform.settings)
    platform.store.close()

    subprocess.run(["git", "-C", str(project), "add", "--all"], check=True)

    listed = subprocess.run(["git", "-C", str(project), "ls-files"], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == ["config/handrail.yaml"]
    assert (project / ".handrail" / "handrail.db").is_file()


def test_what_somebody_wrote_to_the_ignored_files_of_home_stays(project):
    (project / ".handrail").mkdir()
    (project / ".handrail" / ".gitignore").write_text("*.db\n")

    make_home(load_settings(project))

    assert (project / ".handrail" / ".gitignore").read_text() == "*.db\n"


@pytest.mark.parametrize("home", [".", "..", "repository"])
def test_a_home_that_holds_other_things_is_not_hidden(project, monkeypatch, home):
    (project / "repository" / ".git").mkdir(parents=True)
    monkeypatch.setenv("HANDRAIL_HOME", home)

    made = make_home(load_settings(project))

    assert not (made / ".gitignore").exists()


def test_a_database_elsewhere_makes_no_home_and_hides_nothing(project, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", f"sqlite:///{elsewhere / 'theirs.db'}")

    open_platform(load_settings(project)).store.close()

    assert not (project / ".handrail").exists()
    assert not (elsewhere / ".gitignore").exists()
