"""The demo: a simulated SendGrid and an exporter that polls it, in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click

from seq_exporter.clock import Clock
from seq_exporter.config.model import Account, Config
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.logs import configure_logs
from seq_exporter.serve.process import run_exporter
from seq_exporter.serve.signals import exiting_when_stopped
from seq_exporter.simulator.api import build_app
from seq_exporter.simulator.fleet import Fleet
from seq_exporter.web.server.listen import local_url, open_sockets
from seq_exporter.web.server.server import Server
from seq_exporter.web.settings.model import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings


def run_demo(listen_addresses: Sequence[str], log_level: str, log_format: str) -> None:
    """Print where to look, then poll and serve until SIGTERM or SIGINT."""
    configure_logs(log_level, log_format)
    with exiting_when_stopped():
        fleet = Fleet(anchor=Clock().today())
        sockets = open_sockets(listen_addresses)
        simulator_sockets = open_sockets(["127.0.0.1:0"])
        config = _configure(fleet, local_url(simulator_sockets[0]))
        url = local_url(sockets[0])
        click.echo(
            "Polling three simulated accounts (scores within a second):\n\n"
            f"  status page  {url}/\n"
            f"  metrics      {url}/metrics\n\n"
            "Ctrl-C stops the demo."
        )
    simulator = (Server(build_app(fleet)), simulator_sockets)
    web_settings = ReloadableSettings(WebSettings)
    asyncio.run(run_exporter(config, lambda: config, sockets, web_settings, also=[simulator]))


def _configure(fleet: Fleet, base_url: str) -> Config:
    return Config(
        tuple(
            Account(account.name, ApiKey(Secret(account.api_key)), base_url)
            for account in fleet.accounts
        )
    )
