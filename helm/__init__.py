"""The Helm chart in seq-exporter/, and what writes those of its files that are made from others."""
