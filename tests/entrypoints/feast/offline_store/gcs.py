"""As much of Google Cloud Storage as reading parquet takes: its JSON API for pyarrow, its XML API for Polars.

It is a process of its own: pyarrow keeps Python's lock while it reads the footer of a file from there, so that a server
in the same process could not answer.
"""

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

_BUCKET = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)")
_LIST = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)/o")
_OBJECT = re.compile(r"(/download)?/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>.+)")
WHEN = "2020-01-01T00:00:00.000Z"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, value, status=200):
        self._answer(status, json.dumps(value).encode(), **{"Content-Type": "application/json"})

    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        if self.headers.get("Authorization"):
            self._json({"error": {"code": 401, "message": "an emulator gets no login"}}, 401)
            return
        if found := _LIST.fullmatch(url.path):
            self._list(found["bucket"], query.get("prefix", ""), query.get("delimiter"))
            return
        bucket = _BUCKET.fullmatch(url.path)
        if bucket and (self.server.folder / bucket["bucket"]).is_dir():
            self._json({"kind": "storage#bucket", "name": bucket["bucket"]})
            return
        of_json = _OBJECT.fullmatch(url.path)
        key = f"{of_json['bucket']}/{unquote(of_json['name'])}" if of_json else unquote(url.path).lstrip("/")
        if key not in self._objects():
            self._json({"error": {"code": 404, "message": "not found"}}, 404)
        elif of_json and query.get("alt") != "media":
            self._json(self._metadata(key))
        else:
            self._part((self.server.folder / key).read_bytes())

    do_HEAD = do_GET

    def _objects(self):
        held = self.server.folder.rglob("*")
        return sorted(file.relative_to(self.server.folder).as_posix() for file in held if file.is_file())

    def _metadata(self, key):
        bucket, _, name = key.partition("/")
        size = str((self.server.folder / key).stat().st_size)
        marks = {"generation": "1", "metageneration": "1", "updated": WHEN, "timeCreated": WHEN}
        return {"kind": "storage#object", "name": name, "bucket": bucket, "size": size, **marks}

    def _list(self, bucket, prefix, delimiter):
        found = [key for key in self._objects() if key.startswith(f"{bucket}/{prefix}")]
        cut = len(bucket) + 1 + len(prefix)
        deep = [key for key in found if delimiter and delimiter in key[cut:]]
        folders = {prefix + key[cut:].split(delimiter)[0] + delimiter for key in deep}
        items = [self._metadata(key) for key in found if key not in deep]
        self._json({"kind": "storage#objects", "items": items, "prefixes": sorted(folders)})

    def _part(self, data):
        marks = {"Last-Modified": "Wed, 01 Jan 2020 00:00:00 GMT", "ETag": '"x"', "x-goog-generation": "1"}
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._answer(200, data, **marks)
            return
        first, last = asked.groups()
        start = int(first) if first else max(0, len(data) - int(last))
        end = min(int(last) + 1 if first and last else len(data), len(data))
        self._answer(206, data[start:end], **{"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}, **marks)


@contextmanager
def served(folder):
    """Yield the address of a server whose objects are the files in `folder`, by bucket and key."""
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def main(folder):
    """Serve until the process is ended, on a free port that is printed first."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder = folder
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
