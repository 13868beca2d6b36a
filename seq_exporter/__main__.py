"""`python -m seq_exporter` is `seq-exporter`."""

from seq_exporter.cli import main

main()
