"""The page as it is served: every edit is on the disk at once, and undone by the next server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.browser.conftest import until
from tests.browser.test_page import name, said, sizes, titles


@contextmanager
def serving(folder) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "bcl_fast",
        "review",
        folder / "clusters.parquet",
        "--tracks",
        folder / "tracks.parquet",
    ]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            address = None
            while address is None:
                line = server.stderr.readline()
                assert line, "the server ended"
                address = re.search(r"http://127\.0\.0\.1:\d+/\S+/", line)
            yield address[0]
        finally:
            server.kill()


def saved(page):
    until(page, "document.getElementById('state').textContent === 'Saved.'")


def edits_of(folder):
    return json.loads((folder / "clusters.edits.json").read_text())


def test_edits_are_saved_at_once_and_undone_after_a_kill(opened, folder):
    with serving(folder) as address:
        page = opened(address)
        until(page, "document.querySelectorAll('.face img').length === 11")
        assert page.evaluate(
            "[...document.querySelectorAll('.face img')].every(image => image.naturalWidth > 0 || !image.complete)"
        )
        name(page, "Cluster 0", "Ann")
        saved(page)
        assert edits_of(folder)["people"] == [{"name": "Ann", "tracks": {"ep1": list("abcd")}}]
        name(page, "Cluster 1", "Ann")
        saved(page)
        until(page, "!document.getElementById('state').textContent.includes('Saving')")
        assert edits_of(folder)["people"][0]["tracks"] == {"ep1": list("abcdefg")}
        page.click("#undo")
        saved(page)
    with serving(folder) as address:
        page = opened(address)
        assert (titles(page)[0], sizes(page)) == ("Ann", [4, 3, 2])
        page.click("#redo")
        saved(page)
        assert sizes(page) == [7, 2]
        page.click("#undo")
        page.click("#undo")
        saved(page)
        until(page, "document.getElementById('undo').disabled")
        page.wait_for_timeout(200)
        assert "people" not in edits_of(folder)


def test_a_window_that_has_not_seen_the_last_edits_replaces_none(opened, folder):
    with serving(folder) as address:
        one, other = opened(address), opened(address)
        name(one, "Cluster 0", "Ann")
        saved(one)
        name(other, "Cluster 1", "Bob")
        until(other, "document.getElementById('state').textContent === 'Not saved.'")
        assert said(other) == "Another window has saved other edits since: load this page anew."
        assert edits_of(folder)["people"] == [{"name": "Ann", "tracks": {"ep1": list("abcd")}}]
        one.failures.clear()


def test_edits_wait_for_a_server_that_is_away(opened, folder):
    with serving(folder) as address:
        page = opened(address)
    name(page, "Cluster 0", "Ann")
    until(page, "document.getElementById('state').textContent === 'Not saved.'")
    assert "The server does not answer" in said(page)
    page.failures.clear()
