"""Commands that read, in a folder where nothing was ever recorded: one sentence, exit code 1, nothing created."""

import sys

import pytest
import typer.main

from handrail.entrypoints.cli import build, main

READING = {
    "env": (),
    "explain": ("abc",),
    "reproduce": ("flights/1",),
    "approvals verify": ("tree",),
    "approvals at": ("--time", "2026-01-01T00:00Z"),
    "approvals check": (),
    "approvals leave": ("--to", "record"),
    "approvals log verify": (),
    "approvals log proof": ("pr-0123456789abcdef0123", "--out", "permit.tlog-proof"),
    "approvals log check-proof": ("permit.tlog-proof", "--permit", "permit.json"),
    "approvals policy check": (),
    "approvals policy diff": ("other",),
    "approvals policy simulate": ("other",),
    "approvals rules take": ("--reason", "set up"),
    "approvals attest": (
        *("--nonce", "nonce.json", "--evidence", "parity.json", "--key", "key.pem"),
        *("--predicate-type", "https://example.com/parity/v1"),
    ),
    "acquire": (),
    "sources changes": (),
    "sources open": ("orders",),
    "delivery show": (),
    "delivery add": ("two", "models:/churn@canary", "--role", "canary", "--share", "0.1", "--reason", "good in shadow"),
    "delivery share": ("two", "0.2", "--reason", "no guardrail was touched"),
    "delivery step": ("two", "--kind", "ground_truth", "--metric", "brier"),
    "delivery rollback": ("--reason", "late arrivals are missed"),
    "delivery key list": (),
    "delivery key revoke": ("crew-desk",),
    "delivery package edge": ("--to", "edge.tar"),
    "delivery package function": ("--to", "function.zip"),
    "delivery package container": ("--base", f"python@sha256:{'0' * 64}", "--to", "image"),
    "delivery package kubernetes": ("--image", f"churn@sha256:{'0' * 64}", "--to", "churn.yaml"),
    "delivery end": ("two", "--as", "rolled back", "--reason", "it is worse"),
    "feedback status": (),
    "feedback erase": ("customer-4711", "--yes"),
    "feedback figures": ("--kind", "ground_truth", "--metric", "accuracy"),
    "feedback snapshot take": ("ground_truth", "--from", "2026-01-01", "--until", "2026-02-01"),
    "feedback snapshot show": ("sha256:00",),
    "feedback snapshot diff": ("sha256:00", "sha256:11"),
    "feedback export": ("sha256:00", "labels.parquet"),
    "feedback compact": (),
    "feedback compare": ("--kind", "ground_truth", "--metric", "accuracy", "--variants", "a", "b"),
    "feedback mirror": (),
    "feedback reference": ("customer-4711",),
    "feedback queue make": ("sha256:00", "--most", "1", "--to", "tasks.json"),
    "feedback queue import": ("export.json", "--kind", "ground_truth"),
    "feedback queue figures": ("tasks.json",),
    "feedback retain": (),
    "feedback reviews": ("p-1",),
    "feedback quarantine list": (),
    "feedback quarantine show": ("1",),
    "feedback quarantine repair": ("1", "--set", "value=1"),
    "feedback quarantine replay": ("1",),
    "feedback quarantine drop": ("1", "--because", "a test"),
    "lineage trace": ("abc",),
    "lineage impact": ("abc",),
    "lineage show": ("abc",),
    "lineage timeline": ("champion",),
    "lineage pointer": ("champion",),
    "lineage findings": (),
    "lineage check": (),
    "lineage export": ("abc", "--format", "dot"),
    "lineage forward": (),
    "lineage collect prefect": ("--check",),
    "lineage token list": (),
    "lineage token revoke": ("airflow",),
}
WITHOUT_A_STORE = {"env", "approvals verify", "approvals policy check", "approvals policy diff"}
WITHOUT_A_STORE |= {"approvals log verify", "approvals log proof", "approvals log check-proof"}
WITHOUT_A_STORE |= {
    "acquire",
    "sources changes",
    "sources open",
    "approvals rules take",
    "approvals attest",
    "feedback queue import",
    "feedback queue figures",
}
"""What reads other files than the store."""
DIGEST = "sha256:" + "0" * 64
AT_THE_SERVER = {
    "approvals adopt": ("--reason", "served since March"),
    "approvals revoke": ("pr-0123456789abcdef0123", "--reason", "leaks the label"),
    "approvals fetch": ("models:/churn@champion", "tree"),
    "approvals list": (),
    "approvals show": ("pr-0123456789abcdef0123",),
    "approvals request": ("--version", "1", "--reason", "better", "--evidence", "evaluation=evidence.json"),
    "approvals decide": ("pr-0123456789abcdef0123", "--approve", "--reason", "read it"),
    "approvals answer": ("pr-0123456789abcdef0123", "--answer", "see slice 4"),
    "approvals renew": ("pr-0123456789abcdef0123",),
    "approvals nonce": ("--version", "1"),
    "approvals rollback": ("--version", "1", "--reason", "it failed"),
    "approvals break-glass": ("--version", "1", "--reason", "nothing answers"),
    "approvals rules status": (),
    "approvals rules propose": ("--reason", "a second pair of eyes"),
    "approvals rules list": (),
    "approvals rules show": ("rc-0123456789abcdef0123",),
    "approvals rules decide": ("rc-0123456789abcdef0123", "--approve", "--reason", "agreed"),
    "approvals finding open": ("--text", "the scores drift", "--severity", "high"),
    "approvals finding close": ("fi-0123456789abcdef0123", "--reason", "a sensor was replaced"),
    "approvals finding list": (),
    "approvals changes": ("pr-0123456789abcdef0123",),
    "approvals snapshots list": (),
    "approvals snapshots show": (DIGEST, "--model", "churn"),
    "approvals snapshots confirm": (DIGEST, "--model", "churn"),
    "approvals commit-predictions": ("evidence.json", "--version", "1"),
}
RECORDING = {
    "approvals keeper",
    "delivery key make",
    "feedback consume",
    "feedback import",
    "feedback link",
    "feedback report",
    "lineage collect bentoml",
    "lineage deployment",
    "lineage collect dlt",
    "lineage collect dvc",
    "lineage collect evidently",
    "lineage collect mlflow",
    "lineage token create",
    "serve",
}
"""What makes the store: a first record may be the first thing that a folder sees."""
APART = {"init", "approvals witness", "delivery package balancer"}
"""What writes files of its own and records nothing."""


@pytest.fixture
def handrail(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("PROJECT", "HOME", "DATABASE_URL", "MLFLOW_URL"):
        monkeypatch.delenv(f"HANDRAIL_{name}", raising=False)
    monkeypatch.setenv("HANDRAIL_PORTS__MLFLOW", "9")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handrail", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return stopped.value.code or 0, printed.out, printed.err, sorted(folder.rglob("*"))

    return call


def leaves(command, path=()):
    inner = getattr(command, "commands", {})
    return [leaf for name, each in inner.items() for leaf in leaves(each, (*path, name))] or [" ".join(path)]


def test_every_command_has_its_place_in_these_tables():
    assert set(leaves(typer.main.get_command(build()))) == {*READING, *AT_THE_SERVER, *RECORDING, *APART}


@pytest.mark.parametrize("command", READING)
def test_a_reading_command_says_so_and_creates_nothing(handrail, command):
    code, out, err, created = handrail(*command.split(), *READING[command])

    assert (code, out, created) == (1, "", []), err
    assert err.startswith("error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", sorted(READING.keys() - WITHOUT_A_STORE))
def test_the_sentence_names_the_missing_store_and_what_to_do(handrail, command, tmp_path):
    _, _, err, _ = handrail(*command.split(), *READING[command])

    assert str(tmp_path / "elsewhere" / ".handrail" / "handrail.db") in err
    assert "HANDRAIL_PROJECT" in err


@pytest.mark.parametrize("command", AT_THE_SERVER)
def test_a_question_to_the_server_creates_nothing_here(handrail, command, tmp_path):
    evidence = tmp_path / "elsewhere" / "evidence.json"
    evidence.write_text("{}")

    code, out, err, created = handrail(*command.split(), *AT_THE_SERVER[command], "--user", "ada")

    assert (code, out, created) == (1, "", [evidence]), err
    assert err.count("\n") == 1


def test_a_first_record_in_a_folder_that_nothing_names_says_where_it_is_made(handrail, tmp_path, monkeypatch):
    _, out, err, created = handrail("lineage", "token", "create", "airflow")
    again = handrail("lineage", "token", "create", "dbt")[2]

    store = tmp_path / "elsewhere" / ".handrail" / "handrail.db"
    assert out.strip()
    assert store in created
    assert f"A new store is made: {store}. Is your project elsewhere?" in err
    assert "A new store" not in again


@pytest.mark.parametrize("named", ["file", "HANDRAIL_PROJECT", "HANDRAIL_HOME"])
def test_a_first_record_in_a_project_that_somebody_named_says_nothing(handrail, tmp_path, monkeypatch, named):
    folder = tmp_path / "elsewhere"
    if named == "file":
        (folder / "config").mkdir()
        (folder / "config" / "handrail.yaml").write_text("repository: shop\n")
    else:
        monkeypatch.setenv(named, str(folder))

    assert "A new store" not in handrail("lineage", "token", "create", "airflow")[2]


def test_a_store_that_other_commands_made_is_read(handrail):
    handrail("lineage", "token", "create", "airflow")

    code, out, _, _ = handrail("lineage", "token", "list", "--json")

    assert code == 0
    assert "airflow" in out


def test_a_follower_may_be_there_before_the_first_record(handrail, monkeypatch):
    def press_ctrl_c(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", press_ctrl_c)

    _, _, err, created = handrail("lineage", "forward", "--follow")

    assert err.splitlines()[-1].startswith("Interrupted.")
    assert "handrail.db" in {file.name for file in created}
