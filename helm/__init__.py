"""The Helm chart in seq-exporter/, and the code that generates some of its files from others."""
