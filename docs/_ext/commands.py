"""The directive ``{commands}``: every command of ``bcl-fast`` with its options, as the program itself knows them."""

from __future__ import annotations

from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bcl_fast.cli import app
from bcl_fast.cli._app import COMMANDS


class Commands(SphinxDirective):
    """A section per command: what it does, examples, arguments and options."""

    def run(self) -> list[nodes.Node]:
        """Return the sections in the order of the help."""
        group: Any = typer.main.get_command(app)
        examples = {function.__name__.rstrip("_"): lines for function, lines in COMMANDS.items()}
        return [self._section(name, command, examples[name]) for name, command in group.commands.items()]

    def _section(self, name: str, command: Any, examples: list[str]) -> nodes.Node:
        section = nodes.section(ids=[nodes.make_id(f"bcl-fast-{name}")], names=[f"bcl-fast {name}"])
        section += nodes.title(text=f"bcl-fast {name}")
        for paragraph in (command.help or "").split("\n\n"):
            section += nodes.paragraph(text=" ".join(paragraph.split()))
        shown = "\n".join(f"$ {line}" for line in examples)
        section += nodes.literal_block(shown, shown, language="console")
        section += self._options(command)
        return section

    def _options(self, command: Any) -> nodes.Node:
        context = command.context_class(command)
        rows = [parameter.get_help_record(context) for parameter in command.get_params(context)]
        items = nodes.definition_list()
        for flags, what in filter(None, rows):
            item = nodes.definition_list_item()
            item += nodes.term("", "", nodes.literal(text=flags))
            item += nodes.definition("", nodes.paragraph(text=what))
            items += item
        return items


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
