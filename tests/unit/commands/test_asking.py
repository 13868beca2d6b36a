"""Asking about several accounts at once."""

from __future__ import annotations

from dataclasses import replace

from seq_exporter.commands.asking import ask_all
from seq_exporter.commands.progress import Advance
from seq_exporter.config.model import PollSettings
from seq_exporter.errors import TimedOut
from seq_exporter.sendgrid.reader import AccountReader
from tests.support import account


class Answer:
    """Notes in `written` that it is written out, which takes seconds if it holds a fleet."""

    def __init__(self, name: str, written: list[str]) -> None:
        self.name = name
        self._written = written

    def __repr__(self) -> str:
        self._written.append(self.name)
        return self.name


def test_answers_are_in_the_order_of_the_accounts_and_are_not_written_out() -> None:
    written: list[str] = []

    def ask(reader: AccountReader, advance: Advance) -> Answer:
        if reader.account.name == "b":
            raise TimedOut("no answer")
        return Answer(reader.account.name, written)

    accounts = [replace(account(), name=name) for name in "abc"]
    answers = ask_all(accounts, PollSettings(), ask)
    found = [each.name if isinstance(each, Answer) else str(each) for each in answers]
    assert found == ["a", "no answer", "c"]
    assert written == []
