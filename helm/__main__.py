"""Write the chart's generated files to their committed places."""

from __future__ import annotations

from helm.generated import CHART, make_files


def main() -> None:
    """Write each file."""
    for name, content in make_files().items():
        (CHART / name).write_text(content, encoding="utf-8")
        print(f"helm/seq-exporter/{name}")


if __name__ == "__main__":
    main()
