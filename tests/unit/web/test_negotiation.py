"""Content negotiation: the format and the encoding of a scrape's answer."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Counter

from seq_exporter.publish.formats import OPENMETRICS, TEXT, Format
from seq_exporter.web.negotiation import accepts_gzip, choose_format

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
    f"q=0.7,{PROMETHEUS_3}"
)
PROMETHEUS_3_TEXT_ONLY = "text/plain;version=0.0.4;q=0.6,*/*;q=0.5"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PROMETHEUS_2_42, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_3_PROTOBUF, OPENMETRICS),
        (PROMETHEUS_3_TEXT_ONLY, TEXT),
        (FIREFOX, TEXT),
        ("*/*", TEXT),
        ("", TEXT),
        ("text/plain", TEXT),
        ("application/json", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPENMETRICS),
        ("Application/OpenMetrics-Text ; Version=1.0.0 ; Q=1", OPENMETRICS),
    ],
)
def test_openmetrics_is_sent_on_request(accept: str, expected: Format) -> None:
    assert choose_format(accept) is expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/openmetrics-text;q=0.5,text/plain;q=0.4", OPENMETRICS),
        ("text/plain;q=0.4,application/openmetrics-text;q=0.5", OPENMETRICS),
        ("application/openmetrics-text;q=0.4,text/plain;q=0.5", TEXT),
        ("text/plain;q=0.5,application/openmetrics-text;q=0.4", TEXT),
        ("application/openmetrics-text;q=0.9,text/plain", TEXT),
        ("text/plain,application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text,*/*", OPENMETRICS),
        ("application/openmetrics-text;q=0.1,*/*;q=0.9", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=0,text/plain;q=0", TEXT),
    ],
)
def test_weights_decide_and_not_the_order(accept: str, expected: Format) -> None:
    assert choose_format(accept) is expected


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;version=0.0.1,text/plain;q=0.1",
    ],
)
def test_no_other_version_of_openmetrics_is_sent(accept: str) -> None:
    assert choose_format(accept) is TEXT


@pytest.mark.parametrize(
    "accept",
    [
        ",",
        ";;;",
        "=;=,=",
        "q=1",
        "application",
        "application/openmetrics-text;q=",
        "application/openmetrics-text;q=high",
        "application/openmetrics-text;q=nan",
        "application/openmetrics-text;q=-1",
        "\xff\x00",
    ],
)
def test_a_malformed_header_is_answered_in_text(accept: str) -> None:
    assert choose_format(accept) is TEXT


def test_a_format_renders_its_media_type() -> None:
    registry = CollectorRegistry()
    Counter("hits", "All hits.", registry=registry)
    assert TEXT.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert TEXT.render(registry).startswith(b"# HELP hits_total All hits.\n")
    assert OPENMETRICS.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert OPENMETRICS.render(registry).startswith(b"# HELP hits All hits.\n")
    assert OPENMETRICS.render(registry).endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("GZip", True),
        ("gzip, deflate, br, zstd", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        (" br , gzip ; q=0.001 ", True),
        ("*", True),
        ("identity, *;q=0.1", True),
        ("", False),
        ("identity", False),
        ("br, zstd", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=high", False),
        ("gzip;q=nan", False),
        (",;=", False),
    ],
)
def test_gzip_is_sent_if_accepted(accept_encoding: str, expected: bool) -> None:
    assert accepts_gzip(accept_encoding) is expected
