"""The README's pictures: the shipped model's report, light and dark, and a labelled page in a notebook.

    pip install -e ".[dev]" nbconvert
    python benchmarks/pictures.py

Reads data/report/report.html and notebooks/01_quickstart.ipynb, writes PNG files beside the report. Needs
Chromium.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from nbconvert import HTMLExporter
from playwright.sync_api import Browser, sync_playwright

_ROOT = Path(__file__).parents[1]
_REPORT = _ROOT / "data" / "report"


def draw_report(browser: Browser) -> None:
    """The top of the report under both colour schemes."""
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1100, "height": 760}, color_scheme=scheme)
        page.goto((_REPORT / "report.html").as_uri())
        page.screenshot(path=_REPORT / f"report_{scheme}.png")


def draw_notebook(browser: Browser) -> None:
    """The first coloured result of the quickstart."""
    html, _ = HTMLExporter().from_filename(str(_ROOT / "notebooks" / "01_quickstart.ipynb"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "notebook.html"
        path.write_text(html, encoding="utf-8")
        page = browser.new_page(viewport={"width": 900, "height": 1000})
        page.goto(path.as_uri())
        page.locator(".dechrome-predictions").first.scroll_into_view_if_needed()
        page.evaluate("window.scrollBy(0, -150)")
        page.screenshot(path=_REPORT / "notebook.png")


def main() -> None:
    """Draw all of them."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        draw_report(browser)
        draw_notebook(browser)
        browser.close()


if __name__ == "__main__":
    main()
