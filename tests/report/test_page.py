"""The page as a document: what stands in it, that no name acts in it, and that pictures are only pictures."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bcl_fast.errors import InputError
from bcl_fast.report import Report, write_report
from bcl_fast.report._dendrogram import dendrogram_of
from bcl_fast.report._page_data import as_script_data
from bcl_fast.report._pictures import Pictures, thumbnail
from bcl_fast.results import apply_edits, cluster_tracks, name_clusters
from bcl_fast.tracks import Edits, Person, TrackPairs
from tests.helpers.pages import DEGREES, HOSTILE, THRESHOLD, film, picture


class Document(HTMLParser):
    """Tags, the text of each script by its id, and the policy of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.open: str | None = None
        self.feed(text)
        self.policy = next(a["content"] for tag, a in self.tags if tag == "meta" and "http-equiv" in a)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.open = None
        if tag in ("script", "style"):
            self.open = dict(attributes).get("id") or dict(attributes).get("type") or tag

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open is not None:
            self.texts[self.open] = self.texts.get(self.open, "") + data


def report(folder, **options):
    tracks = film(folder, **options)
    return Report(cluster_tracks(tracks, tracks.mean_features(), THRESHOLD), tracks, TrackPairs(), folder, 25.0)


def test_what_a_page_holds(tmp_path):
    html, notes = report(tmp_path).page()
    document = Document(html)
    data = json.loads(document.texts["data"])
    assert notes == []
    assert data["trackIds"] == list("abcdefghijk")
    assert np.frombuffer(base64.b64decode(data["cluster"])).tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4]
    assert data["radius"] == pytest.approx(np.sqrt(THRESHOLD / 4))
    lines = [line.split(" ") for line in document.texts["pictures-0"].splitlines()]
    assert sorted(int(row) for row, _ in lines) == list(range(11))
    assert len(html) < 150_000


def test_nothing_but_our_script_and_style_may_run(tmp_path):
    document = Document(report(tmp_path).page()[0])
    for directive, text in (("script-src", document.texts["module"]), ("style-src", document.texts["style"])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in document.policy
    assert document.policy.startswith("default-src 'none';")
    assert "unsafe" not in document.policy
    assert "connect-src" not in document.policy
    assert not [
        name for _, attributes in document.tags for name in attributes if name.startswith("on") or name == "style"
    ]
    scripts = [attributes.get("type") for tag, attributes in document.tags if tag == "script"]
    assert set(scripts) == {"application/json", "module", "text/plain"}
    links = [attributes.get("href") or attributes.get("src") for _, attributes in document.tags]
    assert set(links) == {None, "data:,"}


def test_hostile_names_add_no_tag(tmp_path):
    plain = [tag for tag, _ in Document(report(tmp_path).page()[0]).tags]
    hostile = report(tmp_path, ids=HOSTILE, videos=HOSTILE)
    named = name_clusters(hostile.result, dict(enumerate(HOSTILE[:5])))
    edits = Edits((Person(((HOSTILE[0], HOSTILE[0]),), HOSTILE[0]),))
    labels = np.array(HOSTILE, object)
    shown = Report(named, film_with_labels(hostile.tracks, labels), TrackPairs(), tmp_path, None, HOSTILE[0], edits)
    document = Document(shown.page()[0])
    tables = {"td", "th", "tr"}
    assert [tag for tag in (t for t, _ in document.tags) if tag not in tables] == [t for t in plain if t not in tables]
    assert json.loads(document.texts["data"])["trackIds"] == HOSTILE
    assert json.loads(document.texts["data"])["edits"]


def film_with_labels(tracks, labels):
    from dataclasses import replace

    return replace(tracks, labels=labels)


@given(st.text(), st.text())
def test_data_of_a_script_are_what_they_were_and_end_nothing(one, other):
    text = as_script_data({one: [other, 1.5, None]})
    assert json.loads(text) == {one: [other, 1.5, None]}
    assert not re.search("[<>&\u2028\u2029]", text)


def test_merges_are_those_of_the_linkage(tmp_path):
    shown = report(tmp_path)
    found = dendrogram_of(shown.result)
    assert len(found.within.heights) == len(DEGREES) - 5
    assert found.within.heights.max() <= THRESHOLD < found.between.heights.min()
    assert found.within.heights[-1] == pytest.approx(2 - 2 * np.cos(np.radians(14)), rel=1e-5)
    assert found.between.heights[0] == pytest.approx(2 - 2 * np.cos(np.radians(22)), rel=1e-5)
    assert sorted(shown.result.cluster_ids[found.between.rows[0]].tolist()) == [1, 2]
    assert len(dendrogram_of(shown.result, np.array([[5, 8]])).between.heights) == 0
    assert len(dendrogram_of(shown.result, np.array([[0, 1]])).between.heights) == 1  # violated already


def test_heights_of_clusters_made_by_other_means_stay_below_the_threshold(tmp_path):
    shown = report(tmp_path)
    merged = apply_edits(shown.result, Edits((Person((("ep1", "a"), ("ep1", "k"))),)))
    found = dendrogram_of(merged)
    assert found.within.heights.max() == pytest.approx(THRESHOLD)
    assert len(found.within.heights) == len(DEGREES) - merged.n_clusters


def test_thumbnails_are_pixels_alone():
    made = thumbnail(picture((200, 30, 30), size=400))
    with Image.open(io.BytesIO(made)) as image:
        assert (image.format, image.size) == ("JPEG", (96, 96))
        assert not image.getexif()
        assert np.abs(np.array(image)[48, 48].astype(int) - (200, 30, 30)).max() < 8
    assert b"secret" in picture((200, 30, 30))
    assert b"secret" not in made


SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


@pytest.mark.parametrize("content", [b"", b"no picture", SVG, picture((1, 2, 3))[:200], b"GIF89a"])
def test_what_is_no_picture_is_none(tmp_path, content):
    tracks = film(tmp_path)
    (tmp_path / "faces" / "0.jpg").write_bytes(content)
    pictures = Pictures(tracks, tmp_path)
    assert pictures.of_track(0) is None
    assert pictures.n_failed == 1
    assert pictures.of_track(1) is not None


def test_a_picture_larger_than_any_is_not_decoded(tmp_path):
    image = Image.new("1", (9000, 9000))
    content = io.BytesIO()
    image.save(content, "PNG")
    with pytest.raises(ValueError, match="pixels"):
        thumbnail(content.getvalue())


def test_pictures_may_be_in_the_tracks_themselves(tmp_path):
    tracks = film(tmp_path)
    tracks.images[0] = f"data:image/jpeg;base64,{base64.b64encode(picture((10, 200, 10))).decode()}"
    tracks.images[2] = "data:image/jpeg;base64,###"
    tracks.images[4] = "data:text/html,<script>alert(1)</script>"
    pictures = Pictures(tracks, None)
    with Image.open(io.BytesIO(pictures.of_track(0))) as image:
        assert np.abs(np.array(image)[48, 48].astype(int) - (10, 200, 10)).max() < 8
    assert pictures.of_track(1) is None
    assert pictures.of_track(2) is None


def test_nothing_outside_the_folder_is_opened(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside.jpg").write_bytes(picture((9, 9, 9)))
    (tmp_path / "inside" / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    tracks = film(tmp_path / "inside")
    for path in ("../outside.jpg", str(tmp_path / "outside.jpg"), "link.jpg", "faces", "\0", "x" * 5000):
        tracks.images[0] = path
        assert Pictures(tracks, tmp_path / "inside").of_face(0) is None
    assert Pictures(tracks, None).of_face(2) is None
    assert Pictures(tracks, tmp_path / "inside").of_face(2) is not None


def test_a_page_replaces_nothing_unasked(tmp_path):
    shown = report(tmp_path)
    write_report(shown, tmp_path / "page.html")
    with pytest.raises(InputError, match="exists already"):
        write_report(shown, tmp_path / "page.html")
