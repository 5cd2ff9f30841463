"""Views of data, and the coordinates of an embedding.

A *datum* is drawn from the population; a *view* is one augmentation of it, drawn independently given the
datum. Two views of one datum are correlated (covariance A0), views of different data are independent.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from derive.algebra.graphs import AUGMENTATION, CLASSMATE, ENCODER, PLAIN, STOPPED
from derive.errors import InputError


class View(NamedTuple):
    """One augmented copy of a datum.

    Attributes:
        name: how the view is written, for instance ``x`` or ``x_pos``.
        datum: the datum it shows; views with one datum name share it, but for classmates, each of which shows a datum
            of its own, of the same class.
        white: whether the view is not data but standard Gaussian noise in input space, N(0, I): the average of
            |f(g)|² over it is ‖W‖², which is how weight decay is written.
        role: how it is seen: PLAIN, through f(x) = W x; ENCODER, through the second encoder, g(y) = V y; AUGMENTATION,
            through f, but under the second of two augmentations; CLASSMATE, through f, another datum of the same class;
            STOPPED, through f, its gradient stopped (see `derive.algebra.graphs`).

    """

    name: str
    datum: str
    white: bool = False
    role: int = PLAIN

    def name_at(self, datum: str) -> str:
        """The name of the same view of another datum: x_pos of x is u_pos of u.

        >>> View("x_pos", "x").name_at("u"), View("x", "x").name_at("u")
        ('u_pos', 'u')
        """
        return datum + self.name.removeprefix(self.datum)

    def no_number(self) -> NoReturn:
        """Refuse arithmetic with views."""
        message = (
            f"{self.name} is a view, not a number: write inner({self.name}, …) for ⟨f({self.name}), f(…)⟩ and"
            f" half_sq({self.name}, …) for ½|f({self.name}) − f(…)|²"
        )
        raise InputError(message)

    def __add__(self, other: object) -> NoReturn:
        self.no_number()

    def __sub__(self, other: object) -> NoReturn:
        self.no_number()

    def __mul__(self, other: object) -> NoReturn:
        self.no_number()

    def __rmul__(self, other: object) -> NoReturn:
        self.no_number()

    def __matmul__(self, other: object) -> NoReturn:
        self.no_number()

    def __truediv__(self, other: object) -> NoReturn:
        self.no_number()

    def __neg__(self) -> NoReturn:
        self.no_number()


# Suffixes that people give to views of another datum than the one named before the underscore.
_NEGATIVE = ("neg", "negative", "minus", "other")


class Index(NamedTuple):
    """A coordinate of the embedding, running from 1 to d1."""

    name: str


def views(names: str, *, encoder: str = "f", augmentation: int = 1, shares: str = "datum") -> tuple[View, ...]:
    """Views from a comma-separated list of names.

    What stands before the first underscore names the datum: ``x`` and ``x_pos`` are two views of the datum
    ``x``, and ``chi`` is a view of an independent one.

    Args:
        names: as in "x, x_pos, chi".
        encoder: "f" for f(x) = W x, "g" for a second encoder, g(y) = V y: y is the other half of a pair, the text of
            an image, say, and may have a dimension of its own.
        augmentation: 1, or 2 for views under a second, say stronger, augmentation.
        shares: what views share with those whose names begin alike: "datum", or "class" for views of other data of the
            class, each of its own datum. Given the class they are independent. Where the data have no classes they are
            views of independent data.

    Raises:
        InputError: something that is not a name, or a name given twice; a negative that would be a view of its anchor's
            datum (x, x_neg).

    >>> x, x_pos, chi = views("x, x_pos, chi")
    >>> x.datum == x_pos.datum, x.datum == chi.datum
    (True, False)

    The image and the text of one pair, through two encoders:

    >>> from derive import Loss, inner
    >>> (x,), (x_text,) = views("x"), views("x_text", encoder="g")
    >>> print(Loss(-inner(x, x_text)).expand(order=2))
    −Tr[W A Vᵀ] + O((W, V)⁴)

    Two data of one class, of data of classes:

    >>> from derive import Classes
    >>> (x_same,) = views("x_same", shares="class")
    >>> print(Loss(-inner(x, x_same)).expand(order=2, data=Classes()))
    −Tr[W M₂ Wᵀ] + O(W⁴)

    """
    if shares not in ("datum", "class"):
        message = f"views({names!r}, shares={shares!r}): views of one name share a 'datum' or a 'class'"
        raise InputError(message)
    roles = {("f", 1): PLAIN, ("g", 1): ENCODER, ("f", 2): AUGMENTATION}
    if (encoder, augmentation) not in roles:
        message = (
            f"views({names!r}, encoder={encoder!r}, augmentation={augmentation!r}): the encoder is 'f' or 'g', the"
            " augmentation 1 or, of f, 2"
        )
        raise InputError(message)
    try:
        split = [name.strip() for name in names.split(",")]
    except AttributeError:
        message = f"views({names!r}): write the names in one text, views('x, x_pos, chi')"
        raise InputError(message) from None
    for name in split:
        if not name.isidentifier():
            message = f"views({names!r}): {name!r} is not a name; write for instance views('x, x_pos, chi')"
            raise InputError(message)
    if len(set(split)) < len(split):
        message = f"views({names!r}): a name occurs twice; each view needs its own"
        raise InputError(message)
    for name in split:
        datum, _, end = name.partition("_")
        if end in _NEGATIVE and datum in split:
            message = (
                f"views({names!r}): {name} would be a view of the datum {datum}, like {datum} itself, as views pair by"
                " what stands before the first underscore; call a view of another datum chi or neg"
            )
            raise InputError(message)
    role = roles[encoder, augmentation]
    if shares == "class":
        if role != PLAIN:
            message = (
                f"views({names!r}, shares='class'): classmates are seen through f, under the first augmentation; leave"
                " encoder and augmentation out"
            )
            raise InputError(message)
        role = CLASSMATE
    return tuple(View(name, name.partition("_")[0] or name, role=role) for name in split)


def white_noise(name: str) -> View:
    """A view that is standard Gaussian noise N(0, I) in input space rather than data."""
    return View(name, name, white=True)


def stop(view: object) -> View:
    """The view with its gradient stopped: f at it counts as a constant while the loss is differentiated.

    A mean over it names the stopped view: ``key = stop(chi)``, ``Mean(exp(inner(x, key)), over=key)``. A view is either
    stopped or not in one definition; another view of the datum can be the other way. What training follows then is the
    gradient of no loss, see `derive.fields`.

    Raises:
        InputError: no view, white noise, or a view through a second encoder, a second augmentation or of a class.

    >>> from derive import Loss, half_sq
    >>> x, x_pos = views("x, x_pos")
    >>> print(Loss(half_sq(x, stop(x_pos))).text())
    E_x[½|f(x)−sg f(x′)|²]

    """
    if isinstance(view, View) and not view.white and view.role in (PLAIN, STOPPED):
        return view._replace(role=STOPPED)
    if isinstance(view, View):
        how = "white noise" if view.white else "seen in another way already"
        raise InputError(f"stop({view.name}): it is {how}; only a view through f can be stopped")
    raise InputError(f"stop({view!r}): give a view, as views() makes them")
