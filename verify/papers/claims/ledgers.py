"""The ledgers: of the two papers, of other papers, and those in a user's file."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from derive import InputError
from derive.errors import did_you_mean, nearest
from verify.audits.user_code import run_file
from verify.papers.claims.claim import Claim, Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

# In the order of the paper: Secs. 3.1, 3.2 and 4, App. D and F, figures.
_MODULES = (
    "infonce", "features", "weighted", "spectral", "beta", "symmetry", "table1", "stationary", "minima",
    "words_of_minima", "normalisation", "fixed_norm", "unit_vectors", "bias", "conditions",
    "words_of_norm", "landau", "phases", "alignment", "mixtures",
    "rescaling",
    "words_of_losses", "rescaled_layer", "captions", "figures", "twins",
)  # fmt: skip
# What puts a claim into a ledger.
_CALLS = ("claim", "not_run", "also", "twin", "about")
# Of other papers, in the order of their years: the files of that folder which are called by a name and a year.
_PAPER = re.compile(r"[a-z]+\d{4}")
OTHERS = tuple(
    file.stem
    for file in sorted((Path(__file__).parent / "others").glob("*.py"), key=lambda file: (file.stem[-4:], file.stem))
    if _PAPER.fullmatch(file.stem)
)


def published_ids() -> dict[str, str]:
    """The ids of the project's claims and the module that puts each in, read off the sources: nothing is imported.

    >>> published_ids()["iclr:eq8"]
    'weighted'
    """
    found = {id_: name for name in _MODULES for id_ in _ids("iclr", name)}
    papers = list(dict.fromkeys(id_.partition(":")[0] for id_ in found))
    return dict(sorted(found.items(), key=lambda item: papers.index(item[0].partition(":")[0])))


def other_ids() -> dict[str, str]:
    """The ids of the claims of other papers and their modules, read off the sources too.

    >>> other_ids()["tian2021:thm1"]
    'tian2021'
    """
    return {id_: name for name in OTHERS for id_ in _ids("others", name)}


def _ids(folder: str, module: str) -> list[str]:
    """The ids that a module's calls put in; those of `Ledger.about` stand second, behind the loss."""
    tree = ast.parse((Path(__file__).parent / folder / f"{module}.py").read_text("utf-8"))
    found: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        first = node.args[called == "about" :][:1] if called in _CALLS else []
        found += [str(one.value) for one in first if isinstance(one, ast.Constant)]
    return found


def other(paper: str) -> Ledger:
    """The ledger of one of the other papers.

    Raises:
        InputError: there is none, naming the nearest; torch is not installed.

    """
    if paper not in OTHERS:
        listed = f"the papers are {', '.join(OTHERS)}"
        raise InputError(did_you_mean(f"there is no ledger of a paper {paper!r}", nearest(paper, OTHERS), listed))
    _needs_torch()
    (ledger,) = _ledgers(import_module(f"verify.papers.claims.others.{paper}"))
    return ledger


def _ledgers(module: ModuleType) -> tuple[Ledger, ...]:
    return tuple(value for value in vars(module).values() if isinstance(value, Ledger))


def of_paper(paper: str) -> tuple[Ledger, ...]:
    """The ledgers among which that of a paper is: the two papers', or one of the others'.

    Raises:
        InputError: there is no such paper, naming the nearest; torch is not installed.

    """
    two = dict.fromkeys(one.partition(":")[0] for one in published_ids())
    if paper in two:
        return published()
    if paper in OTHERS:
        return (other(paper),)
    known = (*two, *OTHERS)
    listed = f"the papers are {', '.join(known)}"
    raise InputError(did_you_mean(f"there is no ledger of a paper {paper!r}", nearest(paper, known), listed))


def published_claim(id: str) -> tuple[tuple[Ledger, ...], Claim]:  # noqa: A002 (the word of the ledger)
    """The project's ledgers with the module of one claim alone imported, and that claim.

    Raises:
        InputError: there is no such id, naming the nearest; torch is not installed.

    """
    known = published_ids() | other_ids()
    key = id.partition(":")[0]
    papers = list(dict.fromkeys(one.partition(":")[0] for one in known))
    if key not in papers:
        message = f"claim {id!r}: an id begins with a paper and a colon; the papers are {', '.join(papers)}"
        raise InputError(message)
    if id not in known:
        of_paper = [one for one in known if one.startswith(f"{key}:")]
        raise InputError(did_you_mean(f"the ledger of {key!r} has no claim {id!r}", nearest(id, of_paper)))
    if key in OTHERS:
        return (other(key),), other(key)[id]
    _needs_torch()
    import_module(f"verify.papers.claims.iclr.{known[id]}")
    from verify.papers.claims.iclr.ledger import ICLR, NEURREPS

    return (ICLR, NEURREPS), next(ledger[id] for ledger in (ICLR, NEURREPS) if id in ledger.claims)


def _needs_torch() -> None:
    if not find_spec("torch"):
        message = "torch is not installed, and the published claims are measured with it: pip install 'quartic[torch]'"
        raise InputError(message)


def published() -> tuple[Ledger, ...]:
    """The project's ledgers, with all their claims.

    Raises:
        InputError: torch is not installed, in which the losses are written by hand.

    """
    _needs_torch()
    for name in _MODULES:
        import_module(f"verify.papers.claims.iclr.{name}")
    from verify.papers.claims.iclr.ledger import ICLR, NEURREPS

    # In the order of the modules, whichever was imported first.
    for ledger in (ICLR, NEURREPS):
        ordered = sorted(ledger.claims.items(), key=lambda item: _place(item[1]))
        ledger.claims.clear()
        ledger.claims.update(ordered)
    return ICLR, NEURREPS


def _place(claim: Claim) -> int:
    """The place of a claim's module; claims that nothing investigates come last."""
    if claim.twin is not None:
        return _MODULES.index("twins")
    if claim.investigate is None:
        return len(_MODULES)
    return _MODULES.index(claim.investigate.__module__.rpartition(".")[2])


def in_file(path: str | Path) -> tuple[Ledger, ...]:
    """The ledgers that a Python file defines. The file is run: it is the user's own code.

    Raises:
        InputError: there is no such file, it does not run, or it defines no ledger.

    """
    found = _ledgers(run_file(Path(path)))
    if not found:
        message = (
            f"{path} defines no ledger; write: ledger = verify.papers.claims.Ledger('key', 'title'), and claims into it"
        )
        raise InputError(message)
    return found


def chosen(ledgers: Iterable[Ledger], *, paper: str | None = None, id: str | None = None) -> list[Claim]:  # noqa: A002 (the word of the ledger and of the command)
    """The claims of all ledgers, those of one paper, or the one with an id.

    Raises:
        InputError: there is no such paper or id, naming the nearest.

    """
    by_paper = {ledger.paper: ledger for ledger in ledgers}
    if id is not None:
        key = id.partition(":")[0]
        if key not in by_paper and len(by_paper) > 1:
            message = f"claim {id!r}: an id begins with a paper and a colon; the papers are {', '.join(by_paper)}"
            raise InputError(message)
        return [by_paper.get(key, next(iter(by_paper.values())))[id]]
    if paper is not None and paper not in by_paper:
        listed = f"the papers are {', '.join(by_paper)}"
        raise InputError(did_you_mean(f"there is no ledger of a paper {paper!r}", nearest(paper, by_paper), listed))
    return [claim for key, ledger in by_paper.items() if paper in (None, key) for claim in ledger]
