"""A headless Chromium, driven by Selenium, that records each request."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

T = TypeVar("T")
PATIENCE = 60  # seconds, on a machine that is busy
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"),
    # What the browser itself would fetch.
    *("--disable-background-networking", "--disable-component-update", "--no-first-run"),
)


def find_browser() -> tuple[str, str]:
    """The programs of a browser and of its driver.

    Without them the tests are skipped on a developer's machine, and fail with CI=true.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    folder = os.environ.get("CHROMEWEBDRIVER")  # where the runners of GitHub have it
    driver = shutil.which("chromedriver", path=folder) or shutil.which("chromedriver")
    if browser and driver:
        return browser, driver
    missing = "NOT RUN: the test of the web page needs chromium and chromedriver"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(missing)
    pytest.skip(missing)


class Browser:
    """A browser window.

    Args:
        driver: the driver of Selenium.
        downloads: the folder of downloads.
    """

    def __init__(self, driver: Any, downloads: Path) -> None:
        self.driver, self.downloads = driver, downloads
        self._requests: list[str] = []

    def find(self, selector: str) -> Any:
        """The first visible element for a CSS selector, when it is there."""
        return self.wait(lambda: next(filter(_is_shown, self._all(selector)), None), selector)

    def texts(self, selector: str) -> list[str]:
        """The texts of the visible elements for a CSS selector."""
        return [each.text for each in self._all(selector) if _is_shown(each)]

    def wait_for_text(self, selector: str, part: str) -> str:
        """The text of an element that contains a part, when it does."""
        matching = lambda: next((t for t in self.texts(selector) if part in t), None)  # noqa: E731
        return self.wait(matching, f"{selector} with '{part}'")

    def upload(self, selector: str, *paths: Path) -> None:
        """Choose files in an upload field."""
        field = self.wait(lambda: next(iter(self._all(f"{selector} input[type=file]")), None), "")
        field.send_keys("\n".join(map(str, paths)))

    def open_tab(self, label: str) -> None:
        """Open a tab by its label."""
        tabs = self.driver.find_elements(By.CSS_SELECTOR, "button[role=tab]")
        next(tab for tab in tabs if tab.text.strip() == label and tab.is_displayed()).click()

    def download(self, selector: str) -> Path:
        """Click on a download button, when it is enabled; the file."""
        before = set(self.downloads.iterdir())
        button = self.find(selector)
        self.wait(button.is_enabled, f"{selector} to be enabled")
        button.click()

        def finished() -> Path | None:
            new = set(self.downloads.iterdir()) - before
            whole = (path for path in new if path.name[0] != "." and path.suffix != ".crdownload")
            return next(whole, None)

        return self.wait(finished, f"download of {selector}")

    def requests(self) -> list[str]:
        """The address of each request so far."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._requests.append(message["params"]["request"]["url"])
        return self._requests

    def wait(self, found: Callable[[], T | None], what: str) -> T:
        """The first result that is true."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if result := found():
                    return result
            except StaleElementReferenceException:  # the page has drawn it again
                pass
            time.sleep(0.05)
        self.driver.save_screenshot(str(self.downloads.parent / "screenshot.png"))
        raise TimeoutError(f"no {what} within {PATIENCE} s; toasts: {self.texts('.toast-body')}")

    def _all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements(By.CSS_SELECTOR, selector))


@contextmanager
def open_browser(address: str, downloads: Path) -> Iterator[Browser]:
    """A window that shows a page, closed at the end."""
    program, driver = find_browser()
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in _FLAGS:
        options.add_argument(flag)
    downloads.mkdir()
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(downloads), "safebrowsing.enabled": False}
    )
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        chrome.get(address)
        yield Browser(chrome, downloads)
    finally:
        chrome.quit()


def _is_shown(element: Any) -> bool:
    try:
        return bool(element.is_displayed())
    except WebDriverException:
        return False
