"""What one call inside a Prefect run read and made, gathered while it runs and recorded when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from handrail.clock import system_time
from handrail.entrypoints.hosts.masking import without_secrets
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.entrypoints.prefect.run import TOOL, Run
from handrail.entrypoints.prefect.values import Named, artifacts
from handrail.errors import Refused
from handrail.refs import ArtifactVersion

if TYPE_CHECKING:
    from handrail.bootstrap import Platform
    from handrail.lineage import Lineage

Opener = Callable[[], "Platform"]
COMPLETE, FAIL = "COMPLETE", "FAIL"


@dataclass
class Session:
    """One call, or one `with`, inside a run; outside of Prefect's runs it does nothing."""

    run: Run | None
    opener: Opener
    began: datetime = field(default_factory=system_time)
    _used: dict[str, ArtifactVersion] = field(default_factory=dict)
    _generated: dict[str, ArtifactVersion] = field(default_factory=dict)
    _problems: list[str] = field(default_factory=list)

    def used(self, *items: Named) -> None:
        """Record that the run reads these; files are hashed now, so call it before they change."""
        self.name(self._used, items, {})

    def generated(self, *items: Named) -> None:
        """Record that the run made these; files are hashed now, so call it once they are written."""
        self.name(self._generated, items, {})

    def reads(self, items: Sequence[Any], known: Mapping[str, Any]) -> None:
        """Name what is read; `known` are the arguments that callables may ask for."""
        self.name(self._used, items, known)

    def makes(self, items: Sequence[Any], known: Mapping[str, Any]) -> None:
        """Name what was made."""
        self.name(self._generated, items, known)

    def name(self, into: dict[str, ArtifactVersion], items: Sequence[Any], known: Mapping[str, Any]) -> None:
        """Add the artifacts that `items` name; an item that names none is kept as a problem of the record."""
        if self.run is None or not items:
            return
        found, problem = artifacts(items, known, self.opener)
        into.update((artifact.uri, artifact) for artifact in found)
        if problem:
            self._problems.append(problem)

    def close(self, state: str | None) -> None:
        """Record it all. `state` is how the run ended, None if it goes on; a failed run has no outputs."""
        if self.run is not None:
            with never_fail(self.run.title):
                self._write(self.opener().lineage, self.run, state)

    def _write(self, lineage: Lineage, run: Run, state: str | None) -> None:
        run.introduce_flow(lineage, self.opener().settings.environment)
        # A file that was not changed was not made: recording it as made would make it its own cause.
        made = [each for uri, each in self._generated.items() if uri not in self._used]
        try:
            self._record(lineage, run, state, made)
        except Refused:
            self._problems.append("What it made is left out: the very bytes were a cause of what it read.")
            self._record(lineage, run, state, [])

    def _record(self, lineage: Lineage, run: Run, state: str | None, made: Sequence[ArtifactVersion]) -> None:
        from handrail.lineage import ActivityDetails

        attributes = {"recorded": "explicitly"} | ({"state": state} if state else {})
        if self._problems:
            # What a user's function raised may quote the address that it asked.
            attributes["incomplete"] = without_secrets(" ".join(dict.fromkeys(self._problems)))
        environment = self.opener().settings.environment
        details = ActivityDetails(
            started=run.started or self.began,
            ended=system_time() if state else None,
            attributes={**run.attributes, **attributes},
            asserted_by=TOOL,
            within=run.within(environment),
        )
        used = list(self._used.values())
        lineage.record_activity(run.uri(environment), run.kind, used=used, generated=made, details=details)
