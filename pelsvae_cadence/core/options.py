"""Options as dataclasses: said once, made into options of a command, and back into its words."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import typer
from typer.models import OptionInfo

from pelsvae_cadence.core.errors import InputError

__all__ = ["Seed", "at_least", "documented", "option_words", "with_options"]

T = TypeVar("T")
Seed = Annotated[int, typer.Option(help="Seed of every random draw.", min=0)]


def at_least(options: Any, low: float, *names: str) -> None:
    """Refuse options below their smallest value.

    Parameters
    ----------
    options : object
        Has the options as attributes.
    low : float
        The smallest value.
    *names : str
        Options to look at; None passes.

    Raises
    ------
    InputError
        If one of them is smaller, or NaN.
    """
    for name in names:
        value = getattr(options, name)
        if value is not None and not value >= low:
            raise InputError(f"{name} = {value!r}", allowed=f"{low:g} or more")


def _option_fields(kind: type) -> Iterator[tuple[Field[Any], Any, OptionInfo]]:
    """List the fields annotated with ``typer.Option``, with annotation and option."""
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        for note in getattr(hints[field.name], "__metadata__", ()):
            if isinstance(note, OptionInfo):
                yield field, hints[field.name], note


def documented(kind: type[T]) -> type[T]:
    """Add what the options of a dataclass say to its docstring."""
    rows = [
        f"{field.name} : {getattr(get_args(hint)[0], '__name__', get_args(hint)[0])}\n    {note.help}"
        for field, hint, note in _option_fields(kind)
    ]
    text, mark, rest = inspect.cleandoc(kind.__doc__ or "").partition("Raises\n------")
    kind.__doc__ = "\n".join([text.rstrip(), "", "Parameters", "----------", *rows, "", mark + rest])
    return kind


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the fields of its dataclass parameters as options of their own.

    Parameters
    ----------
    command : callable
        A function for ``typer.Typer.command``. Parameters may be dataclasses: those of their fields
        that are annotated with ``typer.Option`` become options, the others keep their defaults. A
        field that two of them share, such as the seed, is one option.

    Returns
    -------
    callable
        The command as typer wants it, each option a parameter.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: dict[str, inspect.Parameter] = {}
    groups: dict[str, tuple[type, list[str]]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        if not is_dataclass(hints[name]):
            parameters[name] = parameter.replace(annotation=hints[name], kind=parameter.KEYWORD_ONLY)
            continue
        group: list[str] = []
        for field, annotation, _ in _option_fields(hints[name]):
            group.append(field.name)
            default = parameter.empty if field.default is MISSING else field.default
            parameters[field.name] = inspect.Parameter(
                field.name, parameter.KEYWORD_ONLY, default=default, annotation=annotation
            )
        groups[name] = hints[name], group

    def expanded(**given: Any) -> Any:
        made = {name: kind(**{f: given[f] for f in group}) for name, (kind, group) in groups.items()}
        own = inspect.signature(command).parameters
        return command(**{name: value for name, value in given.items() if name in own}, **made)

    expanded.__name__, expanded.__doc__ = command.__name__, command.__doc__
    expanded.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    return expanded


def option_words(options: Any, *, always: tuple[str, ...] = (), **more: object) -> str:
    """Write the options with which a command of `with_options` makes a dataclass.

    Parameters
    ----------
    options : dataclass
        The options; those at their defaults are left out.
    always : tuple of str
        Options to write even so.
    **more : object
        Further options of the command; those that are None are left out.

    Returns
    -------
    str
        What to type after the name of the command.
    """
    words: list[str] = []
    for field, _, note in _option_fields(type(options)):
        value = getattr(options, field.name)
        if value == field.default and field.name not in always:
            continue
        declared = [d for d in (note.default, *(note.param_decls or ())) if isinstance(d, str)]
        flag = declared[0] if declared else f"--{field.name.replace('_', '-')}"
        on, _, off = flag.partition("/")
        if isinstance(value, bool):
            words.append(on if value else off or f"--no-{on[2:]}")
        else:
            words += [on, str(value)]
    for name, value in more.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)
