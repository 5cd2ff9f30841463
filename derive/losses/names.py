"""Names outside the catalogue: of methods that train on a loss in it, and of methods whose loss is not in it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import TYPE_CHECKING

from derive.errors import InputError, did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNIT = "For unit vectors the two are equal, up to a temperature"
# A name in the catalogue or of a modifier, its other names, and a remark where the two losses are not quite the same.
# Hyphens, case and a final "loss" do not count.
OTHERS: tuple[tuple[str, str, str], ...] = (
    ("ntxent", "simclr simclrv1 simclrv2 normalizedtemperaturescaledcrossentropy", ""),
    ("supcon", "supervisedcontrastive supervisedcontrastivelearning", ""),
    ("infonce", "nce cpc cpcv2 contrastivepredictivecoding", ""),
    ("infonce-batch", "npair npairs multiclassnpair", _UNIT),
    ("clip", "openclip slip contrastivelanguageimagepretraining", ""),
    ("infonce-batch", "moco mocov1 mocov2 mocov3 mocov2plus", f"{_UNIT} and to a momentum encoder"),
    ("weighted-infonce", "weighted", ""),
    ("dcl", "decoupled decoupledcontrastive decoupledcontrastivelearning", ""),
    ("spectral", "scl spectralcontrastive haochen", ""),
    ("barlow-twins", "barlow barlowtwin bt", ""),
    ("vicreg", "vic varianceinvariancecovariance", ""),
    ("alignment-uniformity", "alignment uniformity alignuniform alignunif alignuniformity wangisola", ""),
    ("siglip", "sigmoid siglip2 sigmoidcontrastive pairwisesigmoid", ""),
    ("two-encoders", "twotower dualencoder twoencoder bimodal multimodal", ""),
    ("weight-decay", "wd l2 decay ridge", ""),
    ("normalised", "normalized normalise normalize unit sphere", ""),
)
# Methods and losses that have no counterpart in the catalogue, however close the spelling of one is.
_METHODS = """
simsiam byol dino dinov2 dinov3 swav swapped ibot mae ijepa vjepa jepa lejepa data2vec msn directpred wmse tico mmcr
mcr2 triplet tripletmargin arcface cosface circle margin hinge ranking pirl deepcluster deepclusterv2 pcl sela nnclr
relic relicv2 vicregl dclw zerocl corinfomax sslhsic hsic mine jsd nwj donskervaradhan dv sogclr gcl hcl hardnegatives
debiased debiasedcontrastive alphacl whitening crossentropy softmax bce mse contrastive cosinesimilarity cosine cca
dcca slowfeatures sfa lpl sigreg simmim beit esvit allforone ressl smog rince fastsiam densecl
"""
ELSEWHERE = frozenset(_METHODS.split())
# What `derive.fields.FIELDS` has: training with stopped views follows no loss.
OF_FIELDS = frozenset({"simsiam", "simsiam+normalised", "byol", "byol+normalised", "moco", "directpred", "dino"})
_CUTOFF, _SHORT = 0.65, 4


def unknown(name: str, known: Iterable[str], what: str) -> InputError:
    """The error for a name that is not known, with the loss that is probably meant.

    Args:
        name: as it was given.
        known: the names of the kind.
        what: the kind, "loss" or "modifier".

    >>> print(unknown("SimCLR", ["ntxent", "dcl"], "loss"))
    unknown loss 'SimCLR'; did you mean ntxent? Known: ntxent, dcl
    >>> print(unknown("dino", [], "loss"))
    dino is a field and no loss: derive.fields.FIELDS['dino'], quartic derive dino
    >>> print(unknown("swav", ["ntxent", "siglip"], "loss"))
    unknown loss 'swav'; a loss that is not in the catalogue is given as a torch function or a derive.Loss of your \
own, path/to/file.py:name. Known: ntxent, siglip

    """
    names = list(known)
    if what == "loss" and name in OF_FIELDS:
        message = f"{name} is a field and no loss: derive.fields.FIELDS[{name!r}], quartic derive {name}"
        return InputError(message)
    near, remark = _nearest(name, names, ELSEWHERE if what == "loss" else frozenset())
    if not near and what == "loss":
        remark = (
            "a loss that is not in the catalogue is given as a torch function or a derive.Loss of your own,"
            " path/to/file.py:name"
        )
    listed = f"{f'{remark}. ' if remark else ''}Known: {', '.join(names)}"
    return InputError(did_you_mean(f"unknown {what} {quoted(name)}", near, listed))


def _nearest(name: str, names: list[str], elsewhere: frozenset[str]) -> tuple[str, str]:
    """The known name that is meant, and a remark; empty where it is not one of them."""
    own = {_plain(one): (one, "") for one in names}
    other = {spelled: (one, remark) for one, more, remark in OTHERS for spelled in more.split() if one in names}
    meant = dict.fromkeys(elsewhere, ("", "")) | other | own
    exact = [meant[one] for one in (_plain(name), *map(_plain, re.split(r"[-_ ]", name[:100]))) if one in meant]
    if exact:
        return exact[0]
    # Every abbreviation is a slip of the pen away from another.
    spelled = [one for one in meant if len(one) > _SHORT]
    found = difflib.get_close_matches(_plain(name), spelled, n=1, cutoff=_CUTOFF)
    return meant[found[0]] if found else ("", "")


def _plain(name: str) -> str:
    """Letters and digits, without case and a final "loss"; β is beta."""
    spelled = unicodedata.normalize("NFKC", name[:100]).casefold().replace("β", "beta")
    return re.sub(r"[^a-z0-9]", "", spelled).removesuffix("loss")
