"""The report page as a browser shows it; left out where there is no Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from newt_core.reporting.page import write_report
from tests.fixtures.run_folders import write_run
from tests.fixtures.videos import small_video

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None, reason="there is no chromium with chromedriver"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A headless browser without a network, on the page of a run with a video."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    root = tmp_path_factory.mktemp("page")
    run = write_run(root, "balance", (0.1, 0.4, 0.7))
    small_video(run.videos / "pygame-pong.mp4")
    page = root / "report.html"
    write_report([run], page)
    options = ChromeOptions()
    options.binary_location = str(BROWSER)
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, ChromeService(DRIVER))
    driver.set_script_timeout(20)
    driver.get(page.as_uri())
    yield driver
    driver.quit()


def test_nothing_is_wrong_with_the_page(browser):
    assert browser.get_log("browser") == []
    pictures = browser.execute_script(
        "return [...document.images].map((one) => one.complete && one.naturalWidth)"
    )
    assert len(pictures) >= 3
    assert all(width > 100 for width in pictures)


@pytest.mark.parametrize("width", [400, 1400])
def test_no_width_needs_scrolling_sideways(browser, width):
    browser.set_window_size(width, 900)
    inside, outside = browser.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert inside <= outside


def test_a_table_is_sorted_by_a_click(browser):
    def first_column() -> list[str]:
        return browser.execute_script(
            "return [...document.querySelector('table').tBodies[0].rows]"
            ".map((row) => row.cells[0].innerText)"
        )

    headings = browser.find_elements("css selector", "table:first-of-type thead button")
    task, score = headings[0], headings[1]
    given = first_column()
    assert len(given) == 2
    browser.execute_script("arguments[0].click()", task)
    assert first_column() == sorted(given)
    browser.execute_script("arguments[0].click()", task)
    assert first_column() == sorted(given, reverse=True)
    browser.execute_script("arguments[0].click()", score)
    highest = first_column()
    browser.execute_script("arguments[0].click()", score)
    assert first_column() == highest[::-1]
    assert highest[0] == "walker-walk"  # the fixture's other task scores a tenth less
    sums = "return document.querySelector('tbody.sums').rows[0].cells[0].innerText"
    assert browser.execute_script(sums) == "dmcontrol"


def test_a_video_plays(browser):
    played = browser.execute_async_script(
        """
        const done = arguments[0], video = document.querySelector("video");
        video.muted = true;
        video.addEventListener("ended", () => done([video.videoWidth, video.currentTime]));
        video.addEventListener("error", () => done(String(video.error && video.error.message)));
        video.play().catch((error) => done(String(error)));
        """
    )
    assert played[0] > 0, played
    assert played[1] > 0.2
