"""`seq-exporter explain` against the simulated SendGrid: whose score, and what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.faults.server import Exchange, FaultServer
from tests.processes import Start, wait_for_end
from tests.simulator import Simulator
from tests.support import item


@pytest.fixture
def config(simulator: Simulator, tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(simulator.config)
    return file


def test_a_fall_in_one_command(exporter: Start, config: Path) -> None:
    """Whoever has never seen it reads who fell, since when, in which metric, and what to do."""
    status, out, err = wait_for_end(exporter("explain", "shop-de"))
    assert (status, err) == (0, "")
    assert re.match(r"shop-de of account kettlewick, \d{4}-\d\d-\d\d\n\n", out)
    assert all(len(line) <= 80 for line in out.splitlines())
    said = " ".join(out.split())
    assert re.search(r"The overall score fell from 4\.\d to 2\.\d on ", said)
    assert re.search(r"engagement_recency fell from 4\.\d to 1\.0 on ", said)
    assert re.search(r"No other subuser fell by 0\.5 or more since \S+\. Look for the cause", said)
    assert "Send one last message to people who have been silent for half a year" in said
    assert "docs/remedies.md#engagement_recency has the steps for this metric." in said


def test_the_score_of_an_account_itself(exporter: Start, config: Path) -> None:
    status, out, _ = wait_for_end(exporter("explain", "--account=postmill"))
    assert status == 0
    assert out.startswith("own score of account postmill, ")
    assert "\nThe overall score fell from " in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shop-dee"], "no account has a subuser 'shop-dee' now: did you mean 'shop-de'?"),
        (["--account=postmill", "zzz"], "no account has a subuser 'zzz' now"),
        (
            [],
            "each of kettlewick, tallyfern, postmill has its own score: choose one with --account",
        ),
        (["--account=nobody"], "no account 'nobody' in the configuration"),
    ],
)
def test_what_cannot_be_explained(
    exporter: Start, config: Path, arguments: list[str], message: str
) -> None:
    status, out, err = wait_for_end(exporter("explain", *arguments))
    assert (status, out) == (2, "")
    assert err.startswith(f"seq-exporter: {message}")


def test_a_name_in_two_accounts(exporter: Start, simulator: Simulator, tmp_path: Path) -> None:
    first = yaml.safe_load(simulator.config)["accounts"][0]
    accounts = [first, first | {"name": "again"}]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"accounts": accounts}))
    status, _, err = wait_for_end(exporter("explain", "shop-de"))
    assert status == 2
    expected = "each of kettlewick, again has a subuser 'shop-de': choose one with --account"
    assert err == f"seq-exporter: {expected}\n"


def test_an_account_that_does_not_answer(
    exporter: Start, simulator: Simulator, tmp_path: Path
) -> None:
    accounts = yaml.safe_load(simulator.config)["accounts"]
    accounts[0]["api_key"] = "SG.wrong"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"accounts": accounts}))
    status, out, err = wait_for_end(exporter("explain", "shop-de"))
    assert (status, out) == (1, "")
    assert err.startswith("seq-exporter: kettlewick: ")
    assert err.endswith(
        "seq-exporter: no account has a subuser 'shop-de' now\n"
        "Of kettlewick, SendGrid has returned no scores.\n"
    )


@pytest.mark.parametrize("arguments", [[], ["shop-de"]])
def test_each_pause_is_told_of(exporter: Start, tmp_path: Path, arguments: list[str]) -> None:
    refused: list[str] = []

    def answer(exchange: Exchange) -> None:
        if exchange.path.endswith("/subusers/scores"):
            exchange.reply_json({"result": [item("1", "shop-de", 2.0)], "_metadata": {}})
        elif not refused:
            refused.append(exchange.path)
            exchange.reply(429, b"", "Retry-After: 3")
        else:
            exchange.reply_json({"result": [item("1", None, 3.0)]})

    with FaultServer(answer).running() as server:
        config = {"name": "acme", "api_key": "SG.x", "base_url": server.url}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"accounts": [config]}))
        status, _, err = wait_for_end(exporter("explain", *arguments))
    assert (status, err) == (0, "acme: SendGrid asks to wait 3 s\n")
