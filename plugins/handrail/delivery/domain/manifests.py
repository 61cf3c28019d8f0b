"""Manifests of Kubernetes for a bento: what runs, how it is reached, how it grows, and what may talk to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handrail.delivery.domain.bentos import BuiltBento, PermittedVersion
from handrail.errors import InvalidInput

PORT, USER = 3000, 10001
DRAIN_S = 35
"""How long a replica that is stopped finishes its answers: a request may take 30 s."""
LEAVE_S = 5
"""How long a replica still answers after it was asked to stop, until every node knows that it leaves."""
SECRETS = ("serving", "store")
"""Mounted below /run/handrail: the token of clients, and the address of the store with its password."""
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,50}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Workload:
    """One deployed bento in a cluster: its image by digest, its namespace, and between how many replicas it scales."""

    bento: BuiltBento
    permitted: PermittedVersion
    environment: str
    server: str
    image: str
    namespace: str = "default"
    least: int = 2
    most: int = 6

    def __post_init__(self) -> None:
        """Check what a cluster would refuse, or run differently tomorrow.

        Raises:
            InvalidInput: the image has no digest, a name is none for a cluster, or the replicas are too few.
        """
        if not _IMAGE.fullmatch(self.image):
            problem = f"{self.image!r} names no digest, so it may be another image tomorrow"
            raise InvalidInput("--image", problem, "Write it as registry/name@sha256:..., as the builder prints it.")
        for option, name in (("--namespace", self.namespace), ("--service", self.bento.tag.name)):
            if not _NAME.fullmatch(name):
                raise InvalidInput(option, f"{name!r} is no name in a cluster", "Write small letters, digits and '-'.")
        if not 2 <= self.least <= self.most:
            problem = f"{self.least} to {self.most} replicas"
            raise InvalidInput("--least", problem, "Let at least 2 run, so that one may be replaced.")

    def documents(self) -> list[dict[str, Any]]:
        """Return the manifests, in the order in which they are applied."""
        return [
            self._of("v1", "ServiceAccount", {"automountServiceAccountToken": False}),
            *self._network(),
            self._of("v1", "Service", {"spec": self._service()}),
            self._of("policy/v1", "PodDisruptionBudget", {"spec": {"maxUnavailable": 1, "selector": self._selector()}}),
            self._of("apps/v1", "Deployment", {"spec": self._deployment()}),
            self._of("autoscaling/v2", "HorizontalPodAutoscaler", {"spec": self._scaling()}),
        ]

    @property
    def _name(self) -> str:
        return self.bento.tag.name

    @property
    def _labels(self) -> dict[str, str]:
        return {"app.kubernetes.io/name": self._name, "app.kubernetes.io/managed-by": "handrail"}

    def _selector(self) -> dict[str, Any]:
        return {"matchLabels": {"app.kubernetes.io/name": self._name}}

    def _of(self, version: str, kind: str, rest: Mapping[str, Any], name: str = "") -> dict[str, Any]:
        about = {"name": name or self._name, "namespace": self.namespace, "labels": self._labels}
        return {"apiVersion": version, "kind": kind, "metadata": about, **rest}

    def _service(self) -> dict[str, Any]:
        ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
        return {"type": "ClusterIP", "selector": self._selector()["matchLabels"], "ports": ports}

    def _network(self) -> list[dict[str, Any]]:
        """Deny all, then let in whoever carries a label, and out to names and to the stores in the namespace."""
        both = ["Ingress", "Egress"]
        callers = {"namespaceSelector": {"matchLabels": {f"handrail/may-call-{self._name}": "true"}}}
        names = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
        stores = {"podSelector": {"matchLabels": {"handrail/store": "true"}}}
        allowed = {
            "podSelector": self._selector(),
            "policyTypes": both,
            "ingress": [{"from": [callers], "ports": [{"port": PORT, "protocol": "TCP"}]}],
            "egress": [{"to": [{"namespaceSelector": {}}], "ports": names}, {"to": [stores]}],
        }
        denied = {"podSelector": self._selector(), "policyTypes": both}
        return [
            self._of("networking.k8s.io/v1", "NetworkPolicy", {"spec": denied}, f"{self._name}-deny"),
            self._of("networking.k8s.io/v1", "NetworkPolicy", {"spec": allowed}),
        ]

    def _scaling(self) -> dict[str, Any]:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": self._name}
        used = {"type": "Utilization", "averageUtilization": 70}
        calm = {"scaleDown": {"stabilizationWindowSeconds": 300}}
        metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": used}}]
        bounds = {"minReplicas": self.least, "maxReplicas": self.most}
        return {"scaleTargetRef": target, **bounds, "metrics": metrics, "behavior": calm}

    def _deployment(self) -> dict[str, Any]:
        facts = self.permitted
        annotations = {
            "handrail/bento": self.bento.tag.uri,
            "handrail/bento-digest": self.bento.digest,
            "handrail/model-version": facts.version.uri,
            "handrail/tree": facts.tree_digest,
            "handrail/permit": facts.permit,
            "handrail/gate-key": facts.key_id,
        }
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        template = {"metadata": {"labels": self._labels, "annotations": annotations}, "spec": self._pod()}
        # The autoscaler decides how many run.
        return {"selector": self._selector(), "strategy": rolling, "revisionHistoryLimit": 5, "template": template}

    def _pod(self) -> dict[str, Any]:
        spread = {"maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": self._selector()}
        places = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        return {
            "serviceAccountName": self._name,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": LEAVE_S + DRAIN_S + 10,
            "topologySpreadConstraints": [{**spread, "topologyKey": place} for place in places],
            "securityContext": {
                "runAsNonRoot": True,
                **{"runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [self._container()],
            "volumes": self._volumes(),
        }

    def _volumes(self) -> list[dict[str, Any]]:
        gate = {"configMap": {"name": f"{self._name}-gate"}}
        return [
            {"name": "home", "emptyDir": {"sizeLimit": "2Gi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "gate", **gate},
            *({"name": one, "secret": {"secretName": f"{self._name}-{one}", "defaultMode": 0o440}} for one in SECRETS),
        ]

    def _container(self) -> dict[str, Any]:
        def probe(path: str, period_s: int, failures: int) -> dict[str, Any]:
            asked = {"path": path, "port": "http"}
            return {"httpGet": asked, "periodSeconds": period_s, "timeoutSeconds": 3, "failureThreshold": failures}

        return {
            "name": "bento",
            "image": self.image,
            "imagePullPolicy": "Always",
            "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
            "env": self._variables(),
            # A process answers at /livez as soon as it listens, at /readyz once its permitted model is loaded.
            "startupProbe": probe("/livez", 3, 60),
            "readinessProbe": probe("/readyz", 2, 2),
            "livenessProbe": probe("/livez", 10, 6),
            "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(LEAVE_S)]}}},
            "resources": {
                "requests": {"cpu": "500m", "memory": "768Mi", "ephemeral-storage": "512Mi"},
                "limits": {"cpu": "2", "memory": "1536Mi", "ephemeral-storage": "4Gi"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": "home", "mountPath": "/srv/bento/state"},
                {"name": "tmp", "mountPath": "/tmp"},
                {"name": "gate", "mountPath": "/srv/bento/state/permits", "readOnly": True},
                *({"name": one, "mountPath": f"/run/handrail/{one}", "readOnly": True} for one in SECRETS),
            ],
        }

    def _variables(self) -> list[dict[str, Any]]:
        plain = {
            "HANDRAIL_ENVIRONMENT": self.environment,
            "HANDRAIL_GATE_SERVER": self.server,
            "HANDRAIL_GATE_KEY_ID": self.permitted.key_id,
        }
        return [{"name": name, "value": value} for name, value in plain.items()]
