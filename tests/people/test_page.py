"""The status page in a real browser: search, sorting, accessibility; without scripts."""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests
import yaml
from axe_core_python.selenium import Axe  # type: ignore[import-untyped]
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from seq_exporter.explain.evidence import Evidence
from seq_exporter.score import Score
from seq_exporter.web.subuser_page import SubuserPage
from tests.processes import Start, free_port, start_simulator, wait_for
from tests.support import GIVE_UP_SECONDS, TODAY

#: The page of a subuser that has fallen.
FALLEN = "subuser?account=kettlewick&subuser=shop-de"


@pytest.fixture
def large(exporter: Start, tmp_path: Path) -> str:
    """Serve a fleet of 10,000 subusers, and an account that fails."""
    simulator = start_simulator(exporter, 10_000, "--accounts=3", "--rate-limit=10000")[1]
    config = yaml.safe_load(simulator.config)
    config["accounts"] = [config["accounts"][0], config["accounts"][1] | {"api_key": "SG.wrong"}]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    process = exporter("serve", f"--web.listen-address={address}")
    wait_for(f"http://{address}/-/ready", process)
    return f"http://{address}/"


def read_column(browser: Chrome, number: int) -> list[str]:
    cells = browser.find_elements(By.CSS_SELECTOR, f".scores tbody tr > :nth-child({number})")
    return [cell.text for cell in cells]


def follow(browser: Chrome, link: WebElement) -> None:
    """Click, and return when the next document is complete: the driver does not always wait."""
    left = browser.find_element(By.TAG_NAME, "html")
    link.click()
    # Between two documents, the driver may answer with any error.
    wait = WebDriverWait(browser, GIVE_UP_SECONDS, ignored_exceptions=[WebDriverException])
    wait.until(staleness_of(left))
    wait.until(lambda _: browser.execute_script("return document.readyState") == "complete")


def test_the_worst_subusers_come_first(browser: Chrome, demo: str) -> None:
    browser.get(demo)
    scores = [float(text) for text in read_column(browser, 3)]
    assert len(scores) == 50
    assert scores == sorted(scores)
    assert scores[0] < 2.5
    states = browser.find_elements(By.CSS_SELECTOR, ".accounts tbody td:nth-child(2)")
    assert [state.text for state in states] == ["up"] * 3


def serve_below_a_path(exporter_url: str) -> ThreadingHTTPServer:
    """Return a reverse proxy that serves the exporter at /seq/, as nginx' `location /seq/` does."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith("/seq/"):
                self.send_error(404)
                return
            url = exporter_url + self.path.removeprefix("/seq/")
            answer = requests.get(url, timeout=GIVE_UP_SECONDS)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_every_link_and_the_search_work_behind_a_path(browser: Chrome, demo: str) -> None:
    server = serve_below_a_path(demo)
    page = f"http://127.0.0.1:{server.server_port}/seq/"
    browser.get(page)
    links = [link.get_attribute("href") for link in browser.find_elements(By.TAG_NAME, "a")]
    own = [str(link) for link in links if "127.0.0.1" in str(link)]
    assert len(own) > 10
    for link in own:
        assert link.startswith(page)
        assert requests.get(link, timeout=GIVE_UP_SECONDS).status_code == 200

    wanted = read_column(browser, 1)[7]
    browser.find_element(By.NAME, "subuser").send_keys(wanted)
    follow(browser, browser.find_element(By.TAG_NAME, "button"))
    assert browser.current_url.startswith(f"{page}?subuser={wanted}")
    assert wanted in read_column(browser, 1)
    follow(browser, browser.find_element(By.LINK_TEXT, "Open rate"))
    assert wanted in read_column(browser, 1)
    server.shutdown()
    server.server_close()


def test_search_and_sort_in_a_large_fleet(browser: Chrome, large: str) -> None:
    browser.get(large)
    assert re.search(r"\b(9,\d{3}|10,000) subusers, showing 1 to 50", browser.page_source)
    assert "SendGrid refuses the key" in browser.find_element(By.CLASS_NAME, "accounts").text
    assert len(browser.page_source.encode()) < 100_000
    wanted = read_column(browser, 1)[7]

    browser.find_element(By.NAME, "subuser").send_keys(wanted.upper())
    follow(browser, browser.find_element(By.TAG_NAME, "button"))
    assert wanted in read_column(browser, 1)
    assert all(wanted in name for name in read_column(browser, 1))

    browser.get(large)
    Select(browser.find_element(By.NAME, "sort")).select_by_visible_text("Open rate")
    Select(browser.find_element(By.NAME, "order")).select_by_visible_text("descending")
    follow(browser, browser.find_element(By.TAG_NAME, "button"))
    first = [float(text) for text in read_column(browser, 5)]
    assert first == sorted(first, reverse=True)
    assert first[0] == 5.0
    follow(browser, browser.find_element(By.LINK_TEXT, "Next"))
    second = [float(text) for text in read_column(browser, 5)]
    assert len(second) == 50
    assert second[0] <= first[-1]

    follow(browser, browser.find_element(By.LINK_TEXT, "Subuser"))
    names = read_column(browser, 1)
    assert names == sorted(names)


@pytest.mark.parametrize("browser", ["script", "script dark", "script phone"], indirect=True)
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?subuser=shop&sort=spam_rate&order=descending",
        "?limit=x&below=x",
        FALLEN,
        "subuser?account=kettlewick&subuser=shop-dee",
    ],
)
def test_the_page_is_accessible(browser: Chrome, demo: str, query: str) -> None:
    browser.get(demo + query)
    found = Axe().run(browser)
    assert len(found["passes"]) > 10
    serious = [
        (each["id"], [node["html"] for node in each["nodes"]][:3])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_two_clicks_tell_who_fell_and_what_to_do(browser: Chrome, demo: str) -> None:
    """From the page that everybody opens first, to a subuser among the worst, and back."""
    browser.get(demo)
    follow(browser, browser.find_element(By.LINK_TEXT, "shop-de"))
    said = browser.find_element(By.TAG_NAME, "body").text
    assert browser.find_element(By.TAG_NAME, "h1").text == "shop-de"
    assert re.search(r"\nThe overall score fell from 4\.\d to 2\.\d on \d{4}-\d\d-\d\d\.\n", said)
    assert re.search(r"\n[a-z_]+ fell from \d\.\d to \d\.\d on ", said)
    assert "\nWhat helps\nA low " in said
    assert "\nWhere to look\n" in said
    # As many bars as days, and the same numbers in a table.
    pictures = browser.find_elements(By.CSS_SELECTOR, "svg[role=img]")
    assert len(pictures) == 6
    assert len(browser.find_elements(By.CSS_SELECTOR, ".days tbody tr")) == 30
    follow(browser, browser.find_element(By.LINK_TEXT, "All subusers"))
    assert "shop-de" in read_column(browser, 1)


@pytest.mark.parametrize("browser", ["script phone"], indirect=True)
@pytest.mark.parametrize("page", ["", FALLEN])
def test_on_a_phone_only_tables_scroll_sideways(browser: Chrome, demo: str, page: str) -> None:
    browser.get(demo + page)
    wide, screen = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= screen


@pytest.mark.parametrize("browser", ["script phone"], indirect=True)
def test_on_a_phone_endless_words_break(browser: Chrome, tmp_path: Path) -> None:
    word = "x" * 256
    days = {TODAY: Score("1", word, 4.0)}
    page = tmp_path / "page.html"
    page.write_text(SubuserPage().render(Evidence(word, word, TODAY, days, gap=word)))
    browser.get(page.as_uri())
    wide, screen = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= screen


@pytest.mark.parametrize("browser", ["script phone"], indirect=True)
def test_on_a_phone_a_name_is_on_one_line(browser: Chrome, demo: str) -> None:
    """And the scores of one with a long name are on the screen, too."""
    browser.get(demo)
    names = browser.find_elements(By.CSS_SELECTOR, ".scores tbody th .name")
    assert len({name.size["height"] for name in names if len(name.text) < 16}) == 1
    right = browser.execute_script(
        "return Math.max(...[...document.querySelectorAll('.scores tbody .name')]"
        ".map(each => each.getBoundingClientRect().width))"
    )
    assert right <= 0.45 * browser.execute_script("return document.documentElement.clientWidth")


@pytest.mark.parametrize("browser", ["script"], indirect=True)
def test_nothing_is_loaded_from_other_hosts(browser: Chrome, demo: str) -> None:
    browser.get(demo)
    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map(each => each.name)"
    )
    assert [url for url in loaded if not url.startswith(demo)] == []
    assert browser.find_elements(By.TAG_NAME, "script") == []
