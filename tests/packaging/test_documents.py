"""Every command of the documentation runs as it is written; every query is one for Prometheus."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
import yaml

from tests.packaging.documents import DOCUMENTS, Block, list_blocks, read_in_sandbox
from tests.processes import find_tool
from tests.support import ROOT

BLOCKS = [block for document in DOCUMENTS for block in list_blocks(document)]
COMMANDS = [block for block in BLOCKS if block.language == "sh"]

#: Programs that cannot run here, and what runs in their place.
LEFT_OUT = {
    "docker": "test_image.py and test_compose.py run what is in the image and in compose.yaml",
    "kubectl": "test_chart.py and test_chart_runs.py",
    "helm": "test_chart.py and test_chart_runs.py",
    "systemctl": "test_systemd.py runs the service under the unit's restrictions",
    "install -D -m 644 seq-exporter.service": "test_systemd.py",
    "/opt/seq-exporter/bin/pip install --upgrade": "test_systemd.py",
    "pip install 'seq-exporter[socks]'": "the package comes from an index",
}
#: Documents whose commands are not for who uses the program.
FOR_DEVELOPERS = {"CONTRIBUTING.md", "docs/releasing.md", "tests/README.md"}

#: A reader starts with these pages, and goes on with the others in any order.
FIRST = ("README.md", "docs/install.md#pip", "docs/install.md#Check that it works")


def is_left_out(block: Block) -> bool:
    """Whether a command of the block begins with a program that is left out."""
    starts = "|".join(map(re.escape, LEFT_OUT))
    begins = rf"^\s*(?:.*(?:&&|\|)\s*)?(?:{starts})(?:\s|$)"
    return block.document in FOR_DEVELOPERS or bool(re.search(begins, block.text, re.MULTILINE))


def list_followed() -> list[Block]:
    """Return what a reader does, in their order: commands, and files to write between them."""

    def rank(block: Block) -> int:
        places = (block.document, f"{block.document}#{block.heading}")
        return min((FIRST.index(place) for place in places if place in FIRST), default=len(FIRST))

    wanted = [each for each in BLOCKS if each.language == "sh" or each.file]
    return sorted((each for each in wanted if not is_left_out(each)), key=rank)


def test_every_block_says_what_it_is() -> None:
    languages = {block.language for block in BLOCKS}
    assert languages == {"sh", "text", "yaml", "json", "promql"}
    assert [str(block) for block in BLOCKS if not block.language] == []


def test_everything_that_is_left_out_is_there() -> None:
    for start in LEFT_OUT:
        assert any(start in block.text for block in COMMANDS if is_left_out(block)), start


def test_every_command_runs_as_written(tmp_path: Path) -> None:
    for tool in ("bwrap", "bash", "curl", "make", "man", "openssl", "prometheus", "promtool"):
        find_tool(tool)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = authority.issue_cert("api.sendgrid.com")
    server.private_key_pem.write_to_path(str(tmp_path / "server.key"))
    server.cert_chain_pems[0].write_to_path(str(tmp_path / "server.crt"))
    files = {"cert_file": "server.crt", "key_file": "server.key"}
    (tmp_path / "web.yaml").write_text(yaml.safe_dump({"tls_server_config": files}))
    download = [sys.executable, "-m", "pip", "download", "--quiet", f"--dest={tmp_path}/packages"]
    built = "setuptools>=77"
    subprocess.run([*download, str(ROOT), built], check=True, cwd="/")
    locked = ["--no-deps", "--requirement=requirements.lock"]  # make demo
    subprocess.run([*download, *locked], check=True, cwd=ROOT)

    followed = list_followed()
    said = read_in_sandbox(Path(__file__).with_name("documented.py"), followed, tmp_path)
    outputs = dict(json.loads(line) for line in said.splitlines())
    assert list(outputs) == [str(block) for block in followed]
    assert_the_readme_is_right(outputs)


def assert_the_readme_is_right(outputs: dict[str, str]) -> None:
    """Compare what the first commands print with what the README shows, but for the numbers."""
    shown = next(block for block in BLOCKS if block.text.startswith("sendgrid_seq_score{"))
    command = next(block for block in COMMANDS if "head -n 5" in block.text)
    printed = outputs[str(command)]
    for text in (shown.text, printed):
        pattern = r'(sendgrid_seq_score\{account="[a-z]+",subuser="[a-z-]+"\} [12]\.\d\n){5}'
        assert re.fullmatch(pattern, text), text
    # Scores vary by tenths from day to day, and with them who is fifth.
    names = [set(re.findall(r"\{.*\}", text)) for text in (shown.text, printed)]
    assert len(names[0] & names[1]) >= 3


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "promql"], ids=str
)
def test_every_query_is_one(block: Block, tmp_path: Path) -> None:
    """Each query of a block begins in the first column; what is indented belongs to it."""
    text = re.sub(r"\s+#.*$", "", block.text, flags=re.MULTILINE)
    queries = [found.strip() for found in re.split(r"\n(?=[^\s)])", text)]
    rules = [
        {"record": f"documented:{number}", "expr": query} for number, query in enumerate(queries)
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "documented", "rules": rules}]}))
    subprocess.run([find_tool("promtool"), "check", "rules", file], check=True)
