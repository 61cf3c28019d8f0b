"""A Great Expectations checkpoint action that records each validation: which data, which expectations, and the result.

`Checkpoint(..., actions=[HandrailAction()])`. A stored checkpoint finds its actions by type, so a process that loads
one has to import this module before. Nothing here ever fails the checkpoint.
"""

# Great Expectations reads the annotations at run time (pydantic), so they stay real.

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

from handrail.clock import system_time
from handrail.entrypoints.great_expectations.validation import (
    SOURCE,
    attributes_of,
    digest_of,
    document_of,
    find_data,
    read_from,
    sentence_of,
    suite_digest,
    write_document,
)
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.entrypoints.hosts.recording import platform_here, record
from handrail.errors import HandrailError, Refused
from handrail.lineage import ActivityDetails, Lineage
from handrail.refs import ArtifactVersion
from handrail.settings import Settings
from handrail.tools import require

require("great_expectations", "great-expectations")
from great_expectations.checkpoint.actions import ValidationAction  # noqa: E402

TOOL = "great-expectations"
_log = logging.getLogger("handrail.lineage")


@dataclass(frozen=True, slots=True)
class _Named:
    """A validation by the names that lineage gives, and what is hashed; `problem` says why its data is not known."""

    document: dict[str, Any]
    artifact: ArtifactVersion
    data: ArtifactVersion | None
    problem: str | None


class HandrailAction(ValidationAction):
    """Record every validation of a checkpoint run in lineage; never fail the checkpoint.

    `source` says where a frame in memory was read from: a path in the project or a URI, for all assets or by the name
    of each. An asset that is a file needs none. `to` is a path of the project that the bytes which name the validation
    are written to, for a DVC stage to keep them as its `validation.json`: a checkpoint of one validation may have it.
    """

    type: Literal["handrail"] = "handrail"
    name: str = "handrail"
    source: str | dict[str, str] | None = None
    to: str | None = None

    def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """Record; return the URIs of what was recorded, and what is missing in a sentence each."""
        with never_fail("this checkpoint run") as attempt:
            return self._record(checkpoint_result)
        return {"recorded": False, "run": None, "validations": [], "data": [], "problems": [attempt.sentence]}

    def _record(self, checkpoint_result: Any) -> dict[str, Any]:
        settings = platform_here().settings
        run = _run_uri(settings, checkpoint_result)
        named = [_name(settings, run, *each) for each in self._validations(checkpoint_result)]

        def write(lineage: Lineage) -> None:
            lineage.record_activity(
                run,
                "checkpoint-run",
                used=[each.data for each in named if each.data],
                generated=[each.artifact for each in named],
                details=_details(checkpoint_result),
            )

        problems = [each.problem for each in named if each.problem] + self._write(settings, named)
        recorded = record(f"the checkpoint run {run}", write)
        return {
            "recorded": recorded,
            "run": run,
            "validations": [each.artifact.uri for each in named],
            "data": [each.data.uri if each.data else None for each in named],
            "problems": problems,
        }

    def _write(self, settings: Settings, named: Sequence[_Named]) -> list[str]:
        """Write the document where `to` says; return what hindered it."""
        if self.to is None:
            return []
        try:
            if len(named) != 1:
                raise Refused("Writing the validation", (f"There are {len(named)}. Give each its own checkpoint.",))
            write_document(settings, self.to, named[0].document)
        except HandrailError as err:
            _log.warning("%s", sentence_of(err))
            return [sentence_of(err)]
        return []

    def _validations(self, checkpoint_result: Any) -> Iterator[tuple[Any, str, str | None]]:
        """Yield each result, the digest of its suite, and where the user says that its batch came from.

        Results and definitions come in one order, but a result has its definition's id.
        """
        definitions = checkpoint_result.checkpoint_config.validation_definitions
        by_id = {each.id: each for each in definitions if each.id}
        for result, definition in zip(checkpoint_result.run_results.values(), definitions, strict=False):
            mine = by_id.get(result.meta.get("validation_id"), definition)
            yield result, suite_digest(mine.suite.expectations), self._source_of(mine.data.data_asset, result.meta)

    def _source_of(self, asset: Any, meta: Mapping[str, Any]) -> str | None:
        """Find what was said of this asset; what was said of all is for those that are not a file."""
        if isinstance(self.source, Mapping) and asset.name in self.source:
            return self.source[asset.name]
        if (asset.batch_metadata or {}).get(SOURCE):
            return str(asset.batch_metadata[SOURCE])
        return self.source if isinstance(self.source, str) and read_from(meta) is None else None


def _name(settings: Settings, run: str, result: Any, suite: str, source: str | None) -> _Named:
    data, problem = None, None
    try:
        data = find_data(settings, source, result.meta)
    except HandrailError as err:
        problem = sentence_of(err)
        _log.warning("Lineage does not know what %s validated. %s", run, problem)
    document = document_of(result, suite, [data.uri if data else run])
    digest = digest_of(document)
    uri = f"gx://{settings.repository}/validation/{digest.partition(':')[2]}"
    return _Named(document, ArtifactVersion(uri, "validation", digest, attributes_of(document)), data, problem)


def _run_uri(settings: Settings, checkpoint_result: Any) -> str:
    """Name a run by its checkpoint, the name that its caller gave it, and its time."""
    run = checkpoint_result.run_id
    moment = run.run_time.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    parts = [checkpoint_result.name, *([run.run_name] if run.run_name else []), moment]
    return f"gx://{settings.repository}/checkpoint/" + "/".join(quote(part, safe="@:+~.-_") for part in parts)


def _details(checkpoint_result: Any) -> ActivityDetails:
    run = checkpoint_result.run_id
    started: datetime = run.run_time
    attributes = {"checkpoint": checkpoint_result.name, "success": str(bool(checkpoint_result.success)).lower()}
    if run.run_name:
        attributes["run_name"] = run.run_name
    return ActivityDetails(started, max(started, system_time()), attributes, TOOL)
