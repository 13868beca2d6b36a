"""`python -m seq_exporter` is `seq-exporter`."""

from seq_exporter.commands.main import main

main()
