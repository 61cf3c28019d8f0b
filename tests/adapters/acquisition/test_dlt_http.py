"""A paged API over a real connection, with its styles of pages and its faults."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from handrail.acquisition import Acquiring, Table, Taken
from handrail.acquisition.adapters.dlt_http import DltHttp
from handrail.acquisition.adapters.yaml_sources import Http
from handrail.errors import InvalidInput, Misconfigured, Unavailable
from tests.fakes.acquisition import RowsInMemory, VersionsInMemory

TOKEN = "a-secret-token"
ORDERS = Table("orders", (), ("id",))
STYLES = {
    "number": {"style": "number", "size_parameter": "size", "size": 3},
    "offset": {"style": "offset", "size": 3},
    "cursor": {"style": "cursor", "path": "paging.after", "parameter": "after"},
    "link_header": {"style": "link_header"},
    "next_url": {"style": "next_url", "path": "paging.next"},
}


class Api:
    """Rows by pages of three, in every style at once; `faults` are answers that come first."""

    def __init__(self):
        self.rows = [{"id": number, "at": f"2024-01-01T00:{number:02d}:00Z"} for number in range(8)]
        self.faults, self.asked, self.headers, self.total, self.url = [], [], [], None, ""
        self.elsewhere, self.opened, self.tag = None, [], "of all rows"

    def answer(self, handler):
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(query)
        self.headers.append(dict(handler.headers))
        if self.faults:
            return self.faults.pop(0)
        if handler.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {}, b""
        rows = [row for row in self.rows if row["at"] >= query.get("since", "")]
        at = int(query.get("offset", query.get("after", (int(query.get("page", 1)) - 1) * 3)))
        page, more = rows[at : at + 3], at + 3 < len(rows)
        following = f"{self.elsewhere or self.url}?after={at + 3}"
        paging = {"after": str(at + 3) if more else None, "next": following if more else None}
        body = {"data": {"items": page}, "paging": paging, "total": self.total or len(rows)}
        etag = f'"{len(self.rows)}"' if self.tag == "of all rows" else f'"{[row["id"] for row in page]}"'
        if handler.headers.get("If-None-Match") == etag:
            return 304, {}, b""
        headers = {"ETag": etag} | ({"Link": f'<{following}>; rel="next"'} if more else {})
        return 200, headers, json.dumps(body).encode()


@pytest.fixture
def api() -> Iterator[Api]:
    served = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            status, headers, body = served.answer(self)
            if status is None:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(0 if status == 304 else len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if status == 304 else body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/orders"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield served
    for source in served.opened:
        source.close()
    server.shutdown()
    server.server_close()


def acquiring(api, store, style="cursor", **more):
    settings = {"url": api.url, "records": "data.items", "pages": STYLES[style], "per_second": 1000} | more
    source = DltHttp(Http(**settings), TOKEN, pause=lambda _: None)
    api.opened.append(source)
    return Acquiring(ORDERS, source, store, VersionsInMemory(), lambda: datetime.now(UTC))


def ids(store):
    return sorted(row[0] for row in store.rows("orders"))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_of_pages_is_read_to_its_end(api, style):
    store = RowsInMemory()

    acquired = acquiring(api, store, style).run()

    assert ids(store) == list(range(8))
    assert acquired.manifest.source == api.url
    assert len(api.asked) in (3, 4)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_list_that_is_empty_gives_nothing_and_its_first_row_later(api, style):
    """Of a table that names no columns, which are those of its first row."""
    rows, api.rows = api.rows, []
    store = RowsInMemory()

    assert acquiring(api, store, style).run().taken == Taken()
    api.rows = rows

    assert acquiring(api, store, style).run().taken == Taken(new=8)


def test_what_did_not_change_is_not_sent_again(api):
    store = RowsInMemory()
    api.rows = api.rows[:2]
    acquiring(api, store).run()

    acquired = acquiring(api, store).run()

    assert acquired.taken == Taken()
    assert ids(store) == [0, 1]


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_first_page_that_stayed_hides_no_row_behind_it(api, style):
    """A server's tag is that of one answer: the first page of a list that grows stays as it is from then on."""
    api.tag = "of the page"
    store = RowsInMemory()
    acquiring(api, store, style).run()
    api.rows.append({"id": 9, "at": "2024-01-01T00:09:00Z"})

    assert acquiring(api, store, style).run().taken.new == 1


def test_an_api_that_can_be_asked_for_what_is_newer_is_asked_with_an_overlap(api):
    store = RowsInMemory()
    more = {"since_parameter": "since", "cursor": "at", "overlap": 120}
    acquiring(api, store, **more).run()
    api.rows.append({"id": 9, "at": "2024-01-01T00:09:00Z"})

    acquired = acquiring(api, store, **more).run()

    assert api.asked[-1]["since"] == "2024-01-01T00:05:00+00:00"
    assert acquired.taken == Taken(new=1, repeated=3)
    assert acquired.watermark["cursor"] == "2024-01-01T00:09:00Z"


@pytest.mark.parametrize("fault", [(500, {}, b""), (429, {"Retry-After": "0"}, b""), (None, {}, b"")])
def test_a_fault_that_passes_is_waited_for(api, fault):
    api.faults = [fault, fault]
    store = RowsInMemory()

    acquiring(api, store).run()

    assert ids(store) == list(range(8))


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ((401, {}, b""), Misconfigured, "expired"),
        ((404, {}, b""), Misconfigured, "404"),
        ((302, {"Location": "http://elsewhere.example/?key=s"}, b""), Misconfigured, "elsewhere.example/"),
        ((200, {}, b"<html>Log in"), InvalidInput, "something else than JSON"),
        ((200, {}, b'{"data": [1'), InvalidInput, "something else than JSON"),
        ((200, {}, b'{"rows": []}'), InvalidInput, "it has rows"),
        ((200, {}, b'{"data": {"items": [1]}}'), InvalidInput, "no list of objects"),
    ],
)
def test_an_answer_without_rows_is_one_sentence(api, fault, error, said):
    api.faults = [fault]

    with pytest.raises(error, match=re.escape(said)) as err:
        acquiring(api, RowsInMemory()).run()

    assert TOKEN not in str(err.value)
    assert "key=s" not in str(err.value)


def test_a_fault_that_stays_ends_in_one_sentence(api):
    api.faults = [(503, {"Retry-After": "0"}, b"")] * 5

    with pytest.raises(Unavailable, match="5 times 503"):
        acquiring(api, RowsInMemory()).run()


def test_what_was_accepted_stays_when_a_later_page_is_broken_and_the_next_run_has_all(api):
    store = RowsInMemory()
    api.faults = [api.answer(Asking(api)), (200, {}, b"{")]

    with pytest.raises(InvalidInput):
        acquiring(api, store).run()
    assert ids(store) == [0, 1, 2]

    acquiring(api, store).run()
    assert ids(store) == list(range(8))


class Asking:
    """A request as the server sees the first one."""

    path = "/orders"

    def __init__(self, api):
        self.headers = {"Authorization": f"Bearer {TOKEN}"}


def test_a_list_that_says_that_it_has_more_rows_than_it_gives_is_named(api):
    api.total = 12

    with pytest.raises(InvalidInput, match="says that it has 12 rows, and gave 8"):
        acquiring(api, RowsInMemory(), pages=STYLES["cursor"] | {"total": "total"}).run()


@pytest.mark.parametrize("style", ["next_url", "link_header"])
def test_the_token_goes_to_no_other_server(api, style):
    api.elsewhere = "http://elsewhere.example/orders"

    with pytest.raises(Misconfigured, match="another server, elsewhere.example"):
        acquiring(api, RowsInMemory(), style).run()

    assert len(api.asked) == 1


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_pages_that_go_round_are_named_and_what_came_stays(api, length):
    def answer(_handler):
        api.asked.append({})
        number = len(api.asked) - 1
        # After three pages it goes round.
        place = number if number < 3 else 3 + (number - 3) % length
        body = {"data": {"items": [{"id": place}]}, "paging": {"after": str(place + 1)}}
        return 200, {}, json.dumps(body).encode()

    api.answer, store = answer, RowsInMemory()

    with pytest.raises(InvalidInput, match=r"its pages go round.*style: single"):
        acquiring(api, store).run()

    assert ids(store) == list(range(3 + length))
    assert len(api.asked) < 25


def test_an_api_that_is_away_is_one_sentence(api):
    gone = Api()
    gone.url = "http://127.0.0.1:9/orders?key=secret"

    with pytest.raises(Unavailable) as err:
        acquiring(gone, RowsInMemory()).run()

    assert "secret" not in str(err.value)
