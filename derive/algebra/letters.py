"""The theory's own symbols and its sum over modes, in classes of their own so that nothing in a loss is taken for them.

SymPy's symbols are equal where their names and assumptions are. A user may call a parameter m, or h_i; the theory's
number of kept modes has the same name. A `Letter` equals only letters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import sympy
from sympy.core.function import AppliedUndef

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sympy.printing.latex import LatexPrinter

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

    def _latex(self, printer: LatexPrinter) -> str:
        """A tilde for each trailing underscore, which LaTeX would not show."""
        stem = self.name.rstrip("_")
        written = str(printer._print_Symbol(sympy.Symbol(stem)))  # noqa: SLF001 (how SymPy's printers are extended)
        for _ in range(len(self.name) - len(stem)):
            written = rf"\tilde{{{written}}}"
        return written


class sum_j(sympy.Function):  # type: ignore[misc]  # noqa: N801 (it is printed as it is named)
    """Σ_j of an expression in a_j and c_j, over all d0 modes."""

    nargs = 1

    def _latex(self, printer: LatexPrinter, exp: str | None = None) -> str:
        inside = rf"\sum_j {printer._print(self.args[0])}"  # noqa: SLF001 (how SymPy's printers are extended)
        return inside if exp is None else rf"\left({inside}\right)^{{{exp}}}"


def letters(names: str, *, positive: bool | None = None) -> tuple[Letter, ...]:
    """Letters by name, in order.

    >>> letters("a_i c_i")
    (a_i, c_i)
    """
    return tuple(Letter(name, positive=positive) for name in names.split())


def by_name(value: sympy.Basic) -> dict[str, sympy.Symbol]:
    """The parameters of an expression by their names; the theory's letters are not among them.

    >>> by_name(Letter("m") * sympy.Symbol("m") + Letter("h_i"))
    {'m': m}
    """
    return {one.name: one for one in value.free_symbols if not isinstance(one, Letter)}


def named(symbols: Iterable[sympy.Symbol]) -> dict[str, sympy.Symbol]:
    """Parameters and letters by the names under which values are given; a letter with a parameter's name gets a ``_``.

    >>> named([Letter("s4"), sympy.Symbol("s4"), Letter("s6")])
    {'s4': s4, 's4_': s4, 's6': s6}
    """
    listed = sorted(symbols, key=lambda one: (isinstance(one, Letter), one.name))
    found: dict[str, sympy.Symbol] = {}
    for one in listed:
        found[yielding(one.name, set(found)) if isinstance(one, Letter) else one.name] = one
    return found


def told_apart(value: _Basic, taken: frozenset[str] = frozenset()) -> _Basic:
    """For print: letters of the theory whose name a parameter has, here or among ``taken``, get a trailing underscore.

    So do functions that are known by name alone, such as m(N − 1).

    >>> told_apart(Letter("m") * sympy.Symbol("m") + Letter("h_i"))
    h_i + m*m_
    """
    names = {*taken, *by_name(value)}
    put: dict[sympy.Basic, sympy.Basic] = {}
    for one in value.atoms(Letter):
        if one.name in names:
            put[one] = Letter(yielding(one.name, names))
    for one in value.atoms(AppliedUndef):
        if one.func.__name__ in names:
            put[one] = sympy.Function(yielding(one.func.__name__, names))(*one.args)
    found: _Basic = value.xreplace(put) if put else value
    return found


def yielding(name: str, taken: frozenset[str] | set[str]) -> str:
    """A name with enough trailing underscores to differ from those that are taken.

    >>> yielding("m", {"m", "m_"}), yielding("h_i", {"m"})
    ('m__', 'h_i')
    """
    while name in taken:
        name += "_"
    return name
