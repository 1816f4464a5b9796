"""The training recipe as options of a command: types, choices and help come from `Recipe` itself."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter
from typing import Annotated, Any, get_type_hints

import typer

from bcl_fast.errors import InputError
from bcl_fast.training import Recipe
from bcl_fast.training._recipe import choices


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
    """Give a command every field of the recipe as an option; it receives them as one argument ``recipe``."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "recipe"]
    parameters = own + _recipe_parameters()

    @functools.wraps(command)
    def with_recipe(**values: Any) -> None:
        chosen = {field.name: values.pop(field.name) for field in fields(Recipe)}
        chosen["dimensions"] = _parse_dimensions(chosen["dimensions"])
        command(**values, recipe=Recipe(**chosen))

    with_recipe.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_recipe.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_recipe


def _recipe_parameters() -> list[Parameter]:
    types = {**get_type_hints(Recipe), "dimensions": str | None}
    metavars = {"dimensions": "N-N-...", **{name: f"[{'|'.join(words)}]" for name, words in choices().items()}}
    defaults, texts = Recipe(), attribute_texts(Recipe)
    parameters = []
    for name in (field.name for field in fields(Recipe)):
        option = typer.Option(help=texts[name], metavar=metavars.get(name))
        annotation = Annotated[types[name], option]  # type: ignore[valid-type]
        parameters.append(
            Parameter(name, Parameter.KEYWORD_ONLY, default=getattr(defaults, name), annotation=annotation)
        )
    return parameters


def _parse_dimensions(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(width) for width in text.replace(",", "-").split("-"))
    except ValueError:
        raise InputError(f"dimensions must be whole numbers such as 256-128-64, got {text!r}") from None
