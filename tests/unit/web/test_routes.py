"""Each path's answers, and the methods that it allows."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from starlette.testclient import TestClient

from seq_exporter import __version__
from seq_exporter.explain.evidence import Evidence
from seq_exporter.publish.deflate import DeflatedText
from seq_exporter.publish.formats import Format
from seq_exporter.publish.store import Store
from seq_exporter.publish.telemetry import Telemetry
from seq_exporter.score import Score
from seq_exporter.scores import Health, OwnScore, Snapshot
from seq_exporter.threads import NoThread
from seq_exporter.web.routes import build_app
from seq_exporter.web.settings.model import WebSettings
from seq_exporter.web.settings.reloadable import ReloadableSettings
from tests.support import day

ACME = Snapshot("acme", own=OwnScore(day(4), Score("1", overall=4.5)))
NOON = 1_793_880_000.0  # 2026-11-05 12:00:00 UTC
POLLED = Health(last_poll=NOON, last_success=NOON, next_poll=NOON + 900)
USERS = {"ada": "$2b$04$QM5zG7hnFcL1ide/1.jVCO1lpI0Aim8sZOF4Meq7AXO.SLeas9VIW"}

SCORES = """\
# HELP sendgrid_seq_account_score Overall SEQ score of the account itself, from 1 (poor) to 5 \
(good), cached from the last successful poll.
# TYPE sendgrid_seq_account_score gauge
sendgrid_seq_account_score{account="acme"} 4.5
# HELP sendgrid_seq_score_date_timestamp_seconds Midnight UTC of the day that the published \
scores are for, cached from the last successful poll.
# TYPE sendgrid_seq_score_date_timestamp_seconds gauge
sendgrid_seq_score_date_timestamp_seconds{account="acme",scope="own"} 1.7937504e+09
"""
OWN = "# TYPE shards gauge\nshards 1.0\n"
TEXT = SCORES + OWN + "# HELP polls_total All polls.\n# TYPE polls_total counter\npolls_total 1.0\n"
OPENMETRICS = (
    SCORES + OWN + "# HELP polls All polls.\n# TYPE polls counter\npolls_total 1.0\n# EOF\n"
)

ROUTES = {
    "/": {"GET", "HEAD"},
    "/metrics": {"GET", "HEAD"},
    "/-/healthy": {"GET", "HEAD"},
    "/-/ready": {"GET", "HEAD"},
    "/-/reload": {"POST"},
}
# Without a parameter, there is no page of a subuser.
ALLOWED = {**ROUTES, "/subuser": {"GET", "HEAD"}}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


class Polls(Collector):
    """A counter, which the two formats write differently."""

    def __init__(self) -> None:
        self.count = 1

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("polls", "All polls.", value=self.count)


class FakeTelemetry(Telemetry):
    """The given metric, and before it which accounts' metrics were asked for."""

    def __init__(self, polls: Polls) -> None:
        super().__init__()
        self._polls = CollectorRegistry()
        self._polls.register(polls)

    def render(self, chosen: Format) -> tuple[DeflatedText, bytes]:
        return DeflatedText.of([OWN]), chosen.render(self._polls)

    def render_accounts(
        self, chosen: Format, accounts: Collection[str]
    ) -> tuple[DeflatedText, bytes]:
        return DeflatedText.of([f"# of {sorted(accounts)}\n"]), chosen.render(self._polls)


@dataclass
class FakeExporter:
    """An exporter with the given accounts; a reload reports `problem`."""

    accounts: Sequence[tuple[Snapshot, Health]] = ((ACME, POLLED),)
    problem: str | None = None
    reloads: int = 0
    polls: Polls = field(default_factory=Polls)

    def __post_init__(self) -> None:
        self.telemetry = FakeTelemetry(self.polls)

    @property
    def names(self) -> Container[str]:
        return {snapshot.account for snapshot, _ in self.accounts}

    @property
    def unready(self) -> int:
        return sum(not health.is_ready for _, health in self.accounts)

    @property
    def store(self) -> Store:
        store = Store()
        for snapshot, _ in self.accounts:
            store.open(snapshot.account).swap(snapshot)
        return store

    async def explain(self, account: str, subuser: str, *, may_ask: bool) -> Evidence | None:
        return None

    async def reload(self) -> str | None:
        self.reloads += 1
        return self.problem


def client(exporter: FakeExporter | None = None, *, enable_lifecycle: bool = False) -> TestClient:
    app = build_app(
        exporter or FakeExporter(),
        ReloadableSettings(WebSettings),
        enable_lifecycle=enable_lifecycle,
    )
    made = TestClient(app, follow_redirects=False)
    made.headers["Accept-Encoding"] = "identity"
    return made


def test_metrics_are_the_scores_and_the_exporters_own() -> None:
    answer = client().get("/metrics")
    assert (answer.status_code, answer.text) == (200, TEXT)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(TEXT))
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert "Content-Encoding" not in answer.headers


def test_metrics_are_openmetrics_on_request() -> None:
    answer = client().get(
        "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"}
    )
    assert (answer.status_code, answer.text) == (200, OPENMETRICS)
    assert answer.headers["Content-Type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    names = [family.name for family in text_string_to_metric_families(answer.text)]  # type: ignore[no-untyped-call]
    assert names == [
        "sendgrid_seq_account_score",
        "sendgrid_seq_score_date_timestamp_seconds",
        "shards",
        "polls",
    ]


@pytest.mark.parametrize(
    ("accept", "expected"), [("", TEXT), ("application/openmetrics-text", OPENMETRICS)]
)
def test_metrics_are_compressed_if_gzip_is_accepted(accept: str, expected: str) -> None:
    headers = {"Accept": accept, "Accept-Encoding": "gzip"}
    with client().stream("GET", "/metrics", headers=headers) as answer:
        raw = b"".join(answer.iter_raw())
    assert gzip.decompress(raw).decode() == expected
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] == str(len(raw))


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (["text/html", "application/openmetrics-text"], OPENMETRICS),
        (["application/openmetrics-text;q=0.1", "text/plain"], TEXT),
        (["application/openmetrics-text", ""], OPENMETRICS),
    ],
)
def test_several_lines_of_a_header_are_one_list(accept: list[str], expected: str) -> None:
    headers = [("Accept", line) for line in accept]
    headers += [("Accept-Encoding", "br"), ("Accept-Encoding", "gzip")]
    answer = client().get("/metrics", headers=headers)
    assert (answer.text, answer.headers["Content-Encoding"]) == (expected, "gzip")
    refused = [*headers, ("Accept-Encoding", "gzip;q=0")]
    assert "Content-Encoding" not in client().get("/metrics", headers=refused).headers


TEAMS = [(replace(ACME, account=name), POLLED) for name in ("acme", "globex", "A&B ü")]


@pytest.mark.parametrize(
    ("query", "accounts"),
    [
        ("account=acme", ["acme"]),
        ("account=globex&account=acme&account=acme", ["acme", "globex"]),
        ("account=A%26B+%C3%BC", ["A&B ü"]),
        ("_=1&account=globex", ["globex"]),
    ],
)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_metrics_of_some_accounts(query: str, accounts: list[str], encoding: str) -> None:
    answer = client(FakeExporter(TEAMS)).get(
        f"/metrics?{query}", headers={"Accept-Encoding": encoding}
    )
    assert answer.status_code == 200
    lines = answer.text.splitlines()
    scores = [line for line in lines if line.startswith("sendgrid_seq_account_score{")]
    assert scores == [f'sendgrid_seq_account_score{{account="{name}"}} 4.5' for name in accounts]
    assert f"# of {accounts}" in lines
    assert "shards 1.0" not in lines
    assert lines[-1] == "polls_total 1.0"
    assert answer.headers.get("Content-Encoding") == (None if encoding == "identity" else "gzip")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("account=initech", "initech"),
        ("account=acme&account=initech", "initech"),
        ("account=Acme", "Acme"),
        ("account=acm", "acm"),
        ("account=", ""),
        ("account=acme&account=", ""),
        ("account=acme,globex", "acme,globex"),
        ("account=%1b[31m%E2%80%AE<b>", r"\x1b[31m\u202e<b>"),
        (f"account={'x' * 1000}", "x" * 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_metrics_of_an_unknown_account_are_not_found(query: str, name: str, method: str) -> None:
    answer = client(FakeExporter(TEAMS)).request(method, f"/metrics?{query}")
    text = f"No account is named '{name}': use a name of the configuration.\n"
    assert (answer.status_code, answer.text) == (404, text if method == "GET" else "")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_metrics_are_rendered_at_each_scrape() -> None:
    exporter = FakeExporter()
    scraper = client(exporter)
    assert scraper.get("/metrics").text == TEXT
    exporter.polls.count = 2
    assert scraper.get("/metrics").text == TEXT.replace("polls_total 1.0", "polls_total 2.0")
    exporter.accounts = ()
    assert scraper.get("/metrics").text == (
        f"{OWN}# HELP polls_total All polls.\n# TYPE polls_total counter\npolls_total 2.0\n"
    )


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("accept", ["*/*", "application/openmetrics-text"])
def test_head_has_the_headers_of_get_and_no_body(path: str, encoding: str, accept: str) -> None:
    headers = {"Accept": accept, "Accept-Encoding": encoding}
    get, head = (client().request(method, path, headers=headers) for method in ("GET", "HEAD"))
    assert (head.status_code, head.headers) == (get.status_code, get.headers)
    assert (bool(get.content), head.content) == (True, b"")


def test_the_status_page_is_html() -> None:
    answer = client().get("/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"Version {__version__}." in answer.text


def test_the_status_page_has_security_headers() -> None:
    headers = client().get("/").headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_exporter_is_healthy_even_if_polls_fail() -> None:
    for health in (Health(), replace(POLLED, failure="500")):
        answer = client(FakeExporter([(ACME, health)])).get("/-/healthy")
        assert (answer.status_code, answer.text) == (200, "seq-exporter is healthy.\n")


@pytest.mark.parametrize(
    ("healths", "status", "text"),
    [
        ([POLLED], 200, "seq-exporter is ready.\n"),
        ([replace(POLLED, failure="500"), POLLED], 200, "seq-exporter is ready.\n"),
        ([Health(is_restored=True)], 200, "seq-exporter is ready.\n"),
        (
            [POLLED, Health()],
            503,
            "seq-exporter is not ready: 1 account has not finished its first poll.\n",
        ),
        (
            [POLLED, Health(), Health()],
            503,
            "seq-exporter is not ready: 2 accounts have not finished their first poll.\n",
        ),
    ],
)
def test_ready_after_every_first_poll_succeeded_or_failed(
    healths: list[Health], status: int, text: str
) -> None:
    answer = client(FakeExporter([(ACME, health) for health in healths])).get("/-/ready")
    assert (answer.status_code, answer.text) == (status, text)


class BusyExporter(FakeExporter):
    """An exporter on a machine that starts no thread."""

    def __getattribute__(self, name: str) -> Any:
        if name == "accounts":
            raise NoThread
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/subuser?account=acme&subuser=a",
        "/api/v1/scores",
        "/api/v1/status",
        "/metrics?account=a",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_without_a_thread_a_request_may_be_repeated(path: str, method: str) -> None:
    answer = client(BusyExporter()).request(method, path)
    text = "no thread can be started: try again, or raise the limit of threads of this service\n"
    assert (answer.status_code, answer.text) == (503, text if method == "GET" else "")


def test_reloading_is_disabled_by_default() -> None:
    exporter = FakeExporter()
    answer = client(exporter).post("/-/reload")
    assert (answer.status_code, answer.text, exporter.reloads) == (
        403,
        "Reloading over HTTP is disabled: start with --web.enable-lifecycle.\n",
        0,
    )


@pytest.mark.parametrize(
    ("problem", "status", "text"),
    [
        (None, 200, "Configuration reloaded.\n"),
        ("config.yaml:1: accounts: is missing: add it", 500, None),
        ("config.yaml: 2 mistakes\nconfig.yaml:1: x\nconfig.yaml:2: y", 500, None),
    ],
)
def test_a_reload_reports_its_outcome(problem: str | None, status: int, text: str | None) -> None:
    exporter = FakeExporter(problem=problem)
    answer = client(exporter, enable_lifecycle=True).post("/-/reload")
    assert (answer.status_code, answer.text) == (status, text or f"{problem}\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert exporter.reloads == 1


@pytest.mark.parametrize(
    "path",
    [
        "/metrics/",
        "/-/healthy/",
        "/-/ready/",
        "/-/reload/",
        "/-/",
        "/-/quit",
        "/Metrics",
        "/metrics.html",
        "//metrics",
        "/status.html",
        "/favicon.ico",
        "/docs",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_not_found(path: str, method: str) -> None:
    made = client(enable_lifecycle=True)
    assert made.request(method, f"http://testserver{path}").status_code == 404


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (path, method)
        for path, allowed in ALLOWED.items()
        for method in METHODS
        if method not in allowed
    ],
)
@pytest.mark.parametrize("enable_lifecycle", [True, False])
def test_a_wrong_method_is_not_allowed(path: str, method: str, enable_lifecycle: bool) -> None:
    exporter = FakeExporter()
    answer = client(exporter, enable_lifecycle=enable_lifecycle).request(method, path)
    assert (answer.status_code, exporter.reloads) == (405, 0)
    assert set(answer.headers["Allow"].split(", ")) == ALLOWED[path]


def test_paths_need_a_password_if_users_are_configured() -> None:
    app = build_app(
        FakeExporter(), ReloadableSettings(lambda: WebSettings(users=USERS)), enable_lifecycle=True
    )
    stranger, ada = TestClient(app), TestClient(app)
    ada.auth = ("ada", "x")
    for path, allowed in ROUTES.items():
        method = "POST" if "POST" in allowed else "GET"
        is_open = path in ("/-/healthy", "/-/ready")
        assert stranger.request(method, path).status_code == (200 if is_open else 401)
        assert ada.request(method, path).status_code == 200
    assert stranger.get("/subuser").status_code == 401
    assert ada.get("/subuser").status_code == 400
