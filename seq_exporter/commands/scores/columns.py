"""The columns of scores: their names, and those by which rows can be sorted."""

from __future__ import annotations

from seq_exporter.scores import METRICS

#: Scores are compared with the scores of so many days before.
CHANGES = (7, 30)

#: The columns with numbers.
NUMBERS = ("overall", *METRICS, *(f"change{days}" for days in CHANGES))

#: The columns by which rows can be sorted.
SORTS = (*NUMBERS, "name")
