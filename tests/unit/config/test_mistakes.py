"""The configuration file: the message for each mistake in it."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

import pytest

from seq_exporter.config.file import load_config
from seq_exporter.errors import ConfigError
from tests.support import KEY
from tests.unit.config.files import MINIMAL, complain, load


def test_five_mistakes_are_five_lines(tmp_path: Path) -> None:
    text = """
accounts:
  - name: acme
    api_key: ${ACME_KEY}
    regoin: eu
  - name: acme
    api_key: k
  - name: globex
    api_key_file: /nowhere/key
    own_score: 1
poll:
  interval: 15 minutes
"""
    assert complain(tmp_path, text) == [
        "config.yaml:3: accounts[0].name: 'acme' is also the name of another account: "
        "rename one of them",
        "config.yaml:4: accounts[0].api_key: the environment variable ACME_KEY is not set: "
        "set it, or correct the name",
        "config.yaml:5: accounts[0].regoin: unknown key; did you mean 'region'?",
        "config.yaml:6: accounts[1].name: 'acme' is also the name of another account: "
        "rename one of them",
        "config.yaml:9: accounts[2].api_key_file: no such file '/nowhere/key': "
        "put the API key there, or correct the path",
        "config.yaml:10: accounts[2].own_score: must be true or false, not 1",
        "config.yaml:12: poll.interval: must be a duration such as 90s, 15m, 1h30m or 7d, "
        "not '15 minutes'",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "config.yaml:1: must be a mapping (lines of `key: value`), not nothing"),
        ("- a", "config.yaml:1: must be a mapping (lines of `key: value`), not a list"),
        ("poll: {}", "config.yaml:1: accounts: is missing: add it"),
        ("accounts: []", "config.yaml:1: accounts: is empty: name at least one"),
        (
            "accounts: {name: a}",
            "config.yaml:1: accounts: must be a list (lines that begin with `-`), not a mapping",
        ),
        (
            MINIMAL + "acounts: 1",
            "config.yaml:3: acounts: unknown key; did you mean 'accounts'?",
        ),
        (
            'x-base: &b {api_key: "${UNSET}"}\naccounts: [{<<: *b, name: a}]',
            "config.yaml:1: accounts[0].api_key: the environment variable UNSET is not set: "
            "set it, or correct the name",
        ),
        (
            "accounts: [{name: a, api_key: k, x-base: 1}]",
            "config.yaml:1: accounts[0].x-base: unknown key; the keys known here are name, "
            "api_key, api_key_file, region, base_url, on_behalf_of, own_score, subusers, series, "
            "max_series",
        ),
        (
            MINIMAL + "zzz: 1",
            "config.yaml:3: zzz: unknown key; the keys known here are accounts, poll, state_dir",
        ),
        (
            MINIMAL + "state_dir: a\nstate_dir: b",
            "config.yaml:4: state_dir: appears more than once: keep one",
        ),
        (
            "accounts: 5",
            "config.yaml:1: accounts: must be a list (lines that begin with `-`), not a number",
        ),
        (
            "accounts: [{name: a, api_key: k, own_score: !!bool maybe}]",
            "config.yaml:1: accounts[0].own_score: must be true or false, not 'maybe'",
        ),
        (
            "accounts: [{name: a, api_key:secret}]",
            "config.yaml:1: accounts[0].api_key: unknown key: put a space after the colon",
        ),
        (
            MINIMAL + "state_dir: ~/seq",
            "config.yaml:3: state_dir: begins with ~ or $NAME, which are not replaced: write the "
            "whole path, or ${HOME}/...",
        ),
        (
            MINIMAL + "state_dir: $HOME/seq",
            "config.yaml:3: state_dir: begins with ~ or $NAME, which are not replaced: write the "
            "whole path, or ${HOME}/...",
        ),
        (
            MINIMAL + 'state_dir: "a\\0b"',
            "config.yaml:3: state_dir: must be a path on one line, without control characters",
        ),
        (
            'accounts: [{name: a, api_key_file: "a\\0b"}]',
            "config.yaml:1: accounts[0].api_key_file: "
            "must be a path on one line, without control characters",
        ),
        (
            MINIMAL + '"\\0": 1',
            "config.yaml:3: \ufffd: unknown key; the keys known here are accounts, poll, state_dir",
        ),
        (
            MINIMAL + '"": 1',
            "config.yaml:3: '': unknown key; the keys known here are accounts, poll, state_dir",
        ),
        (
            MINIMAL + "? [a]\n: 1",
            "config.yaml:3: ?: unknown key; the keys known here are accounts, poll, state_dir",
        ),
        (
            MINIMAL + '"a\\x1b[2J\\nb": 1',
            "config.yaml:3: 'a\\x1b[2J\\nb': unknown key; "
            "the keys known here are accounts, poll, state_dir",
        ),
        (
            MINIMAL + "state_dir: 1",
            "config.yaml:3: state_dir: must be text, not 1: put it in quotes",
        ),
        (
            MINIMAL + "poll:",
            "config.yaml:3: poll: must be a mapping (lines of `key: value`), not nothing",
        ),
        (
            MINIMAL + "poll: {interval: 90}",
            "config.yaml:3: poll.interval: must be a duration with a unit, "
            "such as 90s, 15m or 7d, not 90",
        ),
        (
            MINIMAL + "poll: {interval: ''}",
            "config.yaml:3: poll.interval: must be a duration such as 90s, 15m, 1h30m or 7d, "
            "not ''",
        ),
        (
            MINIMAL + "poll: {interval: 1m1h}",
            "config.yaml:3: poll.interval: must be a duration such as 90s, 15m, 1h30m or 7d, "
            "not '1m1h'",
        ),
        (
            MINIMAL + "poll: {interval: 500ms}",
            "config.yaml:3: poll.interval: must be at least 1s, not '500ms'",
        ),
        (
            MINIMAL + "poll: {refresh_interval: 2y}",
            "config.yaml:3: poll.refresh_interval: must be at most 365d, not '2y'",
        ),
        (
            MINIMAL + "poll: {timeout: 0s}",
            "config.yaml:3: poll.timeout: must be more than 0s, not '0s'",
        ),
        (
            MINIMAL + "poll: {lookback: 36h}",
            "config.yaml:3: poll.lookback: must be whole days, from 1d to 90d "
            "(SendGrid keeps 90), not '36h'",
        ),
        (
            MINIMAL + "poll: {lookback: 91d}",
            "config.yaml:3: poll.lookback: must be whole days, from 1d to 90d "
            "(SendGrid keeps 90), not '91d'",
        ),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, text: str, line: str) -> None:
    assert line in complain(tmp_path, text)


def test_a_file_of_many_mistakes_shows_the_first(tmp_path: Path) -> None:
    text = MINIMAL + "".join(f"k{number}: 1\n" for number in range(101))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    lines = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
    assert lines[0] == "config.yaml: 101 mistakes, of which these are the first 100"
    assert len(lines) == 101
    assert lines[-1].startswith("config.yaml:102: k99: unknown key")


def test_a_mistake_in_a_list_that_accounts_share_is_one_mistake(tmp_path: Path) -> None:
    text = """
x-names: &names
  - shop-de
  - 1
  - "a\\nb"
  - ${UNSET}
accounts:
  - {name: a, api_key: k, subusers: *names}
  - {name: b, api_key: k, subusers: *names}
  - {name: c, api_key: k, subusers: {include: *names}}
  - {name: d, api_key: k, subusers: {include: *names}}
"""
    assert complain(tmp_path, text) == [
        "config.yaml:4: accounts[0].subusers[1]: must be text, not 1: put it in quotes",
        "config.yaml:5: accounts[0].subusers[2]: "
        "has a line break or another control character inside: put it on one line",
        "config.yaml:6: accounts[0].subusers[3]: the environment variable UNSET is not set: "
        "set it, or correct the name",
    ]


def test_a_name_has_no_white_space_but_blanks_and_no_control_character(tmp_path: Path) -> None:
    refused = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(char) == "Cc" or (char.isspace() and char != " ")
    ]
    names = [f'"a\\U{ord(char):08x}b"' for char in [*refused, " ", "\u200b", "\u202e", "\u00e4"]]
    lines = complain(
        tmp_path, "accounts:\n- name: a\n  api_key: k\n  subusers:\n  - " + "\n  - ".join(names)
    )
    message = "has a line break or another control character inside: put it on one line"
    assert lines == [
        f"config.yaml:{5 + i}: accounts[0].subusers[{i}]: {message}" for i in range(len(refused))
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            None,
            "cannot be read: No such file or directory: correct the path, or let this user read it",
        ),
        (b"a: \xe4", "is not UTF-8 text: save it as UTF-8"),
        (b"#" * 10_485_761, "is larger than 10 MiB: shorten it, for example with globs"),
    ],
    ids=["missing", "latin-1", "large"],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "config.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert str(caught.value) == f"{file}: {message}"


def test_a_device_that_never_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is larger than 10 MiB"):
        load_config(Path("/dev/zero"), {})
    with pytest.raises(ConfigError, match="the key file '/dev/zero' is larger than 64 KiB"):
        load(tmp_path, "accounts: [{name: a, api_key_file: /dev/zero}]")


@pytest.mark.parametrize(
    "text",
    [
        "accounts: [{name: a, api_key: 'KEY x'}]",
        "accounts: [{name: a, apikey: 'KEY'}]",
        "accounts: [{name: 'KEY'}]",
        "accounts: [{name: a, api_key: {secret: 'KEY'}}]",
        "accounts: [{name: a, api_key: ['KEY']}]",
        "accounts: [{name: a, api_key: 'KEY', region: '${SECRET}'}]",
        "accounts: [{name: a, api_key: '${SECRET} x'}]",
        "accounts: [{name: a, api_key_file: '${SECRET}'}]",
        "accounts: [{name: a, api_key: k, base_url: '${SECRET}'}]",
        "accounts: [{name: a, api_key: k, subusers: '${SECRET}'}]",
        "accounts: [{name: a, api_key: KEY, - }]",
        "accounts:\n- name: a\n  api_key: KEY\n bad: [",
        "poll: KEY",
        "KEY",
        "? [KEY]\n: 1",
        "accounts: [{name: a, api_key:KEY}]",
        "accounts: [{name: a, api_key:do-not-show-me}]",
        "accounts: [{name: a, KEY: 1}]",
        "accounts: [{name: a, api_key: k, KEY: 1, KEY: 2}]",
        "KEY: 1",
    ],
)
def test_no_message_shows_a_key(tmp_path: Path, text: str) -> None:
    lines = complain(tmp_path, text.replace("KEY", KEY), SECRET="do-not-show-me")
    assert lines
    assert not re.search(r"SG\.[ab]|aaaa|do-not-show", "\n".join(lines))
