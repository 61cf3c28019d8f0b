"""Which completed runs left no lineage: a hook or a recording that fails is only logged, and so is silent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.entrypoints.prefect.collect.values import CACHED, TASK, PrefectRun, Seen
from handrail.lineage import RunSummary

EXEMPT = "no-lineage"


@dataclass(frozen=True, slots=True)
class Gap:
    """One run whose lineage is missing or incomplete; `problem` is a sentence."""

    kind: str
    run_id: str
    name: str
    flow: str
    problem: str


def find_gaps(
    seen: Seen, held: Callable[[Sequence[PrefectRun]], Mapping[str, RunSummary]], tags: Collection[str] = ()
) -> list[Gap]:
    """Return a gap for each completed run that lineage should know and does not.

    With `tags` only runs that carry one of them, or whose flow run does; a run with the tag `no-lineage` is left out.
    A flow run is known by what its task runs touched. A task run that did not record itself and that values lead to or
    from is a link between others, no gap; a flow run whose parts do nothing but pass values is one.
    """
    runs = (*seen.flow_runs, *seen.task_runs)
    known, tree = held(runs), _Tree(seen)
    tags_of = {run.run_id: run.tags for run in seen.flow_runs}
    gaps = []
    for run in runs:
        carried = run.tags | tags_of.get(run.flow_run_id or "", frozenset())
        if not _is_due(run) or EXEMPT in carried or (tags and not carried & set(tags)):
            continue
        gaps += [Gap(run.kind, run.run_id, run.name, run.flow, problem) for problem in _problems(run, tree, known)]
    silent = {run.flow_run_id for run in seen.task_runs if any(gap.run_id == run.run_id for gap in gaps)}
    # A task run may be recorded without its flow run.
    return [gap for gap in gaps if gap.kind == TASK or gap.run_id not in silent]


def _is_due(run: PrefectRun) -> bool:
    """Return whether a run did something itself: a cached one did not, and a subflow did it for its task run."""
    return run.state == "COMPLETE" and run.state_name != CACHED and run.child_flow_run_id is None


def _problems(run: PrefectRun, tree: _Tree, known: Mapping[str, RunSummary]) -> Iterator[str]:
    title = f"The {run.kind} {run.name!r} of the flow {run.flow!r}" if run.flow else f"The {run.kind} {run.name!r}"
    own = known.get(run.run_id)
    parts = [known[each.run_id] for each in tree.parts(run) if each.run_id in known]
    if own is not None and own.incomplete:
        yield f"{title} left an incomplete record: {own.incomplete}"
    if any(each.touched for each in (own, *parts) if each is not None):
        return
    if own is None and not parts:
        yield f"{title} left no lineage record."
    elif own is not None and own.recorded:
        yield f"{title} left a record that names neither an input nor an output."
    elif run.kind != TASK:
        yield f"{title} is known from Prefect alone, and neither it nor a task of it names an input or an output."
    elif own is None or not own.values:
        yield f"{title} is known from Prefect alone and names neither an input nor an output."


class _Tree:
    """Which runs are parts of which."""

    def __init__(self, seen: Seen) -> None:
        self._tasks: dict[str | None, list[PrefectRun]] = defaultdict(list)
        self._flows: dict[str | None, list[PrefectRun]] = defaultdict(list)
        for task in seen.task_runs:
            self._tasks[task.flow_run_id].append(task)
        for flow in seen.flow_runs:
            self._flows[flow.parent_task_run_id].append(flow)

    def parts(self, run: PrefectRun) -> Iterator[PrefectRun]:
        """Yield the task runs of a flow run, the flow runs that they represent, and their parts."""
        for task in self._tasks[run.run_id] if run.kind != TASK else ():
            yield task
            for flow in self._flows[task.run_id]:
                yield flow
                yield from self.parts(flow)
