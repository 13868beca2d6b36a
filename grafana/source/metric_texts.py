"""The five metrics in words: their names, their meaning, and remedies."""

from __future__ import annotations

METRIC_NAMES = {
    "engagement_recency": "Engagement recency",
    "open_rate": "Open rate",
    "bounce_classification": "Bounce classification",
    "bounce_rate": "Bounce rate",
    "spam_rate": "Spam rate",
}

SCORE_NAMES = {"overall": "Overall", **METRIC_NAMES}

#: The same as headings of narrow columns.
COLUMN_NAMES = {
    "engagement_recency": "Engagement",
    "open_rate": "Opens",
    "bounce_classification": "Classification",
    "bounce_rate": "Bounces",
    "spam_rate": "Spam",
}

#: For each metric, two sentences: the meaning of a low score, and the remedy.
REMEDIES = {
    "engagement_recency": (
        "A low score means that much of the mail goes to people who have not opened or clicked "
        "anything for a long time. "
        "Send one last message to people who have been silent for half a year and ask whether they "
        "want to stay, then stop writing to those who do not answer."
    ),
    "open_rate": (
        "A low score means that few recipients opened the messages, or that mailbox providers put "
        "them where nobody looks. "
        "Send less often, to people who asked for it, with a sender name and a subject that they "
        "recognise, and check that SPF, DKIM and DMARC pass."
    ),
    "bounce_classification": (
        "A low score means that mailbox providers refuse messages because of their sender or "
        "content: blocklists, reputation, content filters. Read the reasons in the blocks, repair "
        "what they name, then ask the blocklist to remove the address, and slow down until "
        "mailbox providers accept mail again."
    ),
    "bounce_rate": (
        "A low score means that many messages go to addresses that do not exist. Find the list or "
        "form that these addresses come from, stop using it, confirm new addresses with a message "
        "that must be answered, and never import bought lists."
    ),
    "spam_rate": (
        "A low score means that many recipients report the messages as spam. "
        "Write only to people who agreed to it, put a one-click unsubscribe link at the top of the "
        "message, and pause the campaign with which the reports began."
    ),
}
