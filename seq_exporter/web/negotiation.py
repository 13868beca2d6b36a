"""Content negotiation: the exposition format and the encoding that a scrape asks for."""

from __future__ import annotations

from collections.abc import Iterator

from seq_exporter.publish.formats import OPENMETRICS, TEXT, Format


def choose_format(accept: str) -> Format:
    """Return OpenMetrics 1.0 if `accept` prefers it, and Prometheus' text format otherwise.

    prometheus-client's own function takes the order of the header as the preference, and declares
    any version that it is asked for. This one uses `q`, and declares the version that is sent.
    """
    openmetrics_weight = text_weight = 0.0
    for media_type, parameters in _parse(accept):
        if media_type in ("text/plain", "text/*", "*/*"):
            text_weight = max(text_weight, _weight(parameters))
        is_version = parameters.get("version", "1.0.0") == "1.0.0"
        if media_type == "application/openmetrics-text" and is_version:
            openmetrics_weight = max(openmetrics_weight, _weight(parameters))
    if openmetrics_weight and openmetrics_weight >= text_weight:
        return OPENMETRICS
    return TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether `accept_encoding` allows gzip; `gzip;q=0` does not."""
    weights = {coding: _weight(parameters) for coding, parameters in _parse(accept_encoding)}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _parse(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for part in header.split(","):
        name, *parameters = part.split(";")
        pairs = (parameter.partition("=")[::2] for parameter in parameters)
        yield name.strip().lower(), {key.strip().lower(): value.strip() for key, value in pairs}


def _weight(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
