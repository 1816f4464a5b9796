"""Text on its way out: nothing acts, everything can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast._utils.escape import as_markdown, as_picture_text, as_printable
from bcl_fast._utils.text import one_line


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Ann O'Neil, 3.5 (b) \\ [/b]", "Ann O'Neil, 3.5 (b) \\ [/b]"),
        ("Zoë 王 Łukasz 🐱", "Zoë 王 Łukasz 🐱"),
        ("\u0915\u094d\u200d\u0937 \u0646\u0645\u06cc\u200c\u062f\u0627\u0646\u0645", None),  # joiners are letters' own
        ("\x1b[31m\x07\r\n\t\x7f\x9b", "\\x1b[31m\\x07\\r\\n\\t\\x7f\\x9b"),
        ("a\u202eb\u2028c\ufeff\U000e0041", "a\\u202eb\\u2028c\\ufeff\\U000e0041"),
        ("bad\udcff.npy\ud800", "bad\\xff.npy\\ud800"),
        (7, "7"),
    ],
)
def test_what_a_terminal_gets(text, printed):
    assert as_printable(text) == (text if printed is None else printed)


def test_what_a_message_quotes_does_not_act():
    assert one_line("failed at \x1b[31m\x07\n  in\tfile.") == "failed at \\x1b[31m\\x07 in file"
    assert one_line("x" * 300) == f"{'x' * 197}..."


@given(st.text(st.characters(codec=None)))
def test_nothing_acts_on_a_terminal_and_everything_can_be_encoded(text):
    printed = as_printable(text)
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in printed)
    assert as_printable(printed) == printed
    printed.encode()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("table 5: NMI", "table 5: NMI"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("a|b\nc", "a\\|b\\\\nc"),
        ("[x](javascript:1)", "\\[x\\](javascript:1)"),
        ("*a* _b_ `c` ~d~ $e$ &amp;", "\\*a\\* \\_b\\_ \\`c\\` \\~d\\~ \\$e\\$ &amp;amp;"),
        ("\\|", "\\\\\\|"),
    ],
)
def test_what_markdown_gets(text, written):
    assert as_markdown(text) == written


@pytest.mark.parametrize("text", ["$\\frac$", "$$", "a $5 b", "\\$", "$x^{$", "\x1b$\\alpha$", "plain"])
def test_a_picture_shows_dollars_and_no_formula(text):
    from matplotlib.figure import Figure

    figure = Figure()
    title = figure.suptitle(as_picture_text(text))
    figure.draw_without_rendering()
    assert title._preprocess_math(title.get_text())[1] is False
