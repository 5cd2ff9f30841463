"""How long does a moment of quadratic or bilinear forms take, beside FORM?"""

from __future__ import annotations

import gc
import re
import subprocess
from functools import partial
from pathlib import Path

import sympy
from sympy.core.cache import clear_cache
from timing import alternate, print_table, print_versions, ratio, show_ratio

import derive
from verify.papers.identities.table import IDENTITIES

ROUNDS = 7
# Seconds a sample, as in bench/derivation.py.
BLOCK = 0.03
# Repetitions in one process of FORM, whose start takes a few milliseconds, by kind and power.
FORM_ROUNDS = {
    ("square", 2): 2000,
    ("square", 3): 500,
    ("square", 4): 100,
    ("square", 5): 10,
    ("square", 6): 1,
    ("inner", 4): 500,
    ("inner", 6): 200,
    ("inner", 8): 50,
    ("inner", 10): 10,
}
TEXTS = {"square": "E(|f(x)|^{})", "inner": "E(<f(x), f(chi)>^{})"}


def main() -> None:
    """Check FORM against quartic, then time both sides; and the identities of the literature."""
    print_versions("sympy")
    print("quartic reads the text, with empty memo tables in every call; FORM's program holds the formula.")
    print_table(
        "A moment: FORM's time over quartic's (median of the rounds, with the range)",
        ("moment", "terms", "FORM", "quartic", "ratio"),
        [row(kind, power, rounds) for (kind, power), rounds in FORM_ROUNDS.items()],
    )
    times = alternate({"all": all_identities}, rounds=ROUNDS, block=BLOCK, before=cold)
    print_table(
        "The identities of docs/identities.md, all of them derived once",
        ("identities", "quartic"),
        [(str(len(IDENTITIES)), str(times["all"]))],
    )


def row(kind: str, power: int, rounds: int) -> tuple[str, ...]:
    """One moment by both sides, or the reason why FORM was not run."""
    text = TEXTS[kind].format(2 * power if kind == "square" else power)
    ours = quartic(text)
    try:
        theirs = of_form(form(kind, power))
    except FileNotFoundError:
        return (text, "", "not run", "", "form is not installed; it is a package of Debian's")
    words = sympy.Add(
        *(
            term.coefficient * sympy.Mul(*(sympy.Symbol(f"tr({len(one[0][1])})") for one in term.invariants))
            for term in ours.terms
        )
    )
    if sympy.expand(words - theirs) != 0:
        raise SystemExit(f"quartic and FORM differ at {text}: {words} against {theirs}")
    sides = {"quartic": partial(quartic, text), "peer": partial(form, kind, power, rounds)}
    times = alternate(sides, rounds=ROUNDS, block=BLOCK, before=cold)
    peer = times["peer"].shared(rounds)
    return (text, str(len(ours.terms)), str(peer), str(times["quartic"]), show_ratio(ratio(peer, times["quartic"])))


def quartic(text: str) -> derive.Moment:
    """What is timed on quartic's side."""
    derive.clear_caches()
    return derive.moment(text)


def all_identities() -> None:
    """Each identity of the literature, as it is derived for the page."""
    derive.clear_caches()
    for one in IDENTITIES:
        derive.moment(one.moment, law=one.law)


def cold() -> None:
    """Empty every memo table, so that a call starts from nothing."""
    derive.clear_caches()
    clear_cache()
    gc.collect()


def form(kind: str, power: int, rounds: int = 1) -> str:
    """The moment in FORM, this many times in one process; what it printed.

    Raises:
        FileNotFoundError: FORM is not installed.

    """
    defined = {"KIND": kind, "POWER": power, "ROUNDS": rounds}
    options = [part for name, value in defined.items() for part in ("-D", f"{name}={value}")]
    command = ["form", "-q", *options, str(Path(__file__).with_name("moments.frm"))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def of_form(printed: str) -> sympy.Expr:
    """The sum that FORM printed, tr(n) standing for Tr[(W Σ Wᵀ)ⁿ]."""
    (body,) = re.findall(r"found =\s*(.*?);", printed, re.DOTALL)
    total = sympy.S.Zero
    for sign, number, words in re.findall(r"([+-]) (?:(\d+)\*)?((?:tr\(\d+\)(?:\^\d+)?\*?)+)", body):
        product = sympy.Integer(f"{sign}{number or 1}")
        for word, power in re.findall(r"(tr\(\d+\))(?:\^(\d+))?", words):
            product *= sympy.Symbol(word) ** int(power or 1)
        total += product
    return total


if __name__ == "__main__":
    main()
