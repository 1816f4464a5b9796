"""For everybody: what axe finds, names that screen readers say, and everything by keys."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest

from tests.browser.conftest import until
from tests.browser.test_page import said, sizes

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()

STATES = {
    "cards": None,
    "cluster": "document.querySelector('#cards .faces').click(); document.querySelector('#tracks button').click()",
    "question": "document.getElementById('ask').click()",
    "keys": "document.getElementById('help').click()",
    "contradiction": "said.className = 'wrong'; said.textContent = 'No.'",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page, opened, folder, scheme):
    shown = opened(f"file://{folder / 'page.html'}", color_scheme=scheme, bypass_csp=True)
    shown.evaluate(AXE)
    found = {}
    for state, script in STATES.items():
        if script is not None:
            shown.evaluate(script)
        results = shown.evaluate("axe.run()")
        found[state] = [
            (one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"])
            for one in results["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        shown.keyboard.press("Escape")
        assert len(results["passes"]) > 10
    assert found == {state: [] for state in STATES}


def test_controls_have_names(page):
    for title in ("Cluster 0", "Cluster 1"):
        assert page.get_by_role("checkbox", name=f"Select {title}").count() == 1
        assert page.get_by_role("button", name=f"All tracks of {title}").count() == 1
    assert page.get_by_role("slider", name="Threshold").get_attribute("aria-valuetext") == "0.1000: 5 clusters"
    assert page.get_by_role("img", name="Merge heights").count() == 1


def test_everything_by_keys(page):
    page.get_by_role("slider", name="Threshold").focus()
    page.keyboard.press("End")
    until(page, "document.querySelectorAll('#cards > li').length === 2")
    page.locator("#undo").focus()
    page.keyboard.press("Enter")
    assert sizes(page) == [4, 3, 2]
    page.get_by_label("Select Cluster 1").focus()
    page.keyboard.press("Space")
    page.get_by_label("Select Cluster 2").focus()
    page.keyboard.press("Space")
    page.keyboard.press("m")
    assert sizes(page) == [5, 4]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Name of Cluster 1"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.inner_text("#cluster-title") == "Cluster 1: 5 tracks"
    page.locator("#tracks button").first.focus()
    page.keyboard.press("Space")
    page.locator("#split-off").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert sizes(page) == [4, 4]
    assert said(page) == "Split off: 1 track."
    page.locator("#undo").focus()
    page.keyboard.press("u")
    page.keyboard.press("u")
    assert sizes(page) == [4, 3, 2]
