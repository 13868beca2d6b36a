"""The configuration file: what is said about every mistake in it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seq_exporter.config.file import load_config
from seq_exporter.config.model import Config
from seq_exporter.errors import ConfigError
from tests.support import KEY

MINIMAL = "accounts:\n  - {name: acme, api_key: k}\n"


def load(folder: Path, text: str, **environ: str) -> Config:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, environ)


def complain(folder: Path, text: str, **environ: str) -> list[str]:
    """Return the mistakes found in `text`, a line each, without the file's folder."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **environ)
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, OSError)
    lines = str(caught.value).replace(f"{folder}/", "").splitlines()
    if len(lines) > 1:
        assert lines.pop(0) == f"config.yaml: {len(lines)} mistakes"
    return lines


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
        "config.yaml:3: accounts[0].name: 'acme' is the name of another account too: "
        "rename one of them",
        "config.yaml:4: accounts[0].api_key: the environment variable ACME_KEY is not set: "
        "set it, or correct the name",
        "config.yaml:5: accounts[0].regoin: unknown key; did you mean 'region'?",
        "config.yaml:6: accounts[1].name: 'acme' is the name of another account too: "
        "rename one of them",
        "config.yaml:9: accounts[2].api_key_file: no such file '/nowhere/key': "
        "put the API key there, or correct the path",
        "config.yaml:10: accounts[2].own_score: must be true or false, not 1",
        "config.yaml:12: poll.interval: must be a duration such as 90s, 15m, 1h30m or 7d, "
        "not '15 minutes'",
    ]


# Ten times ten times ten ...: seven lines that stand for ten million values.
BOMB = "a: &a [x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)

ACCOUNT_MISTAKES = [
    (
        "{name: a, api_key: k, series: few}",
        ".series",
        "must be all, distribution, or {scores: true, metrics: [names], eligible: true}, not 'few'",
    ),
    (
        "{name: a, api_key: k, series: {metrics: [spam]}}",
        ".series.metrics[0]",
        "must be 'engagement_recency', 'open_rate', 'bounce_classification', 'bounce_rate' or "
        "'spam_rate', not 'spam'",
    ),
    (
        "{name: a, api_key: k, series: {score: true}}",
        ".series.score",
        "unknown key; did you mean 'scores'?",
    ),
    (
        "{name: a, api_key: k, max_series: -1}",
        ".max_series",
        "must be a number of series, or 0 for no limit, not -1",
    ),
    ("{name: a, api_key: k, max_series: 1.5}", ".max_series", "must be a whole number, not 1.5"),
    ("name: a", "", "has no API key: add api_key or api_key_file"),
    (
        "{name: a, api_key: k, api_key_file: key}",
        "",
        "has both api_key and api_key_file: keep one of them",
    ),
    ("api_key: k", ".name", "is missing: add it"),
    (f"{{name: {'a' * 129}, api_key: k}}", ".name", "is too long: shorten it to 128 characters"),
    ("{name: '', api_key: k}", ".name", "is empty: give it a value"),
    ("{name: 7, api_key: k}", ".name", "must be text, not 7: put it in quotes"),
    ("{name: no, api_key: k}", ".name", "must be text, not false: put it in quotes"),
    ("{name: a, api_key: }", ".api_key", "must be text: put the API key in quotes"),
    ("{name: a, api_key: ''}", ".api_key", "is empty: put the API key there"),
    (
        "{name: a, api_key: x y}",
        ".api_key",
        "has white space inside the API key: paste the key again, on one line",
    ),
    (
        "{name: a, api_key: '${A'}",
        ".api_key",
        "has a '${' that begins no variable: write ${NAME}",
    ),
    ("{name: a, api_key_file: ''}", ".api_key_file", "must be the path of a file, not ''"),
    ("{name: a, api_key_file: 7}", ".api_key_file", "must be the path of a file, not 7"),
    (
        "{name: a, api_key: k, region: us}",
        ".region",
        "must be 'global' or 'eu', not 'us'",
    ),
    (
        "{name: a, api_key: k, region: eu, base_url: http://x}",
        ".base_url",
        "takes the place of region: keep one of them",
    ),
    (
        "{name: a, api_key: k, base_url: api.sendgrid.com}",
        ".base_url",
        "must be a URL such as https://api.sendgrid.com, not 'api.sendgrid.com'",
    ),
    (
        "{name: a, api_key: k, base_url: 'http://x:99999'}",
        ".base_url",
        "must be a URL such as https://api.sendgrid.com, not 'http://x:99999'",
    ),
    (
        "{name: a, api_key: k, base_url: 'https://user:pass@x'}",
        ".base_url",
        "must be a URL without user, password, query or fragment",
    ),
    (
        '{name: a, api_key: k, on_behalf_of: "a\\nb"}',
        ".on_behalf_of",
        "must be plain text on one line: a username, or 'account-id ID'",
    ),
    (
        "{name: a, api_key: k, own_score: 'yes'}",
        ".own_score",
        "must be true or false, not 'yes'",
    ),
    (
        "{name: a, api_key: k, subusers: some}",
        ".subusers",
        "must be all, none, a list of usernames, or {include: [globs], exclude: [globs]}, "
        "not 'some'",
    ),
    (
        "{name: a, api_key: k, subusers: }",
        ".subusers",
        "must be all, none, a list of usernames, or {include: [globs], exclude: [globs]}, "
        "not nothing",
    ),
    ("{name: a, api_key: k, subusers: []}", ".subusers", "is empty: name at least one"),
    (
        "{name: a, api_key: k, subusers: [b, 12]}",
        ".subusers[1]",
        "must be text, not 12: put it in quotes",
    ),
    (
        "{name: a, api_key: k, subusers: {inclde: [b]}}",
        ".subusers.inclde",
        "unknown key; did you mean 'include'?",
    ),
    (
        "{name: a, api_key: k, subusers: {include: b}}",
        ".subusers.include",
        "must be a list (lines that begin with `-`), not a text",
    ),
    (
        "{name: a, api_key: k, own_score: false, subusers: none}",
        ".own_score",
        "with subusers none, nothing is left to ask: allow one of them",
    ),
    (
        f"{{name: a, api_key: k, on_behalf_of: {KEY}}}",
        ".on_behalf_of",
        "holds what looks like an API key: move it to api_key",
    ),
    (
        f"{{name: a, api_key: k, apikey: {KEY}}}",
        ".apikey",
        "unknown key; did you mean 'api_key'?",
    ),
    (
        f"{{name: a, api_key_file: {KEY}}}",
        ".api_key_file",
        "holds what looks like an API key: move it to api_key",
    ),
    ("[a]", "", "must be a mapping (lines of `key: value`), not a list"),
    ("a", "", "must be a mapping (lines of `key: value`), not a text"),
]


@pytest.mark.parametrize(("account", "place", "message"), ACCOUNT_MISTAKES)
def test_mistakes_in_an_account(tmp_path: Path, account: str, place: str, message: str) -> None:
    (tmp_path / "key").write_text("k")
    text = f"accounts:\n  - {account}\n"
    assert complain(tmp_path, text) == [f"config.yaml:2: accounts[0]{place}: {message}"]


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
            MINIMAL + "zzz: 1",
            "config.yaml:3: zzz: unknown key; the keys known here are accounts, poll, state_dir",
        ),
        (
            MINIMAL + "state_dir: a\nstate_dir: b",
            "config.yaml:4: state_dir: stands there more than once: keep one",
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
            MINIMAL + "state_dir: 1",
            "config.yaml:3: state_dir: must be text, not 1: put it in quotes",
        ),
        (
            MINIMAL + "poll:",
            "config.yaml:3: poll: must be a mapping (lines of `key: value`), not nothing",
        ),
        (
            MINIMAL + "poll: {interval: 90}",
            "config.yaml:3: poll.interval: must be a duration with its unit, "
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
        (
            "a: [",
            "config.yaml:1: is not valid YAML: expected the node content, but found '<stream end>'",
        ),
        ("a: *somebody", "config.yaml:1: is not valid YAML: found undefined alias"),
        (
            "a: !!python/name:os.system x",
            "config.yaml:1: is not valid YAML: could not determine a constructor for the tag",
        ),
        (
            "a: \x07",
            "config.yaml: is not valid YAML: a character that YAML forbids, or nested without end",
        ),
        (
            BOMB,
            "config.yaml: is not valid YAML: a character that YAML forbids, or nested without end",
        ),
        (
            "a: &a [*a]",
            "config.yaml: is not valid YAML: a character that YAML forbids, or nested without end",
        ),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, text: str, line: str) -> None:
    assert line in complain(tmp_path, text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file or directory"):
        load_config(tmp_path / "none.yaml", {})
    (tmp_path / "latin").write_bytes(b"a: \xe4")
    with pytest.raises(ConfigError, match=r"latin: is not UTF-8 text: save it as UTF-8"):
        load_config(tmp_path / "latin", {})


def test_a_key_file_without_a_key(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert complain(tmp_path, "accounts:\n  - {name: a, api_key_file: empty}\n") == [
        f"config.yaml:2: accounts[0].api_key_file: the key file '{tmp_path}/empty' is empty: "
        "put the API key there".replace(f"{tmp_path}/", "")
    ]


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


WORDS = st.sampled_from(
    """
accounts, name, api_key, api_key_file, base_url, on_behalf_of, own_score, subusers, include
exclude, poll, interval, lookback, state_dir, all, k, 1d, true, 0, -1, 1e400, ${A}, ${, *a, &a k
!!bool x, !!timestamp x, !!int x, !!float x, !!binary x, !!set {a}, !!null x, <<, ~, '', [], {}
2026-99-99, https://[, http://a:b, ., /, /nowhere, "a:b"
""".replace("\n", ", ").split(", ")
)
YAML = st.recursive(
    WORDS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(WORDS, inner), max_size=5).map(
            lambda pairs: f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"
        )
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(YAML | st.builds("accounts: [{{name: a, {}: {}}}]".format, WORDS, YAML))
def test_no_file_whatever_ends_in_a_traceback(tmp_path: Path, text: str) -> None:
    with contextlib.suppress(ConfigError):
        load(tmp_path, text, A="a")
