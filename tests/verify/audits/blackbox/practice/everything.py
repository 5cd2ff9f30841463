"""All losses, by name."""

from practice.distances import DISTANCES
from practice.logits import LOGITS
from practice.masks import MASKS
from practice.moments import MOMENTS
from practice.sigmoids import SIGMOIDS
from practice.stopped import STOPPED
from practice.truths import Practice
from practice.unit_vectors import UNIT_VECTORS

FAMILIES = (UNIT_VECTORS, LOGITS, MASKS, SIGMOIDS, DISTANCES, MOMENTS, STOPPED)
PRACTICE: dict[str, Practice] = {
    f"{family.name}/{name}": loss for family in FAMILIES for name, loss in family.losses.items()
}
