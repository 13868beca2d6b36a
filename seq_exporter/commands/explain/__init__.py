"""`seq-exporter explain`: why a score has changed."""
