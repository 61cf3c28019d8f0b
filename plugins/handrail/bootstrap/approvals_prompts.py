"""What of a prompt the gate approves, for those who load one."""

from __future__ import annotations

from typing import Any

from handrail.approvals.domain.prompts import manifest_of_texts, prompt_texts
from handrail.manifest import Manifest


def prompt_manifest(template: Any, model_config: Any = None, response_format: Any = None) -> Manifest:
    """Return the files of a prompt as permits list them.

    Raises:
        ValueError: a part cannot be written as JSON or as UTF-8, or a template has no messages.
    """
    return manifest_of_texts(prompt_texts(template, model_config, response_format))
