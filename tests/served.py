"""What a running exporter serves, and a configuration to start it with."""

from __future__ import annotations

from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.simulator import Samples
from tests.support import GIVE_UP_SECONDS, KEY


def read_page(base: str) -> str:
    return requests.get(f"{base}/metrics", timeout=GIVE_UP_SECONDS).text


def read_scores(base: str) -> Samples:
    """Return the scores on the page, by name and label values."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(read_page(base))
        for sample in family.samples
        if family.name.endswith("_score") and family.name.startswith("sendgrid_seq")
    }


def write_config(folder: Path, base_url: str, more: str = "") -> None:
    """Write a `config.yaml` of one account, whose SendGrid is at `base_url`."""
    (folder / "config.yaml").write_text(
        f"accounts:\n  - {{name: acme, api_key: {KEY}, base_url: '{base_url}'}}\n{more}"
    )
