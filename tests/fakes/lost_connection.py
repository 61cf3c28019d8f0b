"""A gate before a server: shut, it ends every connection and lets nobody in, as a server that was stopped."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress


class Gate:
    """Passes bytes to and from a server while it is open."""

    def __init__(self, host, port):
        self._server = (host, port)
        self._links = set()
        self._door = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._is_open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self):
        with self._door:
            self._is_open = False
            links, self._links = self._links, set()
        for link in links:
            _end(link)

    def open(self):
        with self._door:
            self._is_open = True

    def close(self):
        self.shut()
        _end(self._listener)

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with self._door:
                    if not self._is_open:
                        client.close()
                        continue
                    server = socket.create_connection(self._server)
                    self._links |= {client, server}
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=_pass, args=(source, target), daemon=True).start()


def _pass(source, target):
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    _end(source)
    _end(target)


def _end(link):
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()


@contextmanager
def a_gate(url):
    """Lend a gate before the server of a URL, and the URL that leads through it."""
    gate = Gate(url.host, url.port or 5432)
    try:
        yield gate, url.set(host="127.0.0.1", port=gate.port).render_as_string(hide_password=False)
    finally:
        gate.close()
