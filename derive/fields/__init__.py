"""What training follows where some views are stopped: fields, which need not be the gradient of any loss.

Imports from `derive.losses` and what stands above it. `FIELDS` is the catalogue, one method a file.
"""

from __future__ import annotations

from derive.fields import byol, simsiam
from derive.fields.byol import BYOL
from derive.fields.dino import DINO
from derive.fields.directpred import DIRECTPRED
from derive.fields.moco import MOCO
from derive.fields.simsiam import SIMSIAM
from derive.fields.training import Dynamics

FIELDS: dict[str, Dynamics] = {
    one.name: one for one in (SIMSIAM, simsiam.PUBLISHED, BYOL, byol.PUBLISHED, MOCO, DIRECTPRED, DINO)
}
