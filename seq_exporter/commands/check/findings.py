"""The findings of a check, as lines with a mark or as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, WithJsonSchema, computed_field
from pydantic.dataclasses import dataclass

from seq_exporter.errors import POLL_FAILURE_REASONS
from seq_exporter.escapes import show


class Verdict(StrEnum):
    """What a finding means for the polls of the account."""

    RIGHT = "right"
    DOUBTFUL = "doubtful"  # polls succeed, but the result may surprise
    WRONG = "wrong"  # polls fail

    @property
    def mark(self) -> str:
        """The mark in front of a line."""
        return {Verdict.RIGHT: "✓", Verdict.DOUBTFUL: "!", Verdict.WRONG: "✗"}[self]

    @property
    def colour(self) -> str:
        """The colour of the mark on a terminal."""
        return {Verdict.RIGHT: "green", Verdict.DOUBTFUL: "yellow", Verdict.WRONG: "red"}[self]


class Doubt(StrEnum):
    """What is doubtful in a finding."""

    NO_SCORES = "no_scores"  # on none of the days
    NO_SUBUSERS = "no_subusers"  # none that is published
    NOT_ELIGIBLE = "not_eligible"  # none of the subusers
    UNKNOWN_SUBUSER = "unknown_subuser"
    RATE_LIMIT_USED_UP = "rate_limit_used_up"
    CLOCK = "clock"


#: Every value of `trouble`: the reasons of failed polls for what is wrong, then the doubts.
TROUBLES = (*POLL_FAILURE_REASONS, *Doubt)

_Trouble = Annotated[str, WithJsonSchema({"type": "string", "enum": list(TROUBLES)})]


@dataclass(frozen=True)
class Finding:
    """One line: the subject, the finding and, unless it is right, the remedy."""

    verdict: Verdict
    about: Annotated[str, Field(description="The subject, in a word or two")]
    text: Annotated[str, Field(description="The finding and its remedy, for people")]
    facts: Annotated[Mapping[str, Any], Field(description="The numbers and names in the text")] = (
        Field(default_factory=dict)
    )
    trouble: Annotated[
        _Trouble | None, Field(description="The kind of trouble; null if the finding is right")
    ] = None


@dataclass(frozen=True)
class AccountReport:
    """All findings on one account."""

    account: str
    findings: Sequence[Finding]

    @computed_field(description="Whether a poll of the account would succeed")  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """Whether a poll of the account would succeed."""
        return not self.failures

    @property
    def failures(self) -> list[Finding]:
        """The findings that would make a poll fail."""
        return [finding for finding in self.findings if finding.verdict is Verdict.WRONG]


@dataclass(frozen=True)
class CheckReport:
    """What `seq-exporter check` has found, account by account."""

    accounts: Sequence[AccountReport]

    @computed_field(description="Whether every poll would succeed")  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """Whether every poll would succeed."""
        return all(each.ok for each in self.accounts)


_ADAPTER = TypeAdapter(CheckReport)


def to_json(report: CheckReport) -> Any:
    """Return `{"accounts": [{"account": "acme", "findings": [...], "ok": true}], "ok": true}`."""
    return _ADAPTER.dump_python(report, mode="json")


def describe_json() -> dict[str, Any]:
    """Return the JSON Schema of what `to_json` returns."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_ADAPTER.json_schema(mode="serialization"),
    }


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
