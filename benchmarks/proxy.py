"""Forward requests to the simulator, log their times: `proxy.py PORT UPSTREAM`, run as a process.

Prints a line of JSON for each received request and for each completely sent answer. While its
folder contains a file `hold`, requests wait.
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
    wbufsize = -1  # send head and body together

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
        """Log nothing: `_note` already logs each request."""


def _note(what: str, target: str) -> None:
    # All processes on a machine share the monotonic clock.
    print(json.dumps({"at": time.monotonic(), "what": what, "target": target}), flush=True)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
