"""A new ledger file: a first claim that runs, and the other slots beside it as comments."""

from __future__ import annotations

import re
from pathlib import Path

from derive import InputError
from verify.running.sweeps.writing import usable_file, write_whole

TEMPLATE = r'''"""What PAPER prints, and what is true. Run it with

    quartic claims --ledger FILE              the verdicts; --id KEY:NAME for one claim whole, --latex for a sheet
    pytest --claims FILE                      each claim is a test that fails when its verdict changes
"""

from derive import Loss, Mean, catalogue, exp, half_sq, inner, log, views  # noqa: F401 (some serve the examples below)
from verify.papers.claims import Ledger

ledger = Ledger("KEY", "PAPER", "authors, venue and number, in one line")

# The loss, from its definition; a name of the catalogue serves as well: catalogue("infonce").
x, x_pos, chi = views("x, x_pos, chi")  # x and x_pos are views of one datum, chi is one of another
loss = Loss(half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi)), name="their-loss")

# A claim about a loss: formulas as they are printed, text or LaTeX, in W, A_0 = E[x x'^T], \Sigma = E[x x^T],
# C = \Sigma - A_0 and the loss's parameters. What is derived for each and how it is measured is known by its name.
ledger.about(
    loss,
    "KEY:expansion",
    where="Eq. (1)",
    expansion=r"-\Tr[W A_0 W^\top] + \frac34 \Tr[(W \Sigma W^\top)^2] + O(\|W\|^6)",
    recorded="holds",  # the verdict that came out; a refuted one has kind="misprint" or kind="error", and why="…"
)

# The other slots; one claim may have several. at={"alpha": "1/10"} fixes parameters.
#
# ledger.about(
#     loss, "KEY:collapse", where="Sec. 3", recorded="holds",
#     B="A_0",                                     the matrix in -Tr[W B W^T]
#     dimensional="never",                         or: a_i \le c_i for some i      (some mode is zero at the minima)
#     complete="never",                            or: a_i \le c_i for all i       (all modes are)
#     power=r"\frac23 \lambda_i",                  of a kept mode, to fourth order
#     threshold="0",                               a mode grows from W = 0 where lambda_i is above it
#     seen="arXiv v2, p. 4",                       what you have read; from_memory=True if nothing
# )
#
# Anything else is a reading of your own, with what the engine derives and what was measured without it; see
# docs/how_to/add_a_claim.md.
'''


def new_ledger(path: str | Path, paper: str | None = None) -> Path:
    """Write a ledger to begin with, whole or not at all.

    Args:
        path: of the file, which must not exist; it ends in .py.
        paper: the key of the paper; the name of the file unless given.

    Raises:
        InputError: the file exists or cannot be written, or the key has other signs than letters, digits, - and _.

    Returns:
        The path.

    """
    file = usable_file(path, ".py")
    if file.exists():
        raise InputError(f"{file} exists and is left as it is; name a file that does not")
    key = file.stem if paper is None else paper
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", key, re.ASCII):
        message = (
            f"the key of a paper is made of letters, digits, - and _, as in tian2021, not {key!r}; give --paper KEY"
        )
        raise InputError(message)
    put = {"FILE": file.name, "KEY": key, "PAPER": "the paper"}
    write_whole(file, re.sub("FILE|KEY|PAPER", lambda found: put[found[0]], TEMPLATE).encode())
    return file
