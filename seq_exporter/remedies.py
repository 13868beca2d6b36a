"""What a low score of each metric means, and what usually raises it: docs/remedies.md in short."""

from __future__ import annotations

from collections.abc import Mapping

# Both have the metrics in the order in which one causes the next.

#: For each metric, what a low score of it means.
MEANINGS: Mapping[str, str] = {
    "bounce_rate": "many messages go to addresses that do not exist",
    "spam_rate": "many recipients report the messages as spam",
    "bounce_classification": (
        "mailbox providers refuse messages because of their sender or content: blocklists, "
        "reputation, content filters"
    ),
    "engagement_recency": (
        "much of the mail goes to people who have not opened or clicked anything for a long time"
    ),
    "open_rate": (
        "few recipients opened the messages, or that mailbox providers put them where nobody looks"
    ),
}

#: For each metric, what to do first.
REMEDIES: Mapping[str, str] = {
    "bounce_rate": (
        "Find the list or form that these addresses come from, stop using it, confirm new "
        "addresses with a message that must be answered, and never import bought lists."
    ),
    "spam_rate": (
        "Write only to people who agreed to it, put a one-click unsubscribe link at the top of the "
        "message, and pause the campaign with which the reports began."
    ),
    "bounce_classification": (
        "Read the reasons in the blocks, repair what they name, then ask the blocklist to remove "
        "the address, and slow down until mailbox providers accept mail again."
    ),
    "engagement_recency": (
        "Send one last message to people who have been silent for half a year and ask whether they "
        "want to stay, then stop writing to those who do not answer."
    ),
    "open_rate": (
        "Send less often, to people who asked for it, with a sender name and a subject that they "
        "recognise, and check that SPF, DKIM and DMARC pass."
    ),
}
