"""Plays one fault: a good poll, the fault, a good poll; and searches all that was written."""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import logging
import ssl
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import trustme
from prometheus_client.parser import text_string_to_metric_families

from seq_exporter.commands.check.account import AccountCheck
from seq_exporter.config.model import PollSettings
from seq_exporter.config.secret import ApiKey
from seq_exporter.logs import FORMATS, LogFormatter
from seq_exporter.publish.formats import TEXT
from seq_exporter.sendgrid.anomalies import ANOMALY_KINDS
from seq_exporter.sendgrid.session import open_session
from seq_exporter.web.listing import Query
from seq_exporter.web.status_page import StatusPage
from tests.faults.sendgrid import HealthySendGrid, Shown, show
from tests.faults.server import Exchange, FaultServer
from tests.support import KEY, FakeTime, day, state_in, text_of
from tests.unit.serve.poller_harness import PollerHarness

HELD = show(a=4.0, b=3.0, own=3.5)
NEW = show(a=2.0, b=1.0, own=2.5)

# What decides how long a fault takes. The time-out is for answers that come too late, however fast
# the machine is; all others have the time that a slow machine may need.
NORMAL = PollSettings()
SHORT_TIMEOUT = PollSettings(timeout_seconds=0.1)
FEW_USERS = PollSettings(most_users=50_000)
#: More than the fault may make the exporter take, however much comes in.
MOST_BYTES = 100 * 1024 * 1024

# Made once: it compiles its template.
_STATUS_PAGE = StatusPage()

# What is counted and does not make a poll fail.
_HARMLESS = {*ANOMALY_KINDS, "unsaved"}
_COUNTERS = (
    "seq_exporter_poll_failures_total",
    "seq_exporter_anomalies_total",
    "seq_exporter_state_save_failures_total",
)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, what the page must show all the same, and what must count it."""

    name: str
    shows: Shown
    counted: Mapping[str, int]  # by reason or kind; nothing else may count anything
    answer: Callable[[Stage, Exchange], None] | None = None  # instead of the good answer
    begin: Callable[[Stage], None] | None = None
    end: Callable[[Stage], None] | None = None
    base_url: Callable[[Stage], str] | None = None
    settings: PollSettings = NORMAL


@dataclass
class Outcome:
    """What was seen; `problems` says in words what should not have been."""

    problems: list[str] = field(default_factory=list)
    peak_bytes: int = 0


class Stage:
    """An exporter's poller with its state folder, and the server that it polls."""

    def __init__(self, folder: Path) -> None:
        self.time = FakeTime()
        self.sendgrid = HealthySendGrid(self.time)
        self.server = FaultServer(self.sendgrid.answer)
        self.stranger = FaultServer(lambda exchange: exchange.reply_json({"result": []}))
        self.distrusted = FaultServer(self.sendgrid.answer, _distrusted_certificate())
        self.state_folder = folder / "state"
        self.harness = PollerHarness(
            self.time,
            base_url=self.server.url,
            state=state_in(self.state_folder),
        )
        self._written = io.StringIO()

    def play(self, fault: Fault) -> Outcome:
        """Return what came of `fault`; all servers run meanwhile."""
        outcome = Outcome()
        servers = (self.server, self.stranger, self.distrusted)
        with contextlib.ExitStack() as stack:
            for server in servers:
                stack.enter_context(server.running())
            stack.enter_context(self._logs())
            self.sendgrid.days[day(4)] = HELD
            outcome.problems += self._expect("before", HELD, {}, self._poll())
            self.time.pass_hours(1)
            self.sendgrid.days[day(5)] = NEW
            self._begin(fault)
            tracemalloc.start()
            counted = self._poll()
            outcome.peak_bytes = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            outcome.problems += self._expect("in it", fault.shows, fault.counted, counted)
            outcome.problems += self._compare_with_check()
            self._end(fault)
            self.time.pass_hours(1)
            outcome.problems += self._expect("healed", NEW, {}, self._poll())
        outcome.problems += self._find_key()
        if outcome.peak_bytes > MOST_BYTES:
            outcome.problems.append(f"{outcome.peak_bytes} bytes at the peak")
        if self.stranger.requests or self.distrusted.requests:
            outcome.problems.append("a request went to another host")
        return outcome

    def set_key(self, key: ApiKey) -> None:
        """Give the account another key, as a reload of the configuration does."""
        self.harness.poller.account = replace(self.harness.poller.account, api_key=key)

    def _begin(self, fault: Fault) -> None:
        poller = self.harness.poller
        poller.settings = fault.settings
        if fault.begin:
            fault.begin(self)
        if fault.answer:
            answer = fault.answer
            self.server.answer = lambda exchange: answer(self, exchange)
        if fault.base_url:
            poller.account = replace(poller.account, base_url=fault.base_url(self))

    def _end(self, fault: Fault) -> None:
        poller = self.harness.poller
        poller.account = replace(poller.account, base_url=self.server.url)
        poller.settings = NORMAL
        self.server.answer = self.sendgrid.answer
        self.sendgrid.change_item = None
        if fault.end:
            fault.end(self)

    def _poll(self) -> Counter[str]:
        """Poll once, and return what was counted by it: by reason, by kind, or `unsaved`."""
        before = self._counts()
        self.harness.poll()
        return self._counts() - before

    def _counts(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for (name, *pairs), value in self.harness.samples.items():
            if name in _COUNTERS:
                labels = dict(pairs)
                found[labels.get("reason") or labels.get("kind") or "unsaved"] += int(value)
        return found

    def _expect(
        self, moment: str, shows: Shown, counted: Mapping[str, int], seen: Counter[str]
    ) -> Iterator[str]:
        shown = read_page(self.harness.page)
        if shown != shows:
            yield f"{moment}: shows {sorted(shown.items())}, not {sorted(shows.items())}"
        if seen != Counter(counted):
            yield f"{moment}: counted {dict(seen)}, not {dict(counted)}"
        has_failed = any(name not in _HARMLESS for name in counted)
        if self.harness.value("account_up") != (not has_failed):
            yield f"{moment}: up is {self.harness.value('account_up')}"
        if bool(self.harness.poller.health.failure) != has_failed:
            yield f"{moment}: the status page says {self.harness.poller.health.failure}"

    def _compare_with_check(self) -> Iterator[str]:
        """Run `check` in the same fault: its verdict must be what the poll came to."""
        poller = self.harness.poller
        check = AccountCheck(
            poller.account, poller.settings, open_session(), self.time.clock, self.time.sleep
        )
        report = check.run()
        if report.ok == bool(poller.health.failure):
            found = [finding.text for finding in report.findings]
            yield f"check finds {found}, and the poll came to {poller.health.failure}"
        if KEY in str(report):
            yield "the key is in the report of check"

    @contextlib.contextmanager
    def _logs(self) -> Iterator[None]:
        """Write all logs of the process down, at debug, in both formats."""
        handlers = []
        for log_format in FORMATS:
            handlers.append(logging.StreamHandler(self._written))
            handlers[-1].setFormatter(LogFormatter(log_format))
        root, level = logging.root, logging.root.level
        root.setLevel("DEBUG")
        for handler in handlers:
            root.addHandler(handler)
        try:
            yield
        finally:
            root.setLevel(level)
            for handler in handlers:
                root.removeHandler(handler)

    def _find_key(self) -> Iterator[str]:
        """Search everything that was written for the key, and for half of it."""
        own, volatile = self.harness.registry.render(TEXT)
        page = self.harness.store.exposition
        poller = self.harness.poller
        written = {
            "logs": self._written.getvalue(),
            "page": text_of(page) + text_of(own) + volatile.decode(),
            "gzipped page": gzip.decompress(b"".join(page.gzipped(own, volatile))).decode(),
            "status page": _STATUS_PAGE.render([(poller.writer.snapshot, poller.health)], Query()),
            "poller": repr(vars(poller)),
        }
        for file in self.state_folder.rglob("*"):
            written[str(file)] = file.read_text() if file.is_file() else ""
        for where, text in written.items():
            if KEY in text or KEY[len(KEY) // 2 :] in text:
                yield f"the key is in {where}"


@functools.cache  # making one takes as long as some polls
def _distrusted_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    return context


def read_page(page: str) -> Shown:
    """Return the scores on a page, which must parse and hold no series twice."""
    shown: Shown = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name.endswith("_score"):
                key = sample.labels.get("subuser", "own"), sample.labels.get("metric", "overall")
                assert key not in shown, key
                assert 1 <= sample.value <= 5, sample
                shown[key] = sample.value
    return shown
