"""A printed expansion compared with the derived one, term by term, and the derivation with the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from derive import InputError
from derive.algebra.scalars import normal_form
from derive.definition.notation import LATEX, TEXT, product_of_invariants, signed_sum
from verify.papers.printed import forms
from verify.papers.printed.beside import beside_definition, beside_derived
from verify.papers.printed.check import Check, ContradictedError, Difference, on_print
from verify.papers.printed.reading import read_expansion
from verify.papers.printed.subject import exact, subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from derive import Expansion, Loss
    from derive.algebra.words import Invariants
    from derive.definition.notation import Style
    from derive.definition.views import Index, View
    from verify.papers.printed.reading import Stated


def check_expansion(
    loss: Loss | Callable[..., Any] | str,
    printed: object,
    *,
    order: int | None = None,
    given: Mapping[str, object] | None = None,
    sampling: str = "iid",
    seed: int = 0,
    **options: Any,
) -> Check:
    r"""Check a printed expansion against that of a loss: every term through its order, none missing and none added.

    Two routes decide. The printed terms are compared with the derived ones, exactly; and the print is evaluated
    directly and compared with the definition in numbers and with the derived terms, which are compared with the
    definition as well. For a torch function the expansion is measured, as in its audit.

    Args:
        loss: a `derive.Loss`, a torch function ``loss(z1, z2)``, or a TARGET as on the command line.
        printed: text, LaTeX, SymPy, JSON, a path or an `Expansion`, see `verify.papers.printed.reading.read_expansion`.
        order: through which it is printed; that of its O(…) or its highest unless given.
        given: values of parameters, put in on both sides: numbers, or text such as "1/10" and "oo".
        sampling: "iid" or "fixed", as in `Loss.expand`.
        seed: of the measurements.
        options: of `verify.audits.blackbox.auditing.audit_function`, for a torch function.

    Raises:
        ContradictedError: the verdict is not ``holds``; the message shows the first difference.
        InputError: something cannot be read; NotAnalyticError where the loss has no expansion.

    >>> print(check_expansion("infonce", "-Tr[W A0 W^T] + 3/4 Tr[(W Sigma W^T)^2]").sentence())
    infonce: the printed expansion holds
    >>> check_expansion("infonce", r"-\operatorname{Tr}[W A_0 W^\top] + O(W^6)")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    verify.papers.printed.check.ContradictedError: infonce: the printed expansion is refuted, 1 difference; the ...
      printed       0
      derived       ¾ Tr[(W Σ Wᵀ)²]
      ...

    """
    values = exact(given)
    about = subject(loss, values, sampling=sampling, seed=seed, options=options)
    stated = read_expansion(
        printed, loss=about.name, symbols=about.parameters, order=order, bias=about.bias, second=about.second
    )
    through = stated.expansion.order
    found = about.expanded(through, values)
    derived = found.expansion.in_basis(stated.expansion.basis)
    known = {name: value for name, value in values.items() if name in {s.name for s in stated.expansion.symbols}}
    said = stated.expansion.set(known)
    differ = [*_of_constant(stated, derived, values), *differences(said, derived)]
    # Where a parameter goes to infinity the print is what is left of it.
    limit = any(value is sympy.oo for value in known.values())
    node = forms.of_expansion(said) if limit else stated.node
    constant = stated.constant is not None and not limit
    evaluated = [
        *beside_definition(node, found.points, through, constant=constant),
        beside_derived(node, derived, values, constant=constant, seed=seed),
    ]
    verdict = on_print(evaluated, same=not differ, supported=found.supported)
    checked = Check(
        "expansion",
        about.name,
        said.text(),
        derived.text(),
        (said.latex(), derived.latex()),
        tuple(differ),
        (*found.evidence, *evaluated),
        verdict,
        found.reason or _undecided(verdict, same=not differ),
    )
    if checked.verdict != "holds":
        raise ContradictedError(checked)
    return checked


def _undecided(verdict: str, *, same: bool) -> str:
    """Why two routes do not decide."""
    if verdict != "undecided":
        return ""
    said = "equal to the derived one" if same else "different from the derived one"
    return (
        f"the formula is read as {said}, but its numbers say otherwise: a fault of quartic, or a difference"
        " too small to be seen; look at the evidence"
    )


def differences(printed: Expansion, derived: Expansion) -> Iterator[Difference]:
    """The terms that differ, by order, traces before their products as in an expansion.

    >>> from derive import catalogue
    >>> one = catalogue("infonce").expand(4)
    >>> [(found.of, found.factor) for found in differences(one, one.with_terms([]))]
    [('Tr[W A0 Wᵀ], order 2', ''), ('Tr[(W Σ Wᵀ)²], order 4', '')]
    """
    coefficients = [{term.invariants: term.coefficient for term in each.terms} for each in (printed, derived)]
    # One expansion with every word, in its canonical sequence.
    everything = derived.with_terms([(words, sympy.S.One) for words in {**coefficients[0], **coefficients[1]}])
    for order, _, words in everything.terms:
        said, right = (each.get(words, sympy.S.Zero) for each in coefficients)
        if normal_form(said - right) != 0:
            written = product_of_invariants(words, TEXT)
            yield difference(f"{written}, order {order}", words, said, right)


def _of_constant(stated: Stated, derived: Expansion, values: Mapping[str, sympy.Expr]) -> Iterator[Difference]:
    """L(0), where it is stated."""
    if stated.constant is None:
        return
    if derived.constant == sympy.Symbol("L_0"):
        message = f"L(0) = {stated.constant} is printed, and that of a torch function is not measured; leave it out"
        raise InputError(message)
    said = stated.constant.subs({sympy.Symbol(name): value for name, value in values.items() if value is not sympy.oo})
    if sympy.simplify(said - derived.constant) != 0:
        yield difference("the constant L(0)", (), said, derived.constant)


def difference(
    of: str, words: Invariants, said: sympy.Expr, right: sympy.Expr, held: Sequence[View | Index] = ()
) -> Difference:
    """A term as it is printed and as it is derived."""

    def term(value: sympy.Expr, style: Style) -> str:
        return signed_sum([(value, product_of_invariants(words, style, held))] if value != 0 else [], style)

    factor = TEXT.scalar(sympy.factor(normal_form(said / right))) if said != 0 and right != 0 else ""
    latex = (term(said, LATEX), term(right, LATEX))
    return Difference(of, term(said, TEXT), term(right, TEXT), factor, latex)
