"""Answers the same bytes to whatever is sent: how fast the load generator itself can be."""

import asyncio
import os

PORT = int(os.environ["BENCH_PORT"])
BODY = b'{"predictions":[{"flight_id":"2013-08-01:UA:1:1015:EWR","probability":0.5}]}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Constant(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport):
        """Begin."""
        self.transport, self.waiting = transport, b""

    def data_received(self, data):
        """Answer once the body of a request is whole."""
        self.waiting += data
        head, end, body = self.waiting.partition(b"\r\n\r\n")
        if end:
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(body) >= length:
                self.waiting = body[length:]
                self.transport.write(ANSWER)


async def main():
    """Answer until the process ends."""
    server = await asyncio.get_running_loop().create_server(Constant, "127.0.0.1", PORT)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
