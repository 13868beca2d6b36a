"""Lists that aliases repeat for many accounts: each is checked once, and made a selection once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationInfo, ValidatorFunctionWrapHandler, WrapValidator

from seq_exporter.config.model import SubuserSelection

#: The key of the RepeatedLists in the context of a validation.
REPEATED_LISTS = "repeated_lists"


@dataclass(frozen=True, slots=True)
class RepeatedLists:
    """What was made of the lists of one file, by their identity.

    It holds the lists, too: otherwise, another list could have the identity of one that is gone.
    """

    validated: dict[tuple[str, int], tuple[object, object]] = field(default_factory=dict)
    selected: dict[tuple[int, ...], tuple[object, SubuserSelection]] = field(default_factory=dict)


def validate_once(kind: str) -> WrapValidator:
    """Validate a list of this kind of values once for all accounts and keys that share it.

    A mistake in the list is one mistake, and only the first of them reports it.
    """

    def validate_unless_done(
        value: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        validated = _lists_of(info).validated
        key = kind, id(value)
        if key not in validated:
            validated[key] = value, [""]  # for the others, if the next line raises
            validated[key] = value, validate(value)
        return validated[key][1]

    return WrapValidator(validate_unless_done)


def select_once(
    source: object,
    key: tuple[int, ...],
    select: Callable[[], SubuserSelection],
    info: ValidationInfo,
) -> SubuserSelection:
    """Return one selection for all accounts whose `source` has the lists of these identities."""
    selected = _lists_of(info).selected
    if key not in selected:
        selected[key] = source, select()
    return selected[key][1]


def _lists_of(info: ValidationInfo) -> RepeatedLists:
    lists: RepeatedLists = (info.context or {})[REPEATED_LISTS]
    return lists
