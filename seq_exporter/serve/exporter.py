"""The wiring: accounts to pollers, pollers to store and telemetry; start, reload, stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from seq_exporter.clock import Clock
from seq_exporter.config.model import Account, Config
from seq_exporter.config.shard import WHOLE, Shard
from seq_exporter.errors import ConfigError
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.store import Store
from seq_exporter.publish.telemetry import AccountTelemetry, Renderer, Telemetry
from seq_exporter.scores import Health, Snapshot
from seq_exporter.serve.polling import Poller
from seq_exporter.serve.state import StateFolder
from seq_exporter.threads import DaemonThreads, NoThread

# How many accounts are polled at the same time; a poll mostly waits for SendGrid.
_POLLS_AT_ONCE = 16

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    """An account of the configuration, and the task that polls it."""

    poller: Poller
    telemetry: AccountTelemetry
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Exporter:
    """The whole program except its HTTP server; runs in one event loop.

    `load` reads the configuration again for a reload, and raises ConfigError. `shard` is the part
    of the work that the configuration contains.
    """

    def __init__(
        self,
        config: Config,
        load: Callable[[], Config],
        clock: Clock | None = None,
        shard: Shard = WHOLE,
    ) -> None:
        self._config = config
        self._load = load
        self._clock = clock or Clock()
        self._store = Store()
        self._telemetry = Telemetry()
        self._telemetry.observe_shard(shard)
        self._threads = DaemonThreads(_POLLS_AT_ONCE)
        self._reload_threads = DaemonThreads(1)  # apart: a reload does not wait for polls
        # Replaced as a whole: threads read it while a reload adds and removes accounts.
        self._running: Mapping[str, _Running] = {}
        self._reloading = asyncio.Lock()

    @property
    def exposition(self) -> DeflatedText:
        """The series of all accounts, ready to send."""
        return self._store.exposition

    def render_telemetry(self, render: Renderer) -> tuple[DeflatedText, bytes]:
        """Return the exporter's own metrics as `render` writes them."""
        return self._telemetry.render(render)

    @property
    def accounts(self) -> Sequence[tuple[Snapshot, Health]]:
        """The published snapshot of each account, and the health of its polls."""
        return [
            (running.poller.writer.snapshot, running.poller.health)
            for running in self._running.values()
        ]

    def observe_web_reload(self, successful: bool) -> None:
        """Note that the web configuration was read again, or was rejected."""
        self._telemetry.observe_web_reload(successful)

    def start(self) -> None:
        """Start to poll every account."""
        self._telemetry.observe_reload(True, self._clock.now())
        for account in self._config.accounts:
            self._add(account)

    def stop(self) -> None:
        """Stop all polls; one that waits for an answer ends with the process."""
        for running in self._running.values():
            self._halt(running)

    async def reload(self) -> str | None:
        """Read the configuration again; return what is wrong with it, or None.

        An account that has not changed keeps its scores and its schedule, and so does one of which
        only other series are published. If the file has a mistake, nothing changes.
        """
        async with self._reloading:
            try:
                config = await asyncio.to_thread(self._load)
            except ConfigError as err:
                self._telemetry.observe_reload(False, self._clock.now())
                _log.error(
                    "reload failed, the old configuration stays in force", extra={"error": str(err)}
                )
                return str(err)
            await self._apply(config)
            self._telemetry.observe_reload(True, self._clock.now())
            _log.info("configuration reloaded", extra={"accounts": len(config.accounts)})
            return None

    async def _apply(self, config: Config) -> None:
        is_schedule_new = config.poll != self._config.poll
        is_state_new = config.state_dir != self._config.state_dir
        self._config = config
        wanted = {account.name: account for account in config.accounts}
        for name, running in self._running.items():
            account, old = wanted.get(name), running.poller.account
            if account == old:
                continue
            if account and account.snapshot_identity == old.snapshot_identity:
                await self._change(running, account)
            else:
                await self._remove(name)
        for account in config.accounts:
            if account.name not in self._running:
                self._add(account)
                continue
            running = self._running[account.name]
            running.poller.settings = config.poll
            if is_state_new:
                running.poller.keep_state_in(self._open_state())
            if is_schedule_new:
                running.wake.set()

    def _add(self, account: Account) -> None:
        if not account.is_private:
            _log.warning(
                "base_url is not https: the API key can be read in transit",
                extra={"account": account.name, "base_url": account.base_url},
            )
        telemetry = AccountTelemetry(self._telemetry, account.name)
        poller = Poller(
            account,
            self._config.poll,
            self._store.open(account.name, account.series, account.max_series),
            telemetry,
            state=self._open_state(),
            clock=self._clock,
        )
        running = _Running(poller, telemetry)
        running.task = asyncio.create_task(self._poll_for_ever(running))
        self._running = {**self._running, account.name: running}

    async def _change(self, running: _Running, account: Account) -> None:
        """Take over `account`, which differs at most in its key and in what is published."""
        poller, old = running.poller, running.poller.account
        poller.account = account
        if (account.series, account.max_series) != (old.series, old.max_series):
            # In a thread: rendering takes a second for the largest fleets.
            await self._reload_threads.run(poller.republish)
            # Scores that were too many may be published now, or the other way round.
            is_due = poller.writer.is_behind or poller.health.failure is not None
        else:
            is_due = False
        if is_due or account.api_key != old.api_key:
            # With a new key, the old scores stay until SendGrid has answered it.
            running.wake.set()

    async def _remove(self, name: str) -> None:
        running = self._running[name]
        self._running = {key: each for key, each in self._running.items() if key != name}
        self._halt(running)
        running.telemetry.close()
        # In a thread: it joins the exposition again, which takes a second for the largest fleets.
        await self._reload_threads.run(running.poller.writer.close)

    def _halt(self, running: _Running) -> None:
        running.poller.stop()
        if running.task:
            running.task.cancel()

    def _open_state(self) -> StateFolder | None:
        return StateFolder(self._config.state_dir) if self._config.state_dir else None

    async def _poll_for_ever(self, running: _Running) -> None:
        poller = running.poller
        try:
            await self._threads.run(poller.restore)
        except NoThread as err:
            _log.error("cannot restore scores", extra=_about(poller, err))
        while True:
            running.wake.clear()
            pause_seconds = await self._poll(poller)
            # Woken early if the schedule or the key has changed.
            with contextlib.suppress(TimeoutError):
                while pause_seconds:
                    await asyncio.wait_for(running.wake.wait(), pause_seconds)
                    running.wake.clear()
                    pause_seconds = poller.blocked_seconds

    async def _poll(self, poller: Poller) -> float:
        """Poll in a thread; return the seconds until the next poll is due."""
        try:
            return await self._threads.run(poller.poll)
        except NoThread as err:  # the next poll may find one
            _log.error("cannot poll", extra=_about(poller, err))
        except Exception:  # noqa: BLE001
            # `poll` reports what fails within it. A defect in the report must not end the task:
            # the account would never be polled again, and nothing would show it.
            _log.exception(
                "poll not reported by a defect in seq-exporter",
                extra={"account": poller.account.name},
            )
        return poller.settings.interval_seconds


def _about(poller: Poller, err: OSError) -> dict[str, object]:
    return {"account": poller.account.name, "error": err.strerror}
