"""A real browser, and what it looks at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.processes import exporter, find_tool, start

__all__ = ["browser", "exporter", "start"]


@pytest.fixture
def browser(request: pytest.FixtureRequest) -> Iterator[Chrome]:
    """Start Chromium without a window; its parameters are `dark` and `script`, and a width."""
    wish = getattr(request, "param", "1280")
    options = ChromeOptions()
    options.binary_location = find_tool("chromium")
    # Its sandbox needs what a container, or root, does not have.
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    if "dark" in wish:
        options.add_argument("--blink-settings=preferredColorScheme=0")
    if "script" not in wish:
        options.add_experimental_option(
            "prefs", {"profile.managed_default_content_settings.javascript": 2}
        )
    made = Chrome(options, Service(find_tool("chromedriver")))
    made.set_window_size(360 if "phone" in wish else 1280, 900)
    yield made
    made.quit()
