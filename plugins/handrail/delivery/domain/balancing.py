"""The configuration of HAProxy before several replicas of one service, as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from handrail.errors import InvalidInput

_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")
QUEUE_S, ANSWER_S = 60, 35
"""How long a request waits for a place at a replica, and for an answer: the service's own limit is 30 s."""
MAY_REPEAT = ("/predict", "/api/")
"""Where the same request twice changes nothing that counts: predictions, and feedback with ids of its clients."""

TEMPLATE = """\
# Written by `handrail delivery package balancer`. Check it: haproxy -c -f FILE
global
    maxconn {connections}
    # Only a request that fits in a buffer can be sent again.
    tune.bufsize {buffer}

defaults
    mode http
    timeout client {answer_s}s
    timeout http-request 10s
    timeout http-keep-alive 10s
    timeout connect 1s
    timeout server {answer_s}s
    # A request waits here while the replicas that are ready have all that they take.
    timeout queue {queue_s}s
    option dontlognull

frontend clients
    bind {listen}
    default_backend replicas

backend replicas
    balance leastconn
    option httpchk GET /readyz
    http-check expect status 200
    # The whole request is here before a replica gets its first byte.
    option http-buffer-request
    option redispatch 1
    retries 5
    retry-on conn-failure empty-response
    acl may_repeat path_beg {repeated}
    http-request disable-l7-retry unless may_repeat or METH_GET
    # What a client says about where it comes from is not passed on.
    http-request set-header X-Forwarded-For %[src]
    default-server check inter 500ms fastinter 200ms downinter 500ms rise 1 fall 2 maxconn 32
    default-server observe layer4 error-limit 2 on-error mark-down
{servers}
"""


@dataclass(frozen=True, slots=True)
class Balancer:
    """Where clients connect, which replicas answer, how large a request may be and still be sent again, in KiB."""

    listen: str
    replicas: Sequence[str]
    repeat_kib: int = 256
    most_connections: int = 256

    def __post_init__(self) -> None:
        """Check the addresses.

        Raises:
            InvalidInput: one is no host with a port, or there are fewer than two replicas.
        """
        for option, address in (("--listen", self.listen), *(("--replica", each) for each in self.replicas)):
            found = _ADDRESS.fullmatch(address)
            if found is None or not 1 <= int(found["port"]) <= 65535:
                raise InvalidInput(option, f"{address!r} is no address", "Write host and port, as in 10.0.0.7:3000.")
        if len(set(self.replicas)) < 2 or len(set(self.replicas)) < len(self.replicas):
            problem = f"{', '.join(self.replicas) or 'none'} are not two different replicas"
            raise InvalidInput("--replica", problem, "Name each replica once, and at least two.")

    def to_text(self) -> str:
        """Return the configuration.

        A request whose connection ends before any byte of an answer came is sent to another replica: the killed one
        may have written a prediction down, which then has no answer and no outcome.
        """
        repeated = " ".join(MAY_REPEAT)
        servers = "\n".join(f"    server replica-{number} {address}" for number, address in enumerate(self.replicas, 1))
        return TEMPLATE.format(
            connections=self.most_connections,
            buffer=self.repeat_kib * 1024,
            answer_s=ANSWER_S,
            queue_s=QUEUE_S,
            listen=self.listen,
            repeated=repeated,
            servers=servers,
        )
