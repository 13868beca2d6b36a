"""`seq-exporter serve`: the long-running process."""
