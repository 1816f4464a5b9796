"""A browser without a window, for `make test-browser`; all tests of this folder are skipped otherwise."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.cli import run
from tests.helpers.pages import write_film

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("BCL_TEST_BROWSER") == "1":
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="make test-browser runs the tests of the page"))


def until(page: Any, condition: str) -> None:
    """Wait for a condition; the browser's own waiting evaluates text, which the policy of the page forbids."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {condition}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = next((found for found in map(shutil.which, BROWSERS) if found), None)
    assert path is not None, f"no browser is installed: {' or '.join(BROWSERS)}"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser) -> Iterator[Callable[..., Any]]:
    """A function that opens an address; at the end, nothing may have failed, or have been fetched elsewhere."""
    contexts, failures = [], []

    def open_page(address: str, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: failures.append(str(error)))
        home = address.split("/")[2]
        page.on("request", lambda request: check_request(request.url, home))
        page.goto(address)
        page.wait_for_selector("html.ready")
        page.failures = failures
        return page

    def check_request(url: str, home: str) -> None:
        if not url.startswith(("data:", "blob:")) and url.split("/")[2] != home:
            failures.append(f"fetched {url}")

    yield open_page
    for context in contexts:
        context.close()
    assert failures == []


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_film(tmp_path)


@pytest.fixture
def page(opened, folder) -> Any:
    """The page of the film, opened from disk."""
    result = run(
        "report", folder / "clusters.parquet", "--tracks", folder / "tracks.parquet", "-o", folder / "page.html"
    )
    assert result.exit_code == 0, result.output
    return opened(f"file://{folder / 'page.html'}")
