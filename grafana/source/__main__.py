"""Write the dashboards to their committed files."""

from __future__ import annotations

from pathlib import Path

from grafana.source.files import render_all

FOLDER = Path(__file__).parents[1]


def main() -> None:
    """Write each dashboard's file."""
    for name, content in render_all().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        print(f"grafana/{name}")


if __name__ == "__main__":
    main()
