"""The table of all results, with a column for each size, so growth is visible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import Figures


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: its text, and the function from a size's figures to its cell."""

    text: str
    cell: Callable[[Figures], str]


def render_table(title: str, rows: Sequence[Row], by_size: Mapping[int, Figures]) -> str:
    """Return the table; a dash means not measured."""
    lines = [[title, *(f"{size:,}" for size in by_size)]]
    for row in rows:
        lines.append([row.text, *(_cell_or_dash(row, figures) for figures in by_size.values())])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_render_line(line, widths) for line in lines)


def _render_line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    right = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
    return "  ".join([first.ljust(widths[0]), *right]).rstrip()


def _cell_or_dash(row: Row, figures: Figures) -> str:
    try:
        return row.cell(figures)
    except KeyError:
        return "-"


def _heading(text: str) -> Row:
    return Row(text, lambda _: "")


def _value(text: str, name: str, unit: Callable[[float], str]) -> Row:
    return Row(f"  {text}", lambda figures: unit(figures[name]))


def _ratio(text: str, above: str, below: str) -> Row:
    return Row(f"    {text}", lambda figures: _times(figures[above] / figures[below]))


def _times(value: float) -> str:
    return f"{_three_digits(value)} x"


def _duration(seconds: float) -> str:
    if seconds < 0.001:
        return f"{_three_digits(seconds * 1e6)} us"
    if seconds < 1:
        return f"{_three_digits(seconds * 1e3)} ms"
    if seconds < 600:
        return f"{_three_digits(seconds)} s"
    return f"{_three_digits(seconds / 60)} min"


def _size(value: float) -> str:
    if value < 1e6:
        return f"{_three_digits(value / 1e3)} kB"
    return f"{_three_digits(value / 1e6)} MB"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _three_digits(value: float) -> str:
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


#: Of one account, by the number of its subusers.
ROWS = (
    _heading("page"),
    _value("series", "series", _count),
    _value("text", "page bytes", _size),
    _value("gzipped", "packed bytes", _size),
    _heading("one gzip scrape, median"),
    _value("exporter", "exporter scrape median", _duration),
    _value("nginx, same bytes", "nginx scrape median", _duration),
    _ratio("exporter / nginx", "exporter scrape median", "nginx scrape median"),
    _value("stock prometheus_client", "stock scrape median", _duration),
    _ratio("stock / exporter", "stock scrape median", "exporter scrape median"),
    _heading("one gzip scrape, longest"),
    _value("exporter", "exporter scrape longest", _duration),
    _value("nginx, same bytes", "nginx scrape longest", _duration),
    _value("stock prometheus_client", "stock scrape longest", _duration),
    _heading("CPU time of one gzip scrape"),
    _value("exporter", "exporter scrape cpu", _duration),
    _value("nginx, same bytes", "nginx scrape cpu", _duration),
    _ratio("exporter / nginx", "exporter scrape cpu", "nginx scrape cpu"),
    _value("stock prometheus_client", "stock scrape cpu", _duration),
    _ratio("stock / exporter", "stock scrape cpu", "exporter scrape cpu"),
    _heading("scrapes a second, 4 connections"),
    _value("exporter", "exporter scrapes a second", _count),
    _value("nginx, same bytes", "nginx scrapes a second", _count),
    _ratio("exporter / nginx", "exporter scrapes a second", "nginx scrapes a second"),
    _heading("resident memory"),
    _value("exporter, just started", "start memory", _size),
    _value("exporter, after the first poll", "poll memory", _size),
    _value("exporter, after a refresh", "refresh memory", _size),
    _value("exporter, peak", "peak memory", _size),
    _value("exporter, after a poll and all scrapes", "scraped memory", _size),
    _value("stock prometheus_client, after scrapes", "stock memory", _size),
    _ratio("stock / exporter after a refresh", "stock memory", "refresh memory"),
    _heading("resident memory for each client that does not read the text"),
    _value("plain", "slow reader", _size),
    _value("TLS", "slow TLS reader", _size),
    _heading("first poll"),
    _value("requests", "poll requests", _count),
    _value("exporter", "poll", _duration),
    _value("bare requests loop, same pages", "loop", _duration),
    _ratio("exporter / loop", "poll", "loop"),
    _value("exporter, CPU time without start-up", "poll cpu", _duration),
    _value("loop, CPU time", "loop cpu", _duration),
    _ratio("exporter / loop", "poll cpu", "loop cpu"),
    _value("last answer to scores served", "last answer to served", _duration),
    _heading("longest scrape, one every 20 ms"),
    _value("during a first poll", "longest wait, first", _duration),
    _value("during a poll that waits for SendGrid", "longest wait, waiting", _duration),
    _value("during a refresh", "longest wait, refresh", _duration),
    _heading("start and stop, median"),
    _value("start to /-/healthy", "healthy", _duration),
    _ratio("/ an empty Python program", "healthy", "bare python"),
    _value("CPU time of the start", "start cpu", _duration),
    _value("SIGTERM during a poll to exit", "stopped", _duration),
    _heading("CPU time of a command, median"),
    _value("python -c pass", "bare python cpu", _duration),
    _value("--version", "version cpu", _duration),
    _ratio("/ python -c pass", "version cpu", "bare python cpu"),
    _value("scores --help", "help cpu", _duration),
    _ratio("/ python -c pass", "help cpu", "bare python cpu"),
    _value("a press of Tab", "tab cpu", _duration),
    _ratio("/ python -c pass", "tab cpu", "bare python cpu"),
    _heading("CPU time to read a list of so many usernames"),
    _value("configuration", "configuration", _duration),
    _value("YAML alone, with the fastest loader", "yaml", _duration),
    _ratio("configuration / YAML", "configuration", "yaml"),
    _heading("status page, median"),
    _value("request to last byte", "page", _duration),
    _value("sorted by a metric", "page sorted", _duration),
    _value("size", "page size", _size),
    _heading("`scores` as a table, median"),
    _value("start to the last line", "scores", _duration),
    _value("bare requests loop, same pages", "scores pages", _duration),
    Row("    difference", lambda figures: _duration(figures["scores"] - figures["scores pages"])),
    _heading("requests a day, default intervals"),
    _value("exporter", "requests a day", _count),
    _value("naive: all pages at each interval", "naive requests a day", _count),
    _ratio("naive / exporter", "naive requests a day", "requests a day"),
    _value("longest delay of a new day", "new day published after", _duration),
    _value("longest delay of a late score", "late score published after", _duration),
    _heading("backfill of 90 days, with the defaults"),
    _value("fetching from SendGrid", "backfill asking", _duration),
    _value("writing files", "backfill writing", _duration),
    _value("a sample every", "backfill step", _duration),
    _value("files", "backfill files", _size),
    _value("scores.sqlite", "backfill archive", _size),
    _value("peak memory", "backfill memory", _size),
    _value("promtool creates blocks", "promtool", _duration),
    _value("blocks", "blocks", _size),
)

#: Of many accounts with one subuser each, by their number.
ACCOUNT_ROWS = (
    _heading("the exporter's own metrics, CPU time"),
    _value("a scrape, on the event loop", "own render", _duration),
    _value("stock prometheus_client, same metrics", "stock render", _duration),
    _ratio("stock / exporter", "stock render", "own render"),
    _value("a poll, in its thread", "own publish", _duration),
    _heading("first polls of all accounts"),
    _value("from the first answer until ready", "accounts ready", _duration),
    _value("CPU time since the start", "accounts ready cpu", _duration),
    _value("longest answer of /-/healthy", "healthy, first", _duration),
    _heading("polls each minute (at most 1,000), scrapes each 2 s"),
    _value("longest answer of /-/healthy", "healthy, later", _duration),
    Row("  CPU", lambda figures: f"{100 * figures['accounts cpu']:.0f} %"),
    _value("page, gzipped", "accounts page", _size),
    _value("resident memory", "accounts memory", _size),
    _value("most open descriptors", "descriptors", _count),
    _heading("reload"),
    _value("nothing has changed", "accounts unchanged", _duration),
    _value("all accounts but one are removed", "accounts removed", _duration),
)
