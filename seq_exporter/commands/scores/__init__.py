"""`seq-exporter scores`: the newest scores, for a person, a program or a file."""
