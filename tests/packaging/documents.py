"""The blocks of the documentation, and a sandbox in which a reader's commands can do no harm."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.packaging.distributions import list_repository
from tests.support import ROOT

DOCUMENTS = sorted(name for name in list_repository("*.md") if name != "CHANGELOG.md")


@dataclass(frozen=True, slots=True)
class Block:
    """A block between fences; `heading` is the last one above it, `file` the one to write it to."""

    document: str
    line: int
    heading: str
    language: str
    text: str
    file: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def list_blocks(document: str) -> Iterator[Block]:
    """Yield the blocks of a document, without the indentation that a list gives them.

    "Write `config.yaml`:" above a block asks the reader to write it to that file.
    """
    text = (ROOT / document).read_text(encoding="utf-8")
    for found in re.finditer(r"^( *)```(\w*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        above = text[: found.start()]
        headings = re.findall(r"^#+ (.+)$", above, re.MULTILINE)
        (last_paragraph,) = re.findall(r"(?:.+\n)*\Z", above.rstrip() + "\n")[:1]
        file = re.search(r"[Ww]rite `([\w/.-]+\.yaml)`", last_paragraph)
        body = re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)
        line = above.count("\n") + 1
        yield Block(
            document,
            line,
            headings[-1],
            found[2],
            body,
            file[1] if file and found[2] == "yaml" else "",
        )


def read_in_sandbox(script: Path, blocks: Sequence[Block], folder: Path) -> str:
    """Run a script that follows `blocks`, as root of a system with a network of its own.

    The script reads JSON from standard input. `folder` has its certificates and the packages that
    pip may install. Returns what the script prints; fails with it if the script does.
    """
    (folder / "hosts").write_text("127.0.0.1 localhost api.sendgrid.com\n")
    command = ["bwrap", "--unshare-net", "--unshare-pid", "--die-with-parent", "--clearenv"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for place in ("/tmp", "/opt", "/etc", "/root", "/var"):
        command += ["--tmpfs", place]
    for place in (
        "/usr",
        "/etc/alternatives",
        "/etc/passwd",
        "/etc/group",
        "/etc/ssl",
        "/etc/manpath.config",
    ):
        command += ["--ro-bind-try", place, place]
    for name in ("bin", "lib", "lib64"):
        command += ["--symlink", f"usr/{name}", f"/{name}"]
    for place in sorted({sys.prefix, sys.base_prefix, str(ROOT), str(folder)}):
        command += ["--ro-bind", place, place]
    command += ["--ro-bind", str(folder / "hosts"), "/etc/hosts"]
    command += ["--setenv", "PYTHONPATH", str(ROOT), "--chdir", "/tmp"]
    command += [sys.executable, str(script)]
    planned = {
        "root": str(ROOT),
        "folder": str(folder),
        "files": sorted(list_repository()),
        "blocks": [asdict(block) for block in blocks],
    }
    done = subprocess.run(
        command, input=json.dumps(planned), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
