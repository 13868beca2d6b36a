"""What a state file holds of a snapshot, byte for byte: a later version reads it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot, SubuserScores
from seq_exporter.serve.saved import dump_snapshot, parse_snapshot
from tests.support import day

SUBUSERS = SubuserScores(
    day(4),
    {"shop-de": Score("180", "shop-de", 4.2, (4.0, 3.0, None, 4.5, 5.0)), "181": Score("181")},
    missing=("typo",),
    has_scores=False,
    read_at=1793880000.25,
    users=7,
)
SNAPSHOT = Snapshot("acme", SUBUSERS, OwnScore(day(5), Score("9", "acme", 3.0, (3.0,) * 5), 1.5))
SAVED = (
    b'{"account":"acme","subusers":{"day":"2026-11-04","by_label":{'
    b'"shop-de":["180","shop-de",4.2,[4.0,3.0,null,4.5,5.0]],'
    b'"181":["181",null,null,[null,null,null,null,null]]},'
    b'"missing":["typo"],"has_scores":false,"read_at":1793880000.25,"users":7},'
    b'"own":{"day":"2026-11-05","score":["9","acme",3.0,[3.0,3.0,3.0,3.0,3.0]],"read_at":1.5}}'
)


def test_a_snapshot_is_these_bytes() -> None:
    assert dump_snapshot(SNAPSHOT) == SAVED


def test_the_bytes_are_the_snapshot() -> None:
    parsed = parse_snapshot(SAVED)
    assert parsed == SNAPSHOT
    assert parsed.subusers
    assert (parsed.subusers.read_at, parsed.subusers.users) == (1793880000.25, 7)
    assert parsed.own
    assert parsed.own.read_at == 1.5


@pytest.mark.parametrize("snapshot", [Snapshot("acme"), replace(SNAPSHOT, own=None)])
def test_a_part_may_be_missing(snapshot: Snapshot) -> None:
    assert parse_snapshot(dump_snapshot(snapshot)) == snapshot


def test_what_is_derived_is_not_saved() -> None:
    derived = replace(SUBUSERS, band_counts=((1, 2, 3, 4, 5),) * 6).compare({"180": 4.0})
    assert derived.change7 == (0.2, None)
    assert dump_snapshot(replace(SNAPSHOT, subusers=derived)) == SAVED


@pytest.mark.parametrize(
    ("known", "changed"),
    [
        (b'"acme"', b"5"),
        (b'"2026-11-04"', b'"yesterday"'),
        (b'"180",', b""),
        (b'"180",', b'"180","180",'),
        (b"4.2", b'"high"'),
        (b"[4.0,3.0,null,4.5,5.0]", b"4.0"),
        (b'["9","acme",3.0,[3.0,3.0,3.0,3.0,3.0]]', b"{}"),
        (b'"account"', b'"name"'),
        (b"}}", b"}"),
    ],
)
def test_anything_else_is_an_error(known: bytes, changed: bytes) -> None:
    assert SAVED.count(known) >= 1
    with pytest.raises(ValueError, match="validation error"):
        parse_snapshot(SAVED.replace(known, changed, 1))
