"""The server of the page, without a browser: who is answered, what is written, and what is refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

import pytest

from bcl_fast.errors import InputError
from bcl_fast.report import Report, review_app
from bcl_fast.results import cluster_tracks
from bcl_fast.tracks import TrackPairs
from tests.helpers.pages import THRESHOLD, film

TOKEN, PORT = "a-token", 4321
HOST = f"127.0.0.1:{PORT}"
EDITS = {"format": "bcl_fast.edits", "version": 1, "people": [{"name": "Ann", "tracks": {"ep1": ["a", "b"]}}]}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def ask(app, path, *, method="GET", body=b"", **headers) -> Answer:
    """Send a request to an application, and return its answer."""
    sent: list[dict[str, Any]] = []
    fields = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, content)


def save(app, edits, seen="", **headers):
    body = edits if isinstance(edits, bytes) else json.dumps(edits).encode()
    origin = {"origin": f"http://{HOST}", **headers}
    answer = ask(app, f"/{TOKEN}/edits", method="POST", body=body, x_revision=seen, **origin)
    return answer.status, json.loads(answer.body)


@pytest.fixture
def shown(tmp_path):
    tracks = film(tmp_path)
    return Report(cluster_tracks(tracks, tracks.mean_features(), THRESHOLD), tracks, TrackPairs(), tmp_path)


@pytest.fixture
def app(shown, tmp_path):
    return review_app(shown, tmp_path / "edits.json", token=TOKEN, port=PORT)


def test_the_page_and_its_pictures_are_answered(app):
    page = ask(app, f"/{TOKEN}/")
    assert page.status == 200
    assert b"<!DOCTYPE html>" in page.body
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "connect-src 'self'" in policy
    assert policy.startswith("default-src 'none'")
    assert (page.headers["x-content-type-options"], page.headers["cache-control"]) == ("nosniff", "no-store")
    thumb = ask(app, f"/{TOKEN}/thumb/3")
    assert (thumb.status, thumb.headers["content-type"]) == (200, "image/jpeg")
    assert thumb.body.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    "path", ["/", "/other/", f"/{TOKEN}x/", "/other/thumb/1", f"/{TOKEN}/thumb/99", f"/{TOKEN}/thumb/-1"]
)
def test_nothing_else_is(app, path):
    assert ask(app, path).status == 404


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", ""])
def test_another_host_is_not_answered(app, host):
    answer = ask(app, f"/{TOKEN}/", host=host)
    assert answer.status == 421
    assert b"<" not in answer.body


@pytest.mark.parametrize("origin", ["http://evil.example", "null", f"https://{HOST}", f"http://{HOST}.evil.example"])
def test_another_origin_writes_nothing(app, origin, tmp_path):
    assert save(app, EDITS, origin=origin)[0] == 403
    assert ask(app, f"/{TOKEN}/edits", method="POST", body=json.dumps(EDITS).encode()).status == 403
    assert ask(app, "/other/edits", method="POST", origin=f"http://{HOST}").status == 404
    assert not (tmp_path / "edits.json").exists()


def test_edits_are_written_as_they_are_and_read_by_the_next(app, shown, tmp_path):
    status, said = save(app, EDITS)
    assert status == 200
    assert json.loads((tmp_path / "edits.json").read_text()) == EDITS
    again = review_app(shown, tmp_path / "edits.json", token=TOKEN, port=PORT)
    assert save(again, EDITS, seen="")[0] == 409
    status, _ = save(again, {**EDITS, "people": []}, seen=said["revision"])
    assert status == 200
    assert json.loads((tmp_path / "edits.json").read_text())["people"] == []


def test_what_cannot_be_applied_is_not_written(app, tmp_path):
    for edits, sentence in (
        (b"{", "JSON"),
        (b"\xff", "decode"),
        ({**EDITS, "version": 7}, '"version" must be 1'),
        ({**EDITS, "apart": [[0, 0]]}, "are two people, but these are one entry"),
        ({**EDITS, "not_a_face": {"ep1": ["a"]}}, "is no face, but"),
    ):
        status, said = save(app, edits)
        assert status == 422
        assert sentence in said["error"]
    assert list(tmp_path.glob("edits*")) == []


def test_a_disk_that_is_full_is_said_and_nothing_is_lost(app, tmp_path, monkeypatch):
    _, said = save(app, EDITS)
    import bcl_fast.report._review as review

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(review, "atomic_output", full)
    status, answer = save(app, {**EDITS, "people": []}, seen=said["revision"])
    assert status == 500
    assert answer["error"] == "edits.json cannot be written: No space left on device. The edits are sent again."
    monkeypatch.undo()
    assert json.loads((tmp_path / "edits.json").read_text()) == EDITS
    assert save(app, {**EDITS, "people": []}, seen=said["revision"])[0] == 200


def test_too_much_is_not_read(app, monkeypatch):
    import bcl_fast.report._review as review

    monkeypatch.setattr(review, "LARGEST_EDITS", 10)
    assert save(app, EDITS)[0] == 413


def test_a_file_that_is_no_edits_is_not_replaced(shown, tmp_path):
    (tmp_path / "edits.json").write_text("[]")
    with pytest.raises(InputError, match="must be an object"):
        review_app(shown, tmp_path / "edits.json", token=TOKEN, port=PORT)
