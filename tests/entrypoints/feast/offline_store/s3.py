"""As much of S3 as reading and writing parquet takes: list, ranged get, put, and upload in parts; no signatures."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

LISTED = (
    "<Contents><Key>{}</Key><LastModified>2020-01-01T00:00:00Z</LastModified><ETag>x</ETag><Size>{}</Size></Contents>"
)
PREFIX = "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>"
LIST = "<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>{}</KeyCount>{}</ListBucketResult>"
STARTED = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
DONE = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _asked(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        self.server.seen.append(dict(self.headers) | {"method": self.command, "path": self.path})
        return unquote(url.path).lstrip("/"), query

    def _answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body)), "ETag": '"x"'} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return _unchunked(data) if self.headers.get("Content-Encoding") == "aws-chunked" else data

    def do_GET(self):
        key, query = self._asked()
        if "list-type" in query:
            self._list(key.rstrip("/") + "/", query.get("prefix", ""), query.get("delimiter"))
        elif key not in self.server.objects:
            self._answer(404)
        else:
            self._part(self.server.objects[key])

    def _list(self, bucket, prefix, delimiter):
        objects = {name.removeprefix(bucket): len(data) for name, data in self.server.objects.items()}
        found = {name: size for name, size in sorted(objects.items()) if name.startswith(prefix)}
        folders = set()
        if delimiter:
            deep = [name for name in found if delimiter in name[len(prefix) :]]
            folders = {prefix + name[len(prefix) :].split(delimiter)[0] + delimiter for name in deep}
            found = {name: size for name, size in found.items() if name not in deep}
        listed = [LISTED.format(escape(name), size) for name, size in found.items()]
        prefixes = [PREFIX.format(escape(name)) for name in sorted(folders)]
        self._answer(200, LIST.format(len(found) + len(folders), "".join(listed + prefixes)).encode())

    do_HEAD = do_GET

    def _part(self, data):
        when = {"Last-Modified": "Wed, 01 Jan 2020 00:00:00 GMT"}
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._answer(200, data, **when)
            return
        first, last = asked.groups()
        start = int(first) if first else max(0, len(data) - int(last))
        end = min(int(last) + 1 if first and last else len(data), len(data))
        self._answer(206, data[start:end], **{"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}, **when)

    def do_PUT(self):
        key, query = self._asked()
        data = self._body()
        if "partNumber" in query:
            self.server.parts.setdefault(key, {})[int(query["partNumber"])] = data
        else:
            self.server.objects[key] = data
        self._answer(200)

    def do_POST(self):
        key, query = self._asked()
        self._body()
        if "uploads" in query:
            self._answer(200, STARTED.encode())
            return
        parts = self.server.parts.pop(key)
        self.server.objects[key] = b"".join(parts[number] for number in sorted(parts))
        self._answer(200, DONE.encode())


def _unchunked(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            break
        out, data = out + data[:length], data[length + 2 :]
    return out


@contextmanager
def served():
    """Yield a server whose `objects` maps "bucket/key" to bytes, and `seen` lists the requests."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.objects, server.parts, server.seen = {}, {}, []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
