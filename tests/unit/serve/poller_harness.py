"""A poller with its page and its telemetry, for tests that write SendGrid's answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from seq_exporter.config.model import PollSettings
from seq_exporter.publish.store import Store
from seq_exporter.publish.telemetry import AccountTelemetry, Telemetry
from seq_exporter.serve.polling import Poller
from tests.support import FakeTime, account, text_of


class PollerHarness:
    """A poller of the account `acme`, the page that it publishes, and its own metrics."""

    def __init__(self, time: FakeTime, store: Store | None = None, **changes: Any) -> None:
        self.store = store or Store()
        self.registry = Telemetry()
        state, session = changes.pop("state", None), changes.pop("session", None)
        settings = replace(PollSettings(), **changes.pop("settings", {}))
        made = account(**changes)
        self.telemetry = AccountTelemetry(self.registry, made.name)
        self.poller = Poller(
            made,
            settings,
            self.store.open(made.name, made.series, made.max_series),
            self.telemetry,
            state=state,
            session=session,
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

    def value(self, name: str, **labels: str) -> float | None:
        """Return one of the exporter's own samples."""
        return self.registry.registry.get_sample_value(
            f"seq_exporter_{name}", {"account": "acme", **labels}
        )
