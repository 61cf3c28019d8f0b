"""Where servers listen, what they are given, how they start and stop. The real ones run in test_up.py."""

import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from handrail.errors import Unavailable
from handrail.settings import load_settings
from infra.servers.processes import Child, ChildFiles, stop_left_over
from infra.servers.supervisor import (
    KINDS,
    Servers,
    address_of,
    commands,
    environment,
    port_of,
    require_free_ports,
    settings_environment,
    with_free_ports,
)

DEADLINE_S = 20


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return load_settings()


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def _wait(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    return condition()


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_procfile_and_the_known_servers_are_the_same():
    assert set(commands()) == set(KINDS)


def test_free_ports_differ_and_every_address_follows_them(settings):
    settings = settings.model_copy(update={"mlflow_url": "http://elsewhere"})

    free = with_free_ports(settings)

    assert len(set(free.ports.model_dump().values())) == len(type(free.ports).model_fields)
    assert free.url("mlflow") == address_of(free, "mlflow") == f"http://127.0.0.1:{free.ports.mlflow}"
    assert address_of(free, "worker") == free.url("prefect")
    assert port_of(free, "worker") is None


def test_a_taken_port_is_one_sentence_with_the_tool_and_the_remedy(settings, taken):
    ports = with_free_ports(settings).ports.model_copy(update={"mlflow": taken})

    with pytest.raises(Unavailable) as refusal:
        require_free_ports(settings.model_copy(update={"ports": ports}))

    assert f"Port {taken} on 127.0.0.1, for MLflow: it is taken. " in str(refusal.value)
    assert "HANDRAIL_PORTS__MLFLOW=" in str(refusal.value)
    assert "config/handrail.yaml" in str(refusal.value)


def test_free_ports_are_no_reason_to_refuse(settings):
    require_free_ports(with_free_ports(settings))


def test_a_child_process_reads_back_the_very_settings_that_started_it(settings, monkeypatch):
    monkeypatch.setenv("HANDRAIL_MLFLOW_URL", "http://stale")
    wanted = with_free_ports(settings).model_copy(update={"replay": True})

    told = environment(wanted, "prefect")
    monkeypatch.delenv("HANDRAIL_MLFLOW_URL")
    for name, value in told.items():
        if name.startswith("HANDRAIL_"):
            monkeypatch.setenv(name, value)

    assert "HANDRAIL_MLFLOW_URL" not in told
    assert load_settings() == wanted


def test_no_secret_is_in_what_the_settings_say(settings):
    assert "HANDRAIL_DATABASE_URL" not in settings_environment(settings)


def test_mlflow_gets_the_place_of_its_logins_and_others_do_not(settings):
    config = settings.config
    (config / "policies").mkdir(parents=True)
    (config / "policies" / "champion.yaml").write_text(
        "version: 1\nalias: champion\nquorum: {ml-engineer: 1}\nrules: []\n"
    )
    (config / "roles.yaml").write_text("version: 1\npersons: {}\n")

    assert "MLFLOW_AUTH_CONFIG_PATH" in environment(settings, "mlflow")
    assert "MLFLOW_AUTH_CONFIG_PATH" not in environment(settings, "prefect")
    assert (settings.credentials / "mlflow-admin.json").stat().st_mode & 0o077 == 0


def _place(tmp_path):
    return ChildFiles(tmp_path, tmp_path / "logs" / "child.log", tmp_path / "run" / "child.json")


FAMILY = (
    "import os, subprocess, sys, time;"
    "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)']);"
    "open('pids', 'w').write(f'{os.getpid()} {inner.pid}'); time.sleep(300)"
)


def _start_family(tmp_path):
    child = Child.start(f'exec {sys.executable} -c "{FAMILY}"', os.environ, _place(tmp_path))
    pids = tmp_path / "pids"
    assert _wait(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    return child, [int(pid) for pid in pids.read_text().split()]


def test_stopping_ends_the_process_and_all_that_it_started(tmp_path):
    child, pids = _start_family(tmp_path)

    child.stop()
    child.stop()

    assert _wait(lambda: not any(_is_alive(pid) for pid in pids))
    assert not (tmp_path / "run" / "child.json").exists()


def test_what_a_killed_run_left_behind_is_stopped_by_the_next(tmp_path):
    child, pids = _start_family(tmp_path)

    stop_left_over(tmp_path / "run" / "child.json")

    assert child.exit_code is not None
    assert _wait(lambda: not any(_is_alive(pid) for pid in pids))


def test_a_stranger_with_a_reused_pid_is_left_alone(tmp_path):
    record = tmp_path / "child.json"
    record.write_text(f'{{"pid": {os.getpid()}, "born": "1"}}')

    stop_left_over(record)

    assert not record.exists()


def test_a_record_that_cannot_be_read_stops_nothing(tmp_path):
    (tmp_path / "child.json").write_text("{")

    stop_left_over(tmp_path / "child.json")
    stop_left_over(tmp_path / "none.json")


def test_a_child_is_interruptible_even_when_its_parent_ignores_interrupts(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path; from infra.servers.processes import Child, ChildFiles;"
        "signal.signal(signal.SIGINT, signal.SIG_IGN); here = Path(sys.argv[1]);"
        "child = Child.start('grep SigIgn /proc/self/status', os.environ, ChildFiles(here, here / 'log', here / 'r'));"
        "child._process.wait()"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)

    assert int((tmp_path / "log").read_text().split()[1], 16) & 2 == 0


def _procfile(folder, line):
    file = folder / "Procfile"
    file.write_text(f"evidently: {line}\n")
    return file


def test_a_server_that_ends_while_starting_is_one_sentence_with_its_last_words(settings, tmp_path):
    procfile = _procfile(tmp_path, "echo 'no such workspace'; exit 3")

    with Servers(with_free_ports(settings), procfile) as running:
        running.start("evidently")
        with pytest.raises(Unavailable, match="Evidently: it ended while starting, exit code 3: no such workspace"):
            running.wait_ready("evidently", DEADLINE_S)


def test_a_server_that_never_answers_is_given_up_at_the_deadline(settings, tmp_path):
    procfile = _procfile(tmp_path, "exec sleep 300")

    with Servers(with_free_ports(settings), procfile) as running:
        running.start("evidently")
        with pytest.raises(Unavailable, match=r"Evidently: it did not answer within 1 s\. See .*evidently\.log"):
            running.wait_ready("evidently", 1)
        pid = running.pid("evidently")

    assert _wait(lambda: not _is_alive(pid))


def test_a_server_starts_once_answers_and_stops(settings, tmp_path):
    line = f'exec {sys.executable} -m http.server "$HANDRAIL_PORTS__EVIDENTLY" --bind "$HANDRAIL_HOST"'
    procfile = _procfile(tmp_path, line)

    with Servers(with_free_ports(settings), procfile) as running:
        address = running.start("evidently")
        first = running.pid("evidently")
        running.wait_ready("evidently", DEADLINE_S)
        assert running.start("evidently") == address
        assert running.pid("evidently") == first
        running.stop("evidently")
        running.stop("evidently")

    assert _wait(lambda: not _is_alive(first))
