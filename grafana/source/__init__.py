"""Generate the dashboards: `python -m grafana.source` writes them to grafana/*.json."""
