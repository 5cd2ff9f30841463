"""The ledger at a glance holds every claim, once, with the verdict that is recorded."""

import re
from collections import Counter

from verify.papers.claims.ledgers import published
from verify.reports.claims.matrix import LEGEND, MARKS, SUBJECTS, TOPICS, ids, matrix

CLAIMS = [claim for ledger in published() for claim in ledger]


def test_each_claim_stands_in_one_cell():
    placed = [one for topics in SUBJECTS.values() for topic in topics for one in ids(topic)]
    assert sorted(placed) == sorted(claim.id for claim in CLAIMS)
    assert {len(topics) for topics in SUBJECTS.values()} == {len(TOPICS)}


def test_the_marks_add_up_to_the_recorded_verdicts():
    shown = Counter()
    for mark, number in re.findall(r"(\S) (\d+)", "\n".join(matrix(published()).splitlines()[2:])):
        shown[mark] += int(number)
    assert shown == Counter(MARKS[claim.kind or claim.recorded] for claim in CLAIMS)
    assert set(shown) <= {part.split()[0] for part in LEGEND.split(", ")}


def test_a_cell():
    assert "| weighted InfoNCE | ✗ 2 |" in matrix(published())
