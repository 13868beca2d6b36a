"""Whatever a user can set or query is documented."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from seq_exporter.commands.check.findings import Doubt
from seq_exporter.commands.main import commands
from seq_exporter.config.file import load_config
from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.publish.families import FAMILIES
from seq_exporter.publish.telemetry import Telemetry
from seq_exporter.scores import METRICS
from seq_exporter.sendgrid.anomalies import ANOMALY_KINDS
from tests.support import ROOT
from tests.unit.config.files import CONFIG_KEYS

DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "config.example.yaml").read_text(encoding="utf-8")


def own_metrics() -> list[str]:
    return [
        family.name + ("_total" if family.type == "counter" else "")
        for family in Telemetry().describe()
        if family.name.startswith(("seq_exporter_", "sendgrid_seq_"))
    ]


def flags() -> list[tuple[str, click.Option]]:
    context = click.Context(commands)
    return [
        (name, option)
        for name in commands.commands
        for command in [commands.get_command(context, name)]
        if command
        for option in command.params
        if isinstance(option, click.Option)
    ]


@pytest.mark.parametrize("metric", [family.name for family in FAMILIES] + own_metrics())
def test_every_metric_is_documented(metric: str) -> None:
    assert f"\n| `{metric}` |" in DOCS["metrics.md"]


def test_no_metric_is_documented_that_does_not_exist() -> None:
    known = {family.name for family in FAMILIES} | set(own_metrics())
    rows = re.findall(r"^\| `((?:sendgrid_seq|seq_exporter)_\w+)` \|", DOCS["metrics.md"], re.M)
    assert set(rows) == known
    for text in (README, *DOCS.values(), EXAMPLE):
        # After a colon, it is part of a recorded series, which tests/unit/test_rules.py checks.
        for name in re.findall(r"(?<!:)\b(?:sendgrid_seq|seq_exporter)_[a-z_]+\b", text):
            assert re.sub(r"_(count|sum|bucket)$", "", name) in known | {"seq_exporter_"}


@pytest.mark.parametrize("value", [*POLL_FAILURE_REASONS, *ANOMALY_KINDS])
def test_every_reason_and_kind_is_documented(value: str) -> None:
    assert f"\n| `{value}` |" in DOCS["metrics.md"]


@pytest.mark.parametrize("doubt", Doubt)
def test_every_doubt_of_a_check_is_documented(doubt: Doubt) -> None:
    assert f"\n| `{doubt}` |" in DOCS["command-line.md"]


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_of_sendgrid_is_documented(metric: str) -> None:
    assert f"`{metric}`" in DOCS["metrics.md"]


@pytest.mark.parametrize("key", CONFIG_KEYS)
def test_every_key_is_documented_and_in_the_example(key: str) -> None:
    assert f"`{key}`" in DOCS["configuration.md"]
    assert re.search(rf"\b{key}:", EXAMPLE)


def test_the_example_parses_with_its_commented_part_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k")
    text = re.sub(r"^  # (- name: globex|  [a-z_]+: )", r"  \1", EXAMPLE, flags=re.M)
    text = text.replace("/run/secrets/globex", "key")
    file = tmp_path / "config.yaml"
    file.write_text(text)
    assert [account.name for account in load_config(file, {}).accounts] == [
        "acme",
        "acme-shops",
        "globex",
    ]


@pytest.mark.parametrize(("command", "option"), flags(), ids=lambda value: str(value))
def test_every_flag_is_documented(command: str, option: click.Option) -> None:
    text = DOCS["command-line.md"]
    section = text.split(f"\n## `{command}`\n")[1].split("\n## ")[0]
    assert f"`{option.opts[0]}" in section
    assert option.help
    extra = option.get_help_extra(click.Context(commands.commands[command]))
    for variable in extra.get("envvars", ()):  # those of `simulate` have none
        assert f"`{variable}`" in text


@pytest.mark.parametrize(
    "command", [name for name, command in commands.commands.items() if not command.hidden]
)
def test_every_command_is_documented(command: str) -> None:
    assert f"\n## `{command}`\n" in DOCS["command-line.md"]


def test_every_yaml_in_the_docs_is_yaml() -> None:
    blocks = [
        block
        for text in (README, *DOCS.values())
        for block in re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    ]
    assert len(blocks) >= 4
    for block in blocks:
        assert isinstance(yaml.safe_load(block), dict)


def test_every_link_leads_somewhere() -> None:
    for folder, text in ((ROOT, README), *((ROOT / "docs", text) for text in DOCS.values())):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (folder / target).exists(), target


def test_the_picture_of_the_architecture_is_the_tree() -> None:
    """Each room of the layers contract has a row, in its order, and each named file exists."""
    text = DOCS["architecture.md"]
    rows = re.findall(r"^\| (`[a-z]+`(?:, `[a-z]+`)*) \|", text, re.M)
    documented = [set(re.findall(r"[a-z]+", row)) for row in rows]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    known = [set(re.findall(r"[a-z_]+", layer)) for layer in layers]
    rooms = known.index({"config"})
    assert documented[:rooms] == known[1 : rooms + 1]
    assert set().union(*documented[rooms:]) == set().union(*known[rooms + 1 :])
    for file in re.findall(r"\b[a-z_]+/(?:[a-z_]+/)*[a-z_]+\.py\b", text):
        assert (ROOT / "seq_exporter" / file).is_file(), file
