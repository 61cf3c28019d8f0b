"""SIGKILL of `handrail acquire` before, within and after the transaction of a page, over each source that is no stream.

HANDRAIL_TEST_KILLS says how often; beyond the first three, moments and pages are drawn at random.
"""

import json
import os
import random
import signal
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from handrail.bootstrap.acquisition import open_row_store
from handrail.settings import load_settings
from tests.fakes.killed_acquiring import start

KILLS = int(os.environ.get("HANDRAIL_TEST_KILLS", "3"))
MOMENTS = ("read", "inserted", "kept")
ROWS_A_PAGE = 4


class World:
    """Orders at a source; each change of them is seen by the next run."""

    page = 2
    """The page at which the first kills are."""

    def __init__(self, folder):
        self.folder, self.rows = folder, []

    def add(self, count):
        begin = len(self.rows)
        self.rows += [{"id": number, "at": number, "x": number / 7} for number in range(begin, begin + count)]
        self.publish()

    def publish(self): ...

    def close(self): ...


class Database(World):
    @property
    def source(self):
        url = f"sqlite:///{self.folder / 'shop.db'}"
        return {"database": {"url": url, "table": "orders", "cursor": "at", "overlap": 2, "page_rows": ROWS_A_PAGE}}

    def publish(self):
        with closing(sqlite3.connect(self.folder / "shop.db")) as connection, connection:
            connection.execute("create table if not exists orders (id integer primary key, at integer, x real)")
            connection.executemany("insert or ignore into orders values (:id, :at, :x)", self.rows)


class Documents(World):
    source = {"documents": {"path": "in/*.ndjson"}}

    def publish(self):
        (self.folder / "in").mkdir(exist_ok=True)
        for begin in range(0, len(self.rows), ROWS_A_PAGE):
            text = "".join(f"{json.dumps(row)}\n" for row in self.rows[begin : begin + ROWS_A_PAGE])
            (self.folder / "in" / f"{begin:05d}.ndjson").write_text(text)


class Served(World):
    """What a local server answers."""

    def __init__(self, folder):
        super().__init__(folder)
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 - the name is the host's
                body = world.answer(self.path)
                self.send_response(200 if body is not None else 404)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_): ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/orders"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Http(Served):
    @property
    def source(self):
        pages = {"style": "offset", "size_parameter": "limit", "size": ROWS_A_PAGE}
        return {"http": {"url": self.url, "pages": pages, "per_second": 1000}}

    def answer(self, path):
        query = parse_qs(urlsplit(path).query)
        at = int(query.get("offset", ["0"])[0])
        return json.dumps(self.rows[at : at + ROWS_A_PAGE]).encode()


class WebPage(Served):
    page = 1

    @property
    def source(self):
        return {"web_page": {"url": self.url, "per_second": 10}}

    def answer(self, path):
        if path == "/robots.txt":
            return None
        cells = "".join(f"<tr><td>{row['id']}</td><td>{row['at']}</td><td>{row['x']}</td></tr>" for row in self.rows)
        return f"<table><tr><th>id</th><th>at</th><th>x</th></tr>{cells}</table>".encode()


@pytest.fixture(params=[Database, Http, WebPage, Documents])
def world(request, tmp_path):
    made = request.param(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: churn\n")
    table = {"key": ["id"], "columns": {"id": "whole", "at": "whole", "x": "number"}, **made.source}
    sources = {"version": 1, "tables": {"orders": table}}
    (tmp_path / "config" / "sources.yaml").write_text(yaml.safe_dump(sources, sort_keys=False))
    made.add(3 * ROWS_A_PAGE)
    yield made
    made.close()


def run(world, die_at=None):
    process = start(world.folder, "orders", die_at=die_at)
    process.join(120)
    return process.exitcode


def test_killed_anywhere_nothing_is_lost_or_doubled(world):
    chance, killed = random.Random(KILLS), 0
    for number in range(KILLS):
        moment, page = (MOMENTS[number], world.page) if number < len(MOMENTS) else (chance.choice(MOMENTS), None)
        code = run(world, (moment, page or chance.randint(1, 4)))
        assert code in (0, -signal.SIGKILL), (world.folder / "log.txt").read_text()
        killed += code == -signal.SIGKILL
        world.add(ROWS_A_PAGE)

    assert run(world) == 0, (world.folder / "log.txt").read_text()

    assert killed >= min(KILLS, len(MOMENTS))
    with open_row_store(load_settings(world.folder)) as store:
        expected = [[row["id"], row["at"], row["x"]] for row in world.rows]
        assert sorted(store.rows("orders")) == expected
        assert len(store.arrived("orders", 0, 10 * len(expected))) == len(expected)
        assert dict(store.quarantine("orders")) == {}
