"""The name of a parameter must not change an answer: losses renamed, derived anew, and compared.

Two answers are equal where every formula has the same value once the parameter has its old name again, every condition
holds at the same settings, and every sentence has the same words around equal formulas. The order of terms is not
compared: it is that of their names (`statements.alike`).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from time import process_time
from typing import Any

import numpy as np
import sympy

import numeric
from derive.landscape.summary import described
from statements.alike import alike, renamed_back
from statements.drawing import Drawn, drawn
from verify.evidence.answer import of_landscape

# What the theory, SymPy, Python and the numbers call something of their own.
NAMES = (
    *("m", "d", "d0", "a_i", "c_i", "s_i", "a_j", "c_j", "s_j", "s4", "theta", "q_j", "q", "q_1", "q_2", "w", "t", "h"),
    *("h_i", "b", "b_i", "lambda_i", "lambda", "lambda_", "rho", "epsilon", "lambda_j", "T_1", "T_2", "M", "A", "S"),
    *("C", "W", "B", "K", "E", "I", "Q", "O", "pi", "zeta", "x", "h_j", "A0", "Sigma"),
)
# Fields that hold the loss itself, or what it or the parameter that goes to infinity is called.
_LEFT_OUT = {"loss", "source", "limit"}


def renameable(loss: Drawn) -> list[str]:
    """The parameters of a loss whose names say nothing: N is the size of a batch."""
    return sorted(loss.parameters - {"N"})


def compared(seed: int, names: tuple[str, ...] = NAMES, seconds: float = float("inf")) -> dict[str, Any]:
    """One random loss with each of its parameters under each of the names; plain JSON values.

    All parameters are renamed at once, to names that follow each other, so that a loss is derived once a name. Where an
    answer differs each of them is renamed alone, to tell which name it is.

    Args:
        seed: of the loss.
        names: new names.
        seconds: of processor time, after which the rest is skipped.

    Returns:
        How many answers are ``equal``, which are ``wrong``, and how many are ``skipped``, by reason.

    """
    loss, until = drawn(seed), process_time() + seconds
    record: dict[str, Any] = {"seed": seed, "loss": " + ".join(loss.parts), "wrong": [], "equal": 0}
    skipped: Counter[str] = Counter()
    plain = answers(loss, {}) if renameable(loss) else {}
    for put in _rounds(renameable(loss), names):
        taken = {old: name for old, name in put.items() if name in loss.parameters}
        skipped["another parameter of the loss has the name"] += len(taken)
        tried = {old: name for old, name in put.items() if old not in taken}
        if process_time() > until:
            skipped[f"over {seconds:g} s of processor time"] += len(tried)
            continue
        if not tried or _differing(loss, plain, tried) is None:
            record["equal"] += len(tried)
            continue
        alone = {old: _differing(loss, plain, {old: name}) for old, name in tried.items()}
        found = [(tried[old], f"{old} → {tried[old]}: {said}") for old, said in alone.items() if said is not None]
        record["wrong"] += found or [(", ".join(tried.values()), f"{tried}: {_differing(loss, plain, tried)}")]
        record["equal"] += len(tried) - max(len(found), 1)
    return record | {"skipped": {why: number for why, number in skipped.items() if number}}


def _rounds(parameters: list[str], names: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Renamings in which each parameter has each name once, and no two the same at a time."""
    number = max(len(parameters), len(names))
    for turn in range(number):
        places = ((old, (turn + k) % number) for k, old in enumerate(parameters))
        yield {old: names[place] for old, place in places if place < len(names)}


def _differing(loss: Drawn, plain: Mapping[str, Any], renamed: Mapping[str, str]) -> str | None:
    """The first answer that differs under other names, None where all are equal."""
    try:
        other = answers(loss, renamed)
    except Exception as error:  # noqa: BLE001 (whatever it is, a name should not raise it)
        return f"raised {type(error).__name__}: {error}"
    return next(differences(plain, other, names=frozenset(loss.parameters)), None)


def answers(loss: Drawn, renamed: Mapping[str, str]) -> dict[str, Any]:
    """Everything that is said of a loss, in numbers, parameters under their old names."""
    symbols = loss.loss.parameters
    # What is declared of a parameter, its sign, is declared of it under any name.
    put = {old: sympy.Symbol(new, **symbols[old].assumptions0) for old, new in renamed.items()}
    here = loss.loss.set(put) if put else loss.loss
    back = {new: symbols[old] for old, new in put.items()}
    old_names = {new: old for old, new in renamed.items()}
    expansion = here.expand(order=4)
    limit = loss.limit and renamed.get(loss.limit, loss.limit)
    found = described(here, expansion, limit)
    answer = of_landscape(found)
    values = {new.name if (new := put.get(name)) is not None else name: _number_of(symbols[name]) for name in symbols}
    return {
        "expansion": {str(term.invariants): numbers(term.coefficient, back) for term in expansion.terms},
        "landscape": numbers(found, back),
        "said": [(line.label, renamed_back(line.text, old_names)) for line in found.said()],
        "answer": renamed_back(answer.text, old_names),
        "tone": answer.tone,
        "holds": [_holds(one, values) for one in (found.collapse.dimensional, found.collapse.complete)],
        "kernel": _kernel(expansion, values, bias=here.bias),
        "json": _renamed_back(found.to_json(), old_names),
    }


def _renamed_back(shown: Any, old: Mapping[str, str]) -> Any:
    if isinstance(shown, dict):
        # A key is the theory's own, whatever parameters are called.
        return {key: _renamed_back(value, old) for key, value in shown.items()}
    if isinstance(shown, list | tuple):
        return [_renamed_back(one, old) for one in shown]
    return renamed_back(shown, old) if isinstance(shown, str) else shown


def _holds(condition: Any, values: Mapping[str, float]) -> list[bool] | None:
    if condition is None:
        return None
    random = np.random.default_rng(0)
    draws = [(random.uniform(0.1, 2, 3), random.uniform(0.1, 2, 3)) for _ in range(3)]
    return [condition.holds(list(a), list(c), {**values, "d1": 3}) for a, c in draws]


def _kernel(expansion: Any, values: Mapping[str, float], *, bias: bool) -> float:
    emitted = numeric.kernel(expansion)
    random = np.random.default_rng(0)
    root = random.standard_normal((2, 3, 3))
    A0, Sigma = root[0] @ root[0].T, root[0] @ root[0].T + root[1] @ root[1].T
    W, b = random.standard_normal((3, 3)), random.standard_normal(3)
    first = [W, A0, Sigma, *([b] if bias else [])]
    # In the order of the expansion's own parameters: a name may be taken by a matrix.
    known = {**values, "d1": 3.0}
    given = [known[name] if name in known else known[name.rstrip("_")] for name in emitted.arguments[len(first) :]]
    return float(emitted.value(*first, *given))


def _number_of(symbol: sympy.Basic) -> float:
    """A number between ½ and 2 for each symbol, N an integer."""
    name = str(symbol)
    if name == "N":
        return 3.0
    digest = hashlib.sha256(name.encode()).digest()
    return 0.5 + 1.5 * int.from_bytes(digest[:4], "big") / 2**32


def numbers(value: Any, back: Mapping[sympy.Symbol, sympy.Symbol]) -> Any:
    """A value with every expression in it as a number."""
    if isinstance(value, sympy.Basic):
        return _evaluated(value, back)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: numbers(getattr(value, one.name), back)
            for one in dataclasses.fields(value)
            if one.name not in _LEFT_OUT and one.compare
        }
    if isinstance(value, Mapping):
        return {str(key): numbers(one, back) for key, one in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [numbers(one, back) for one in value]
    if isinstance(value, str) and " " in value:
        # A sentence; what is one word is no parameter.
        return renamed_back(value, {new.name: old.name for new, old in back.items()})
    return value


def _evaluated(value: sympy.Basic, back: Mapping[sympy.Symbol, sympy.Symbol]) -> Any:
    if value in (sympy.true, sympy.false):
        return bool(value)
    if isinstance(value, sympy.Or | sympy.And | sympy.Not):
        return [type(value).__name__, sorted((_evaluated(one, back) for one in value.args), key=str)]
    if isinstance(value, sympy.core.relational.Relational):
        left = _evaluated(value.lhs - value.rhs, back)
        return [value.rel_op, left]
    if isinstance(value, sympy.Symbol):
        return str(value.xreplace(dict(back)))
    value = value.xreplace(dict(back))
    sums = {one: _sum(one) for one in value.atoms(sympy.Function) if one.func.__name__ == "sum_j"}
    value = value.xreplace(sums)
    unknown = {
        one: sympy.Float(_number_of(one.args[0]) if one.args[0].is_Symbol else 1.1, 25)
        for one in value.atoms(sympy.core.function.AppliedUndef)
    }
    value = value.xreplace(unknown)
    return complex(sympy.N(value.subs({one: sympy.Float(_number_of(one), 25) for one in value.free_symbols}), 15))


def _sum(one: sympy.Expr) -> sympy.Expr:
    """Σ_j over three modes."""
    total = sympy.S.Zero
    for k in range(3):
        own = {
            symbol: sympy.Float(_number_of(sympy.Symbol(f"{symbol}{k}")), 25)
            for symbol in one.free_symbols
            if str(symbol) in ("a_j", "c_j", "s_j", "q_j")
        }
        total += one.args[0].subs(own)
    return total


def differences(one: Any, other: Any, path: str = "", *, names: frozenset[str] = frozenset()) -> Iterator[str]:
    """Where two records part; the names of parameters are no words of a text."""
    if isinstance(one, dict) and isinstance(other, dict):
        if set(one) != set(other):
            yield f"{path}: {sorted(set(one) ^ set(other))}"
            return
        for key in one:
            yield from differences(one[key], other[key], f"{path}.{key}", names=names)
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            yield f"{path}: {len(one)} and {len(other)}"
            return
        for k, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{k}]", names=names)
    elif isinstance(one, complex | float) and isinstance(other, complex | float):
        same = one == other or abs(one - other) <= 1e-9 * max(1.0, abs(one)) or bool(np.isnan(one) and np.isnan(other))
        if not same:
            yield f"{path}: {one} and {other}"
    elif isinstance(one, str) and isinstance(other, str):
        if not alike(one, other, names):
            yield f"{path}: {one!r} and {other!r}"
    elif one != other:
        yield f"{path}: {one!r} and {other!r}"
