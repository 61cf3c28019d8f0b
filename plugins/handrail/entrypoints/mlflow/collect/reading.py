"""Reads an MLflow through its client: pages of everything, single things by id, and what cannot be read, by name.

What was deleted is read as well while MLflow still has it: a version outlives its run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice
from typing import Any, TypeVar

from handrail.entrypoints.mlflow.collect.records import pages

AT_ONCE = 8
"""How many things are asked for at the same time: a server answers each login slowly, and several at once."""
BATCH = 100
MOST_EXPERIMENTS = 500
GONE = "RESOURCE_DOES_NOT_EXIST"
LOST = " failed with exception "
"""What MLflow's client writes when the server does not answer."""
T = TypeVar("T")


@dataclass(slots=True)
class Reader:
    """Reads each thing once. `refused` names what this account cannot read, `missing` what MLflow no longer has."""

    client: Any
    refused: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    artifacts: dict[str, str] = field(default_factory=dict)
    """Where the files of each run and logged model that was read lie, by its id."""

    def experiments(self) -> Mapping[str, str]:
        """Return the name of every experiment by its id, deleted ones included."""
        search = partial(self.client.search_experiments, view_type=_view_of_all())
        return {each.experiment_id: each.name for each in pages(search)}

    def run_batches(self, experiments: Sequence[str]) -> Iterator[list[Any]]:
        """Yield the runs of experiments, deleted ones included; a list of runs has not the models that they read."""
        search = partial(self.client.search_runs, run_view_type=_view_of_all())
        return batches(self._found(search, "runs", experiments), BATCH)

    def model_batches(self, experiments: Sequence[str]) -> Iterator[list[Any]]:
        """Yield the logged models of experiments, without deleted ones."""
        return batches(self._found(self.client.search_logged_models, "logged models", experiments), BATCH)

    def runs(self, ids: Iterable[str]) -> list[Any]:
        """Return runs whole, with the models that they read."""
        found = self._all((f"run {each}", partial(self.client.get_run, each)) for each in ids)
        self.artifacts |= {run.info.run_id: run.info.artifact_uri for run in found}
        return found

    def models(self, ids: Iterable[str]) -> list[Any]:
        """Return logged models by their ids."""
        return self._all((f"logged model {each}", partial(self.client.get_logged_model, each)) for each in ids)

    def registered(self) -> list[Any]:
        """Return every registered model."""
        return list(pages(self.client.search_registered_models))

    def versions(self) -> list[Any]:
        """Return every version, by model and number."""
        found = pages(self.client.search_model_versions)
        return sorted(found, key=lambda each: (each.name, int(each.version)))

    def model_named(self, name: str) -> tuple[Any | None, bool]:
        """Return a registered model, None if there is none of that name; and whether this account may know."""
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_registered_model(name), True
        except MlflowException as err:
            if _is_lost(err):
                raise
            if err.error_code != GONE:
                self._refuse(f"model {name}", err)
            return None, err.error_code == GONE

    def _found(self, search: Callable[..., Any], kind: str, experiments: Sequence[str]) -> Iterator[Any]:
        """Yield what is found in experiments; one that cannot be read costs no other."""
        from mlflow.exceptions import MlflowException

        for ids in batches(experiments, MOST_EXPERIMENTS):
            try:
                yield from pages(search, ids)
            except MlflowException as err:
                if _is_lost(err):
                    raise
                if len(ids) > 1:
                    for each in ids:
                        yield from self._found(search, kind, [each])
                else:
                    self._refuse(f"{kind} of experiment {ids[0]}", err)

    def _all(self, calls: Iterable[tuple[str, Callable[[], T]]]) -> list[T]:
        """Return what the calls return, in their order; what one of them cannot read is named and left out."""
        from mlflow.exceptions import MlflowException

        found = []
        named = list(calls)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for what, answer in [(what, pool.submit(call)) for what, call in named]:
                try:
                    found.append(answer.result())
                except MlflowException as err:
                    if _is_lost(err):
                        raise
                    self._refuse(what, err)
        return found

    def _refuse(self, what: str, err: Any) -> None:
        if err.error_code == GONE:
            self.missing.append(f"{what}: MLflow does not have it any more")
        else:
            said = " ".join(str(err.message).split()).rstrip(".")
            self.refused.append(f"{what}: MLflow does not give it to this account ({err.error_code}: {said:.200})")


def batches(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the things in lists of up to `size`."""
    rest = iter(things)
    while batch := list(islice(rest, size)):
        yield batch


def _is_lost(err: Any) -> bool:
    return LOST in str(err)


@lru_cache(maxsize=1)
def _view_of_all() -> int:
    from mlflow.entities import ViewType

    return int(ViewType.ALL)
