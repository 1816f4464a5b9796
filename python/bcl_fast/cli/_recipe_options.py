"""The training recipe as options of a command: types, choices and help come from `Recipe` itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter
from typing import Annotated, Any, Literal, get_type_hints

import typer

from bcl_fast.cli._grouped_options import grouped
from bcl_fast.errors import InputError
from bcl_fast.training import Recipe
from bcl_fast.training._recipe import choices

Preset = Annotated[
    Literal["default", "paper"],
    typer.Option(
        help="Where the numbers below come from: what carries over best to people not trained on, or the paper to the "
        "letter (complete linkage, 4 b, its head and its numbers). Options that are given hold in both."
    ),
]


def attribute_texts(documented: type) -> dict[str, str]:
    """Return what the section ``Attributes`` of a numpydoc docstring says of each, in one line."""
    section = (inspect.getdoc(documented) or "").partition("Attributes\n----------\n")[2].partition("\n\n")[0]
    name, texts = "", dict[str, list[str]]()
    for line in section.splitlines():
        if line.startswith(" "):
            texts[name].append(line.strip())
        else:
            name = line.partition(" : ")[0]
            texts[name] = []
    return {name: " ".join(lines) for name, lines in texts.items()}


def recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every field of the recipe as an option; it receives them as one argument ``recipe``.

    An option that is not given is the default's, or the paper's with ``--recipe paper``.
    """
    return grouped("recipe", _recipe_parameters(), _make_recipe)(command)


def _make_recipe(*, recipe: str, **given: Any) -> Recipe:
    chosen = {name: value for name, value in given.items() if value is not None}
    if "dimensions" in chosen:
        chosen["dimensions"] = _parse_dimensions(chosen["dimensions"])
    return (Recipe.paper if recipe == "paper" else Recipe)(**chosen)


def _recipe_parameters() -> list[Parameter]:
    types = {**get_type_hints(Recipe), "dimensions": str | None}
    metavars = {"dimensions": "N-N-...", **{name: f"[{'|'.join(words)}]" for name, words in choices().items()}}
    texts = attribute_texts(Recipe)
    parameters = [Parameter("recipe", Parameter.KEYWORD_ONLY, default="default", annotation=Preset)]
    for name in (field.name for field in fields(Recipe)):
        option = typer.Option(help=texts[name], metavar=metavars.get(name), show_default=_default(name))
        annotation = Annotated[types[name] | None, option]  # type: ignore[valid-type]
        parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation))
    return parameters


def _default(name: str) -> str | bool:
    """Return what an option is when it is not given, by both recipes; False where its text says that."""
    default, paper = (getattr(recipe, name) for recipe in (Recipe(), Recipe.paper()))
    if default == paper:
        return False if default is None else str(default)
    return "; ".join([*([] if default is None else [str(default)]), *([] if paper is None else [f"paper: {paper}"])])


def _parse_dimensions(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(width) for width in text.replace(",", "-").split("-"))
    except ValueError:
        raise InputError(f"dimensions must be whole numbers such as 256-128-64, got {text!r}") from None
