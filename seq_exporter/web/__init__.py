"""HTTP: metrics for scrapes, health checks for probes, a status page and an API for people."""
