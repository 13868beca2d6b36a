"""Each thing that can be wrong with an account, and the line that says so."""

from __future__ import annotations

import json
from email.utils import formatdate
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import responses

from seq_exporter.commands.check.account import AccountCheck
from seq_exporter.commands.check.findings import (
    AccountReport,
    CheckReport,
    Finding,
    Verdict,
    describe_json,
    to_json,
    wrap,
)
from seq_exporter.config.model import BASE_URLS, PollSettings, SubuserSelection
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.sendgrid.session import open_session
from tests.support import BASE_URL, KEY, FakeSendGrid, FakeTime, account, day, item

SCOPES = f"{BASE_URL}/v3/scopes"
EU = BASE_URLS["eu"]
WHY = "open tracking is off, or fewer than 1,000 messages were sent in 30 days"
NETWORK = "check DNS, the firewall and HTTPS_PROXY"


@pytest.fixture
def healthy(sendgrid: FakeSendGrid, mock: responses.RequestsMock, time: FakeTime) -> FakeSendGrid:
    """A SendGrid where everything is well."""
    accept(mock, time, SCOPES)
    sendgrid.subusers[day(3)] = [item("1", "shop-de", 4.2), item("2", "shop-fr")]
    sendgrid.own[day(3)] = {"user_id": "9", "score": 3.9}
    return sendgrid


def accept(mock: responses.RequestsMock, time: FakeTime, url: str, ahead: float = 0) -> None:
    headers = {
        "Date": formatdate(time.seconds - ahead, usegmt=True),
        "X-RateLimit-Limit": "600",
        "X-RateLimit-Remaining": "598",
        "X-RateLimit-Reset": str(int(time.seconds) + 60),
    }
    mock.add(responses.GET, url, json={"scopes": ["a", "b"]}, headers=headers)


def run(time: FakeTime, **changes: Any) -> AccountReport:
    check = AccountCheck(account(**changes), PollSettings(), open_session(), time.clock, time.sleep)
    report = check.run()
    # Whatever a test makes of it, a program can read it.
    jsonschema.validate(to_json(CheckReport([report])), describe_json())
    return report


def troubles(report: AccountReport) -> list[str | None]:
    return [each.trouble for each in report.findings if each.trouble]


def lines(report: AccountReport) -> list[str]:
    return [f"{each.verdict.mark} {each.about}: {each.text}" for each in report.findings]


def test_a_healthy_account(healthy: FakeSendGrid, time: FakeTime) -> None:
    report = run(time)
    assert lines(report) == [
        f"✓ key: accepted by {BASE_URL}, with 2 permissions",
        f"✓ subusers: 2026-11-03: 1 scored, 1 without a score ({WHY})",
        "✓ own score: 2026-11-03: 3.9",
        "✓ clock: within 1 s of SendGrid's",
    ]
    assert report.ok


@pytest.mark.parametrize(
    ("limit", "remaining", "reset", "said"),
    [
        (
            "1000000",
            "999999",
            "30",
            "✓ rate limit: 999999 of 1000000 requests left until 12:00:30 UTC",
        ),
        ("123456789", "0", "30", "! rate limit: 0 of 123456789 requests left until 12:00:30 UTC"),
        ("1e6", "1000000.0", "", "✓ rate limit: 1000000 of 1000000 requests left"),
        ("", "598", "1e18", "✓ rate limit: 598 requests left"),
        ("600", "598", "1e300", "✓ rate limit: 598 of 600 requests left"),
    ],
)
def test_numbers_of_headers_are_written_out(
    limit: str,
    remaining: str,
    reset: str,
    said: str,
    mock: responses.RequestsMock,
    time: FakeTime,
) -> None:
    headers = {
        "X-RateLimit-Limit": limit,
        "X-RateLimit-Remaining": remaining,
        "X-RateLimit-Reset": reset,
    }
    mock.add(responses.GET, SCOPES, json={"scopes": []}, headers=headers)
    report = run(time, own_score=False, subusers=None)
    assert said in lines(report)
    assert troubles(report) == (["rate_limit_used_up"] if said[0] == "!" else [])


def test_what_the_headers_tell(
    healthy: FakeSendGrid, mock: responses.RequestsMock, time: FakeTime
) -> None:
    report = run(time, own_score=False, subusers=None)
    assert lines(report)[1:] == [
        "✓ rate limit: 598 of 600 requests left until 12:01:00 UTC",
        "✓ clock: within 1 s of SendGrid's",
    ]


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (59, "✓ clock: within 59 s of SendGrid's"),
        (90, "! clock: 90 s ahead of SendGrid's: set it, for example with NTP"),
        (-90, "! clock: 90 s behind SendGrid's: set it, for example with NTP"),
    ],
)
def test_a_clock_that_is_wrong(
    ahead: float, said: str, mock: responses.RequestsMock, time: FakeTime
) -> None:
    accept(mock, time, SCOPES, ahead + (0.5 if ahead < 0 else -0.5))
    report = run(time, own_score=False, subusers=None)
    assert lines(report)[-1] == said
    assert troubles(report) == (["clock"] if said[0] == "!" else [])
    assert report.ok


@pytest.mark.parametrize(
    ("scored", "own", "said", "kinds"),
    [
        (
            [item("1", "shop-de")],
            {"user_id": "9"},
            [
                f"! subusers: 2026-11-03: 0 scored, 1 without a score: {WHY}",
                f"! own score: none on the last 7 days: {WHY}",
            ],
            ["not_eligible", "no_scores"],
        ),
        (
            None,
            None,
            [
                "! subusers: none on the last 7 days: SendGrid has not calculated them yet, or "
                "there are none",
                f"! own score: none on the last 7 days: {WHY}",
            ],
            ["no_scores", "no_scores"],
        ),
    ],
)
def test_nobody_has_a_score(
    scored: Any,
    own: Any,
    said: list[str],
    kinds: list[str],
    healthy: FakeSendGrid,
    time: FakeTime,
) -> None:
    healthy.subusers = {day(3): scored} if scored else {}
    healthy.own = {day(3): own} if own else {}
    report = run(time)
    assert lines(report)[1:3] == said
    assert troubles(report) == kinds
    assert report.ok


def test_a_subuser_that_is_misspelt(healthy: FakeSendGrid, time: FakeTime) -> None:
    named = SubuserSelection(names=frozenset({"shop-dee", "shop-fr", "zebra"}))
    report = run(time, subusers=named)
    assert lines(report)[2:4] == [
        "! missing: no subuser is called 'shop-dee': did you mean 'shop-de'?",
        "! missing: no subuser is called 'zebra': correct or remove the name",
    ]
    assert report.findings[2].facts == {"subuser": "shop-dee", "nearest": "shop-de"}
    assert troubles(report) == ["not_eligible", "unknown_subuser", "unknown_subuser"]


def test_a_choice_that_fits_nobody(healthy: FakeSendGrid, time: FakeTime) -> None:
    report = run(time, subusers=SubuserSelection(names=frozenset({"shop-*"})))
    assert lines(report)[1:3] == [
        "! subusers: 2026-11-03: none of the 2 subusers fits `subusers`: 'shop-*' is a glob, "
        "and a list holds usernames: write {include: ['shop-*']}",
        "✓ own score: 2026-11-03: 3.9",
    ]
    assert report.findings[1].facts == {
        "day": "2026-11-03",
        "scored": 0,
        "ineligible": 0,
        "missing": 1,
    }
    assert troubles(report) == ["no_subusers"]
    assert report.ok


@pytest.mark.parametrize(
    ("users", "names", "wanted", "said"),
    [
        (
            [item("1", "shop-de", 4.2), item("2", "shop-fr")],
            {},
            {"shop-dee", "zebra"},
            "none of the 2 subusers fits `subusers`: "
            "no subuser is called 'shop-dee': did you mean 'shop-de'?",
        ),
        (
            [],
            {},
            {"shop-de"},
            "SendGrid returns no subusers: if the account has none, write `subusers: none`; "
            "otherwise check the key's permissions and on_behalf_of",
        ),
        (
            [],
            {},
            None,
            "SendGrid returns no subusers: if the account has none, write `subusers: none`; "
            "otherwise check the key's permissions and on_behalf_of",
        ),
        (
            [item("11", None, 4.2), item("12")],
            (403, {}, ""),
            {"shop-de"},
            "none of the 2 subusers fits `subusers`: SendGrid returns no usernames, so subusers "
            "are chosen by user_id, such as '11': let the key read Subuser Management, or choose "
            "by user_id",
        ),
        (
            [item("11", None, 4.2)],
            {"12": "shop-de"},
            {"shop-de"},
            "SendGrid returns none of the chosen subusers",
        ),
    ],
)
def test_why_no_subuser_is_published(
    users: Any, names: Any, wanted: Any, said: str, healthy: FakeSendGrid, time: FakeTime
) -> None:
    healthy.subusers, healthy.names = {day(3): users}, names
    choice = {"subusers": SubuserSelection(names=frozenset(wanted))} if wanted else {}
    report = run(time, **choice)
    about = [line for line in lines(report) if "subusers: " in line or "missing" in line]
    assert about == [f"! subusers: 2026-11-03: {said}"]
    assert report.ok


def test_a_missing_name_may_be_that_of_a_user_without_one(
    healthy: FakeSendGrid, time: FakeTime
) -> None:
    healthy.subusers = {day(3): [item("1", "shop-de", 4.2), item("3")]}
    healthy.names = (403, {}, "")
    report = run(time, subusers=SubuserSelection(names=frozenset({"shop-de", "zebra"})))
    assert (
        "! missing: no subuser is called 'zebra': correct or remove it, unless SendGrid does not "
        "return its username (subusers without one: 1)"
    ) in lines(report)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (
            KEY,
            "✗ key: 401 (no): SendGrid refuses the key: "
            "is it active, complete and for this region?",
        ),
        (
            "a" * 22,
            "✗ key: refused (401): this is the ID of a key, not the key. A key begins with SG., "
            "and SendGrid shows it only once: create a new one",
        ),
        (
            KEY[:-1],
            "✗ key: refused (401): it has 68 characters; a SendGrid key has 69, begins with SG. "
            "and contains another dot: is it complete?",
        ),
    ],
)
def test_a_key_that_is_refused(
    key: str, said: str, mock: responses.RequestsMock, time: FakeTime
) -> None:
    mock.add(responses.GET, SCOPES, status=401)
    mock.add(responses.GET, f"{EU}/v3/scopes", status=401)
    refuse(mock, "subusers/scores", 401, "no")
    report = run(time, api_key=ApiKey(Secret(key)))
    assert lines(report) == [said]
    assert troubles(report) == ["unauthorized"]
    assert not report.ok
    assert key not in str(report)


def test_a_key_of_the_other_region(mock: responses.RequestsMock, time: FakeTime) -> None:
    mock.add(responses.GET, SCOPES, status=401)
    refuse(mock, "subusers/scores", 401, "no")
    accept(mock, time, f"{EU}/v3/scopes")
    assert lines(run(time)) == [f"✗ key: refused, but accepted by {EU}: set `region: eu`"]


def test_a_key_without_the_permission(
    healthy: FakeSendGrid, mock: responses.RequestsMock, time: FakeTime
) -> None:
    healthy.subusers = {day(5 - back): (403, {}, "") for back in range(7) if back < 5}
    healthy.own = {day(5): (403, {}, "")}
    report = run(time)
    permission = (
        "403: the key is valid, but lacks the permission: give it read access to Stats and "
        "Subuser Management (SendGrid does not document the permission), or check on_behalf_of"
    )
    assert lines(report)[1:3] == [f"✗ subusers: {permission}", f"✗ own score: {permission}"]
    assert troubles(report) == ["forbidden", "forbidden"]
    assert not report.ok


FOREIGN = "a proxy or a firewall answers instead of SendGrid, see docs/proxies.md"


@pytest.mark.parametrize("body", ["<html>Blocked</html>", '{"message": "Forbidden"}', "no"])
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_proxy_that_answers_itself(
    status: int, body: str, mock: responses.RequestsMock, time: FakeTime
) -> None:
    mock.get(SCOPES, status=status, body=body)
    for path in ("subusers/scores", "scores"):
        mock.get(f"{BASE_URL}/v3/engagementquality/{path}", status=status, body=body)
    report = run(time)
    assert lines(report) == [
        f"✗ subusers: {status}: {FOREIGN}",
        f"✗ own score: {status}: {FOREIGN}",
    ]
    assert not report.ok


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "{}"), (200, "[]"), (200, '{"scopes": "all"}'), (200, "<html>"), (202, ""), (202, "<")],
)
def test_an_answer_without_permissions_does_not_accept_a_key(
    status: int, body: str, mock: responses.RequestsMock, time: FakeTime
) -> None:
    mock.get(SCOPES, status=status, body=body)
    mock.get(f"{EU}/v3/scopes", status=status, body=body)
    refuse(mock, "subusers/scores", 401, "no")
    assert lines(run(time)) == [
        "✗ key: 401 (no): SendGrid refuses the key: is it active, complete and for this region?"
    ]


def test_a_cause_with_a_remedy_needs_no_other(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://me:passw0rd@proxy")
    assert lines(run(time)) == [
        f"✗ SendGrid: no connection to {BASE_URL}: HTTPS_PROXY is not the URL of a proxy: write "
        "it as http://proxy.example.com:3128"
    ]


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (500, "✗ subusers: 500: SendGrid, or a proxy in front of it, failed", "server_error"),
        (
            404,
            "✗ subusers: 404: no such user or address: check on_behalf_of and base_url",
            "not_found",
        ),
        (
            302,
            "✗ subusers: 302: redirects are not followed: correct base_url",
            "unexpected_status",
        ),
    ],
)
def test_an_endpoint_that_fails(
    status: int, said: str, kind: str, mock: responses.RequestsMock, time: FakeTime
) -> None:
    mock.add(responses.GET, SCOPES, status=404)
    refuse(mock, "subusers/scores", status, "")
    report = run(time, own_score=False)
    assert (lines(report), troubles(report)) == ([said], [kind])


def test_more_series_than_allowed(healthy: FakeSendGrid, time: FakeTime) -> None:
    report = run(time, max_series=10)
    assert troubles(report) == ["too_many_series"]
    assert lines(report)[3] == (
        "✗ series: 44 series are more than max_series, 10: raise it, or leave series out"
    )
    assert not report.ok


def test_as_many_series_as_allowed(healthy: FakeSendGrid, time: FakeTime) -> None:
    report = run(time, max_series=1000)
    assert lines(report)[3] == "✓ series: 44 of max_series 1000"
    assert report.findings[3].facts == {"series": 44, "max_series": 1000}
    assert report.ok


def test_no_network(mock: responses.RequestsMock, time: FakeTime) -> None:
    report = run(time)
    (finding,) = report.findings
    assert (finding.about, finding.trouble) == ("SendGrid", "connection")
    assert finding.text.startswith(f"no connection to {BASE_URL}: ")
    assert finding.text.endswith(f"; {NETWORK}")
    assert not report.ok


def test_no_key(time: FakeTime, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    (finding,) = run(time, api_key=ApiKey(tmp_path / "key")).findings
    assert (finding.verdict, finding.about) == (Verdict.WRONG, "key")
    assert finding.trouble == "key_unavailable"


def test_it_can_be_read_by_programs(healthy: FakeSendGrid, time: FakeTime) -> None:
    told = json.loads(json.dumps(to_json(CheckReport([run(time)]))))
    assert told["ok"] is True
    (acme,) = told["accounts"]
    assert (acme["account"], acme["ok"]) == ("acme", True)
    assert acme["findings"][1] == {
        "verdict": "right",
        "about": "subusers",
        "text": f"2026-11-03: 1 scored, 1 without a score ({WHY})",
        "facts": {"day": "2026-11-03", "scored": 1, "ineligible": 1, "missing": 0},
        "trouble": None,
    }
    assert acme["findings"][2]["facts"] == {"day": "2026-11-03", "score": 3.9}


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_line_is_as_wide_as_the_terminal(width: int) -> None:
    finding = Finding(Verdict.DOUBTFUL, "missing", "no subuser is called 'shop-dee' " * 4)
    made = list(wrap(finding, width))
    assert all(len(line) <= max(width - 4, 20) for line in made)
    assert " ".join(" ".join(made).split()).count("no subuser is called 'shop-dee'") == 4


def test_a_name_cannot_command_the_terminal() -> None:
    finding = Finding(Verdict.DOUBTFUL, "missing", "no subuser is called 'a\x1b[2J\u202e\tb\nc'")
    assert list(wrap(finding, 80)) == [
        r"missing    no subuser is called 'a\x1b[2J\u202e\tb\nc'",
    ]


def refuse(mock: responses.RequestsMock, path: str, status: int, message: str) -> None:
    body = {"errors": [{"message": message}]} if message else {}
    mock.add(responses.GET, f"{BASE_URL}/v3/engagementquality/{path}", status=status, json=body)
