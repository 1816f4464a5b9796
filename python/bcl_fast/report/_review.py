"""The page served to one user of this machine: pictures on demand, and every edit written at once.

The server listens on the loopback interface alone. Its address holds a random token, without which nothing is answered;
requests for another host, or from another page, are refused: no page elsewhere can reach it by a name of its own.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bcl_fast._utils.files import atomic_output
from bcl_fast._utils.text import one_line
from bcl_fast.errors import InputError
from bcl_fast.report._page import policy
from bcl_fast.report._report import Report
from bcl_fast.results import apply_edits, tracks_of_rows
from bcl_fast.tracks import read_edits
from bcl_fast.tracks._edit_files import parse_edits

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LARGEST_EDITS = 1 << 26  # bytes of a file of edits
HOST = "127.0.0.1"


class Saved:
    """The file of edits, written whole each time; a page that has not seen the last one may not replace it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        if path.exists():
            read_edits(path)  # refuses what is no file of edits, before anything would replace it
        self.text = path.read_text(encoding="utf-8-sig") if path.exists() else None

    @property
    def revision(self) -> str:
        """By what a page says which text it has seen."""
        return "" if self.text is None else hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def replace(self, text: str, seen: str) -> bool:
        """Write a text, and say whether that was done: not if another was written since the one that was seen."""
        with self._lock:
            if seen != self.revision:
                return False
            with atomic_output(self.path, force=True) as temporary:
                temporary.write_text(text, encoding="utf-8")
            self.text = text
            return True


def review_app(report: Report, edits: Path, *, token: str, port: int) -> Starlette:
    """Make the application that serves a page.

    Parameters
    ----------
    report : Report
    edits : Path
        The file that edits are read from, if it is there, and written to.
    token : str
        What all paths begin with.
    port : int
        Of the address that users see, for the checks of host and origin.

    Raises
    ------
    InputError
        If there is a file that holds no edits, or edits of other tracks.
    """
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    saved = Saved(edits)
    if saved.text is not None:
        _check(report, saved.text, str(edits))
    track_of_row = None if report.tracks is None else tracks_of_rows(report.result, report.tracks)
    origins = [f"http://{name}:{port}" for name in (HOST, "localhost")]

    def is_known(request: Request) -> bool:
        return secrets.compare_digest(request.path_params["token"].encode(), token.encode())

    def page(request: Request) -> Response:
        if not is_known(request):
            return PlainTextResponse("not found", 404)
        return HTMLResponse(report.served_page(saved.text, saved.revision))

    def thumb(request: Request) -> Response:
        row = request.path_params["row"]
        known = track_of_row is not None and report.thumbnails is not None and is_known(request)
        if not known or not 0 <= row < report.result.n_tracks or track_of_row is None or track_of_row[row] < 0:
            return PlainTextResponse("not found", 404)
        assert report.thumbnails is not None
        picture = report.thumbnails.of_track(int(track_of_row[row]))
        if picture is None:
            return PlainTextResponse("not found", 404)
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    async def save(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        if not is_known(request):
            return PlainTextResponse("not found", 404)
        if request.headers.get("origin") not in origins:
            return JSONResponse({"error": "Edits are taken from the page alone."}, 403)
        body = await _body(request)
        if body is None:
            return JSONResponse({"error": f"Edits must have at most {LARGEST_EDITS} bytes."}, 413)
        return JSONResponse(*await run_in_threadpool(_save, report, saved, body, request.headers.get("x-revision", "")))

    routes = [
        Route("/{token}/", page),
        Route("/{token}/thumb/{row:int}", thumb),
        Route("/{token}/edits", save, methods=["POST"]),
    ]
    app = Starlette(routes=routes)
    app.add_middleware(_Guard, hosts=[f"{name}:{port}" for name in (HOST, "localhost")])
    return app


async def _body(request: Request) -> bytes | None:
    """Return what was sent, None if that is too much."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_EDITS:
            return None
        parts.append(part)
    return b"".join(parts)


def _save(report: Report, saved: Saved, body: bytes, seen: str) -> tuple[dict[str, str], int]:
    try:
        text = body.decode()
        _check(report, text, "the page")
        if not saved.replace(text, seen):
            return {"error": "Another window has saved other edits since: load this page anew."}, 409
    except (InputError, UnicodeDecodeError) as error:
        return {"error": f"These edits are not saved: {one_line(error)}."}, 422
    except OSError as error:
        return {"error": f"{saved.path.name} cannot be written: {error.strerror}. The edits are sent again."}, 500
    return {"revision": saved.revision}, 200


def _check(report: Report, text: str, called: str) -> None:
    """Refuse what is no text of edits, or could not be applied to the result."""
    edits = parse_edits(text, called).among(report.result)
    if edits.n_tracks:
        apply_edits(report.result, edits)


class _Guard:
    """Answers nothing for another host, and tells browsers to trust nothing but the page itself."""

    def __init__(self, app: Any, hosts: list[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.datastructures import Headers, MutableHeaders
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        app = self.app
        if Headers(scope=scope).get("host") not in self.hosts:
            app = PlainTextResponse("this server answers for its own address alone", 421)

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = f"{policy(is_served=True)}; frame-ancestors 'none'"
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await app(scope, receive, guarded)


def serve(report: Report, edits: Path, *, port: int, on_address: Any) -> None:
    """Serve a page until the process is interrupted.

    Parameters
    ----------
    report : Report
    edits : Path
    port : int
        0: one that is free.
    on_address : callable
        Called with the address of the page once it can be opened.
    """
    import socket

    import uvicorn

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise InputError(f"port {port} cannot be listened on: {error.strerror}") from None
        listener.listen()
        port, token = listener.getsockname()[1], secrets.token_urlsafe(24)
        app = review_app(report, edits, token=token, port=port)
        config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off")
        on_address(f"http://{HOST}:{port}/{token}/")
        uvicorn.Server(config).run(sockets=[listener])
