"""The exporter's configuration for a pretend SendGrid."""

from __future__ import annotations

import json

from seq_exporter.simulator.fleet import Fleet


def render_config(fleet: Fleet, base_url: str) -> str:
    """Return YAML that makes the exporter poll every account of `fleet` at `base_url`.

    accounts:
      - name: kettlewick
        api_key: SG....
        base_url: "http://127.0.0.1:8080"
    """
    # A text in JSON is one in YAML too, whatever it holds; names and keys need no quotes.
    return "accounts:\n" + "".join(
        f"  - name: {account.name}\n"
        f"    api_key: {account.api_key}\n"
        f"    base_url: {json.dumps(base_url)}\n"
        for account in fleet.accounts
    )
