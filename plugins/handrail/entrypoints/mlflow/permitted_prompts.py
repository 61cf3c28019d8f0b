"""Loads prompts by their permits: `handrail.prompts.load("greeting@champion")`.

MLflow's own `load_prompt` gives whatever an alias points at now; this gives the one version that its permit allows, and
only while it reads as it was approved.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.approvals import UnverifiedBytes
from handrail.bootstrap.approvals_prompts import prompt_manifest
from handrail.entrypoints.mlflow.fetching import login_of, permitted, read_address
from handrail.errors import Unavailable
from handrail.settings import load_settings

if TYPE_CHECKING:
    from handrail.approvals import Permit
    from handrail.manifest import Manifest

SCHEME = "prompts"


def load(address: str, *, key: Path | None = None) -> Any:
    """Load the version of a prompt that an alias is permitted to be, from the server that MLflow's client uses.

    The version is the permit's, whatever the alias points at by now.

    Args:
        address: `name@alias`, or `prompts:/name@alias`.
        key: the gate's public key; the project's if None.

    Returns:
        MLflow's own `PromptVersion`, with `template`, `model_config`, `response_format` and `format`.

    Raises:
        UnverifiedBytes: the permit is not for this use or was taken back, or the prompt is not as it was approved.
        UnknownReference: the alias has no permit, or the gate's server is another one.
        Misconfigured: the gate's public key is missing or not the pinned one.
        Unavailable: the server does not answer, or does not give the prompt.
        InvalidInput: the address names no alias of a prompt.
    """
    named = address if address.startswith(f"{SCHEME}:") else f"{SCHEME}:/{address}"
    settings = load_settings()
    with tempfile.TemporaryDirectory(prefix="handrail-prompt-") as folder:
        permit = permitted(settings, login_of(settings), read_address(named, (SCHEME,)), Path(folder), key).permit
    if not permit.prompt:
        raise UnverifiedBytes(address, "The permit is for a model, not for a prompt.")
    prompt = _given(permit)
    _refuse_changed(address, permit.manifest, manifest_of(prompt, address))
    return prompt


def digest(prompt: Any) -> str:
    """Return the digest of a prompt as the gate has it, `sha256:<hex>`, for evidence about exactly this one.

    Args:
        prompt: MLflow's `PromptVersion`.

    Raises:
        UnverifiedBytes: a part of it cannot be written as JSON or as UTF-8.
    """
    return manifest_of(prompt, str(prompt.uri)).digest


def manifest_of(prompt: Any, what: str) -> Manifest:
    """Return what of a prompt is approved, as a list of files; `what` names it in an error."""
    try:
        return prompt_manifest(prompt.template, prompt.model_config, prompt.response_format)
    except (ValueError, RecursionError) as err:
        raise UnverifiedBytes(what, f"The prompt cannot be read: {err}.") from err


def _given(permit: Permit) -> Any:
    """Return the permit's version as MLflow's client has it now, past its cache; nothing is verified."""
    from mlflow.exceptions import MlflowException
    from mlflow.genai import load_prompt

    uri = f"{SCHEME}:/{permit.model}/{permit.version}"
    remedy = "Set MLFLOW_TRACKING_URI to the gate's server, or see its log."
    try:
        found = load_prompt(uri, cache_ttl_seconds=0)
    except (MlflowException, OSError, ValueError) as err:
        problem = str(err).splitlines()[0].rstrip(".") if str(err) else type(err).__name__
        raise Unavailable(uri, problem, remedy) from err
    if found is None:
        raise Unavailable(uri, "MLflow finds no such prompt, or cannot read it", remedy)
    return found


def _refuse_changed(what: str, approved: Manifest, found: Manifest) -> None:
    if found.digest == approved.digest:
        return
    were, are = ({entry.path: entry.sha256 for entry in each.files} for each in (approved, found))
    path = min(path for path in were.keys() | are.keys() if were.get(path) != are.get(path))
    changed = "is missing" if path not in are else "was not approved" if path not in were else "differs"
    raise UnverifiedBytes(what, f"Of the prompt, {path!r} {changed}: it is not as it was approved.", path)
