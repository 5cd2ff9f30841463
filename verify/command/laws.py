"""The law of the data that ``--law`` names, such as student-t:nu=10: text is parsed, never evaluated."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from derive import InputError
from derive.errors import did_you_mean, nearest, quoted
from derive.expansion.laws import LAWS
from verify.truths.exact_numbers import read_assignments, read_number

if TYPE_CHECKING:
    from derive import Law


def read_law(text: str) -> Law:
    """The law that a text names.

    Args:
        text: a name of `derive.expansion.laws.LAWS`, and after a colon what the law takes: ``NAME=VALUE`` between
            commas, exact numbers or words, or several numbers with colons between them.

    Raises:
        InputError: an unknown law, or not what it takes.

    >>> read_law("student-t:nu=10").assumptions[1]
    "Student's t with 10 degrees of freedom"
    >>> read_law("elliptical:s4=3/2,per=view").text
    'elliptical:s4=3/2,per=view'
    >>> read_law("classes:weights=9:1,means=zero").assumptions
    ('2 classes y of weights 9:1', 'each Gaussian with mean zero and own covariances')

    """
    name, separator, given = (part.strip() for part in text.partition(":"))
    if name not in LAWS:
        listed = f"the laws are {', '.join(LAWS)}"
        raise InputError(did_you_mean(f"--law {quoted(name)}: there is no such law", nearest(name, LAWS), listed))
    texts = read_assignments(given.split(",") if separator else (), f"--law {name}", f"--law {_usage(name)}")
    values: dict[str, Any] = {key: _value(key, value, f"--law {name}: {key}") for key, value in texts.items()}
    try:
        inspect.signature(LAWS[name]).bind(**values)
    except TypeError:
        message = f"--law {text}: {name} is given as {_usage(name)}"
        raise InputError(message) from None
    law: Law = LAWS[name](**values)
    return law


def _value(key: str, text: str, what: str) -> Any:
    """A word, numbers with colons between them, or a number."""
    if key in _WORDS:
        return text
    if key == "weights":
        return tuple(read_number(one.strip(), what) for one in text.split(":"))
    return read_number(text, what)


# What is given by a word, and how it is written for instance.
_WORDS = {"per": "view", "covariances": "shared", "means": "zero"}


def _usage(name: str) -> str:
    """How a law is written, with all that it takes."""
    takes = {"nu": "10", "share": "1/10", "factor": "3", "moments": "3/2", "weights": "9:1", **_WORDS}
    shown = {"moments": "s4"}
    parts = [f"{shown.get(key, key)}={takes.get(key, '2')}" for key in inspect.signature(LAWS[name]).parameters]
    return f"{name}:{','.join(parts)}" if parts else name
