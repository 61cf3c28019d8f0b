"""`handrail env` as a user takes it: evaluated by a shell, on a home that is not there yet."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from handrail.entrypoints.cli import main

HANDRAIL = Path(sys.executable).with_name("handrail")
ASK = "import json, os, shutil; print(json.dumps(dict(os.environ) | {'which python': shutil.which('python')}))"


PLACES = ("MLFLOW_", "PREFECT_", "BENTOML_", "DVC_", "GX_", "DO_NOT_TRACK")


@pytest.fixture
def reference(tmp_path):
    """Make the temporary folder look like the reference project, or a copy of it."""
    program = tmp_path / "infra" / "servers" / "up.py"
    program.parent.mkdir(parents=True)
    program.touch()
    return tmp_path


@pytest.fixture
def offered(tmp_path, monkeypatch, capsys):
    """Ask for the environment in a shell that holds `current`; return what is set, and what is said beside it."""

    def ask(project=tmp_path, arguments=(), **current):
        for name in os.environ:
            if name.startswith(("HANDRAIL_", *PLACES)):
                monkeypatch.delenv(name)
        for name, value in current.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(project)
        monkeypatch.setattr(sys, "argv", ["handrail", "env", "--json", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert not stopped.value.code
        printed = capsys.readouterr()
        return json.loads(printed.out), printed.err

    return ask


@pytest.fixture
def evaluated(tmp_path, reference):
    def evaluate():
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HANDRAIL_", *PLACES))}
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


def configure(project, text="repository: shop\n"):
    (project / "config").mkdir()
    (project / "config" / "handrail.yaml").write_text(text)
    return project


@pytest.mark.parametrize(
    ("name", "with_it"),
    [
        ("MLFLOW_TRACKING_URI", {"MLFLOW_BACKEND_STORE_URI"}),
        ("MLFLOW_BACKEND_STORE_URI", {"MLFLOW_TRACKING_URI"}),
        ("MLFLOW_REGISTRY_URI", {"MLFLOW_TRACKING_URI", "MLFLOW_BACKEND_STORE_URI"}),
        ("PREFECT_API_URL", {"PREFECT_HOME"}),
        ("PREFECT_PROFILES_PATH", {"PREFECT_HOME", "PREFECT_API_URL"}),
        ("BENTOML_HOME", set()),
        ("DVC_SITE_CACHE_DIR", set()),
        ("GX_ANALYTICS_ENABLED", set()),
    ],
)
def test_what_a_shell_sets_stays_with_what_belongs_to_it(offered, reference, name, with_it):
    before, _ = offered(configure(reference))

    values, said = offered(reference, **{name: "/mine"})

    assert set(before) - set(values) == ({name} | with_it) & set(before)
    assert name in said
    assert all(each in said for each in with_it)


def test_a_second_evaluation_leaves_nothing_and_says_nothing(offered, reference):
    first, _ = offered(configure(reference))

    second, said = offered(reference, **first)

    assert (second, said) == (first, "")


def test_an_empty_variable_counts_as_unset(offered, reference):
    values, said = offered(configure(reference), MLFLOW_TRACKING_URI="")

    assert values["MLFLOW_TRACKING_URI"].startswith("sqlite:///")
    assert said == ""


def test_outside_the_reference_project_only_handrails_own_variables_are_set(offered, tmp_path):
    values, said = offered(configure(tmp_path), MLFLOW_TRACKING_URI="https://tracking.example")

    assert values == {"HANDRAIL_PROJECT": str(tmp_path), "HANDRAIL_HOME": str(tmp_path / ".handrail")}
    assert "this is not the reference project" in said
    assert not (tmp_path / ".handrail").exists()


@pytest.mark.parametrize("with_servers_of_its_own", [True, False])
def test_a_server_that_the_settings_name_is_the_one(offered, tmp_path, with_servers_of_its_own, request):
    if with_servers_of_its_own:
        request.getfixturevalue("reference")
    urls = "mlflow_url: https://tracking.example/\nprefect_url: https://flows.example\n"

    values, _ = offered(configure(tmp_path, urls))

    assert values["MLFLOW_TRACKING_URI"] == "https://tracking.example"
    assert "MLFLOW_BACKEND_STORE_URI" not in values
    assert values["PREFECT_API_URL"] == "https://flows.example/api"


def test_a_shell_beats_the_server_that_the_settings_name(offered, tmp_path):
    project = configure(tmp_path, "mlflow_url: https://tracking.example\n")

    values, said = offered(project, MLFLOW_TRACKING_URI="https://user:secret@other.example")

    assert "MLFLOW_TRACKING_URI" not in values
    assert "MLFLOW_TRACKING_URI" in said
    assert "secret" not in said


def test_a_project_that_the_shell_still_names_is_named(offered, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    configure(first)
    configure(second)

    values, said = offered(second, HANDRAIL_PROJECT=str(first))

    assert values["HANDRAIL_PROJECT"] == str(first)
    assert f"HANDRAIL_PROJECT names {first}, and this folder belongs to {second}" in said


def test_the_project_of_a_demo_is_named_as_the_one_that_make_up_works_in(offered, reference):
    configure(reference)
    _, before = offered(reference)
    demo = reference / ".handrail" / "demo" / "project"
    demo.mkdir(parents=True)
    (demo / "dvc.yaml").touch()

    _, said = offered(reference)

    assert "make up" not in before
    assert f"work in the demo's project, {demo}: each start" in " ".join(said.split())
    assert f"brings it to the last commit of {reference}" in " ".join(said.split())
