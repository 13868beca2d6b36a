"""The configuration file: what it may contain, and the configuration that it becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq_exporter.config.file import find_config, load_config
from seq_exporter.config.model import (
    ALL_SUBUSERS,
    Account,
    Config,
    PollSettings,
    SeriesSelection,
    SubuserSelection,
)
from seq_exporter.config.secret import ApiKey, Secret
from seq_exporter.errors import ConfigError
from tests.support import KEY, ROOT
from tests.unit.config.files import MINIMAL, load


def test_where_there_is_no_file_the_installed_example_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    (tmp_path / "share" / "seq-exporter").mkdir(parents=True)
    example = tmp_path / "share" / "seq-exporter" / "config.example.yaml"
    example.touch()
    with pytest.raises(ConfigError, match=f"Write one as {example} shows, or name one"):
        find_config(str(tmp_path / "config.yaml"))


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


def test_white_space_around_a_text_is_no_part_of_it(tmp_path: Path) -> None:
    """A variable from a file, and a block scalar, end with a line break."""
    (tmp_path / "key").write_text(KEY)
    text = """
accounts:
  - name: |
      Acme Corp
    api_key: |
      ${KEY}
    base_url: ${URL}
    on_behalf_of: >
      shop
    subusers:
      - |
        shop-de
      - ' shop-fr '
  - name: globex
    api_key_file: ${FILE}
    region: ${REGION}
    subusers: ${ALL}
    series: |
      distribution
  - name: initech
    api_key: k
    subusers: {include: [" shop-* ", "${SHOP}"], exclude: ["*-test\\t"]}
poll:
  interval: ${INTERVAL}
  timeout: |
    5s
state_dir: |
  state
"""
    config = load(
        tmp_path,
        text,
        KEY=f"{KEY}\n",
        URL=" https://proxy.example/\r\n",
        FILE="key\n",
        REGION="eu\n",
        ALL="\tall",
        SHOP="billing\n",
        INTERVAL="1h\n",
    )
    acme, globex, initech = config.accounts
    assert (acme.name, acme.api_key) == ("Acme Corp", ApiKey(Secret(KEY)))
    assert (acme.base_url, acme.on_behalf_of) == ("https://proxy.example", "shop")
    assert acme.subusers == SubuserSelection(names=frozenset({"shop-de", "shop-fr"}))
    assert (globex.api_key, globex.base_url) == (
        ApiKey(tmp_path / "key"),
        "https://api.eu.sendgrid.com",
    )
    assert globex.subusers == ALL_SUBUSERS
    assert globex.series == SeriesSelection(scores=False, metrics=(), eligible=False)
    assert initech.subusers == SubuserSelection(frozenset({"billing"}), ("shop-*",), ("*-test",))
    assert (config.poll.interval_seconds, config.poll.timeout_seconds) == (3600.0, 5.0)
    assert config.state_dir == tmp_path / "state"


def test_two_dollar_signs_make_a_brace_literal(tmp_path: Path) -> None:
    text = "accounts: [{name: 'a $${A} ${A} $ $A', api_key: k}]"
    assert load(tmp_path, text, A="b").accounts[0].name == "a ${A} b $ $A"


def test_keys_at_the_top_that_begin_with_x_hold_anchors(tmp_path: Path) -> None:
    text = f"""
x-base: &base {{api_key: "${{KEY}}", own_score: false}}
x-key: &key {KEY}
x-unused: ["${{UNSET}}", $UNSET]
accounts:
  - {{<<: *base, name: a}}
  - {{name: b, api_key: *key}}
"""
    a, b = load(tmp_path, text, KEY="k").accounts
    assert (a.name, a.api_key, a.own_score) == ("a", ApiKey(Secret("k")), False)
    assert (b.name, b.api_key) == ("b", ApiKey(Secret(KEY)))


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


@pytest.mark.parametrize(
    "subusers", ["*names", "{include: *names}", "{include: *names, exclude: *names}"]
)
def test_a_list_that_accounts_share_is_one_list_in_memory(tmp_path: Path, subusers: str) -> None:
    """Also if all copies of it together would be more than a file may hold."""
    names = [f"shop-{number}" for number in range(20_000)]
    accounts = "\n".join(f"- {{name: a{i}, api_key: k, subusers: {subusers}}}" for i in range(30))
    config = load(tmp_path, f"x-names: &names [{', '.join(names)}]\naccounts:\n{accounts}\n")
    first, *others = (account.subusers for account in config.accounts)
    exclude = tuple(names) if "exclude" in subusers else ()
    assert first == SubuserSelection(frozenset(names), (), exclude)
    assert all(other is first for other in others)


def test_a_list_may_be_shared_by_different_keys(tmp_path: Path) -> None:
    text = """
x-list: &list [open_rate, spam_rate]
accounts:
  - {name: a, api_key: k, subusers: *list, series: {metrics: *list}}
  - {name: b, api_key: k, subusers: {include: *list}}
  - {name: c, api_key: k, subusers: {exclude: *list}}
  - {name: d, api_key: k, subusers: {include: *list, exclude: [x]}}
"""
    a, b, c, d = load(tmp_path, text).accounts
    names = frozenset({"open_rate", "spam_rate"})
    assert a.series.metrics == ("open_rate", "spam_rate")
    assert a.subusers == b.subusers == SubuserSelection(names)
    assert c.subusers == SubuserSelection(include=("*",), exclude=("open_rate", "spam_rate"))
    assert d.subusers == SubuserSelection(names, exclude=("x",))


def test_a_list_that_accounts_share_takes_variables(tmp_path: Path) -> None:
    text = """
x-names: &names [" ${SHOP} ", b]
accounts:
  - {name: a, api_key: k, subusers: *names}
  - {name: b, api_key: k, subusers: {include: *names}}
"""
    a, b = load(tmp_path, text, SHOP="shop").accounts
    assert a.subusers == b.subusers == SubuserSelection(names=frozenset({"shop", "b"}))
