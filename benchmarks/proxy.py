"""Passes requests on to the simulator and notes when: `proxy.py PORT UPSTREAM`, a process.

Prints a line of JSON for each request that comes in and each answer that has gone out whole. While
there is a file `hold` in its folder, requests wait.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_HOLD = Path("hold")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together

    def setup(self) -> None:
        super().setup()
        self.upstream = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]), timeout=600)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def do_GET(self) -> None:
        """Answer as the simulator does."""
        _note("asked", self.path)
        while _HOLD.exists():
            time.sleep(0.005)
        self.upstream.request("GET", self.path, headers=dict(self.headers.items()))
        response = self.upstream.getresponse()
        body = response.read()
        self.send_response(response.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        _note("answered", self.path)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: each request is noted already."""


def _note(what: str, target: str) -> None:
    # The clock is the same in all processes of a machine.
    print(json.dumps({"at": time.monotonic(), "what": what, "target": target}), flush=True)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
