"""Loading a configuration: whatever goes wrong is one error of the user's, without a secret."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from seq_exporter.config.file import load_config
from seq_exporter.errors import ConfigError
from seq_exporter.serve.loading import collection_paused, load_within
from seq_exporter.threads import NoThread
from tests.support import GIVE_UP_SECONDS, KEY


def failing(error: BaseException) -> Callable[[], NoReturn]:
    def load() -> NoReturn:
        raise error

    return load


def test_what_is_loaded() -> None:
    assert load_within(lambda: 5, "config.yaml") == 5


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConfigError("config.yaml:1: accounts: no"), r"config\.yaml:1: accounts: no"),
        (OSError(5, "Input/output error"), r"config\.yaml: cannot be read: Input/output error"),
        (OSError("odd"), r"config\.yaml: cannot be read: odd"),
        (NoThread(), r"config\.yaml: cannot be read: no thread can be started"),
        *(
            (
                error,
                rf"config\.yaml: cannot be read: a defect in seq-exporter: {type(error).__name__} "
                r"in test_loading\.py:[0-9]+: please report it",
            )
            for error in (IndexError(KEY), ValueError(KEY), RecursionError(), MemoryError())
        ),
    ],
)
def test_whatever_is_raised_is_a_config_error(error: BaseException, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}$") as caught:
        load_within(failing(error), "config.yaml")
    assert KEY not in str(caught.value)


def test_what_hangs_is_given_up() -> None:
    is_over = threading.Event()
    with pytest.raises(ConfigError) as caught:
        load_within(lambda: is_over.wait(GIVE_UP_SECONDS), "config.yaml", 0.01)
    is_over.set()
    assert str(caught.value) == "config.yaml: cannot be read: no answer within 0.01 s"


TAGS = [
    *("", "!!int ", "!!float ", "!!bool ", "!!null ", "!!binary ", "!!timestamp ", "!!set "),
    *("!!omap ", "!!pairs ", "!!str ", "!!seq ", "!!map ", "!!merge ", "!!value ", "!own "),
    *("!!python/object:os.system ", "!!python/name:os ", "!<x> "),
]
# The long ones have more than the 4,300 digits that Python converts to decimal text.
VALUES = [
    *('""', '"x"', '"-"', '"0x"', '"0b"', '"_"', '":"', '"1:"', '"."', '"::"', '"é"', "1e999"),
    *("0x" + "f" * 3600, "9" * 4301, "1:" * 2420 + "1", "2001-01-01t00:00:00.1+99:99"),
    *("9999-99-99", "[1]", "{a: 1}", "{<<: 1}", "{<<: [1]}", "{? [a] : b}", "*no", "&a"),
]
KEYS = ("base_url", "max_series", "subusers", "series", "own_score", "on_behalf_of")
PLACES = [
    *("{}", "accounts: {}", "accounts: [{}]", "poll: {{interval: {}}}", "? {}\n: 1"),
    *(f"accounts:\n- {{{{name: a, api_key: k, {key}: {{}}}}}}" for key in KEYS),
    *("accounts:\n- {{name: {}, api_key: k}}", "accounts:\n- {{name: a, api_key: {}}}"),
]


@pytest.mark.parametrize("tag", TAGS)
def test_no_tag_of_yaml_is_a_defect(tag: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    for value in VALUES:
        for place in PLACES:
            file.write_text(place.format(tag + value))
            with contextlib.suppress(ConfigError):  # some are right: `!!str x`
                load_config(file, {})


def test_a_key_file_that_hangs_is_named_with_its_place(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key")
    (tmp_path / "config.yaml").write_text("accounts:\n- name: acme\n  api_key_file: key\n")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "config.yaml", {}, key_seconds=0.01)
    assert str(caught.value) == (
        f"{tmp_path}/config.yaml:3: accounts[0].api_key_file: cannot read the key file "
        f"'{tmp_path}/key': no answer within 0.01 s: put the key there, and let this user read it"
    )


def test_a_pause_within_a_pause_ends_with_the_outer_one() -> None:
    with collection_paused():
        with collection_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_pause_ends_with_an_error() -> None:
    with contextlib.suppress(ConfigError), collection_paused():
        raise ConfigError("no")
    assert gc.isenabled()
