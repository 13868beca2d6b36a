"""Write the manual page to its committed place, with this day if it has changed."""

from __future__ import annotations

from man.page import FILE, make_page, read_day
from seq_exporter.clock import Clock


def main() -> None:
    """Write the page, unless it is current."""
    page = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    if page != make_page(read_day(page)):
        FILE.write_text(make_page(Clock().today()), encoding="utf-8")
        print("man/seq-exporter.1")


if __name__ == "__main__":
    main()
