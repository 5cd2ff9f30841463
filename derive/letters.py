"""The theory's own symbols: a class apart, so that no parameter of a loss is ever taken for one of them.

SymPy's symbols are equal where their names and assumptions are. A user may call a parameter m, or h_i; the number of
kept modes is another thing of the same name. A `Letter` equals letters alone.
"""

from __future__ import annotations

from typing import TypeVar

import sympy

_Basic = TypeVar("_Basic", bound=sympy.Basic)


class Letter(sympy.Symbol):  # type: ignore[misc]
    """A symbol of the theory, such as a_i; not equal to the plain symbol of the same name.

    >>> Letter("m") == Letter("m"), Letter("m") == sympy.Symbol("m")
    (True, False)
    """

    __slots__ = ()

    @classmethod
    def class_key(cls) -> tuple[int, int, str]:
        """Where it stands among other symbols in print: by its name, as they do."""
        return sympy.Symbol.class_key()  # type: ignore[no-any-return]


def letters(names: str, *, positive: bool | None = None) -> tuple[Letter, ...]:
    """Letters by name, in order.

    >>> letters("a_i c_i")
    (a_i, c_i)
    """
    return tuple(Letter(name, positive=positive) for name in names.split())


def by_name(value: sympy.Basic) -> dict[str, sympy.Symbol]:
    """The parameters of an expression by their names; the theory's letters are none.

    >>> by_name(Letter("m") * sympy.Symbol("m") + Letter("h_i"))
    {'m': m}
    """
    return {one.name: one for one in value.free_symbols if not isinstance(one, Letter)}


def told_apart(value: _Basic, taken: frozenset[str] = frozenset()) -> _Basic:
    """For print: letters of the theory whose name a parameter has, here or among ``taken``, get a trailing underscore.

    >>> told_apart(Letter("m") * sympy.Symbol("m") + Letter("h_i"))
    h_i + m*m_
    """
    names = {*taken, *by_name(value)}
    own = {one: yielding(one.name, names) for one in value.free_symbols if isinstance(one, Letter)}
    return value.xreplace({one: Letter(name) for one, name in own.items() if name != one.name})


def yielding(name: str, taken: frozenset[str] | set[str]) -> str:
    """A name with as many trailing underscores as make it differ from those that are taken.

    >>> yielding("m", {"m", "m_"}), yielding("h_i", {"m"})
    ('m__', 'h_i')
    """
    while name in taken:
        name += "_"
    return name
