"""Real browsers, and the exporter that they open. All tests share them: a page changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.processes import (
    exporter,
    exporter_by,
    find_tool,
    free_port,
    running,
    start,
    wait_for,
)

__all__ = ["browser", "demo", "exporter", "start"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the demo; return its address, with a slash at the end."""
    address = f"127.0.0.1:{free_port()}"
    with running(tmp_path_factory.mktemp("demo")) as start:
        process = exporter_by(start)("demo", f"--web.listen-address={address}")
        wait_for(f"http://{address}/-/ready", process)
        yield f"http://{address}/"


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Chrome]:
    """Start headless Chromium.

    The parameter is a text with any of the words `dark`, `script` (scripts allowed) and `phone`
    (360 px wide instead of 1280).
    """
    wanted = getattr(request, "param", "")
    options = ChromeOptions()
    options.binary_location = find_tool("chromium")
    # Chromium's sandbox does not work in a container or as root.
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    if "dark" in wanted:
        options.add_argument("--blink-settings=preferredColorScheme=0")
    if "script" not in wanted:
        options.add_experimental_option(
            "prefs", {"profile.managed_default_content_settings.javascript": 2}
        )
    made = Chrome(options, Service(find_tool("chromedriver")))
    made.set_window_size(360 if "phone" in wanted else 1280, 900)
    yield made
    made.quit()
