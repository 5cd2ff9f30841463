"""The loss that a TARGET names: one of the catalogue, or a `Loss` or a function in the user's file or module."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sympy

from derive import CATALOGUE, InputError, Loss, catalogue
from derive.algebra.letters import named
from derive.errors import did_you_mean, nearest, quoted
from derive.fields import FIELDS
from derive.fields.training import Dynamics, Training
from derive.fields.unit import of_its_kind
from verify.audits.user_code import run_file, run_module
from verify.running.limits import said_by
from verify.truths.exact_numbers import read_assignments, read_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    from derive import Expansion
    from numeric.sampling import Covariances

# Ways in which a file defines what does not stand in it.
_MAKES_NAMES = re.compile(r"import\s*\*|(globals|locals|vars|exec)\s*\(|setattr|__getattr__|__dict__")
_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def find_loss(target: str) -> Loss:
    """The loss that a TARGET names.

    Args:
        target: a catalogue name, with modifiers after plus signs (``infonce+weight-decay``), or
            ``path/to/file.py:name`` or ``package.module:name`` for a `Loss` called ``name`` there. The file is run: it
            is the user's own code.

    Raises:
        InputError: nothing usable is there.

    """
    return as_loss(find_target(target), target)


def as_loss(found: Any, target: str) -> Loss:
    """What a TARGET names, which has to be a `Loss`.

    Raises:
        InputError: it is a field, or code.

    """
    if isinstance(found, Dynamics):
        raise InputError(no_loss(found))
    if not isinstance(found, Loss):
        name = target.rpartition(":")[2]
        message = f"{target}: {name} is of type {type(found).__name__}; a derive.Loss is needed here"
        raise InputError(f"{message}; quartic audit takes torch functions too")
    return found


def no_loss(found: Dynamics) -> str:
    """What to say where a landscape is asked for."""
    return (
        f"{found.name} is a field, the gradient of no loss, and has no landscape; quartic derive, latex, modes and"
        " audit speak of fields"
    )


def find_target(target: str) -> Loss | Dynamics | Callable[..., Any]:
    """What a TARGET names: a `Loss`, a field, or a function ``loss(z1, z2)`` of the user's, or an object or a class.

    A loss with stopped views is a field, that of training W alone.

    Raises:
        InputError: nothing usable is there.

    >>> find_target("simsiam").title
    'SimSiam, squared distances, linear predictor'

    """
    path, separator, name = target.rpartition(":")
    if separator and path.endswith(".py"):
        _refuse_unnamed(Path(path), name)
        module = run_file(Path(path))
    elif separator and _MODULE.fullmatch(path):
        module = run_module(path)
    elif re.search(r"[:/.]", target):
        message = f"{quoted(target)} names no loss; write path/to/file.py:name or package.module:name"
        raise InputError(message)
    else:
        return known(target)
    try:
        loss = getattr(module, name)
    except AttributeError:
        losses = [
            key for key, value in vars(module).items() if isinstance(value, Loss | Dynamics) or _own(value, module)
        ]
        raise InputError(_unnamed(path, name, losses)) from None
    except Exception as error:
        # A package may import its parts when they are asked for.
        message = f"{target} failed when it was imported: {type(error).__name__}: {said_by(error)}"
        raise InputError(message) from error
    # A loss with its predictor is a tuple of both.
    pair = isinstance(loss, tuple) and len(loss) == 2 and all(map(callable, loss))
    if not isinstance(loss, Loss | Dynamics) and not callable(loss) and not pair:
        message = f"{target}: {name} is of type {type(loss).__name__}; a target is a derive.Loss or a function"
        raise InputError(message)
    found: Loss | Dynamics | Callable[..., Any] = as_field(loss)
    return found


def _refuse_unnamed(path: Path, name: str) -> None:
    """Refuse a name that does not stand in a file: running it, which imports torch for seconds, would not show it.

    A file that makes names otherwise (``import *``, ``globals()``, …) is run to find out, and one that defines nothing
    or cannot be read.
    """
    try:
        source = path.read_text("utf-8")
        body = ast.parse(source).body
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return
    if not name or re.search(rf"\b{re.escape(name)}\b", source) or _MAKES_NAMES.search(source):
        return
    losses = []
    for one in body:
        if isinstance(one, ast.FunctionDef | ast.ClassDef):
            losses.append(one.name)
        elif isinstance(one, ast.Assign) and isinstance(one.value, ast.Call | ast.Lambda):
            losses += [target.id for target in one.targets if isinstance(target, ast.Name)]
    if losses:
        raise InputError(_unnamed(str(path), name, losses))


def _unnamed(path: str, name: str, losses: list[str]) -> str:
    listed = f"losses there: {', '.join(losses) or 'none'}"
    return did_you_mean(f"{path} defines no {quoted(name)}", nearest(name, losses), listed)


def as_field(found: Any) -> Any:
    """A loss with stopped views as the training of W that it is; anything else as it is."""
    if isinstance(found, Loss) and found.stopped:
        found = Training(found, decay=False)
    return of_its_kind(found) if isinstance(found, Training) else found


def known(name: str) -> Loss | Dynamics:
    """A loss of the catalogue or a field."""
    if name in FIELDS:
        return FIELDS[name]
    base = name.partition("+")[0]
    if base in FIELDS:
        message = f"{quoted(name)}: {base} is a field, which takes no modifiers; its decay is --set eta=…"
        meant = f"{base}+normalised"
        raise InputError(f"{message}; did you mean {meant}?" if meant in FIELDS and "norm" in name else message)
    try:
        return catalogue(name)
    except InputError as error:
        near = nearest(name.casefold(), FIELDS)
        if not near or base in CATALOGUE:
            raise
        raise InputError(did_you_mean(f"unknown loss or field {quoted(name)}", near)) from error


def _own(value: object, module: ModuleType) -> bool:
    """Whether it is a function, a class or a callable object that the file defines itself."""
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def check_encoders(encoders: int) -> None:
    """Refuse another number of encoders than 1 or 2.

    Raises:
        InputError: it is another one.

    """
    if encoders not in (1, 2):
        message = f"--encoders {encoders}: there is 1, W x, or there are 2, W x and V y"
        raise InputError(message)


def of_encoders(loss: Loss, encoders: int) -> Loss:
    """A definition seen through two encoders where 2 are asked for; 1 leaves it as it is.

    Raises:
        InputError: another number, or a loss that cannot have two.

    >>> of_encoders(catalogue("spectral"), 2).name, of_encoders(catalogue("spectral+two-encoders"), 2).name
    ('spectral+two-encoders', 'spectral+two-encoders')

    """
    check_encoders(encoders)
    return loss.with_two_encoders() if encoders > loss.encoders else loss


def refuse(what: str, options: Mapping[str, object]) -> None:
    """Refuse given options that a target of this kind does not take.

    >>> refuse("a torch function", {"--A0": None, "--sampling fixed": False})

    Raises:
        InputError: the message names the first of them.

    """
    for option, given in options.items():
        if given:
            message = f"{option} does not go with {what}; leave it out"
            raise InputError(message)


def read_covariances(a0: str | None, c: str | None) -> Covariances | None:
    """The covariances in two files, CSV or .npy; None where none is named.

    Raises:
        InputError: one without the other, or a file that holds no covariance.

    """
    if a0 is None and c is None:
        return None
    if a0 is None or c is None:
        message = "--A0 and --C go together: give both covariances, or neither"
        raise InputError(message)
    from numeric.sampling import Covariances

    return Covariances(_matrix(a0), _matrix(c))


def _matrix(path: str) -> Any:
    import numpy as np

    if not Path(path).exists():
        raise InputError(f"there is no file {path}")
    try:
        if path.endswith(".npy"):
            return np.load(path, allow_pickle=False)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # for an empty file NumPy only warns
            text = Path(path).read_text("utf-8")
            return np.loadtxt(text.splitlines(), delimiter="," if "," in text else None, ndmin=2)
    except Exception as error:  # noqa: BLE001 (NumPy reads a header with Python's tokenizer, which has errors of its own)
        rows = "a row a line, with commas or spaces, or a .npy file"
        message = f"{path} holds no matrix of numbers ({rows}): {said_by(error)}"
        raise InputError(message) from None


def read_correlations(given: str) -> list[object]:
    """View correlations from a text or a file.

    Args:
        given: exact numbers with commas between them, or the path of a file: such numbers as text, with commas, spaces
            or lines between them and remarks after #, or a .npy file.

    Raises:
        InputError: neither, or a file that holds no list of numbers.

    >>> read_correlations("0.9,1/3")
    [9/10, 1/3]

    """
    where = "--correlations"
    if given.endswith(".npy"):
        return _correlations_in_array(given)
    parts = [part.strip() for part in given.split(",")]
    try:
        return [read_number(part, where) for part in parts]
    except InputError as error:
        if not Path(given).is_file():
            if given.strip() and all(re.match(r"[-+.0-9]", part) for part in parts):
                raise
            message = f"{where} {quoted(given)}: give numbers from 0 to 1 with commas between them, or a file of them"
            raise InputError(message) from error
    try:
        lines = Path(given).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{given} holds no list of numbers: {said_by(error)}"
        raise InputError(message) from None
    return [
        read_number(word, f"{given}, line {number}")
        for number, line in enumerate(lines, 1)
        for word in line.partition("#")[0].replace(",", " ").split()
    ]


def _correlations_in_array(path: str) -> list[object]:
    import numpy as np

    try:
        found = np.load(path, allow_pickle=False)
    except Exception as error:  # noqa: BLE001 (NumPy reads a header with Python's tokenizer, which has errors of its own)
        message = f"{path} holds no list of numbers (a .npy file): {said_by(error)}"
        raise InputError(message) from None
    if found.dtype.kind not in "iuf" or found.size != max(found.shape, default=1):
        message = f"{path} holds an array of {found.dtype} of shape {found.shape}; a list of correlations is needed"
        raise InputError(message)
    return list(map(float, found.ravel()))


def parse_values(settings: Iterable[str]) -> dict[str, sympy.Expr]:
    """Exact values from texts like ``alpha=1/10``, ``tau=0.001`` or ``1e-3`` (both 1/1000), and ``N=oo`` for a limit.

    Args:
        settings: texts NAME=VALUE, parsed and never evaluated; see `verify.truths.exact_numbers` for what a number may
            be.

    Raises:
        InputError: a text has no name or no number, or a name occurs twice.

    >>> parse_values(["alpha=1/10", "N=oo", "tau=0.5", "t=1e-3"])
    {'alpha': 1/10, 'N': oo, 'tau': 1/2, 't': 1/1000}

    """
    return {
        name: sympy.oo if text == "oo" else read_number(text, f"--set {name}")
        for name, text in read_assignments(settings, "--set", "--set alpha=1/10").items()
    }


def read_init(settings: Iterable[str]) -> dict[str, object]:
    """Arguments of a class from texts ``NAME=VALUE``: numbers, true, false, none, and any other word as text.

    Raises:
        InputError: a text has no name, or a name occurs twice.

    >>> read_init(["temperature=0.1", "output_dim=8", "gather=false", "mode=mean", "ratio=1/4"])
    {'temperature': 0.1, 'output_dim': 8, 'gather': False, 'mode': 'mean', 'ratio': 0.25}

    """
    words: dict[str, object] = {"true": True, "false": False, "none": None}
    found: dict[str, object] = {}
    for name, text in read_assignments(settings, "--init", "--init temperature=0.1").items():
        if text.lower() in words:
            found[name] = words[text.lower()]
            continue
        try:
            number = read_number(text, f"--init {name}")
        except InputError:
            if not re.fullmatch(r"[A-Za-z_][\w.-]*", text):
                raise
            found[name] = text
            continue
        found[name] = int(number) if number.is_Integer and "." not in text else float(number)
    return found


def put_values(loss: Loss, values: Mapping[str, sympy.Expr]) -> tuple[Loss, dict[str, sympy.Expr]]:
    """The loss with values put in, and the values left for its expansion: limits, and the dimension d1."""
    known = loss.parameters
    later = {name: value for name, value in values.items() if name in known and (name == "d1" or value is sympy.oo)}
    return loss.set({name: value for name, value in values.items() if name not in later}), later


def limits(expansion: Expansion, later: Mapping[str, sympy.Expr]) -> tuple[Expansion, str | None]:
    """The expansion with limits taken, and the name of a norm penalty's strength whose limit only the landscape has.

    That symbol is left in the expansion: κ → ∞ fixes E|f|².
    """
    known = named(expansion.symbols)
    for name, value in later.items():
        # κ (Tr[W Σ Wᵀ] − c)²: κ multiplies products of traces alone, linearly: the expansion itself has no limit.
        symbol = known.get(name, sympy.Symbol(name))
        within = [term for term in expansion.terms_of_order(4) if term.coefficient.has(symbol)]
        penalty = all(len(term.invariants) > 1 and sympy.diff(term.coefficient, symbol, 2) == 0 for term in within)
        if value is sympy.oo and within and penalty:
            return expansion.set({other: value for other, value in later.items() if other != name}), name
    return expansion.set(later), None
