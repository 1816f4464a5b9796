"""Text on its way out: what ids, names, paths and libraries say must not act on what shows it.

One function per kind of output: a terminal, Markdown, a picture. A spelling that acts is replaced by one that is read.
"""

from __future__ import annotations

import re
from unicodedata import category

_ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (direction, width), half a surrogate pair, line separators
_OF_SCRIPTS = "\u200c\u200d"  # join or part letters, in Persian, Hindi and emoji
_BYTES = range(0xDC80, 0xDD00)  # what the file system hands over for bytes that are not UTF-8
_OF_MARKDOWN = re.compile(r"[\\`*_\[\]|~$]")
_OF_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def as_printable(text: object) -> str:
    r"""Return text for a terminal, on one line: what would move, colour or turn it is spelled out, as ``\x1b``."""
    line = str(text)
    return line if line.isascii() and line.isprintable() else "".join(map(_spelled, line))


def _spelled(character: str) -> str:
    if category(character) not in _ACTING or character in _OF_SCRIPTS:
        return character
    if ord(character) in _BYTES:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def as_markdown(text: object) -> str:
    """Return text that Markdown shows as it is, in a cell of a table too: no markup, no HTML, no formula."""
    escaped = _OF_MARKDOWN.sub(r"\\\g<0>", as_printable(text))
    return "".join(_OF_HTML.get(character, character) for character in escaped)


def as_picture_text(text: object) -> str:
    """Return text that Matplotlib draws as it is: between two dollars it would see a formula."""
    return as_printable(text).replace("$", r"\$")
