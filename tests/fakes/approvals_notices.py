"""A board for notices in memory."""

from __future__ import annotations

from handrail.approvals.domain.notices import Notice
from handrail.approvals.notice_ports import NoticeBoard
from handrail.errors import HandrailError, UnknownReference


class MemoryBoard(NoticeBoard):
    """`NoticeBoard` in memory: tags and descriptions by model and version, and by model."""

    def __init__(self) -> None:
        self.created: dict[tuple[str, int], int] = {}
        self.tags: dict[tuple[str, int], dict[str, str]] = {}
        self.descriptions: dict[tuple[str, int], str] = {}
        self.timelines: dict[str, dict[str, str]] = {}
        self.model_descriptions: dict[str, str] = {}
        self.fail: HandrailError | None = None
        self.puts: list[str] = []

    def put(self, notice: Notice) -> None:
        self.puts.append(notice.request_id)
        if self.fail:
            raise self.fail
        key = notice.model, notice.version
        if self.created.setdefault(key, notice.created) != notice.created:
            raise UnknownReference("model version", str(key), "It was made again.")
        tags = self.tags.setdefault(key, {})
        if notice.is_older_than(tags):
            return
        tags.update(notice.tags)
        self.descriptions[key] = notice.onto(self.descriptions.get(key, ""))
        self.timelines.setdefault(notice.model, {})[notice.alias] = notice.timeline
        self.model_descriptions[notice.model] = notice.onto_model(self.model_descriptions.get(notice.model, ""))
