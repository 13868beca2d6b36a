"""The same samples as in the files, sent to a receiver on loopback."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.openmetrics import write_files
from seq_exporter.commands.backfill.plan import Plan
from seq_exporter.commands.backfill.remote_write import Receiver
from seq_exporter.commands.backfill.sending import Sent, send_series
from seq_exporter.errors import RemoteWriteFailed
from tests.support import account
from tests.unit.commands.backfill.past import at, fill, plan_of
from tests.unit.commands.backfill.receiving import Answer, FakeReceiver
from tests.unit.commands.backfill.test_write_request import read_request

TAKEN = Answer(204)
REFUSED = Answer(400, b"no")

#: Labels, seconds, value.
Sample = tuple[tuple[tuple[str, str], ...], float, float]


def send(
    plan: Plan, archive: Archive, receiver: FakeReceiver, headers: dict[str, str] | None = None
) -> Sent:
    with requests.Session() as session:
        made = Receiver(receiver.url, headers or {}, session, lambda seconds: None, 10)
        return send_series(plan, archive, made, lambda done, text: None)


def samples_of(bodies: list[bytes]) -> list[Sample]:
    return [
        (tuple(labels), moment / 1000, value)
        for body in bodies
        for labels, samples in read_request(body)
        for moment, value in samples
    ]


def test_what_is_sent_is_what_would_be_in_the_files(archive: Archive, tmp_path: Path) -> None:
    plan = plan_of(fill(archive, account()), at(4), step_seconds=3600)
    with FakeReceiver(TAKEN).running() as receiver:
        count = send(plan, archive, receiver)
    sent = samples_of([request.body for request in receiver.requests])
    (file,) = write_files(plan, archive, tmp_path, lambda done, text: None)
    written = [
        (
            tuple(sorted({"__name__": sample.name, **sample.labels}.items())),
            float(sample.timestamp),
            sample.value,
        )
        for family in text_string_to_metric_families(file.read_text())  # type: ignore[no-untyped-call]
        for sample in family.samples
    ]
    assert sorted(sent) == sorted(written)
    assert count == (len(sent), 0)
    assert len(sent) == len(set(sent)) > 1000


def test_what_was_taken_before_a_stop_is_not_sent_again(archive: Archive) -> None:
    plan = plan_of(fill(archive, account()), at(4), step_seconds=60)
    with FakeReceiver(TAKEN).running() as whole:
        sent = send(plan, archive, whole)
    bodies = [request.body for request in whole.requests]
    assert len(bodies) > 4

    with FakeReceiver(TAKEN, TAKEN, REFUSED).running() as receiver:
        with pytest.raises(RemoteWriteFailed, match=r"answers 400 \(no\)"):
            send(plan, archive, receiver)
        receiver.answers = [TAKEN]
        now, before = send(plan, archive, receiver)
    assert [request.body for request in receiver.requests] == [*bodies[:3], *bodies[2:]]
    assert before == len(samples_of(bodies[:2]))
    assert now + before == sent.now


def test_after_a_whole_run_everything_is_sent_again(archive: Archive) -> None:
    # The receiver may have lost it: nobody would know from here.
    plan = plan_of(fill(archive, account()), at(4), step_seconds=3600)
    with FakeReceiver(TAKEN).running() as receiver:
        assert send(plan, archive, receiver) == send(plan, archive, receiver)
    first, second = receiver.requests
    assert first.body == second.body


def test_another_tenant_is_another_receiver(archive: Archive) -> None:
    plan = plan_of(fill(archive, account()), at(4), step_seconds=60)
    with FakeReceiver(TAKEN, TAKEN, REFUSED).running() as receiver:
        with pytest.raises(RemoteWriteFailed):
            send(plan, archive, receiver, {"X-Scope-OrgID": "a"})
        receiver.answers = [TAKEN]
        assert send(plan, archive, receiver, {"X-Scope-OrgID": "b"}).before == 0
        assert send(plan, archive, receiver, {"X-Scope-OrgID": "a"}).before > 0


def test_what_has_changed_is_sent_anew(archive: Archive) -> None:
    plan = plan_of(fill(archive, account()), at(4), step_seconds=3600)
    with FakeReceiver(TAKEN).running() as receiver:
        send(plan, archive, receiver)
        send(replace(plan, labels={"job": "other"}), archive, receiver)
    first, second = receiver.requests
    assert ("job", "other") in read_request(second.body)[0][0]
    assert ("job", "seq") in read_request(first.body)[0][0]
