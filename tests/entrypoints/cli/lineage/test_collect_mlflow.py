"""`handrail lineage collect mlflow` over a plain store: what it reads, what it leaves, how mistakes are reported."""

import json
import socketserver
import sys
import threading

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, LoggedModelInput

from handrail.bootstrap.approvals import server_name, tree_digest
from handrail.entrypoints.cli import main
from handrail.entrypoints.mlflow.collect.clients import name_server
from handrail.settings import load_settings
from tests.fakes.answering_server import answering
from tests.fakes.lineage_rows import rows_of

MODEL = "it's a model"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A store with two experiments, a run in each, a model that one made and the other read, a version, an alias."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        client = MlflowClient(uri, uri)
        client.experiments = [
            client.create_experiment(name, artifact_location=str(folder / name)) for name in ("one", "two")
        ]
        client.folder, client.uri = folder, uri
        client.maker = _run(client, 0, "x")
        model = client.create_logged_model(client.experiments[0], "m", source_run_id=client.maker)
        client.model = model.model_id
        client.reader = _run(client, 1, "y", [LoggedModelInput(model.model_id)])
        (folder / "files").mkdir()
        (folder / "files" / "MLmodel").write_text("flavors: none\n")
        client.log_artifacts(client.maker, str(folder / "files"), "model")
        client.create_registered_model(MODEL)
        client.create_model_version(MODEL, f"runs:/{client.maker}/model", client.maker)
        client.set_registered_model_alias(MODEL, "best", 1)
        yield client


def _run(client, experiment, name, models=()):
    run = client.create_run(
        client.experiments[experiment], tags={"mlflow.user": "ann", "handrail.git_commit": "a" * 40}
    )
    data = Dataset(name, "1f", "local", json.dumps({"uri": f"/srv/{name}.csv"}))
    client.log_inputs(run.info.run_id, [DatasetInput(data)], list(models))
    client.set_terminated(run.info.run_id)
    return run.info.run_id


@pytest.fixture
def home(tmp_path, monkeypatch, kept):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_REPOSITORY", "shop")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", kept.uri)
    return tmp_path / "home"


@pytest.fixture
def collect(home, monkeypatch, capsys):
    def call(*options):
        monkeypatch.setattr(sys, "argv", ["handrail", "lineage", "collect", "mlflow", *options])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return stopped.value.code, said.out, said.err

    return call


def test_everything_that_the_store_holds_is_recorded(collect, home, kept):
    code, out, _ = collect()

    server = server_name(load_settings())
    assert (code, out) == (0, f"Recorded 2 runs, 1 model, 1 version, 1 alias of mlflow://{server}.\n")
    rows = rows_of(home)
    (version,) = (uri for uri, *_ in rows.nodes if "/registered/" in uri)
    assert rows.causes_of(version) >= {
        f"mlflow://{server}/run/{kept.maker}",
        f"tree://sha256/{tree_digest(kept.folder / 'files').removeprefix('sha256:')}",
    }
    assert f"mlflow://{server}/model/{kept.model}" in rows.causes_of(f"mlflow://{server}/run/{kept.reader}")
    assert rows.causes_of(f"mlflow://{server}/run/{kept.maker}") >= {
        f"git://shop/{'a' * 40}",
        "actor://mlflow.user/ann",
        f"mlflow://{server}/dataset/x@1f",
    }
    assert [row[:2] for row in rows.pointers] == [(f"mlflow alias {MODEL}@best", version)]


def test_collecting_again_adds_nothing(collect, home):
    collect()
    before = rows_of(home)

    code, out, _ = collect("--json")

    found = json.loads(out)
    assert (code, found["aliases"], found["aliases_unchanged"]) == (0, 0, 1)
    assert rows_of(home) == before
    assert collect()[1].startswith("Recorded 2 runs, 1 model, 1 version, 0 aliases (1 unchanged) of mlflow://")


def test_an_alias_that_moved_or_went_is_noticed_the_next_time(collect, home, kept):
    collect()
    kept.create_model_version(MODEL, f"runs:/{kept.maker}/model", kept.maker)
    try:
        kept.set_registered_model_alias(MODEL, "best", 2)
        collect()
        kept.delete_registered_model_alias(MODEL, "best")
        collect()
    finally:
        kept.delete_model_version(MODEL, 2)
        kept.set_registered_model_alias(MODEL, "best", 1)

    assert [row[1].rsplit("/", 1)[-1] for row in rows_of(home).pointers] == ["1", "2", ""]


def test_an_alias_of_a_model_that_went_is_noticed_and_one_of_another_server_is_left(collect, home, kept):
    kept.create_registered_model("brief")
    kept.create_model_version("brief", f"runs:/{kept.maker}/model", kept.maker)
    kept.set_registered_model_alias("brief", "best", 1)
    collect("--server-name", "other")
    collect()
    kept.delete_registered_model("brief")

    collect("--experiment", "two")

    moves = [(name, target.split("/")[2] if target else "") for name, target, _ in rows_of(home).pointers]
    assert [server for name, server in moves if " brief@" in name] == ["other", server_name(load_settings()), ""]


def test_one_experiment_leaves_the_others_and_their_versions(collect, home, kept):
    code, out, _ = collect("--experiment", "two", "--json")

    found = json.loads(out)
    assert (code, found["runs"], found["versions"], found["aliases"]) == (0, 1, 0, 0)
    assert not [uri for uri, *_ in rows_of(home).nodes if "/registered/" in uri]


def test_what_ended_before_the_moment_is_left(collect):
    code, out, _ = collect("--since", "2099-01-01", "--json")

    assert (code, {name: json.loads(out)[name] for name in ("runs", "models", "versions")}) == (
        0,
        {"runs": 0, "models": 0, "versions": 0},
    )


def test_what_lineage_refuses_is_named_and_the_rest_is_kept(collect, home, kept):
    long = "x" * 3000
    run = kept.create_run(kept.experiments[1], tags={"handrail.flow_run_id": long})
    try:
        code, out, err = collect()
    finally:
        kept.delete_run(run.info.run_id)

    assert (code, out.startswith("Recorded 3 runs")) == (1, True)
    assert f"Left out: run {run.info.run_id}: " in err
    assert "too long" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--experiment", "none"), "no experiment named 'none'"),
        (("--since", "yesterday"), "--since: 'yesterday' is not a moment"),
        (("--tracking-uri", "http://127.0.0.1:9"), "MLflow at http://127.0.0.1:9"),
        (("--tracking-uri", "http://ann:secret@127.0.0.1:9"), "MLflow at http://127.0.0.1:9"),
        (("--tracking-uri", "nonsense://x"), "MLflow at nonsense://x"),
        (("--tracking-uri", "sqlite:///gone.db"), "no MLflow store named 'gone.db'"),
    ],
)
def test_a_mistake_is_one_sentence(collect, monkeypatch, options, words):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    code, out, err = collect(*options)

    assert (code, out) == (1, "")
    assert words in err
    assert "Traceback" not in err
    assert "secret" not in err


def test_a_server_that_is_not_there_is_one_sentence_without_a_librarys_words(collect):
    code, out, err = collect("--tracking-uri", "http://ann:secret@127.0.0.1:9")

    assert (code, out) == (1, "")
    assert "MLflow at http://127.0.0.1:9: nobody answers there (Connection refused). Start it, or name another" in err
    assert "secret" not in err


def test_a_server_that_breaks_off_is_one_sentence_without_a_librarys_words(collect, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code, _, err = collect("--tracking-uri", f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()

    assert code == 1
    assert ": it does not answer any more. Start it, or name another" in err
    assert "Pool" not in err


@pytest.mark.parametrize("account", ["", "ann"])
def test_a_login_that_the_server_does_not_know_is_called_a_login(collect, monkeypatch, account):
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    if account:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", account)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")

    with answering(401, {}) as url:
        code, out, err = collect("--tracking-uri", url)

    who = f"The login of {account!r}" if account else "A call without a login"
    assert (code, out) == (1, "")
    assert f"{who} at {url} is refused. Give an account of that server" in err
    assert "Start it" not in err


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("https://mlflow.example.org:8443/", "mlflow.example.org-8443"),
        ("http://ann:pw@Mlflow.example.org", "mlflow.example.org"),
    ],
)
def test_another_server_is_named_after_its_address(home, uri, name):
    assert name_server(load_settings(), uri) == name


def test_the_projects_own_server_has_the_name_that_permits_use(home, kept):
    settings = load_settings()

    for uri in (None, kept.uri, settings.url("mlflow"), settings.url("mlflow") + "/"):
        assert name_server(settings, uri) == server_name(settings)


def test_a_local_store_has_one_name_however_it_is_written(home, monkeypatch, tmp_path):
    settings = load_settings()

    names = {name_server(settings, uri) for uri in ("sqlite:///a.db", f"sqlite:///{tmp_path / 'a.db'}")}

    assert len(names) == 1
    assert names != {name_server(settings, "sqlite:///b.db")}
