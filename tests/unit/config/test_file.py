"""The configuration file: what it may hold, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq_exporter.config.file import load_config
from seq_exporter.config.model import (
    ALL_SUBUSERS,
    Account,
    Config,
    PollSettings,
    SeriesSelection,
    SubuserSelection,
)
from seq_exporter.config.secret import ApiKey, Secret
from tests.support import KEY, ROOT

MINIMAL = "accounts:\n  - {name: acme, api_key: k}\n"


def load(folder: Path, text: str, **environ: str) -> Config:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, environ)


def test_a_name_and_a_key_are_enough(tmp_path: Path) -> None:
    assert load(tmp_path, MINIMAL) == Config(
        accounts=(
            Account(
                name="acme",
                api_key=ApiKey(Secret("k")),
                base_url="https://api.sendgrid.com",
                on_behalf_of="",
                own_score=True,
                subusers=ALL_SUBUSERS,
            ),
        ),
        poll=PollSettings(
            interval_seconds=900.0,
            refresh_interval_seconds=3600.0,
            lookback_days=7,
            timeout_seconds=30.0,
        ),
        state_dir=None,
    )


def test_every_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    text = """
accounts:
  - name: acme
    api_key: ${ACME_KEY}
    region: eu
    on_behalf_of: account-id 7
    own_score: false
    subusers: [shop-de, "1234"]
  - name: globex
    api_key_file: key
    base_url: http://127.0.0.1:8080/sim/
    subusers: none
poll:
  interval: 1h30m
  refresh_interval: 2h
  lookback: 1w
  timeout: 500ms
state_dir: state
"""
    config = load(tmp_path, text, ACME_KEY=f" '{KEY}'\n")
    assert config == Config(
        accounts=(
            Account(
                name="acme",
                api_key=ApiKey(Secret(KEY)),
                base_url="https://api.eu.sendgrid.com",
                on_behalf_of="account-id 7",
                own_score=False,
                subusers=SubuserSelection(names=frozenset({"shop-de", "1234"})),
            ),
            Account(
                name="globex",
                api_key=ApiKey(tmp_path / "key"),
                base_url="http://127.0.0.1:8080/sim",
                own_score=True,
                subusers=None,
            ),
        ),
        poll=PollSettings(5400.0, 7200.0, 7, 0.5),
        state_dir=tmp_path / "state",
    )


@pytest.mark.parametrize(
    ("form", "inside", "outside"),
    [
        ("all", ["a", "Shop-De", "7"], []),
        ("[a, b]", ["a", "b"], ["c", "A", "ab"]),
        ("{include: ['shop-*']}", ["shop-de", "shop-"], ["shop", "Shop-de", "x-shop-de"]),
        ("{exclude: ['*-test']}", ["a", "test"], ["a-test"]),
        (
            "{include: ['shop-?e', billing], exclude: ['*-test', shop-fe]}",
            ["shop-de", "billing"],
            ["shop-fe", "shop-fr", "billing2"],
        ),
        ("{include: ['a.b']}", ["a.b"], ["axb"]),
        ("{include: []}", [], ["a"]),
    ],
)
def test_which_subusers_are_selected(
    tmp_path: Path, form: str, inside: list[str], outside: list[str]
) -> None:
    config = load(tmp_path, f"accounts: [{{name: a, api_key: k, subusers: {form}}}]")
    selection = config.accounts[0].subusers
    assert selection is not None
    assert [name for name in inside + outside if name in selection] == inside


def test_a_pattern_without_a_wildcard_names_somebody(tmp_path: Path) -> None:
    text = "accounts: [{name: a, api_key: k, subusers: {include: [shop, 'x-*']}}]"
    selection = load(tmp_path, text).accounts[0].subusers
    assert selection == SubuserSelection(names=frozenset({"shop"}), include=("x-*",))


def test_settings_may_be_shared_by_anchors(tmp_path: Path) -> None:
    text = """
accounts:
  - &base {name: a, api_key: k, own_score: false}
  - {<<: *base, name: b}
"""
    assert [account.own_score for account in load(tmp_path, text).accounts] == [False, False]


@pytest.mark.parametrize(
    ("base_url", "is_private"),
    [
        ("https://proxy.example", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("http://proxy.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_who_could_read_the_key_on_its_way(base_url: str, is_private: bool) -> None:
    assert Account("acme", ApiKey(Secret("k")), base_url=base_url).is_private == is_private


def test_the_example_is_valid_as_it_stands() -> None:
    example = ROOT / "config.example.yaml"
    config = load_config(example, {})
    assert config.poll == PollSettings()
    assert config.state_dir is None
    assert config.accounts[0] == Account("acme", ApiKey(Secret("SG.put-your-key-here")))


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("all", SeriesSelection()),
        ("distribution", SeriesSelection(scores=False, metrics=(), eligible=False)),
        ("{}", SeriesSelection()),
        ("{scores: false}", SeriesSelection(scores=False)),
        ("{metrics: []}", SeriesSelection(metrics=())),
        (
            "{metrics: [spam_rate, open_rate], eligible: false}",
            SeriesSelection(metrics=("open_rate", "spam_rate"), eligible=False),
        ),
    ],
)
def test_the_forms_of_series(tmp_path: Path, text: str, series: SeriesSelection) -> None:
    config = load(tmp_path, f"accounts: [{{name: a, api_key: k, series: {text}}}]")
    assert config.accounts[0].series == series


def test_a_limit_of_series(tmp_path: Path) -> None:
    config = load(tmp_path, "accounts: [{name: a, api_key: k, max_series: 7}]")
    assert config.accounts[0].max_series == 7
