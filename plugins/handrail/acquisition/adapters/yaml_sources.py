"""Reads config/sources.yaml: which tables come from where."""

# pydantic reads the annotations at run time, so they stay real.

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from handrail.acquisition.domain.tables import Column, Table, Type
from handrail.acquisition.domain.versions import Choice, OnChange
from handrail.config import Mistake, Section, mistaken, read_config

FILE = Path("config") / "sources.yaml"
Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
"""The name of an environment variable that holds a secret, so that no file does."""


class Database(Section):
    """A table or view of a database, by SQLAlchemy URL. Rows are read in the order of `cursor`, a column that grows."""

    url: Text | None = Field(default=None, description="SQLAlchemy URL without a password in it")
    url_env: Variable | None = Field(default=None, description="the environment variable that holds the URL")
    table: Text = Field(description="name of the table or view; schema.table works")
    cursor: Text = Field(description="column that grows with each change: a moment or a whole number")
    overlap: Annotated[float, Field(ge=0)] = Field(
        default=3600, description="how far before the last value each run begins: seconds, or units of a whole number"
    )
    page_rows: Annotated[int, Field(ge=1, le=100_000)] = 10_000

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise mistaken(Mistake(("url",), "or url_env is needed, and not both", "Write one of the two."))
        return self


class Pagination(Section):
    """How an API says that there is more."""

    style: Literal["number", "offset", "cursor", "link_header", "next_url", "single"] = "number"
    parameter: Text | None = Field(default=None, description="query parameter of the page, offset or cursor")
    size_parameter: Text | None = Field(default=None, description="query parameter of the size of a page")
    size: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    first: Annotated[int, Field(ge=0)] = Field(default=1, description="number of the first page")
    path: Text | None = Field(default=None, description="where the answer has the next cursor or address, as a.b")
    total: Text | None = Field(default=None, description="where the answer has how many rows there are, as a.b")


class Http(Section):
    """A paged HTTP API that answers JSON."""

    url: Text
    records: Text | None = Field(default=None, description="where the answer has the rows, as data.items")
    pages: Pagination = Pagination()
    since_parameter: Text | None = Field(default=None, description="query parameter that asks for what is newer")
    cursor: Text | None = Field(default=None, description="column that grows with each change, for since_parameter")
    overlap: Annotated[float, Field(ge=0)] = 3600
    token_env: Variable | None = Field(default=None, description="environment variable with a bearer token")
    token_header: Text = "Authorization"
    per_second: Annotated[float, Field(gt=0, le=1_000)] = Field(default=5, description="most requests a second")


class WebPage(Section):
    """A table on a web page."""

    url: Text
    table: Text = Field(default="1", description="id of the table element, or its place on the page, from 1")
    per_second: Annotated[float, Field(gt=0, le=10)] = 1


class Stream(Section):
    """Readings of a sensor over a broker, a JSON object a message."""

    url: Text = Field(description="mqtt://, mqtts://, redis://, rediss://, nats://, tls://, amqp:// or amqps://")
    topic: Text = Field(description="topic, stream, subject or queue")
    group: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")] = "handrail"
    credentials_env: Variable | None = Field(default=None, description="environment variable with user:password")
    most: Annotated[int, Field(ge=1, le=10_000)] = Field(default=500, description="most messages in one page")


class Documents(Section):
    """Files of JSON documents: one document, a list of them, or one a line."""

    path: Text = Field(description="files below the project, such as incoming/*.json")
    records: Text | None = Field(default=None, description="where a document has the rows, as data.items")


class Changes(Section):
    """What a change of the source's columns leads to, by its kind, and by column."""

    new: Choice = "go_on"
    gone: Choice = "stop"
    renamed: Choice = "stop"
    retyped: Choice = "stop"
    columns: dict[Text, Choice] = Field(default_factory=dict, description="for these columns alone, whatever the kind")

    def policy(self) -> OnChange:
        """Return what it says."""
        return OnChange(self.new, self.gone, self.renamed, self.retyped, self.columns)


class TableFile(Section):
    """One table: what its rows must have, and where they come from."""

    key: Annotated[list[Text], Field(min_length=1)] = Field(description="the columns that say which row it is")
    columns: dict[Text, Type] = Field(default_factory=dict, description="what to keep; all of the first page if empty")
    required: list[Text] = []
    known: Text | None = Field(default=None, description="column with since when a row is known; when it came if unset")
    on_change: Changes = Field(default_factory=Changes, description="what a change of the source's columns leads to")
    database: Database | None = None
    http: Http | None = None
    web_page: WebPage | None = None
    stream: Stream | None = None
    documents: Documents | None = None

    @property
    def source(self) -> "Database | Http | WebPage | Stream | Documents":
        """The one that is written."""
        return next(each for each in self._sources() if each is not None)

    def _sources(self) -> "tuple[Database | Http | WebPage | Stream | Documents | None, ...]":
        return (self.database, self.http, self.web_page, self.stream, self.documents)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        written = sum(each is not None for each in self._sources())
        if written != 1:
            problem = "has no source" if not written else "has more than one source"
            remedy = "Write one of: database, http, web_page, stream, documents."
            raise mistaken(Mistake((), problem, remedy))
        if self.columns:
            for name in (*self.key, *self.required, *([self.known] if self.known else [])):
                if name not in self.columns:
                    raise mistaken(Mistake(("columns",), f"lacks {name!r}", "Add it with its type."))
        if self.known and self.columns.get(self.known, "moment") != "moment":
            problem = f"names {self.known!r}, which is no moment"
            raise mistaken(Mistake(("known",), problem, "Give that column the type moment, or leave `known` out."))
        return self

    def table(self, name: str) -> Table:
        """Return what rows must have."""
        required = {*self.required, *self.key}
        columns = tuple(Column(each, type_, each in required) for each, type_ in self.columns.items())
        return Table(name, columns, tuple(self.key), self.known)


class SourcesFile(Section):
    """The whole file."""

    version: Literal[1]
    tables: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")], TableFile], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_reader_of_each_stream(self) -> Self:
        read: dict[tuple[str, str, str], str] = {}
        for name, table in self.tables.items():
            if table.stream is None:
                continue
            other = read.setdefault((table.stream.url, table.stream.topic, table.stream.group), name)
            if other != name:
                problem = f"has the url, topic and group of {other!r}, so that each would take what the other needs"
                raise mistaken(Mistake(("tables", name, "stream"), problem, "Give one of them another group."))
        return self


def read_sources(project: Path) -> SourcesFile:
    """Read and check `project`/config/sources.yaml.

    Raises:
        Misconfigured: the file is missing, or a key in it is unknown, missing or wrong; the sentence names the line.
    """
    return read_config(project / FILE, SourcesFile, shown=FILE.as_posix())
