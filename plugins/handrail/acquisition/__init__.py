"""The data layer's way in: what came, when it became known, how far we are, what was set aside and why."""

from handrail.acquisition.domain.acquired import Acquired, Manifest, Taken
from handrail.acquisition.domain.changes import SchemaChange
from handrail.acquisition.domain.pages import Arrived, Page, Row, SetAside
from handrail.acquisition.domain.tables import Column, Table
from handrail.acquisition.domain.versions import OnChange, TableVersion
from handrail.acquisition.ports import OnlineTable, RowStore, Source, Versions
from handrail.acquisition.service import Acquiring, Following, Opening

__all__ = [
    "Acquired",
    "Acquiring",
    "Arrived",
    "Column",
    "Following",
    "Taken",
    "RowStore",
    "Manifest",
    "OnChange",
    "OnlineTable",
    "Opening",
    "Page",
    "Row",
    "SchemaChange",
    "SetAside",
    "Source",
    "Table",
    "TableVersion",
    "Versions",
]
