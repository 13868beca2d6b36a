"""The manual page `seq-exporter(1)`, made from the same objects as `--help`."""
