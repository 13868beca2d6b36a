"""The wiring: accounts to pollers, pollers to store and telemetry; start, reload, stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field

from seq_exporter.clock import Clock
from seq_exporter.config.model import Account, Config
from seq_exporter.config.shard import WHOLE, Shard
from seq_exporter.errors import ConfigError
from seq_exporter.explain.evidence import Evidence
from seq_exporter.publish.store import Store
from seq_exporter.publish.telemetry import AccountTelemetry, Telemetry
from seq_exporter.scores import Health, Snapshot
from seq_exporter.sendgrid.sessions import Sessions
from seq_exporter.serve.explaining import AccountExplainer, Explainer
from seq_exporter.serve.loading import LOAD_SECONDS, collection_paused, load_within
from seq_exporter.serve.polling import Poller
from seq_exporter.serve.state import StateFolder
from seq_exporter.threads import DaemonThreads, NoThread

# How many accounts are polled at the same time; a poll mostly waits for SendGrid.
_POLLS_AT_ONCE = 16

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Running:
    """An account of the configuration, and the task that polls it."""

    poller: Poller
    telemetry: AccountTelemetry
    explainer: AccountExplainer
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Exporter:
    """The whole program except its HTTP server; runs in one event loop.

    `load` reads the configuration again for a reload, and raises ConfigError; it may take
    `load_seconds`. `shard` is the part of the work that the configuration contains.
    """

    def __init__(
        self,
        config: Config,
        load: Callable[[], Config],
        clock: Clock | None = None,
        shard: Shard = WHOLE,
        load_seconds: float = LOAD_SECONDS,
    ) -> None:
        self._config = config
        self._load = load
        self._load_seconds = load_seconds
        self._problem = ""
        self._clock = clock or Clock()
        self.store = Store()
        self.telemetry = Telemetry()
        self.telemetry.observe_shard(shard)
        self._threads = DaemonThreads(_POLLS_AT_ONCE)
        self._reload_threads = DaemonThreads(1)  # apart: a reload does not wait for polls
        self._sessions = Sessions()
        self._explainer = Explainer(self._sessions, self._clock)
        # Replaced as a whole: threads read it while a reload adds and removes accounts.
        self._running: Mapping[str, _Running] = {}
        # Those without a first poll. Counted at each probe, thousands would delay a scrape.
        self._unready: set[_Running] = set()
        self._reloading = asyncio.Lock()

    @property
    def accounts(self) -> Sequence[tuple[Snapshot, Health]]:
        """The published snapshot of each account, and the health of its polls."""
        return [
            (running.poller.writer.snapshot, running.poller.health)
            for running in self._running.values()
        ]

    @property
    def names(self) -> Container[str]:
        """The names of the accounts."""
        return self._running

    @property
    def unready(self) -> int:
        """How many accounts have not finished a first poll, and were not restored."""
        return len(self._unready)

    async def explain(self, account: str, subuser: str, *, may_ask: bool) -> Evidence | None:
        """Return why a subuser's score has changed; None if the account does not have it now.

        Asks SendGrid if it must and may. Raises NoThread.
        """
        running = self._running.get(account)
        return await running.explainer.explain(subuser, may_ask=may_ask) if running else None

    def start(self) -> None:
        """Start to poll every account."""
        self.telemetry.observe_reload(True, self._clock.now())
        self._begin(self._open(self._config.accounts, self._config))

    def end_views(self) -> None:
        """Ask SendGrid for no more pages of subusers; views that wait for an answer end."""
        for running in self._running.values():
            running.explainer.stop()

    def stop(self) -> None:
        """Stop all polls; one that waits for an answer ends with the process."""
        for running in self._running.values():
            self._halt(running)

    @property
    def is_behind(self) -> bool:
        """Whether the last reload failed, so the configuration in force differs from the file."""
        return bool(self._problem)

    async def reload(self, *, is_retry: bool = False) -> str | None:
        """Read the configuration again; return what is wrong with it, or None.

        An account that has not changed keeps its scores and its schedule, and so does one of which
        only other series are published. If the file has a mistake, nothing changes. A retry does
        not log again the problem that the last reload had.
        """
        async with self._reloading:
            with collection_paused():
                problem = await self._reload()
            self.telemetry.observe_reload(not problem, self._clock.now())
            if problem and not (is_retry and problem == self._problem):
                _log.error(
                    "reload failed, the old configuration stays in force", extra={"error": problem}
                )
            self._problem = problem
            return problem or None

    async def _reload(self) -> str:
        """Read and apply the configuration; return what went wrong, or nothing."""
        try:
            config = await self._reload_threads.run(
                lambda: load_within(self._load, "the configuration", self._load_seconds)
            )
            await self._apply(config)
        except ConfigError as err:
            return str(err)
        except NoThread as err:
            return f"the configuration was not applied: {err.strerror}"
        except Exception as err:  # noqa: BLE001
            # Half applied, perhaps: the next reload continues.
            _log.exception("configuration not applied by a defect in seq-exporter")
            return (
                f"the configuration was not applied: a defect in seq-exporter: {type(err).__name__}"
            )
        _log.info("configuration reloaded", extra={"accounts": len(config.accounts)})
        return ""

    async def _apply(self, config: Config) -> None:
        is_schedule_new = config.poll != self._config.poll
        is_state_new = config.state_dir != self._config.state_dir
        removed: list[_Running] = []
        # In a thread: to compare ten thousand accounts takes as long as ten scrapes.
        for running, account in await self._reload_threads.run(lambda: self._compare(config)):
            old = running.poller.account
            if account and account.snapshot_identity == old.snapshot_identity:
                await self._change(running, account)
            else:
                removed.append(running)
        await self._remove(removed)
        added = [account for account in config.accounts if account.name not in self._running]
        for running in self._running.values():
            running.poller.settings = config.poll
            if is_state_new:
                running.poller.keep_state_in(_open_state(config))
            if is_schedule_new:
                running.wake.set()
        if added:
            # In a thread: to open a thousand accounts takes a tenth of a second.
            self._begin(await self._reload_threads.run(lambda: self._open(added, config)))
        self._config = config

    def _compare(self, config: Config) -> list[tuple[_Running, Account | None]]:
        """Return the accounts that differ from `config`, each with what it is there, if it is."""
        wanted = {account.name: account for account in config.accounts}
        return [
            (running, wanted.get(name))
            for name, running in self._running.items()
            if running.poller.account != wanted.get(name)
        ]

    def _open(self, accounts: Sequence[Account], config: Config) -> list[_Running]:
        """Open the accounts in store and telemetry, with a poller each that does nothing yet."""
        opened = self.telemetry.open_all(account.name for account in accounts)
        return [
            self._prepare(account, telemetry, config)
            for account, telemetry in zip(accounts, opened, strict=True)
        ]

    def _prepare(self, account: Account, telemetry: AccountTelemetry, config: Config) -> _Running:
        poller = Poller(
            account,
            config.poll,
            self.store.open(account.name, account.series, account.max_series),
            telemetry,
            state=_open_state(config),
            sessions=self._sessions,
            clock=self._clock,
        )
        return _Running(poller, telemetry, self._explainer.open(poller, telemetry))

    def _begin(self, opened: Sequence[_Running]) -> None:
        """Poll the accounts that were opened."""
        for running in opened:
            account = running.poller.account
            if not account.is_private:
                _log.warning(
                    "base_url is not https: the API key can be read in transit",
                    extra={"account": account.name, "base_url": account.base_url},
                )
            running.task = asyncio.create_task(self._poll_for_ever(running))
        self._unready.update(opened)
        self._running = {**self._running, **{each.poller.account.name: each for each in opened}}

    async def _change(self, running: _Running, account: Account) -> None:
        """Take over `account`, which differs at most in its key and in what is published."""
        poller, old = running.poller, running.poller.account
        is_due = account.api_key != old.api_key
        if (account.series, account.max_series) == (old.series, old.max_series):
            poller.account = account
        else:
            # In a thread: rendering takes a second for the largest fleets.
            await self._reload_threads.run(lambda: poller.republish(account))
            # Scores that were too many may be published now, or the other way round.
            is_due |= poller.writer.is_behind or poller.health.failure is not None
        if is_due:
            # With a new key, the old scores stay until SendGrid has answered it.
            running.wake.set()
        if account.api_key != old.api_key:  # what the old key found may be another account's
            running.explainer.stop()
            running.explainer = self._explainer.open(poller, running.telemetry)

    async def _remove(self, removed: Sequence[_Running]) -> None:
        """Take accounts away, all in one step."""
        if not removed:
            return

        def close() -> None:
            self.store.close_all([running.poller.writer for running in removed])
            self.telemetry.close_all([running.telemetry for running in removed])

        # In a thread: it joins the exposition again, which takes a second for the largest fleets.
        # First: if there is no thread, the accounts stay as they were, until the next reload.
        await self._reload_threads.run(close)
        gone = {running.poller.account.name for running in removed}
        self._running = {name: each for name, each in self._running.items() if name not in gone}
        self._unready.difference_update(removed)
        for running in removed:
            self._halt(running)

    def _halt(self, running: _Running) -> None:
        running.poller.stop()
        running.explainer.stop()
        if running.task:
            running.task.cancel()

    async def _poll_for_ever(self, running: _Running) -> None:
        poller = running.poller
        try:
            if poller.state:
                await self._threads.run(poller.restore)
        except NoThread as err:
            _log.error("cannot restore scores", extra=_about(poller, err))
        self._note_readiness(running)
        while True:
            running.wake.clear()
            pause_seconds = await self._poll(poller)
            self._note_readiness(running)
            # Woken early if the schedule or the key has changed.
            with contextlib.suppress(TimeoutError):
                while pause_seconds:
                    await asyncio.wait_for(running.wake.wait(), pause_seconds)
                    running.wake.clear()
                    pause_seconds = poller.blocked_seconds

    def _note_readiness(self, running: _Running) -> None:
        if running.poller.health.is_ready:
            self._unready.discard(running)

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


def _open_state(config: Config) -> StateFolder | None:
    return StateFolder(config.state_dir) if config.state_dir else None


def _about(poller: Poller, err: OSError) -> dict[str, object]:
    return {"account": poller.account.name, "error": err.strerror}
