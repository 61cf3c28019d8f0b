"""A small artifact tree with a real ONNX file, and a real permit for it, without an MLflow server or a training run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer
from handrail.approvals.adapters.folder_shelf import FolderShelf
from handrail.approvals.adapters.folder_trees import FolderTrees
from handrail.approvals.domain.permit import PREDICATE_TYPE, STATEMENT_TYPE
from handrail.approvals.domain.revocations import PAYLOAD_TYPE as REVOCATIONS
from handrail.approvals.domain.revocations import Revocation, RevocationList
from handrail.bootstrap.approvals import permit_path
from handrail.refs import Use
from handrail.settings import Settings

SERVER = "test"
SERVICE: Mapping[str, str] = {"name": "flights_v1", "spec_hash": "0" * 64}
NUMBERS = ("minute_of_day", "temp", "distance_miles")
CATEGORIES = {"carrier": ["AA", "UA"]}


def write_tree(
    folder: Path,
    service: Mapping[str, str] = SERVICE,
    kind: str = "binary",
    weights: tuple[float, float] = (0.01, 0.001),
    features: Sequence[str] = (*CATEGORIES, *NUMBERS),
) -> Path:
    """Write a tree that `Scorer` loads: the chance to be late grows with the last features, by `weights`.

    Of three classes the second one's chance grows so, and a number does itself.
    """
    (folder / "onnx").mkdir(parents=True)
    scoring = {
        "format": "handrail.scoring/1",
        "features": list(features),
        "categories": CATEGORIES,
        "threshold": 0.5,
        "feature_service": dict(service),
    }
    if kind != "binary":
        scoring |= {"kind": kind, "threshold": None}
    if kind == "multiclass":
        scoring["classes"] = ["early", "late", "never"]
    (folder / "scoring.json").write_text(json.dumps(scoring))
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "onnx" / "model.onnx").write_bytes(
        _model(len(features), {"binary": 2, "multiclass": 3}.get(kind, 1), weights).SerializeToString()
    )
    return folder


def _model(width: int, outputs: int, last: tuple[float, float]) -> onnx.ModelProto:
    weights = np.zeros((width, outputs), dtype=np.float32)
    name = "probabilities" if outputs > 1 else "variable"
    nodes = [
        helper.make_node("IsNaN", ["input"], ["absent"]),
        helper.make_node("Where", ["absent", "zero", "input"], ["present"]),
        helper.make_node("MatMul", ["present", "weights"], ["sum"]),
        helper.make_node("Softmax", ["sum"], [name], axis=1)
        if outputs > 1
        else helper.make_node("Identity", ["sum"], [name]),
    ]
    weights[-2:, min(1, outputs - 1)] = last
    graph = helper.make_graph(
        nodes,
        "flights",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, outputs])],
        [numpy_helper.from_array(np.zeros(1, np.float32), "zero"), numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def permit_tree(settings: Settings, tree: Path, version: int = 1, **changes: Any) -> Path:
    """Sign a permit for the tree with the project's gate key and return its file on the shelf.

    The gate's server is then "test". `changes` are for the predicate, whose use says where on the shelf.
    """
    (settings.home / "mlflow").mkdir(parents=True, exist_ok=True)
    (settings.home / "mlflow" / "server-name").write_text(SERVER)
    manifest = FolderTrees().manifest(str(tree))
    statement: dict[str, Any] = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"flights/{version}", "digest": {"sha256": manifest.digest.removeprefix("sha256:")}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "server": SERVER,
            "model": "flights",
            "epoch": 1,
            "version": version,
            "created": 1,
            "alias": "champion",
            "tree_digest": manifest.digest,
            "policy_digest": "sha256:" + "1" * 64,
            "evidence": {},
            "incumbent": None,
            "request_id": "pr-test",
            "run_id": None,
            "manifest": manifest.to_json(),
            "authors": ["ada"],
            "requester": "ada",
            "approvers": [{"person": "bea", "account": "bea", "at": "2026-11-23T00:00:00+00:00"}],
            "issued": "2026-01-01T00:00:00+00:00",
            "environment": settings.environment,
            "expires": "2100-01-01T00:00:00+00:00",
            "counter": 1,
            "formats": [],
        }
        | changes,
    }
    signer = Ed25519Signer(settings.credentials / "gate-signing-key.pem", settings.permits / "gate.pub")
    stated = statement["predicate"]
    use = Use(*(str(stated[name]) for name in ("server", "model", "alias", "environment")))
    if not (settings.permits / "revoked.dsse").exists():
        revoke(settings)
    file = permit_path(settings, use, manifest.digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(signer.sign(json.dumps(statement).encode()).to_json())
    return file


def revoke(settings: Settings, *request_ids: str) -> None:
    """Sign the list of these requests' permits, as taken back by Bea, with the project's gate key."""
    at = "2026-02-01T00:00:00+00:00"
    rows = tuple(Revocation(each, at, "Bea", "it leaks") for each in request_ids)
    signer = Ed25519Signer(settings.credentials / "gate-signing-key.pem", settings.permits / "gate.pub")
    listed = RevocationList(SERVER, at, rows).payload
    FolderShelf(settings.permits).put_revoked(signer.sign(listed, REVOCATIONS).to_json())
