"""The practical limit: nginx sends a file with the bytes of a compressed page."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import Process, free_port, running

# One process without a master: it has the speed of one worker, and keeps the user that started it.
_CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder};
    location = /metrics {{ default_type text/plain; add_header Content-Encoding gzip; }}
  }}
}}
"""


@contextmanager
def running_nginx(folder: Path, page: bytes) -> Iterator[Process | None]:
    """Serve the gzipped `page` on /metrics; yield None if nginx is not installed."""
    # Debian installs it in a folder that is only in root's PATH.
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if nginx is None:
        print("nginx is not installed (on Debian: nginx-light): not compared", file=sys.stderr)
        yield None
        return
    (folder / "metrics").write_bytes(page)
    port = free_port()
    (folder / "nginx.conf").write_text(_CONFIG.format(folder=folder, port=port))
    command = [nginx, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]
    with running(command, folder, "nginx", port) as process:
        process.wait_until(lambda: process.answers("/metrics"))
        yield process
