"""Options that a command receives as one argument, made of them; and commands with other parameters than their own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any


def grouped(
    name: str, parameters: Sequence[Parameter], make: Callable[..., Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command options in the place of one argument, which is made of them.

    Parameters
    ----------
    name : str
        The argument of the command.
    parameters : sequence of Parameter
        The options.
    make : callable
        Takes their values by name, and returns the argument.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def with_options(**values: Any) -> None:
            given = {parameter.name: values.pop(parameter.name) for parameter in parameters}
            command(**values, **{name: make(**given)})

        own = parameters_of(command)
        place = [parameter.name for parameter in own].index(name)
        return as_command(with_options, command, [*own[:place], *parameters, *own[place + 1 :]])

    return decorate


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """Return the parameters of a function with their annotations, all by name."""
    found = inspect.signature(function, eval_str=True).parameters.values()
    return [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in found]


def as_command(
    function: Callable[..., None], command: Callable[..., None], parameters: Sequence[Parameter]
) -> Callable[..., None]:
    """Return a function under the name and with the help of a command, and with these parameters."""
    shown = functools.wraps(command)(function)
    shown.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    shown.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return shown
