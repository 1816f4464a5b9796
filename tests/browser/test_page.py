"""The page in a browser: what is seen, and every way to correct clusters, down to what apply makes of it."""

from __future__ import annotations

import json

import pytest

from bcl_fast.results import read_result
from tests.browser.conftest import until
from tests.helpers.cli import run
from tests.helpers.pages import HOSTILE, IDS, write_film


def titles(page):
    return [
        field.input_value() or field.get_attribute("placeholder")
        for field in page.query_selector_all("#cards input.name")
    ]


def sizes(page):
    return [int(text.split(" ")[0]) for text in page.locator("#cards .card-head .about").all_text_contents()]


def said(page):
    return page.inner_text("#said")


def slide(page, value):
    page.evaluate(
        """value => {
          const range = document.getElementById("threshold");
          range.value = value;
          for (const name of ["input", "change"]) range.dispatchEvent(new Event(name, {bubbles: true}));
        }""",
        value,
    )
    page.wait_for_timeout(60)


def name(page, title, text):
    field = page.get_by_label(f"Name of {title}", exact=True)
    field.fill(text)
    field.press("Enter")


def select(page, *chosen):
    for title in chosen:
        page.get_by_label(f"Select {title}", exact=True).check()


def exported(page, folder):
    """The edits as the page exports them, and the clusters that apply makes of them: the tracks of each, joined."""
    with page.expect_download() as download:
        page.click("#export")
    download.value.save_as(folder / "edits.json")
    output = folder / "edited.parquet"
    result = run("apply", folder / "clusters.parquet", folder / "edits.json", "-o", output, "--force")
    assert result.exit_code == 0, result.output
    found = read_result(output)
    clusters: dict[int, str] = {}
    for track, cluster in zip(found.track_ids, found.cluster_ids.tolist(), strict=True):
        clusters[cluster] = clusters.get(cluster, "") + track
    names = {} if found.names is None else dict(zip(found.track_ids, found.names, strict=True))
    return json.loads((folder / "edits.json").read_text()), set(clusters.values()), names


def test_what_is_seen(page):
    assert sizes(page) == [4, 3, 2]
    assert titles(page) == ["Cluster 0", "Cluster 1", "Cluster 2"]
    assert page.locator("#singles > li").count() == 2
    numbers = dict(zip(page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts(), strict=True))
    assert (numbers["tracks"], numbers["people"], numbers["identities"]) == ("11", "5", "4")
    assert page.locator("svg.plot").count() == 3
    assert page.locator("table tbody tr").count() == 5
    until(page, "document.querySelectorAll('.face img').length === 11")
    assert page.evaluate(
        "[...document.querySelectorAll('.face img')].every(image => image.complete && image.naturalWidth === 96)"
    )
    assert page.locator("#cards svg.strip").first.get_attribute("aria-label") == "on screen in ep1"


@pytest.mark.parametrize("width", [1280, 768, 400])
def test_no_horizontal_scroll(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#cards button.faces >> nth=0")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_slider_splits_and_merges_and_is_undone(page, folder):
    slide(page, 0)
    assert "0.02500" in page.inner_text("#threshold-value")
    assert sizes(page) == [3, 3, 2]
    slide(page, 1000)
    assert sizes(page) == [5, 4]
    edits, clusters, _ = exported(page, folder)
    assert clusters == {"abcd", "efghi", "j", "k"}
    assert edits["threshold"]["distance_threshold"] == 0.2
    assert read_result(folder / "edited.parquet").distance_threshold == 0.2
    page.click("#undo")
    page.click("#undo")
    assert sizes(page) == [4, 3, 2]
    assert page.locator("#threshold-reset").is_disabled()


def test_names_stay_where_the_slider_goes(page):
    name(page, "Cluster 0", "Ann")
    slide(page, 0)
    assert titles(page)[0] == "Ann"
    assert sizes(page)[0] == 4


def test_a_name(page, folder):
    name(page, "Cluster 1", "  Bob ")
    assert said(page) == "Named “Bob”."
    edits, clusters, names = exported(page, folder)
    assert edits["people"] == [{"name": "Bob", "tracks": {"ep1": ["e", "f", "g"]}}]
    assert names["f"] == "Bob"
    assert clusters == {"abcd", "efg", "hi", "j", "k"}


def test_two_of_one_name_are_merged(page, folder):
    name(page, "Cluster 1", "Bob")
    name(page, "Cluster 2", "Bob")
    assert sizes(page) == [5, 4]
    assert exported(page, folder)[1] == {"abcd", "efghi", "j", "k"}


def test_merge_undo_and_redo(page, folder):
    select(page, "Cluster 0", "Cluster 2")
    page.click("#merge")
    assert sizes(page) == [6, 3]
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("Control+z")
    assert sizes(page) == [4, 3, 2]
    page.click("#redo")
    assert sizes(page) == [6, 3]
    assert exported(page, folder)[1] == {"abcdhi", "efg", "j", "k"}


def test_a_card_is_dropped_on_another(page):
    page.drag_and_drop("li[data-label='7'] .about", "li[data-label='0'] .about")
    assert sizes(page) == [6, 3]


def test_a_face_is_dropped_on_another_card(page, folder):
    page.drag_and_drop("li[data-label='0'] .face[data-row='3']", "li[data-label='4'] .about")
    assert said(page) == "Moved to “Cluster 1”: 1 track."
    assert exported(page, folder)[1] == {"abc", "defg", "hi", "j", "k"}


def test_split_along_the_dendrogram(page, folder):
    page.click("#cards button.faces >> nth=0")
    page.click("#split-two")
    assert page.inner_text("#picked") == "1 track picked"
    assert page.locator("#tracks button[aria-pressed=true] .words").inner_text() == "track d of ep1, from 300 frames"
    page.click("#split-two")
    assert page.inner_text("#cluster-title") == "Cluster 0: 3 tracks"
    page.click("#close-cluster")
    edits, clusters, _ = exported(page, folder)
    assert clusters == {"abc", "d", "efg", "hi", "j", "k"}
    assert edits["apart"] == [[0, 1]]


def test_move_and_not_a_face(page, folder):
    page.click("#cards button.faces >> nth=1")
    page.locator("#tracks button", has_text="track g").click()
    page.fill("#move-to", "Cluster 2")
    page.click("#move")
    assert page.inner_text("#cluster-title") == "Cluster 1: 2 tracks"
    page.locator("#tracks button", has_text="track e").click()
    page.click("#no-face")
    page.click("#close-cluster")
    edits, clusters, _ = exported(page, folder)
    assert clusters == {"abcd", "e", "f", "ghi", "j", "k"}
    assert edits["not_a_face"] == {"ep1": ["e"]}
    assert read_result(folder / "edited.parquet").not_a_face.tolist() == [track == "e" for track in IDS]
    page.click("#none")
    page.locator("#tracks button", has_text="track e").click()
    page.fill("#move-to", "Cluster 0")
    page.click("#move")
    page.keyboard.press("Escape")
    assert sizes(page) == [5, 3]


def test_questions_by_keys(page, folder):
    page.locator("h1").click()
    page.keyboard.press("q")
    assert page.inner_text("#question") in ("One person?", "Two people?")
    for _ in range(9):
        if page.inner_text("#question") == "One person?":
            page.keyboard.press("y")
            break
        page.keyboard.press("n")
    page.keyboard.press("Escape")
    assert exported(page, folder)[1] == {"abcd", "efghi", "j", "k"}


def test_a_contradiction_names_both_decisions(page):
    page.locator("h1").click()
    page.keyboard.press("q")
    while page.inner_text("#question") != "One person?":
        page.keyboard.press("s")
    page.keyboard.press("n")
    page.keyboard.press("Escape")
    select(page, "Cluster 1", "Cluster 2")
    page.click("#merge")
    assert said(page) == (
        "“Cluster 1” and “Cluster 2” cannot be one person: decision 1 (two people) says that they are two. "
        "Undo that first."
    )
    assert sizes(page) == [4, 3, 2]
    slide(page, 1000)
    assert sizes(page) == [4, 3, 2]


def test_edits_are_loaded_with_their_history(page, folder, opened):
    name(page, "Cluster 0", "Ann")
    select(page, "Cluster 1", "Cluster 2")
    page.click("#merge")
    edits = exported(page, folder)[0]
    assert len(edits["history"]["done"]) == 2
    other = opened(f"file://{folder / 'page.html'}")
    other.set_input_files("#load", folder / "edits.json")
    other.wait_for_selector("#undo:not([disabled])")
    assert (titles(other), sizes(other)) == (titles(page), sizes(page))
    other.click("#undo")
    assert sizes(other) == [4, 3, 2]
    edits["people"] = [{"name": "Zoe", "tracks": {"ep1": ["j", "k"]}}]  # by hand, without the history
    (folder / "by_hand.json").write_text(json.dumps(edits))
    other.set_input_files("#load", folder / "by_hand.json")
    until(other, "document.getElementById('said').textContent.includes('by_hand')")
    assert "Zoe" in titles(other)
    (folder / "bad.json").write_text("{")
    other.set_input_files("#load", folder / "bad.json")
    until(other, "document.getElementById('said').textContent === 'The file is not JSON.'")
    assert "Zoe" in titles(other)
    (folder / "bad.json").write_text('{"format": "bcl_fast.edits", "version": 1, "people": 3}')
    other.set_input_files("#load", folder / "bad.json")
    until(other, "document.getElementById('said').textContent === 'The file holds edits of another shape.'")
    assert "Zoe" in titles(other)


def test_this_browser_keeps_edits_until_they_are_exported(page, folder):
    name(page, "Cluster 0", "Ann")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_selector("html.ready")
    assert titles(page)[0] == "Ann"


def test_search(page):
    page.fill("#search", "f")
    assert sizes(page) == [3]
    page.fill("#search", "nobody")
    assert sizes(page) == []


def test_hostile_names_are_text(opened, tmp_path):
    write_film(tmp_path, ids=HOSTILE, videos=HOSTILE)
    edits = {"format": "bcl_fast.edits", "version": 1}
    edits["people"] = [{"name": HOSTILE[0], "tracks": {HOSTILE[0]: [HOSTILE[0]]}}]
    (tmp_path / "edits.json").write_text(json.dumps(edits))
    files = (tmp_path / "clusters.parquet", "--tracks", tmp_path / "tracks.parquet", "-o", tmp_path / "<b>page.html")
    result = run("report", *files, "--edits", tmp_path / "edits.json")
    assert result.exit_code == 0, result.output
    page = opened((tmp_path / "<b>page.html").as_uri())
    assert titles(page)[0] == HOSTILE[0]
    name(page, "Cluster 1", HOSTILE[1])
    page.click("#cards button.faces >> nth=0")
    words = " ".join(page.locator("#tracks .words").all_inner_texts())
    assert all(text in words for text in HOSTILE[:3])
    page.click("#close-cluster")
    _, clusters, names = exported(page, tmp_path)
    assert len(clusters) == 5
    assert {HOSTILE[0], HOSTILE[1]} <= set(names.values())
    assert page.evaluate("window.hacked") is None
    assert page.locator("b, img:not(.face img)").count() == 0


SINKS = (
    "document.createElement('script').textContent = 'window.hacked = 1'",
    "document.body.innerHTML = '<img src=x>'",
    "document.body.setAttribute('onclick', 'window.hacked = 1')",
)


def test_scripts_from_elsewhere_do_not_run(page):
    for sink in SINKS:
        assert page.evaluate(f"(() => {{ try {{ {sink}; return false }} catch {{ return true }} }})()")
    assert len(page.failures) == len(SINKS)
    page.failures.clear()


def test_print_shows_cards_alone(page):
    page.emulate_media(media="print")
    assert not page.is_visible(".bar")
    assert page.is_visible("#cards .card")
