"""The five metrics in words: their names, their meaning, and remedies."""

from __future__ import annotations

from seq_exporter.remedies import MEANINGS, REMEDIES

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
TEXTS = {
    metric: f"A low score means that {MEANINGS[metric]}. {REMEDIES[metric]}"
    for metric in METRIC_NAMES
}
