"""How hypothesis tries the tests that it makes examples for."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# An example may take as long as it takes: on a busy machine, slow is not wrong.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples each time: a change is judged by what it does, and not by luck.
settings.register_profile("repeatable", settings.get_profile("patient"), derandomize=True)
settings.load_profile("patient")
