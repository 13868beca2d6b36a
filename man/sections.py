"""The sections of the manual page that no command's help holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Section(NamedTuple):
    """A heading, a text, then terms with their meanings, then commands with what they do."""

    heading: str
    text: str = ""
    terms: Sequence[tuple[str, str]] = ()
    examples: Sequence[tuple[str, Sequence[str]]] = ()


DESCRIPTION = Section(
    "DESCRIPTION",
    "SendGrid rates an account and each of its subusers every day: an Engagement Quality (SEQ) "
    "score, and five metric scores, from 1 (poor) to 5 (good). `seq-exporter serve` polls SendGrid "
    "and publishes the newest scores as Prometheus metrics at http://localhost:10737/metrics. The "
    "other commands check the configuration, show and explain scores, and fetch past ones.",
)

#: What follows the commands.
SECTIONS = (
    Section(
        "EXIT STATUS",
        terms=(
            ("0", "Done. A server was stopped by SIGTERM or Ctrl-C."),
            (
                "1",
                "Failed: a port is in use, a file cannot be written, or an account does not "
                "answer. `check`: polls of an account would fail; `check --format=json` says why.",
            ),
            ("2", "Wrong use, or a mistake in a file."),
        ),
    ),
    Section(
        "ENVIRONMENT",
        "Each flag of `serve`, `check`, `scores`, `explain`, `backfill` and `demo` can also be set "
        "by the variable that is named with it. If both are set, the flag wins.",
        terms=(
            ("NO_COLOR", "If it is not empty, nothing is coloured."),
            (
                "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
                "The proxy for requests to SendGrid, and the hosts that need none.",
            ),
            (
                "REQUESTS_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR",
                "The certificate authorities to trust, if not those of the system.",
            ),
        ),
    ),
    Section(
        "FILES",
        terms=(
            (
                "config.yaml",
                "The accounts to poll, in the current folder, unless --config.file names another "
                "file. The variables and files that it names hold the API keys.",
            ),
            (
                "share/seq-exporter/config.example.yaml",
                "Every key of the configuration, explained. It is in the folder that the package "
                "is installed to, such as a virtual environment, with a systemd unit beside it.",
            ),
        ),
    ),
    Section(
        "EXAMPLES",
        examples=(
            (
                "See what it looks like, without a key, at http://localhost:10737/:",
                ("seq-exporter demo",),
            ),
            (
                "Check the keys, then poll and serve:",
                ("seq-exporter check && seq-exporter serve",),
            ),
            (
                "Send what is wrong by cron's mail, every morning; nothing if all is well:",
                (
                    "SEQ_EXPORTER_CONFIG_FILE=/etc/seq-exporter/config.yaml",
                    "30 7 * * * seq-exporter check --quiet",
                ),
            ),
            (
                "The five lowest scores of the shops, and why one fell:",
                (
                    "seq-exporter scores --subuser='shop-*' --limit=5",
                    "seq-exporter explain shop-de",
                ),
            ),
            (
                "Write the scores of the last 90 days for Prometheus:",
                ("seq-exporter backfill --output-dir=past --label=job=seq-exporter",),
            ),
        ),
    ),
    Section("SEE ALSO", "`prometheus`(1), `promtool`(1)"),
)
