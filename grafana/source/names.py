"""The five metrics in words: what each means, and what usually helps."""

from __future__ import annotations

METRIC_NAMES = {
    "engagement_recency": "Engagement recency",
    "open_rate": "Open rate",
    "bounce_classification": "Bounce classification",
    "bounce_rate": "Bounce rate",
    "spam_rate": "Spam rate",
}

#: For each metric, two sentences: what a low score says, and what to do about it.
REMEDIES = {
    "engagement_recency": (
        "A low score says that much of the mail goes to people who have not opened or clicked "
        "anything for a long time. "
        "Stop writing to those who have been silent for half a year, after one last message that "
        "asks whether they want to stay."
    ),
    "open_rate": (
        "A low score says that few of those who got a message opened it, or that mailbox "
        "providers put it where nobody looks. "
        "Send less often, to the people who asked for it, under a sender name and a subject that "
        "they recognise, and check that SPF, DKIM and DMARC pass."
    ),
    "bounce_classification": (
        "A low score says that mailbox providers refuse messages because of who sends them or "
        "what is in them: blocklists, reputation, content. "
        "Read the reasons among the blocks, mend what they name, ask the blocklist to remove the "
        "address once it is mended, and slow down until they accept mail again."
    ),
    "bounce_rate": (
        "A low score says that many messages go to addresses that do not exist. "
        "Find the list or the form that they come from, stop using it, confirm new addresses by "
        "a message that has to be answered, and never import bought lists."
    ),
    "spam_rate": (
        "A low score says that many recipients report the messages as spam. "
        "Write only to those who agreed to it, make leaving a single click at the top of the "
        "message, and hold back whichever campaign the reports began with."
    ),
}
