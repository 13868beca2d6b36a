"""Measure the lower limit of a poll, as a process: `bare_requests.py CONFIG TARGETS`.

Requests each line of TARGETS and parses the JSON. Prints the seconds and the CPU seconds as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import requests
import yaml


def main() -> None:
    """Measure and print the result."""
    (account,) = yaml.safe_load(Path(sys.argv[1]).read_text())["accounts"]
    targets = Path(sys.argv[2]).read_text().splitlines()
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {account['api_key']}"
    started, started_cpu = time.monotonic(), time.process_time()
    for target in targets:
        response = session.get(account["base_url"] + target, timeout=600)
        if response.status_code == 200:
            json.loads(response.content)
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - started_cpu
    print(json.dumps([seconds, cpu_seconds]))


if __name__ == "__main__":
    main()
