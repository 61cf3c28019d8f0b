"""A table on a page of a real server."""

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from handrail.acquisition import Acquiring, Column, Table, Taken
from handrail.acquisition.adapters.web_table import WebTable
from handrail.acquisition.adapters.yaml_sources import WebPage
from handrail.errors import InvalidInput, Misconfigured, Unavailable
from tests.fakes.acquisition import RowsInMemory, VersionsInMemory

PLANES = Table("planes", (Column("tail", "text", True), Column("seats", "whole")), ("tail",))
PAGE = """<!doctype html><html><body><table><tr><td>menu</td></tr></table>
<table id="planes"><thead><tr><th>tail</th><th>seats</th></tr></thead>
<tbody><tr><td> N1 </td><td>55</td></tr><tr><td><b>N2</b></td><td></td></tr>{more}</tbody></table></body></html>"""


class Site:
    def __init__(self):
        self.page, self.robots, self.status, self.asked = PAGE.format(more=""), (404, ""), 200, []

    def answer(self, path):
        self.asked.append(path)
        return self.robots if path == "/robots.txt" else (self.status, self.page)


@pytest.fixture
def site():
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, text = served.answer(self.path)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://elsewhere.example/x?key=s")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/planes?key=s"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture
def acquire(site, tmp_path):
    store, opened = RowsInMemory(), []

    def run(table="planes", pauses=None):
        pause = (lambda _: None) if pauses is None else pauses.append
        source = WebTable(WebPage(url=site.url, table=table), tmp_path / "pages", pause)
        opened.append(source)
        return Acquiring(PLANES, source, store, VersionsInMemory(), lambda: datetime.now(UTC)).run()

    run.store = store
    yield run
    for source in opened:
        source.close()


@pytest.mark.parametrize("table", ["planes", "2"])
def test_a_table_is_found_by_its_id_or_its_place(acquire, tmp_path, table):
    acquired = acquire(table)

    assert list(acquire.store.rows("planes")) == [["N1", 55], ["N2", None]]
    assert "key=s" not in acquired.manifest.source
    (kept,) = (tmp_path / "pages").iterdir()
    assert kept.stem == acquired.watermark["sha256"]


def test_a_page_that_did_not_change_gives_nothing_and_a_new_row_is_new(acquire, site):
    acquire()
    assert acquire().taken == Taken()

    site.page = PAGE.format(more="<tr><td>N3</td><td>9</td></tr>")

    assert acquire().taken == Taken(new=1, repeated=2)


def test_rows_in_another_order_change_nothing(acquire, site):
    before = acquire().manifest
    rows = ["<tr><td> N1 </td><td>55</td></tr>", "<tr><td><b>N2</b></td><td></td></tr>"]
    site.page = PAGE.format(more="").replace("".join(rows), "".join(reversed(rows)))

    assert acquire().manifest == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("<th>seats</th>", "<th>places</th>"), "and had tail, seats"),
        (('id="planes"', 'id="others"'), "no table 'planes' among 2"),
        (("<td>55</td>", "<td>55</td><td>1</td>"), "row 2 of its table has 3 cells"),
        (("<th>seats</th>", "<th></th>"), "does not name each column once"),
    ],
)
def test_a_layout_that_changed_is_named_and_what_was_accepted_stays(acquire, site, change, said):
    acquire()
    site.page = site.page.replace(*change)

    with pytest.raises(InvalidInput, match=said):
        acquire()

    assert acquire.store.manifest("planes")[0].rows == 2


@pytest.mark.parametrize("robots", [(200, "User-agent: *\nDisallow: /planes"), (403, "")])
def test_what_robots_txt_forbids_is_not_read(acquire, site, robots):
    site.robots = robots

    with pytest.raises(Misconfigured, match="robots.txt forbids"):
        acquire()

    assert site.asked == ["/robots.txt"]


def test_robots_txt_that_cannot_be_read_forbids_for_now(acquire, site):
    site.robots = (503, "")

    with pytest.raises(Unavailable):
        acquire()


def test_the_delay_that_robots_txt_asks_for_is_kept(acquire, site):
    site.robots, pauses = (200, "User-agent: *\nCrawl-delay: 7"), []

    acquire(pauses=pauses)

    assert pauses == [7.0]


@pytest.mark.parametrize("asked", ["61", "1" + "0" * 400, "9" * 9000])
def test_a_delay_that_nobody_would_keep_is_a_minute(acquire, site, asked):
    site.robots, pauses = (200, f"User-agent: *\nCrawl-delay: {asked}"), []

    acquire(pauses=pauses)

    assert pauses == [60.0]


@pytest.mark.parametrize(("status", "error"), [(404, Misconfigured), (302, Misconfigured), (500, Unavailable)])
def test_an_answer_without_a_page_is_one_sentence(acquire, site, status, error):
    site.status = status

    with pytest.raises(error) as err:
        acquire()

    assert "key=s" not in str(err.value)
