"""Notices on the pages of registered models and versions, by the stores inside the MLflow server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from handrail.approvals.domain.notices import TAGS, Notice
from handrail.approvals.notice_ports import NoticeBoard
from handrail.errors import Unavailable, UnknownReference

_ours: ContextVar[bool] = ContextVar("handrail_writes_notice", default=False)
_editing = threading.RLock()


def is_own_notice() -> bool:
    """Say whether what is written in this context at this moment is the gate's own notice."""
    return _ours.get()


@contextmanager
def editing() -> Iterator[None]:
    """Let nobody else change a description through this server while the block reads one and writes it."""
    with _editing:
        yield


class MlflowNotices(NoticeBoard):
    """Keeps the promise of `NoticeBoard` over the registry store inside the server process."""

    def __init__(self, registry: Callable[[], Any]) -> None:
        """Use the server's registry store."""
        self._registry = registry

    def put(self, notice: Notice) -> None:
        """Write a notice on its version, and the address of the alias's history on its model.

        Raises:
            UnknownReference: that version is gone.
            Unavailable: MLflow's store did not read or write it.
        """
        from mlflow.exceptions import MlflowException

        label = f"{notice.model}/{notice.version}"
        token = _ours.set(True)
        try:
            self._put(notice, label)
        except (MlflowException, SQLAlchemyError, OSError) as err:
            if getattr(err, "error_code", None) == "RESOURCE_DOES_NOT_EXIST":
                raise _gone(label) from err
            problem = str(err).splitlines()[0] if str(err) else type(err).__name__
            raise Unavailable(f"MLflow's page of {label!r}", problem.rstrip("."), "See the server's log.") from err
        finally:
            _ours.reset(token)

    def _put(self, notice: Notice, label: str) -> None:
        from mlflow.entities import model_registry

        entities: Any = model_registry
        store, name, version = self._registry(), notice.model, str(notice.version)
        with editing():
            found = store.get_model_version(name, version)
            if int(found.creation_timestamp) != notice.created:
                raise _gone(label)
            if notice.is_older_than(found.tags):
                return
            before = found.description or ""
            if (text := notice.onto(before)) != before:
                store.update_model_version(name, version, text)
            model = store.get_registered_model(name)
            before = model.description or ""
            if (text := notice.onto_model(before)) != before:
                store.update_registered_model(name, text)
            key = f"{TAGS}{notice.alias}.timeline"
            if model.tags.get(key) != notice.timeline:
                store.set_registered_model_tag(name, entities.RegisteredModelTag(key, notice.timeline))
            # Last: whoever waits for a status finds everything else.
            for key, value in reversed(list(notice.tags.items())):
                if found.tags.get(key) != value:
                    store.set_model_version_tag(name, version, entities.ModelVersionTag(key, value))


def _gone(label: str) -> UnknownReference:
    return UnknownReference("model version", label, "It was deleted or made again.")
