"""From scores to bytes: metric families, the compressed page, the exporter's own metrics."""
