"""`seq-exporter demo`: the simulator and the exporter in one process."""
