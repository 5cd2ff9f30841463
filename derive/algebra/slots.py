"""Sums over classes: letters with slots, each of which stands for a class that the whole product is summed over.

Where a datum has a class y with probability π_y, the product Tr[W Σ_y Wᵀ W Σ_y Wᵀ] Tr[W A0_z Wᵀ W Σ_z Wᵀ] is summed
over y and z with the weights π_y π_z. The classes have no names of their own: a product is canonical under relabelling
of its slots. A slot that occurs once is no slot: Σ_y π_y Σ_y is the letter Σ of the average over the classes,
Σ_y π_y μ_y is the mean μ of the data, and where a class gives two vectors W μ_y and nothing else, Σ_y π_y μ_y μ_yᵀ is
the letter K. With one class that leaves the words of data without classes.

Where the noise depends on the datum z, a slot stands for z, which the whole product is averaged over: with C_z, the
covariance of the noise, once and no W z, that is the letter C.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product
from typing import TYPE_CHECKING

from derive.algebra.alphabet import BETWEEN, LETTERS, OF_MEAN, SLOTS, in_slot, of_class, plainly, slot_of
from derive.algebra.words import apart, connected, invariant, is_trace, paired, substitute, transpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from derive.algebra.words import Invariants, Link


def slots(given: Invariants) -> list[int]:
    """The slots that occur in a product, ascending."""
    return sorted({slot for one in given for link in one for slot in _of_link(link)})


def has_slots(given: Invariants) -> bool:
    """Whether a product is summed over a class."""
    return any(slot is not None for one in given for link in one for slot in _of_link(link))


def settled(given: Invariants) -> Invariants:
    """A product with the letters of averages where a slot occurs once, and its slots in canonical order.

    Ends at coordinates are left loose; `derive.algebra.words.paired` joins them.

    >>> from derive.algebra.words import trace
    >>> S, A = (in_slot(letter, 3) for letter in "SA")
    >>> settled((trace(S), trace("A"))) == (trace("A"), trace("S"))
    True
    >>> settled((trace(S + A),)) == (trace(in_slot("A", 0) + in_slot("S", 0)),)
    True
    """
    links = _averaged(_opened(given))
    used = Counter(slot for link in links for slot in _of_link(link))
    if not used:
        return _closed(links)
    alike: dict[object, list[int]] = {}
    for slot in used:
        alike.setdefault(_look(links, slot), []).append(slot)
    groups = [alike[look] for look in sorted(alike, key=repr)]
    orders = (sum(order, ()) for order in product(*(permutations(group) for group in groups)))
    first = _first(used)
    return min(_closed(_renamed(links, {slot: number for number, slot in enumerate(order, first)})) for order in orders)


def substituted(given: Invariants, by: Mapping[str, Mapping[str, int]]) -> dict[Invariants, int]:
    """A product with sums of letters put for letters (see `derive.algebra.words.substitute`), in canonical form."""
    found: Counter[Invariants] = Counter()
    for new, number in substitute(given, by).items():
        found[paired(settled(new)) if has_slots(new) else new] += number
    return dict(found)


def beside(some: Invariants, more: Invariants) -> Invariants:
    """The product of two sums over classes, which are over different classes."""
    used = slots(some)
    if not used or not has_slots(more):
        return tuple(sorted(some + more))
    taken = _first(used) + len(used)
    moved = _renamed(_opened(more), {slot: taken + number for number, slot in enumerate(slots(more))})
    return settled((*some, *_closed(moved)))


def _first(used: Iterable[int]) -> int:
    """The first of the slots of this kind: of classes or of data."""
    return SLOTS if max(used) >= SLOTS else 0


def _of_link(link: Link) -> Iterator[int]:
    """The slots of a link, each as often as it occurs."""
    i, word, j = link
    for letter in word:
        one = LETTERS[letter]
        if one.slot is not None:
            yield one.slot
        yield from (slot for end in one.ends if (slot := slot_of(end)) is not None)
    yield from (slot for end in (i, j) if (slot := slot_of(end)) is not None)


def _opened(given: Invariants) -> list[Link]:
    """All links of a product, letters of u vᵀ taken apart and no coordinate shared by two invariants."""
    found: list[Link] = []
    first = 0
    for one in given:
        if is_trace(one):
            word = one[0][1]
            at = next((k for k, letter in enumerate(word) if LETTERS[letter].ends), None)
            if at is None:
                found.append((first, word, first))
            else:
                v, u = LETTERS[word[at]].ends
                found.append((u, word[at + 1 :] + word[:at], v))
            first += 1
            continue
        for i, word, j in one:
            found += apart(i if i < 0 else i + first, word, j if j < 0 else j + first)
        first += 1 + max(max(i, j) for i, _, j in one)
    return found


def _averaged(links: list[Link]) -> list[Link]:
    """The letters of averages put in where a class occurs once."""
    letters = Counter(LETTERS[letter].slot for _, word, _ in links for letter in word)
    ends = Counter(slot_of(end) for i, _, j in links for end in (i, j))
    for slot in sorted({*letters, *ends} - {None}, key=str):
        assert slot is not None  # noqa: S101 (left out above)
        match letters[slot], ends[slot]:
            case 1, 0:
                links = [
                    (i, "".join(plainly(one) if LETTERS[one].slot == slot else one for one in word), j)
                    for i, word, j in links
                ]
            case 0, 1:
                links = [
                    (OF_MEAN if i == of_class(slot) else i, word, OF_MEAN if j == of_class(slot) else j)
                    for i, word, j in links
                ]
            case 0, 2:
                links = _joined(links, of_class(slot))
    return links


def _joined(links: list[Link], end: int) -> list[Link]:
    """The two ends of a class joined by the letter of their second moment."""
    with_it = [link for link in links if end in (link[0], link[2])]
    others = [link for link in links if end not in (link[0], link[2])]
    if len(with_it) == 1:
        fresh = 1 + max((max(i, j) for i, _, j in others), default=-1)
        return [*others, (max(fresh, 0), with_it[0][1] + BETWEEN, max(fresh, 0))]
    (i, before, _), (_, after, j) = (
        link if (link[2] == end) == (place == 0) else (link[2], transpose(link[1]), link[0])
        for place, link in enumerate(with_it)
    )
    return [*others, (i, before + BETWEEN + after, j)]


def _look(links: list[Link], slot: int) -> tuple[object, ...]:
    """What is seen of a slot whatever the slots are called: its letters and ends, and the words that they are in."""
    mine = []
    for i, word, j in links:
        for a, spelled, b in ((i, word, j), (j, transpose(word), i)):
            marked = tuple(
                (plainly(one), LETTERS[one].slot == slot) if LETTERS[one].slot is not None else one for one in spelled
            )
            ends = tuple(("mine" if slot_of(e) == slot else "other" if e < OF_MEAN else min(e, 0)) for e in (a, b))
            if slot in set(_of_link((i, word, j))):
                mine.append((marked, ends))
    return tuple(sorted(mine, key=repr))


def _renamed(links: Iterable[Link], new: Mapping[int, int]) -> list[Link]:
    def end(number: int) -> int:
        slot = slot_of(number)
        return number if slot is None else of_class(new[slot])

    def letter(one: str) -> str:
        slot = LETTERS[one].slot
        return one if slot is None else in_slot(plainly(one), new[slot])

    return [(end(i), "".join(map(letter, word)), end(j)) for i, word, j in links]


def _closed(links: Iterable[Link]) -> Invariants:
    return tuple(sorted(map(invariant, connected(links))))
