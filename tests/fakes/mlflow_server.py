"""A real MLflow server with the Handrail app, seen from outside, and the people who use it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import httpx
import yaml

from handrail.bootstrap.approvals import server_name
from handrail.bootstrap.approvals_rules import take_files
from handrail.entrypoints.http.gate_client import GateClient
from handrail.entrypoints.http.gate_routes import Route
from handrail.errors import Refused
from handrail.refs import Use
from handrail.settings import Settings, load_settings
from infra.servers.supervisor import commands, environment

CONFIG = Path(__file__).parents[2] / "config"
CLAIMED = Path(__file__).parents[1] / "fixtures" / "claimed" / "champion.yaml"
START_LIMIT_S = 180
TOKEN, METRICS_TOKEN, GITHUB_SECRET = ("-".join((kind, "x" * 24)) for kind in ("confirm", "metrics", "github"))
OUTSIDE = {
    "HANDRAIL_CONFIRMATIONS__TOKEN": TOKEN,
    "HANDRAIL_CONFIRMATIONS__GITHUB_SECRET": GITHUB_SECRET,
    "HANDRAIL_CONFIRMATIONS__GITHUB_APP": "12345",
    "HANDRAIL_CONFIRMATIONS__GITHUB_KEY": "config/github.pem",
    "HANDRAIL_METRICS_TOKEN": METRICS_TOKEN,
}
"""What lets other systems ask the server."""
EVIDENCE = {"evaluation": {"roc_auc": 0.76}, "parity": {"max_difference": 1e-7, "labels_differ": 0}}
PERSONS = {
    "Ada": {"accounts": ["ada"], "roles": ["data-scientist"]},
    "Ben": {"accounts": ["ben", "ben-2"], "roles": ["ml-engineer"]},
    "Cleo": {"accounts": ["cleo"], "roles": ["business-stakeholder"]},
    "Dora": {"accounts": ["dora"], "roles": ["data-engineer"]},
}
ACCOUNTS = ("ada", "ben", "ben-2", "cleo", "dora")
FILES = {"MLmodel": b"flavors: sklearn\n", "model.skops": b"\x00weights\x01", "onnx/model.onnx": b"onnx" * 100}


def password(account):
    return f"{account}-{'x' * 12}"


def roles_text(persons, services=None):
    return yaml.safe_dump({"version": 1, "persons": persons, "services": services})


class Server:
    """The server from outside: its addresses, its people, and its files as an operator sees them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = settings.url("mlflow")
        admin = json.loads((settings.credentials / "mlflow-admin.json").read_text())
        self.admin = self.http(admin["username"], admin["password"])
        self._names = count(1)

    def http(self, account, secret=None):
        # The address is plain HTTP; without `verify` each client would read the system's certificates, 25 ms.
        login = (account, secret or password(account))
        return httpx.Client(base_url=self.url, auth=login, timeout=60, verify=False)

    def make_accounts(self, accounts=ACCOUNTS):
        """Make accounts as an administrator does."""
        for account in accounts:
            body = {"username": account, "password": password(account)}
            assert self.admin.post("/api/2.0/mlflow/users/create", json=body).status_code == 200

    def person(self, account):
        return self.http(account)

    def gate(self, account):
        return GateClient(self.url, account, password(account))

    def write_roles(self, persons=PERSONS, services=None):
        (self.settings.config / "roles.yaml").write_text(roles_text(persons, services), encoding="utf-8")
        self.take_files()

    def take_files(self):
        """Bring into force what the files say now, as whoever runs the machine can."""
        with suppress(Refused):
            take_files(self.settings, "a test")

    def restore_roles(self):
        """Bring the usual roles into force again, with the files as they are; quick if nothing else is in force."""
        file = self.settings.config / "roles.yaml"
        rules = self.admin.get(Route.RULES.path)
        if file.read_text(encoding="utf-8") != roles_text(PERSONS) or rules.is_error or rules.json()["files"]:
            self.write_roles()

    def use(self, made, alias="champion"):
        return Use(server_name(self.settings), made.name, alias, self.settings.environment)

    def new_name(self):
        return f"model-{next(self._names)}"

    def make_version(self, author="ada", name=None, files=FILES):
        """Log a tree and register it, as `author`; return what was made."""
        with self.person(author) as http:
            name = name or self.new_name()
            experiments = "/api/2.0/mlflow/experiments"
            made = http.post(f"{experiments}/create", json={"name": f"{name}-{next(self._names)}"})
            experiment = made.json()["experiment_id"]
            run = http.post("/api/2.0/mlflow/runs/create", json={"experiment_id": experiment}).json()["run"]["info"]
            made = Made(self, name, 0, experiment, run["run_id"])
            for path, content in files.items():
                assert http.put(made.artifact(path), content=content).status_code == 200
            http.post("/api/2.0/mlflow/registered-models/create", json={"name": name})
            body = {"name": name, "source": f"runs:/{made.run_id}/model", "run_id": made.run_id}
            answer = http.post("/api/2.0/mlflow/model-versions/create", json=body)
            made.version = int(answer.json()["model_version"]["version"])
            return made


class Made:
    """A registered version and where it came from."""

    def __init__(self, server, name, version, experiment_id, run_id):
        self.server, self.name, self.version = server, name, version
        self.experiment_id, self.run_id = experiment_id, run_id

    def artifact(self, path, prefix="/api/2.0"):
        return f"{prefix}/mlflow-artifacts/artifacts/{self.experiment_id}/{self.run_id}/artifacts/model/{path}"

    @property
    def tree(self):
        artifacts = self.server.settings.home / "mlflow" / "artifacts"
        return artifacts / self.experiment_id / self.run_id / "artifacts" / "model"

    def ask(self, account="ada", evidence=EVIDENCE, alias="champion"):
        with self.server.gate(account) as gate:
            return gate.open_request(
                model=self.name, version=self.version, alias=alias, reason="better", evidence=evidence
            )

    def say(self, request_id, account, decision="approve"):
        with self.server.gate(account) as gate:
            return gate.decide(request_id, decision, "looked at it")

    def promote(self):
        request_id = self.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.0}})["request_id"]
        self.say(request_id, "ben")
        return self.say(request_id, "cleo")

    def champion(self):
        found = self.server.admin.get("/api/2.0/mlflow/registered-models/get", params={"name": self.name}).json()
        aliases = {row["alias"]: row["version"] for row in found["registered_model"].get("aliases", [])}
        return aliases.get("champion")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings_in(folder, **changes):
    """Settings of a separate project, with the shipped configuration."""
    project = folder / "project"
    if not project.exists():
        shutil.copytree(CONFIG, project / "config")
        # What is sent counts here as claimed; what the gate measures itself has tests of its own.
        shutil.copy(CLAIMED, project / "config" / "policies")
    base = load_settings(project)
    ports = base.ports.model_copy(update={"mlflow": _free_port()})
    return base.model_copy(update={"home": folder / "home", "ports": ports, "mlflow_url": None} | changes)


def start(settings, log, more=None):
    """Start a server and return its process; the caller stops it. `more` are variables, `OUTSIDE` if None."""
    # One server answers for all tests of a session: its accounts ask more often than people do.
    env = environment(settings, "mlflow") | {"OMP_NUM_THREADS": "1", "HANDRAIL_APPROVALS_MOST_OPEN": "100000"}
    env |= OUTSIDE if more is None else more
    line = ["/bin/sh", "-c", commands()["mlflow"]]
    return subprocess.Popen(line, env=env, cwd=settings.home, stdout=log, stderr=subprocess.STDOUT)


def wait_until_up(settings, process, log):
    """Return when the server answers; the process itself is what is waited on, so that its end is seen at once."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and not _ends_within(process, 0.2):
        try:
            if httpx.get(f"{settings.url('mlflow')}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            continue
    raise AssertionError(f"The server did not start: {log.read_text(errors='replace')[-2000:]}")


def _ends_within(process, seconds):
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
