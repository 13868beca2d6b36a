"""The findings of a check, as lines with a mark or as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

from seq_exporter.escapes import show


class Verdict(Enum):
    """What a finding means for the polls of the account."""

    RIGHT = "right", "✓", "green"
    DOUBTFUL = "doubtful", "!", "yellow"  # polls succeed, but the result may surprise
    WRONG = "wrong", "✗", "red"  # polls fail

    def __init__(self, word: str, mark: str, colour: str) -> None:
        self.word = word
        #: The mark in front of a line, and its colour on a terminal.
        self.mark, self.colour = mark, colour


class Finding(NamedTuple):
    """One line: the subject, the finding and, unless it is right, the remedy.

    `facts` are its numbers, for programs.
    """

    verdict: Verdict
    about: str
    text: str
    facts: Mapping[str, Any] = {}


class AccountReport(NamedTuple):
    """All findings on one account."""

    account: str
    findings: list[Finding]

    @property
    def would_fail(self) -> bool:
        """Whether a poll of the account would fail."""
        return any(finding.verdict is Verdict.WRONG for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return `{"account": "acme", "ok": true, "findings": [{"verdict": "right", ...}]}`."""
        findings = [
            finding._asdict() | {"verdict": finding.verdict.word} for finding in self.findings
        ]
        return {"account": self.account, "ok": not self.would_fail, "findings": findings}


_INDENT = 4
_ABOUT_WIDTH = 11


def wrap(finding: Finding, width: int) -> Iterator[str]:
    """Yield the lines of a finding without its mark, each of at most `width` columns if it can be.

    key        accepted by https://api.sendgrid.com
    missing    no subuser is called 'shop-dee'; the nearest is 'shop-de': correct the name
               in the configuration
    """
    # On a narrow terminal, a column for the subject would leave no room for the text.
    hanging = _INDENT + _ABOUT_WIDTH if width >= 60 else _INDENT
    first = finding.about.ljust(_ABOUT_WIDTH) if width >= 60 else f"{finding.about}: "
    yield from textwrap.wrap(
        show(first + finding.text),
        max(width - _INDENT, 20),
        subsequent_indent=" " * (hanging - _INDENT),
        break_on_hyphens=False,
    )
