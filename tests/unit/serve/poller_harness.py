"""A poller with its page and its telemetry, for tests that write SendGrid's answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from seq_exporter.config.model import PollSettings
from seq_exporter.publish.formats import TEXT
from seq_exporter.publish.store import Store
from seq_exporter.publish.telemetry import Telemetry
from seq_exporter.serve.polling import Poller
from tests.support import FakeTime, account, own_text, text_of


class PollerHarness:
    """A poller of the account `acme`, the page that it publishes, and its own metrics."""

    def __init__(self, time: FakeTime, store: Store | None = None, **changes: Any) -> None:
        self.store = store or Store()
        self.registry = Telemetry()
        state, sessions = changes.pop("state", None), changes.pop("sessions", None)
        settings = replace(PollSettings(), **changes.pop("settings", {}))
        made = account(**changes)
        self.telemetry = self.registry.open(made.name)
        self.poller = Poller(
            made,
            settings,
            self.store.open(made.name, made.series, made.max_series),
            self.telemetry,
            state=state,
            sessions=sessions,
            clock=time.clock,
            sleep=time.sleep,
        )

    def poll(self) -> float:
        return self.poller.poll()

    @property
    def page(self) -> str:
        return text_of(self.store.exposition)

    def series(self, name: str) -> list[str]:
        """Return the lines of one metric, without its name."""
        lines = self.page.splitlines()
        return [line.removeprefix(name) for line in lines if line.startswith(f"{name}{{")]

    @property
    def samples(self) -> dict[tuple[Any, ...], float]:
        """The exporter's own samples, by name and labels."""
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(own_text(self.registry.render(TEXT)))
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Return one of the exporter's own samples."""
        wanted = {"account": "acme", **labels}
        return self.samples.get((f"seq_exporter_{name}", *sorted(wanted.items())))
