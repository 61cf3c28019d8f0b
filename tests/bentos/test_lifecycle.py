"""How a bento starts, refuses to, and dies without losing what it answered."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from pathlib import Path

import httpx
import psutil
import pytest

from flows.steps.release.deploy import slot_of
from flows.steps.release.serving import await_bento
from handrail.bootstrap import open_platform
from handrail.bootstrap.delivery import open_deployments
from handrail.bootstrap.feedback import open_spool
from handrail.delivery import Deployed
from handrail.entrypoints.http.serving_token import serving_token
from handrail.errors import Unavailable
from handrail.refs import BentoTag
from handrail.settings import Settings
from infra.servers.bento import Target, follow, main, serving_target
from infra.servers.supervisor import Servers, with_free_ports
from tests.fakes.bento_project import REPOSITORY, flight, make_project


def bento_files(settings: Settings, deployed: Deployed) -> Path:
    return settings.home / "bentoml" / "bentos" / "flights" / deployed.bento.version / "src"


def test_a_fresh_checkout_stays_up_and_says_that_no_model_exists(tmp_path: Path) -> None:
    settings = make_project(tmp_path)
    with Servers(with_free_ports(settings)) as servers:
        url = servers.start("bento")
        servers.wait_ready("bento")
        ready = httpx.get(f"{url}/readyz", trust_env=False)
        headers = {"Authorization": f"Bearer {serving_token(settings)}"}
        answer = httpx.post(f"{url}/predict", json={"flights": [flight(1)]}, headers=headers, trust_env=False)

    for one in (ready, answer):
        assert one.status_code == 503
        assert one.headers["content-type"] == "application/problem+json"
        assert one.json()["detail"].startswith("No permitted model exists yet")


def test_one_flipped_byte_stops_the_start_and_names_the_file(own_project: Settings, deployed: Deployed) -> None:
    """Whichever file it is: that is shown without a server, in test_loading.py."""
    name = "onnx/model.onnx"
    file = bento_files(own_project, deployed) / "model" / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    with Servers(with_free_ports(own_project)) as servers:
        servers.start("bento")
        with pytest.raises(Unavailable, match=f"exit code 1: .*{name}"):
            servers.wait_ready("bento", 60, "/readyz")
    assert "Traceback" not in servers.log_of("bento").read_text()


def test_no_answer_leaves_before_it_is_written_down(own_project: Settings, deployed: Deployed) -> None:
    spool = own_project.home / "spool"
    spool.write_text("in the way")
    with Servers(with_free_ports(own_project)) as servers:
        url = servers.start("bento")
        servers.wait_ready("bento", 180, "/readyz")
        headers = {"Authorization": f"Bearer {serving_token(own_project)}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
            refused = client.post("/predict", json={"flights": [flight(51)]})
            spool.unlink()
            answers = [client.post("/predict", json={"flights": [flight(n)]}).json() for n in range(1, 51)]
            for process in psutil.Process(servers.pid("bento")).children(recursive=True):
                process.kill()

    assert refused.status_code == 503
    assert str(spool) in refused.json()["detail"]
    with open_platform(own_project) as platform:
        open_spool(own_project).drain(platform.feedback.record_predictions)
        for answer in answers:
            platform.feedback.find_prediction(answer["predictions"][0]["prediction_id"])


def test_what_is_served_is_recorded_at_the_start_with_the_tree_that_was_verified(
    own_project: Settings, deployed: Deployed, tmp_path: Path
) -> None:
    for file in own_project.home.glob("handrail.db*"):
        file.unlink()
    procfile = tmp_path / "Procfile"
    serve = f'exec bentoml serve flights:{deployed.bento.version} --host "$HANDRAIL_HOST"'
    procfile.write_text(f'bento: {serve} --port "$HANDRAIL_PORTS__BENTO"\n')
    with Servers(with_free_ports(own_project), procfile) as servers:
        servers.start("bento")
        servers.wait_ready("bento", 180, "/readyz")

    with open_platform(own_project) as platform:
        trace = platform.lineage.trace(deployed.deployment.uri)
    digests = {node.uri: node.digest for node in trace.nodes}
    assert digests[deployed.deployment.uri] == deployed.tree_digest
    assert digests[deployed.bento.uri] == deployed.bento_digest


def test_a_worker_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    with Servers(with_free_ports(make_project(tmp_path))) as servers:
        servers.start("bento")
        servers.wait_ready("bento")
        workers = psutil.Process(servers.pid("bento")).children(recursive=True)
        os.kill(servers.pid("bento"), signal.SIGKILL)

        _, alive = psutil.wait_procs(workers, timeout=30)

    assert workers
    assert not alive


def test_a_taken_port_gives_one_sentence_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_PROJECT", str(REPOSITORY))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        monkeypatch.setenv("HANDRAIL_PORTS__BENTO", port)

        with pytest.raises(SystemExit) as stopped:
            main()

    said = str(stopped.value)
    assert port in said
    assert "is taken" in said
    assert "HANDRAIL_PORTS__BENTO=" in said
    assert "\n" not in said


class _Looks:
    """What replaces `bentoml serve`: it ends by itself after some looks at the pointer."""

    def __init__(self, looks: int) -> None:
        self.started: list[str] = []
        self.target: Target | None = None
        self._looks = looks

    @property
    def exit_code(self) -> int | None:
        self._looks -= 1
        return None if self._looks > 0 else 3

    def start(self, target: Target) -> None:
        self.started.append(target.name)
        self.target = target


def test_the_server_serves_what_is_deployed_and_ends_with_its_exit_code(project: Settings, deployed: Deployed) -> None:
    server = _Looks(2)

    with open_platform(project) as platform:
        code = follow(server, platform)  # type: ignore[arg-type]

    assert (server.started, code) == ([f"flights:{deployed.bento.version}"], 3)


def test_a_pointer_that_leads_nowhere_leaves_what_runs(own_project: Settings, deployed: Deployed) -> None:
    class Loses(_Looks):
        def start(self, target: Target) -> None:
            super().start(target)
            (bento_files(own_project, deployed).parent / "bento.yaml").unlink()

    server = Loses(3)
    with open_platform(own_project) as platform:
        code = follow(server, platform)  # type: ignore[arg-type]

    assert (server.started, code) == ([f"flights:{deployed.bento.version}"], 3)


def test_a_deployment_and_a_rollback_reach_the_running_service(own_project: Settings, deployed: Deployed) -> None:
    with Servers(with_free_ports(own_project)) as servers, open_platform(own_project) as platform:
        slot, deployments = slot_of(own_project), open_deployments(platform)
        url = servers.start("bento")
        servers.wait_ready("bento", 180, "/readyz")
        process = servers.pid("bento")
        deployments.point(slot.pointer, slot.deployment(_copy_of(own_project, deployed)))

        forward = await_bento(url, BentoTag("flights", "copy"), 180)
        deployments.point(slot.pointer, deployed.deployment)
        back = await_bento(url, deployed.bento, 180)

        assert (forward.answers, forward.sentence) == (True, f"{url} answers with flights:copy.")
        assert (back.answers, back.sentence) == (True, f"{url} answers with flights:{deployed.bento.version}.")
        assert servers.pid("bento") == process


def _copy_of(settings: Settings, deployed: Deployed) -> str:
    """Put the deployed bento into the store once more, as the version `copy`."""
    built = bento_files(settings, deployed).parent
    copy = built.with_name("copy")
    shutil.copytree(built, copy, symlinks=True)
    description = copy / "bento.yaml"
    description.write_text(description.read_text().replace(f"version: {deployed.bento.version}", "version: copy"))
    return "copy"


def test_a_deployed_bento_that_was_deleted_is_missed(own_project: Settings, deployed: Deployed) -> None:
    (bento_files(own_project, deployed).parent / "bento.yaml").unlink()

    with open_platform(own_project) as platform, pytest.raises(Unavailable, match="Deploy it again"):
        serving_target(platform)


def test_a_second_start_replaces_what_an_interrupted_run_left(tmp_path: Path) -> None:
    settings = make_project(tmp_path)
    with Servers(with_free_ports(settings)) as first, Servers(with_free_ports(settings)) as second:
        first.start("bento")
        left = psutil.Process(first.pid("bento"))
        second.start("bento")
        second.wait_ready("bento")

        assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
