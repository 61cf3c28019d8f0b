"""What is written for clusters, images and balancers: valid for the tools that read it, and only what a rule allows."""

import os
from datetime import UTC, datetime
from pathlib import Path

import kubernetes_validate
import pytest

from handrail.delivery import BuiltBento, PermittedVersion
from handrail.delivery.adapters.alone import start
from handrail.delivery.domain.balancing import Balancer
from handrail.delivery.domain.containerfile import Image
from handrail.delivery.domain.manifests import DRAIN_S, LEAVE_S, PORT, USER, Workload
from handrail.errors import InvalidInput
from handrail.refs import BentoTag, ModelVersion

DIGEST = "sha256:" + "ab" * 32
VERSIONS = ("1.30", "1.32", "1.34", "1.36")
BENTO = BuiltBento(
    BentoTag("churn", "v3-0a1b2c3d4e5f-01234567"), Path("bento"), datetime(2026, 1, 1, tzinfo=UTC), DIGEST
)
PERMITTED = PermittedVersion(
    "approval://test/pr-1", DIGEST, ModelVersion("test", "churn", 1, 3), None, DIGEST, ("bea",), frozenset(), "cd" * 32
)


def workload(**changes):
    values = {"image": f"registry.example/churn@{DIGEST}", "namespace": "serving"} | changes
    return Workload(BENTO, PERMITTED, "prod", "test", **values)


@pytest.fixture
def documents():
    return {(one["kind"], one["metadata"]["name"]): one for one in workload().documents()}


@pytest.mark.parametrize("version", VERSIONS)
def test_each_manifest_is_valid_for_kubernetes(version):
    for document in workload().documents():
        assert kubernetes_validate.validate(document, version, strict=True).startswith(version)


def test_a_manifest_with_a_misspelt_field_would_be_found(documents):
    broken = documents["Deployment", "churn"]
    broken["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_a_replica_that_is_stopped_gives_its_answers_first(documents):
    spec = documents["Deployment", "churn"]["spec"]
    pod = spec["template"]["spec"]
    (bento,) = pod["containers"]

    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert pod["terminationGracePeriodSeconds"] > LEAVE_S + DRAIN_S
    assert bento["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", str(LEAVE_S)]
    assert str(DRAIN_S) == start.DRAIN_S
    assert {bento[f"{one}Probe"]["httpGet"]["path"] for one in ("startup", "liveness")} == {"/livez"}
    assert bento["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_everything_is_denied_but_callers_with_a_label_and_the_stores(documents):
    denied, allowed = (documents["NetworkPolicy", name]["spec"] for name in ("churn-deny", "churn"))

    assert denied["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & denied.keys()
    (way_in,) = allowed["ingress"]
    assert way_in["ports"] == [{"port": PORT, "protocol": "TCP"}]
    assert way_in["from"] == [{"namespaceSelector": {"matchLabels": {"handrail/may-call-churn": "true"}}}]


def test_no_secret_is_in_a_manifest_and_the_root_is_read_only(documents):
    pod = documents["Deployment", "churn"]["spec"]["template"]["spec"]
    (bento,) = pod["containers"]
    variables = {one["name"]: one for one in bento["env"]}

    assert all("value" in one for one in variables.values())
    assert "HANDRAIL_DATABASE_URL" not in variables
    mounted = {one["mountPath"]: one["name"] for one in bento["volumeMounts"]}
    assert (mounted["/run/handrail/serving"], mounted["/run/handrail/store"]) == ("serving", "store")
    assert bento["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsUser"] == USER
    assert pod["securityContext"]["runAsNonRoot"]
    assert variables["HANDRAIL_GATE_KEY_ID"]["value"] == PERMITTED.key_id


def test_what_is_mounted_is_taken_over_so_that_its_owner_alone_reads_it(tmp_path, monkeypatch):
    # Set, and not only deleted: what was never there is not put back to being absent.
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", "sqlite://")
    for file, content in ((start.TOKEN, '{"token": "secret"}'), (start.STORE, "postgresql+psycopg://store\n")):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text(content)
        (tmp_path / file).chmod(0o440)

    for _ in range(2):
        start.take_over(tmp_path, tmp_path / "home")

    token = tmp_path / "home" / "credentials" / "serving-token.json"
    assert (token.read_text(), token.stat().st_mode & 0o777) == ('{"token": "secret"}', 0o600)
    assert os.environ["HANDRAIL_DATABASE_URL"] == "postgresql+psycopg://store"


@pytest.mark.parametrize(
    "changes",
    [{"image": "churn:latest"}, {"namespace": "Serving!"}, {"least": 1}, {"least": 5, "most": 4}],
    ids=["image-by-tag", "namespace", "one-replica", "more-than-most"],
)
def test_what_would_change_or_stop_by_itself_is_refused(changes):
    with pytest.raises(InvalidInput):
        workload(**changes)


def test_a_base_without_a_digest_is_refused():
    with pytest.raises(InvalidInput, match="names no digest"):
        Image(BENTO, PERMITTED, "python:3.11-slim", (3, 11))


def test_an_image_runs_as_nobody_and_installs_by_hashes_alone():
    lines = Image(BENTO, PERMITTED, f"python@{DIGEST}", (3, 11)).to_text().splitlines()
    last_stage = lines[[n for n, line in enumerate(lines) if line.startswith("FROM ")][-1] :]

    assert f"USER {USER}:{USER}" in last_stage
    assert any("--require-hashes --only-binary :all:" in line for line in lines)
    assert not any("pip" in line or "apt" in line for line in last_stage)
    assert any(line.startswith("HEALTHCHECK") for line in last_stage)
    assert all(f"@{DIGEST}" in line for line in lines if line.startswith("FROM "))


@pytest.mark.parametrize(
    ("listen", "replicas"),
    [
        ("nowhere", ("a:1", "b:1")),
        ("127.0.0.1:8080", ("a:1",)),
        ("127.0.0.1:8080", ("a:1", "a:1")),
        ("127.0.0.1:8080", ("a:1", "b:70000")),
        ("127.0.0.1:8080", ("a:1", "b:1\n    server evil c:1")),
    ],
)
def test_an_address_that_is_none_is_refused(listen, replicas):
    with pytest.raises(InvalidInput):
        Balancer(listen, replicas)
