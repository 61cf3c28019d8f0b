"""The data layer's way in: what came, when it became known, how far we are, what was set aside and why."""

from handrail.acquisition.domain.acquired import Acquired, Landed, Manifest
from handrail.acquisition.domain.changes import SchemaChange
from handrail.acquisition.domain.pages import Page, Row, SetAside
from handrail.acquisition.domain.tables import Column, Table
from handrail.acquisition.ports import Landing, Source
from handrail.acquisition.service import Acquiring

__all__ = [
    "Acquired",
    "Acquiring",
    "Column",
    "Landed",
    "Landing",
    "Manifest",
    "Page",
    "Row",
    "SchemaChange",
    "SetAside",
    "Source",
    "Table",
]
