"""Reading configuration files, whatever they hold and however long it takes."""

from __future__ import annotations

import contextlib
import gc
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from seq_exporter.errors import ConfigError
from seq_exporter.threads import call_within

_Loaded = TypeVar("_Loaded")

#: How long the files of a configuration may take together: a list of 100,000 subusers takes a
#: second, 3 s without libyaml, and more while polls run.
LOAD_SECONDS = 60.0


def load_within(load: Callable[[], _Loaded], what: str, seconds: float = LOAD_SECONDS) -> _Loaded:
    """Return what `load` returns; `what` names the files that it reads, for the error.

    Raises ConfigError, and nothing else: also after `seconds`, and for a defect in `load`. A reload
    that raised anything else would be the last one, and nothing would show it.
    """
    try:
        return call_within(seconds, load, f"load {what}")
    except ConfigError:
        raise
    except OSError as err:
        raise ConfigError(f"{what}: cannot be read: {err.strerror or err}") from err
    except Exception as err:  # noqa: BLE001
        # Not str(err) and not `from err`: they may quote the file, which may hold a key.
        place = traceback.extract_tb(err.__traceback__)[-1]
        raise ConfigError(
            f"{what}: cannot be read: a defect in seq-exporter: {type(err).__name__} "
            f"in {Path(place.filename).name}:{place.lineno}: please report it"
        ) from None


@contextlib.contextmanager
def collection_paused() -> Iterator[None]:
    """Collect no garbage in the block.

    To read 5,000 accounts makes so many objects that a full collection would come, in which every
    scrape waits for a third of a second.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
