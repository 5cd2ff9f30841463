"""What quartic says of losses as libraries ship them: a table, and how many end in what.

    python bench/shipped.py [--also FOLDER] [--only WORD] > shipped.csv
    python bench/shipped.py --table shipped.csv       # as docs/shipped_losses.md has it

A library that is not installed is left out; FOLDER may hold unpacked wheels (lightly's loss modules need torchvision as
they are imported, for code that none of the losses here uses: an empty one stands in its place).
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import textwrap
import time
import types
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "verify" / "audits" / "blackbox"))

from derive import InputError
from verify.audits.blackbox.audit import BlackBoxAudit
from verify.audits.blackbox.auditing import audit_function

# Options of the audit; a name that is not in a library is passed over.
LOSSES: dict[str, dict[str, dict[str, Any]]] = {
    "info-nce-pytorch:info_nce": {"InfoNCE": {}},
    # Those of pairs, triplets and batches; those of classes with weights of their own learn a classifier.
    "pytorch-metric-learning:pytorch_metric_learning.losses": {
        "NTXentLoss": {}, "SupConLoss": {}, "VICRegLoss": {}, "ContrastiveLoss": {}, "TripletMarginLoss": {},
        "MultiSimilarityLoss": {}, "CircleLoss": {}, "NPairsLoss": {}, "SignalToNoiseRatioContrastiveLoss": {},
        "FastAPLoss": {}, "NCALoss": {}, "TupletMarginLoss": {}, "LiftedStructureLoss": {}, "AngularLoss": {},
        "GeneralizedLiftedStructureLoss": {}, "IntraPairVarianceLoss": {}, "MarginLoss": {}, "PNPLoss": {},
        "RankedListLoss": {"init": {"margin": 0.4, "Tn": 10}}, "DynamicSoftMarginLoss": {}, "HistogramLoss": {},
        "ThresholdConsistentMarginLoss": {},
    },
    "sentence-transformers:sentence_transformers.sentence_transformer.losses": {
        "MultipleNegativesRankingLoss": {}, "MultipleNegativesSymmetricRankingLoss": {},
        "CachedMultipleNegativesRankingLoss": {}, "MegaBatchMarginLoss": {"init": {"use_mini_batched_version": False}},
        "BatchAllTripletLoss": {}, "BatchHardTripletLoss": {}, "BatchHardSoftMarginTripletLoss": {},
        "BatchSemiHardTripletLoss": {}, "ContrastiveLoss": {}, "OnlineContrastiveLoss": {}, "CosineSimilarityLoss": {},
        "CoSENTLoss": {}, "AnglELoss": {}, "TripletLoss": {},
    },
    # From here on with an empty torchvision.
    "open_clip_torch:open_clip.loss": {
        "ClipLoss": {"given": {"logit_scale": 10}},
        "SigLipLoss": {"given": {"logit_scale": 10, "logit_bias": -10}},
    },
    "lightly:lightly.loss": {
        "NTXentLoss": {}, "DCLLoss": {}, "DCLWLoss": {}, "BarlowTwinsLoss": {}, "VICRegLoss": {},
        "NegativeCosineSimilarity": {}, "TiCoLoss": {}, "MMCRLoss": {"adapter": "pair-stacks"}, "MACLLoss": {},
        "KoLeoLoss": {"adapter": "each"},
        "SIGReg": {"adapter": "each", "init": {"num_vectors": 16}}, "LeJEPALoss": {"init": {"sigreg_num_vectors": 16}},
        "VISRegLoss": {"init": {"num_slices": 16}}, "EMPSSLLoss": {}, "FroSSLLoss": {},
        "DINOLoss": {"init": {"output_dim": 8}, "dim": 8}, "SwaVLoss": {}, "DirectCLRLoss": {"init": {"loss_dim": 2}},
        "WMSELoss": {"adapter": "stacked", "init": {"embedding_dim": 4, "w_size": 16}, "dim": 4, "least": 16},
        "MSNLoss": {}, "PMSNLoss": {}, "CAPILoss": {}, "DetConSLoss": {}, "DetConBLoss": {},
        "PatchKernelAlignmentLoss": {"adapter": "pair-stacks"}, "IBOTPatchLoss": {"init": {"output_dim": 8}, "dim": 8},
        "LeWMLoss": {"init": {"sigreg_num_vectors": 16}}, "VICRegLLoss": {},
    },
    "lightly:lightly.loss.hypersphere_loss": {"HypersphereLoss": {}},
    "as their repositories write them:repositories": {
        "VICReg": {}, "BarlowTwins": {"init": {"width": 3}, "dim": 3}, "simsiam": {}, "byol": {},
         "SigLIP": {}, "wmse": {}, "TiCo": {}, "mmcr": {},
        "CorInfoMax": {"init": {"dim": 4}, "dim": 4}, "SwAV": {"init": {"dim": 4}, "dim": 4}, "debiased": {},
        "hard_negatives": {}, "SupCon": {}, "LeJEPA": {"init": {"slices": 16}},
    },
}  # fmt: skip


def _empty_class(name: str) -> type:
    """A class without anything, for any name but those that Python asks modules for."""
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {})


class _Empty(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """torchvision with empty classes, where there is none."""

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        return (
            importlib.machinery.ModuleSpec(name, self, is_package=True)
            if name.split(".", maxsplit=1)[0] == "torchvision"
            else None
        )

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = types.ModuleType(spec.name)
        module.__dict__["__getattr__"] = _empty_class
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is in it."""


@contextlib.contextmanager
def _empty_torchvision() -> Iterator[None]:
    """Within it torchvision is a package of empty classes, where it is not installed."""
    empty = None if importlib.util.find_spec("torchvision") else _Empty()
    if empty is not None:
        sys.meta_path.append(empty)
    try:
        yield
    finally:
        if empty is not None:
            # Libraries that are imported next ask whether it is there.
            sys.meta_path.remove(empty)
            for one in [one for one in sys.modules if one.partition(".")[0] == "torchvision"]:
                del sys.modules[one]


def module_of(name: str, also: Path | None) -> types.ModuleType:
    """A module, with an empty torchvision where it fails without; one of ``also`` that needs more, from its file."""
    with contextlib.suppress(Exception):
        return importlib.import_module(name)
    for one in [one for one in sys.modules if one.partition(".")[0] == name.partition(".")[0]]:
        del sys.modules[one]
    try:
        with _empty_torchvision():
            return importlib.import_module(name)
    except Exception:
        # More is missing than torchvision.
        file = None if also is None else also / f"{name.replace('.', '/')}.py"
        if file is None or not file.is_file():
            raise
        spec = importlib.util.spec_from_file_location(name.replace(".", "_"), file)
        assert spec is not None and spec.loader is not None  # noqa: S101, PT018
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def version_of(library: str, also: Path | None) -> str:
    """The version of an installed library, or of one in a folder."""
    try:
        return version(library)
    except PackageNotFoundError:
        found = [one.version for one in distributions(path=[str(also)]) if one.name.replace("-", "_") == library]
        return found[0] if found else ""


def outcome(found: BlackBoxAudit) -> str:
    """What an audit ends in."""
    if found.verdict == "refuted" and found.field is None:
        return "wrong?"
    if found.expansion is not None and found.landscape is not None and found.verdict == "holds":
        return "exact"
    if "is not determined" in found.answer.text:
        return "open"
    # What training follows; both sides of a scale, where they agree; λ_c of a lost mode.
    sides = found.sides is not None and "depends" not in found.answer.text
    decided = found.field is not None or sides or found.transverse is not None
    return "useful" if decided else "open"


def rows(only: str, also: Path | None) -> Iterator[dict[str, str]]:
    """A row a loss."""
    for where, losses in LOSSES.items():
        library, _, name = where.partition(":")
        try:
            module = module_of(name, also)
        except Exception as error:  # noqa: BLE001
            print(f"{library} is left out: {error}", file=sys.stderr)
            continue
        for loss, options in losses.items():
            if only not in f"{library} {loss}" or not hasattr(module, loss):
                continue
            begun = time.process_time()
            try:
                found = audit_function(getattr(module, loss), name=loss, **options)
                ends, said = outcome(found), found.answer.text
            except InputError as error:
                ends, said = "refused", str(error)
            except Exception as error:  # noqa: BLE001 (a crash is counted)
                ends, said = "crashed", f"{type(error).__name__}: {error}"
            seconds = f"{time.process_time() - begun:.1f}"
            yield {
                "library": library, "loss": loss, "version": version_of(library, also), "ends in": ends,
                "says": " ".join(said.split()), "seconds": seconds,
            }  # fmt: skip


ENDS = {
    "exact": "an exact expansion with its landscape, checked",
    "useful": "a useful answer without one: λ_c of a lost mode, both sides of an ε, what training follows",
    "open": "numbers that decide nothing: noise beside the effect, a scale whose sides differ, no limit at 0",
    "refused": "a refusal with its reason",
    "wrong?": "an answer that its own evidence refutes",
    "crashed": "a crash",
}
# Of an answer, in a cell.
WIDEST = 150


def table(found: list[dict[str, str]]) -> Iterator[str]:
    """Rows as Markdown: how many end in what, then a table a library."""
    yield f"| of {len(found)} | ends in |\n|---|---|"
    for ends, meaning in ENDS.items():
        yield f"| {sum(row['ends in'] == ends for row in found)} | {meaning} |"
    for library in dict.fromkeys(row["library"] for row in found):
        own = [row for row in found if row["library"] == library]
        title = f"{library} {own[0]['version']}".strip()
        yield f"\n## {title[0].upper() + title[1:] if not own[0]['version'] else title}\n"
        yield "| loss | ends in | quartic says | s |\n|---|---|---|---|"
        for row in own:
            said = textwrap.shorten(row["says"].replace("|", "\\|"), WIDEST, placeholder=" …")
            yield f"| `{row['loss']}` | {row['ends in']} | {said} | {row['seconds']} |"


def main() -> None:
    """Write the table as it grows."""
    asked = argparse.ArgumentParser(description="What quartic says of losses as libraries ship them.")
    asked.add_argument("--only", default="", help="a part of the names of library and loss")
    asked.add_argument("--also", type=Path, help="a folder of unpacked wheels")
    asked.add_argument("--table", type=Path, nargs="+", help="print rows that were written as Markdown")
    given = asked.parse_args()
    if given.table:
        print("\n".join(table([row for file in given.table for row in csv.DictReader(file.open())])))
        return
    if given.also is not None:
        sys.path.insert(0, str(given.also))
    writer = csv.DictWriter(
        sys.stdout, ["library", "loss", "version", "ends in", "says", "seconds"], lineterminator="\n"
    )
    writer.writeheader()
    for row in rows(given.only, given.also):
        writer.writerow(row)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
