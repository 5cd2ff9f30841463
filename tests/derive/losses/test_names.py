"""Names as people write them lead to the loss that is meant, and names of other methods to none."""

import pytest

from derive import CATALOGUE, MODIFIERS, InputError, catalogue
from derive.fields import FIELDS
from derive.losses.names import ELSEWHERE, OF_FIELDS, OTHERS, unknown

OWN = "a loss that is not in the catalogue is given as a torch function or a derive.Loss of your own, path/to/file.py"


def refused(name):
    with pytest.raises(InputError) as error:
        catalogue(name)
    return str(error.value)


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        ("simclr SimCLR sim-clr simcrl nt-xent nt_xent NTXent NTXentLoss NT-Xent ntxentloss", "ntxent"),
        ("info-nce InfoNCE info_nce InfoNCELoss infonse cpc nce symmetric-infonce", "infonce"),
        ("MoCo moco-v2 n-pair infonce_batch", "infonce-batch"),
        ("barlow barlowtwins barlow_twins BarlowTwins Barlow-Twins-Loss barlowtwin", "barlow-twins"),
        ("vic-reg VICReg vicregloss vic_reg_loss", "vicreg"),
        ("DCL decoupled decoupled-contrastive", "dcl"),
        ("β-InfoNCE beta_infonce betainfonce", "beta-infonce"),
        ("spectral-contrastive scl spectrl", "spectral"),
        ("uniformity alignment_uniformity align-uniform", "alignment-uniformity"),
        ("SigLIP sig-lip sigmoid", "siglip"),
        ("CLIP open-clip OpenCLIP", "clip"),
        ("SupCon sup-con SupConLoss supervised-contrastive", "supcon"),
    ],
)
def test_a_name_as_people_write_it_leads_to_the_loss(names, meant):
    for name in names.split():
        assert f"; did you mean {meant}? " in refused(name), name


METHODS = (
    "SimSiam sim-siam simsaim BYOL byol-loss DINOv2 swav ibot mae w-mse triplet nnclr vicregl tcl"
    " contrastive cosine crossentropy foo loss mocha ???"
)


@pytest.mark.parametrize("name", METHODS.split())
def test_another_method_has_no_neighbour_and_is_told_what_to_do(name):
    said = refused(name)
    assert "did you mean" not in said
    assert f"; {OWN}" in said


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_is_told_from_a_loss(name):
    assert refused(name) == f"{name} is a field and no loss: derive.fields.FIELDS[{name!r}], quartic derive {name}"


def test_where_two_losses_are_not_quite_one_it_is_said():
    assert "did you mean infonce-batch? For unit vectors the two are equal, up to a temperature. Known: " in refused(
        "n-pair"
    )


@pytest.mark.parametrize(
    ("name", "meant"), [("wd", "weight-decay"), ("l2", "weight-decay"), ("normalized", "normalised"), ("Bias", "bias")]
)
def test_modifiers_have_other_names_too(name, meant):
    assert f"unknown modifier {name!r}; did you mean {meant}? " in refused(f"infonce+{name}")


def test_the_table_names_what_there_is_and_no_name_twice():
    spelled = [one for _, names, _ in OTHERS for one in names.split()]
    assert {one for one, _, _ in OTHERS} <= {*CATALOGUE, *MODIFIERS}
    assert len(set(spelled)) == len(spelled)
    assert not set(spelled) & ELSEWHERE
    assert set(FIELDS) == OF_FIELDS
    assert not {one.replace("-", "") for one in CATALOGUE} & {*spelled, *ELSEWHERE}


def test_a_long_name_is_cut():
    assert len(str(unknown("x" * 10**6, ["dcl"], "loss"))) < 500
