"""The HTML page in a real browser: every figure is drawn, and what a reader does has its effect."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rlskills.report.comparison import build
from rlskills.report.html.page import write_html
from rlskills.report.reading import load_runs

from .conftest import Folders
from .test_html import judged, some_runs

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
pytest.importorskip("plotly", reason="plotly is not installed")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed"
)
PATIENCE = 120
"""Seconds on a machine that has other things to do; two are the rule."""
DRAWN = """return Object.fromEntries([...document.querySelectorAll(".figure")].map((figure) => [
  figure.dataset.name, figure.querySelectorAll("svg .trace, svg .heatmaplayer image").length]))"""
LABELS = """return [...document.querySelectorAll("#figure-levels .ytick text")].map(
  (text) => text.textContent)"""


def until(browser: Any, condition: str) -> None:
    """Wait until a JavaScript condition holds."""
    end = time.monotonic() + PATIENCE
    while not browser.execute_script(f"return Boolean({condition})"):
        assert time.monotonic() < end, f"never came: {condition}"
        time.sleep(0.1)


@pytest.fixture
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage",
                 "disable-extensions", "disable-background-networking"):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    made.set_page_load_timeout(PATIENCE)
    made.set_script_timeout(PATIENCE)
    yield made
    made.quit()


def sized(browser: Any, width: int) -> None:
    """Give the window a width that a real one may be too large for."""
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def test_a_reader_can_use_the_page(folders: Folders, tmp_path: Path, browser: Any):
    runs = some_runs(folders)
    folders.write("<img src=x>$1$", 0, {("demo", n): folders.solved(0.4, 10, 4) for n in (1, 2)})
    runs = load_runs([folders.root])
    page = write_html(tmp_path / "page.html", runs, build(runs), claims=judged("w" * 200))
    sized(browser, 1200)
    browser.get(page.as_uri())
    until(browser, "document.documentElement.dataset.ready")
    drawn = browser.execute_script(DRAWN)
    assert len(drawn) == 6
    assert all(count > 0 for count in drawn.values()), drawn
    assert browser.execute_script(LABELS) == ["a", "<img src=x>$1$", "base"]

    browser.execute_script("document.getElementById('theme').click()")
    until(browser, "document.documentElement.dataset.theme === 'dark'")
    select = "#figure-curves select"
    title = "document.querySelector('#figure-curves .xtitle').textContent"
    assert browser.execute_script(f"return {title}").startswith("samples")
    browser.execute_script(
        f"const select = document.querySelector('{select}'); "
        "select.value = String(select.options.length - 1); "
        "select.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    until(browser, f"{title} === 'training step'")

    browser.find_element("id", "arm-filter").send_keys("bas")
    until(browser, "document.getElementById('arm-count').textContent === '1 of 3 arms'")
    assert browser.execute_script(LABELS) == ["base"]
    rows = [row.text for row in browser.find_elements("css selector", "tr[data-arm]")]
    assert [row for row in rows if row]
    assert all(row.startswith("base") for row in rows if row)
    browser.find_element("id", "arms-all").click()
    until(browser, "document.querySelectorAll('#figure-levels .ytick text').length === 3")

    sized(browser, 375)
    narrow = "document.querySelector('#figure-levels .main-svg').clientWidth < 375"
    until(browser, narrow)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 375
    errors = [each for each in browser.get_log("browser") if each["level"] == "SEVERE"]
    assert errors == []


def test_a_table_is_sorted_by_its_numbers(folders: Folders, tmp_path: Path, browser: Any):
    some_runs(folders)
    runs = load_runs([folders.root])
    page = write_html(tmp_path / "page.html", runs, build(runs))
    browser.get(page.as_uri())
    until(browser, "document.documentElement.dataset.ready")
    first = "document.querySelector('.table tbody tr').textContent.trim().slice(0, 4)"
    sort = "document.querySelectorAll('.table .sort')[1].click()"
    browser.execute_script(sort)
    assert browser.execute_script(f"return {first}").startswith("a")
    browser.execute_script(sort)
    assert browser.execute_script(f"return {first}") == "base"
    values = ["12.8k", "-", "1.2M", ".63 [.53, .72]", "-.20 [-.3, .1] *"]
    order = browser.execute_script(
        "return arguments[0].map((text) => [text, numberIn(text)])", values
    )
    assert [value for _, value in order] == [12800, None, 1.2e6, 0.63, -0.2]
