"""What MLflow keeps of a version of a prompt: tags of a registered version that has no files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from handrail.approvals.domain.prompts import TEMPLATES, entry_of, prompt_texts
from handrail.errors import Refused

SOURCES = ("prompt-template", "dummy-source")
"""What MLflow's stores and its pages give as the source of a version that has none."""
TEXT_TAG, KIND_TAG = "mlflow.prompt.text", "_mlflow_prompt_type"
FORMAT_TAG, CONFIG_TAG = "_mlflow_prompt_response_format", "_mlflow_prompt_model_config"
_CONTENT_TAGS = frozenset({TEXT_TAG, KIND_TAG, FORMAT_TAG, CONFIG_TAG})


def is_prompt(registered: Any, version: Any) -> bool:
    """Say whether MLflow's registered model and its version are a prompt: only text, and no files to load."""
    return bool(registered._is_prompt() and version.source in SOURCES)


def is_content_tag(key: str) -> bool:
    """Say whether a tag of a version of a prompt is a part of what is approved."""
    return key in _CONTENT_TAGS


def own_text(tags: Mapping[str, str], label: str) -> str | None:
    """Return the sha256 (hex) of a prompt's template as a file, None if it cannot be read.

    Model configurations and response formats are left out: many who have nothing to do with one another write equal
    ones.
    """
    try:
        texts = texts_in(tags, label)
    except Refused:
        return None
    return next(entry_of(path, texts[path].encode("utf-8")).sha256 for path in TEMPLATES if path in texts)


def texts_in(tags: Mapping[str, str], label: str) -> dict[str, str]:
    """Return the files of a prompt, read from the tags of its version as MLflow's client reads them.

    Raises:
        Refused: there is no text, or a tag is not the JSON that it should be.
    """
    try:
        text = tags[TEXT_TAG]
        template = json.loads(text) if tags.get(KIND_TAG) == "chat" else text
        if not isinstance(template, str | list):
            raise ValueError("its template is neither a text nor a list of messages")
        config, format_ = (json.loads(tags[key]) if key in tags else None for key in (CONFIG_TAG, FORMAT_TAG))
        return prompt_texts(template, config, format_)
    except KeyError as err:
        raise Refused(f"Promoting {label}", ("It has no text. Register a new version.",)) from err
    except (ValueError, RecursionError) as err:
        raise Refused(f"Promoting {label}", (f"It cannot be read: {err}. Register a new version.",)) from err
