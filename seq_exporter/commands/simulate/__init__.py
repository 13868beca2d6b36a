"""`seq-exporter simulate`: the simulated SendGrid alone."""
