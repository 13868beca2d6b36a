"""Dashboards for Grafana: the JSON files, and the code in `source` that generates them."""
