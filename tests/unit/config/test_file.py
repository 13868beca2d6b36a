"""The configuration file: what it may contain, and the configuration that it becomes."""

from __future__ import annotations

from pathlib import Path

from seq_exporter.config.file import load_config
from seq_exporter.config.model import (
    ALL_SUBUSERS,
    Account,
    Config,
    PollSettings,
    SubuserSelection,
)
from seq_exporter.config.secret import ApiKey, Secret
from tests.support import KEY, ROOT
from tests.unit.config.files import MINIMAL, load


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


def test_accounts_may_share_settings_with_anchors(tmp_path: Path) -> None:
    text = """
accounts:
  - &base {name: a, api_key: k, own_score: false}
  - {<<: *base, name: b}
"""
    assert [account.own_score for account in load(tmp_path, text).accounts] == [False, False]


def test_the_example_is_valid() -> None:
    example = ROOT / "config.example.yaml"
    config = load_config(example, {})
    assert config.poll == PollSettings()
    assert config.state_dir is None
    assert config.accounts[0] == Account("acme", ApiKey(Secret("SG.put-your-key-here")))
