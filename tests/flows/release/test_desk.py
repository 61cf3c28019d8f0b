"""Two accounts at work at the same time in one process: each acts only as itself."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import httpx
import pytest

from flows.steps.project.accounts import read_account
from flows.steps.release import as_account
from flows.steps.release.desk import open_desk
from flows.steps.release.promote import read_evidence
from handrail.errors import Misconfigured, Unavailable
from tests.fakes.effort import TIMES

ROUNDS = min(TIMES, 10)


def _let_change(settings, account, desk, run_id):
    """Give an account what asking needs: EDIT on the experiment of the run."""
    run = desk.server.get("/api/2.0/mlflow/runs/get", params={"run_id": run_id}).json()["run"]["info"]
    admin = read_account(settings, "mlflow-admin")
    may = {"resource_type": "experiment", "resource_id": run["experiment_id"], "permission": "EDIT"}
    granted = httpx.post(
        f"{settings.url('mlflow')}/api/3.0/mlflow/users/permissions/grant",
        json={"username": account, **may},
        auth=(admin.username, admin.password),
        timeout=60,
    )
    assert granted.status_code == 200, granted.text


def _together(*works):
    """Run the works in threads that start at the same moment; return their results in order."""
    start = Barrier(len(works))

    def run(work):
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return [future.result() for future in [threads.submit(run, work) for work in works]]


def test_two_threads_register_and_ask_each_as_its_own_account(settings, desk):
    registered = desk.register(settings.project)  # run and files are on the server, so both threads only register
    _let_change(settings, "ben", desk, registered.run_id)
    evidence = read_evidence(settings.project)

    def ask(file, model):
        with open_desk(settings, file) as own:
            return own.ask(own.register(settings.project, model), "champion", "at the same time", evidence)

    for number in range(ROUNDS):
        of_ada, of_ben = _together(
            partial(ask, "author", f"of-ada-{number}"), partial(ask, "engineer", f"of-ben-{number}")
        )

        # The gate takes whoever registered the version, or trained its run, for an author.
        assert (of_ada["requester"], of_ada["authors"]) == ("ada", ["ada"])
        assert (of_ben["requester"], of_ben["authors"]) == ("ben", ["ada", "ben"])


def test_another_login_of_the_process_is_not_used(settings, desk, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "of-someone-else")
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "no-such-plugin")
    monkeypatch.setenv("MLFLOW_TRACKING_AWS_SIGV4", "true")

    assert desk.register(settings.project, "of-the-account").model == "of-the-account"


def test_a_stranger_gets_nothing_while_another_account_downloads(settings, desk, tmp_path):
    registered = desk.register(settings.project)
    (settings.credentials / "stranger.json").write_text(json.dumps({"username": "ada", "password": "guessed"}))

    def download(file, into):
        into.mkdir()
        with open_desk(settings, file) as own:
            try:
                as_account.download_version(own.tracking, (registered.model, registered.version), into)
            except Unavailable:
                return "refused"
        return "read"

    for number in range(ROUNDS):
        place = tmp_path / str(number)
        place.mkdir()
        works = [partial(download, file, place / file) for file in ("author", "stranger")]
        assert _together(*works) == ["read", "refused"]


def test_nothing_is_behind_an_alias_or_a_model_that_does_not_exist(settings, desk):
    desk.register(settings.project)

    assert desk.digest_behind("no-such-alias") is None
    with open_desk(settings.model_copy(update={"model_name": "no-such-model"}), "author") as own:
        assert own.digest_behind("champion") is None


def test_a_server_that_refuses_or_is_away_is_not_a_missing_alias(settings):
    (settings.credentials / "stranger.json").write_text(json.dumps({"username": "ada", "password": "guessed"}))

    with open_desk(settings, "stranger") as own, pytest.raises(Unavailable, match="it answered 401"):
        own.digest_behind("champion")
    away = settings.model_copy(update={"mlflow_url": "http://127.0.0.1:9"})
    with open_desk(away, "author") as own, pytest.raises(Unavailable, match="http://127.0.0.1:9.*make up"):
        own.digest_behind("champion")


def test_the_process_holds_no_login_while_an_account_works(settings, desk):
    seen = []

    def watch():
        while not done:
            seen.append(os.environ.get("MLFLOW_TRACKING_USERNAME"))

    done = []

    def work():
        desk.register(settings.project)
        done.append(True)

    _together(watch, work)

    assert set(seen) == {None}


def test_a_desk_opens_nothing_before_it_is_used(settings):
    with open_desk(settings, "nobody") as desk:
        assert desk.settings is settings

        with pytest.raises(Misconfigured, match="nobody.json"):
            _ = desk.gate


def test_the_login_of_a_desk_is_the_accounts_own(settings):
    with open_desk(settings, "engineer") as desk:
        assert desk.login == read_account(settings, "engineer")
        assert desk.tracking["MLFLOW_TRACKING_USERNAME"] == "ben"
