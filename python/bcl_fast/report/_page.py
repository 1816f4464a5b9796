"""The page as one document: template, style, scripts and data inside, and a policy that allows nothing else.

The scripts are modules of their own in the folder ``page``; here their imports and exports are dropped and they stand
after each other in one, so that the page opens from disk. Nothing but that script and that style runs, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from bcl_fast.report._page_data import as_script_data
from bcl_fast.report._summary import HEIGHT, WIDTH, Summary

_FOLDER = Path(__file__).parent / "page"
# In the order in which they need each other.
_MODULES = (
    *("elements", "data", "cut", "decisions", "edits", "faces", "strips", "cards", "dialog", "suggestions"),
    *("host", "slider", "main"),
)


def render(
    title: str,
    data: dict[str, Any],
    summary: Summary,
    *,
    notes: Iterable[str] = (),
    chunks: Iterable[str] = (),
    is_served: bool = False,
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    title : str
        What the page is about.
    data : dict
        As `page_data`, with ``host``, ``pictures`` and ``edits``.
    summary : Summary
    notes : iterable of str
        Sentences below the numbers.
    chunks : iterable of str
        Pictures inside the page: lines of a row and base64, which need no escape.
    is_served : bool, default False
        Whether the page may load pictures from, and send edits to, the server that it came from.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    template = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    return template.get_template("page.html").render(
        title=title,
        data=as_script_data(data),
        summary=summary,
        notes=list(notes),
        chunks=chunks,
        policy=policy(is_served=is_served),
        style=_style(),
        script=_script(),
        width=WIDTH,
        height=HEIGHT,
    )


@cache
def policy(*, is_served: bool) -> str:
    """Return the content security policy of the page."""
    own = " 'self'" if is_served else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(_script())}'",
            f"style-src '{_hash(_style())}'",
            f"img-src data:{own}",
            *(["connect-src 'self'"] if is_served else []),
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _style() -> str:
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


@cache
def _script() -> str:
    parts = [(_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _MODULES]
    return "\n".join(re.sub(r"^import [^;]*;\n|^export ", "", part, flags=re.MULTILINE) for part in parts)
