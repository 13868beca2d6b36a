"""Measure the exporter at scale, compared with alternatives and with lower limits."""
