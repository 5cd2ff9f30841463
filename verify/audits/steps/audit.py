"""The audit of a training module: which weights it has, what of its gradient is stopped, and what its step does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from derive.definition.lines import Line
from derive.definition.notation import TEXT, signed_sum
from derive.fields.products import written
from verify.audits.steps.measured import (
    FITTED,
    STEPS,
    VALUES,
    Fitted,
    Gap,
    form_change,
    held_gaps,
    linear_part,
    momentum,
    place,
    radial,
    step_gaps,
    value_gaps,
)
from verify.audits.steps.module import Module, as_module
from verify.evidence.answer import Answer
from verify.evidence.description import Describable, Description, sections
from verify.evidence.evidence import Evidence, Verdict, verdict

# What counts as nothing moved: a form, a length.
NOTHING = 1e-8


@dataclass(frozen=True)
class StepAudit(Describable):
    """The result of the audit of a training module.

    Attributes:
        module: as it is.
        stopped: what of the gradient of the values autograd does not have, in each of the weights.
        steps: how far an optimiser's step is from autograd's gradient.
        held: how far differences of the loss are from it, while what is detached is held.
        form: the rate of W Wᵀ − Pᵀ P as a share; None without a predictor.
        turns: ⟨M, dM/dt⟩ as a share of its largest value, by the weights.
        copy: the share of W − Wₘ that the copy moves in a step, and its deviation.
        linear: the rates of W and P of first order in W, where they are words.

    """

    module: Module
    stopped: tuple[Gap, ...]
    steps: tuple[Gap, ...]
    held: tuple[Gap, ...]
    form: float | None
    turns: Mapping[str, float]
    copy: tuple[float, float] | None
    linear: Mapping[str, Fitted]

    expansion = None
    landscape = None
    transverse = None

    @property
    def loss(self) -> Module:
        """What was audited."""
        return self.module

    @property
    def missing(self) -> tuple[Gap, ...]:
        """The weights whose gradient is not that of the values."""
        return tuple(one for one in self.stopped if one.share > VALUES)

    @property
    def scale_free(self) -> bool:
        """Whether the step turns weights and leaves their lengths alone."""
        return all(abs(one) < NOTHING for one in self.turns.values())

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Autograd against the step, the field against fresh places."""
        worst = max(self.steps, key=lambda one: one.share)
        what = "autograd's gradient against a step of SGD"
        found = [Evidence("autodiff", what, 0.0, worst.share, STEPS, "tolerance", agrees=worst.share < STEPS)]
        away = max(self.held, key=lambda one: one.share)
        seen = away.share < VALUES
        unseen = "" if seen else "what is stopped without detach is not held here, so that this decides nothing"
        what = "differences of the loss, what is detached held"
        agrees = True if seen else None
        found.append(Evidence("exact", what, 0.0, away.share, VALUES, "tolerance", agrees=agrees, note=unseen))
        fits = {name: one for name, one in self.linear.items() if one.fits}
        if len(fits) == len(self.linear):
            residual = max(one.residual for one in fits.values())
            found.append(
                Evidence(
                    "exact", "coefficients at fresh weights and data", 0.0, residual, FITTED, "tolerance", agrees=True
                )
            )
        else:
            why = "its lengths do not matter: there is no field near W = 0" if self.scale_free else "no words fit it"
            found.append(Evidence("exact", "coefficients at fresh weights and data", ran=False, note=why))
        return tuple(found)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the step."""
        return verdict(self.evidence)

    @property
    def about(self) -> str:
        """What the verdict is about."""
        return "the step"

    @property
    def answer(self) -> Answer:
        """Whether training follows a gradient."""
        if self.missing and self.module.copy:
            moved, _ = self.copy or (0.0, 0.0)
            lost = ", ".join(f"{one.share:.2g}" for one in self.missing)
            return Answer(
                f"Training follows a field: the target is a copy of W that keeps {1 - moved:.6g} of itself in a step;"
                f" where it has caught up, a share of {lost} of the gradient of the values is left out.",
                "open",
            )
        if not self.missing:
            return Answer("Training follows the gradient of this loss: nothing is stopped.", "open")
        named = " and ".join(one.name for one in self.missing)
        share = ", ".join(f"{one.share:.2g}" for one in self.missing)
        return Answer(
            f"Training follows a field: of the gradient of the values in {named} a share of {share} is stopped;"
            " minima of the loss are not where training ends.",
            "open",
        )

    def description(self) -> Description:
        """The description from which each form of a report is written."""
        return Description(
            title=f"{self.module.name}, user code",
            remark="a training module",
            answer=self.answer,
            about=self.about,
            sections=sections(("Weights", self._weights()), ("Field", self._field()), ("Structure", self._structure())),
            evidence=self.evidence,
            verdict=self.verdict,
            model="W x",
        )

    def _weights(self) -> Iterator[Line]:
        d1, d0 = self.module.shape
        yield Line("W", f"{self.module.online}, {d1} × {d0}, trained")
        if self.module.predictor:
            yield Line("P", f"{self.module.predictor}, {d1} × {d1}, trained")
        if self.module.copy:
            yield Line("Wₘ", f"{self.module.copy}, {d1} × {d0}, not trained{self._copied()}")

    def _copied(self) -> str:
        share, deviation = self.copy or (0.0, 0.0)
        if deviation > STEPS or share <= 0:
            return "; it does not move towards W in a step"
        return f"; it keeps {1 - share:.6g} of itself in a step: μ = {share:.6g} per step"

    def _field(self) -> Iterator[Line]:
        for gap in self.stopped:
            if gap.share <= VALUES:
                yield Line("stopped", f"nothing in {gap.name}")
                continue
            of = f"that of the values{' with Wₘ = W' if self.module.copy else ''}"
            yield Line("stopped", f"autograd's gradient in {gap.name} differs from {of} by {gap.share:.2g} of it")
        for name, one in self.linear.items():
            if one.fits:
                terms = [(value, written(((), word), TEXT)) for word, value in one.coefficients.items()]
                beyond = "O(W⁴)" if name == "P" else "O(W³)"
                yield Line(f"d{name}/dt", f"{signed_sum(terms, TEXT, beyond)}, without decay")
        if not any(one.fits for one in self.linear.values()):
            said = "no words of first order in W fit its step near W = 0"
            if self.scale_free:
                said = "the step turns weights and leaves their lengths alone: no expansion at W = 0"
            yield Line("near W = 0", said)

    def _structure(self) -> Iterator[Line]:
        if self.form is not None:
            kept = (
                "conserved without decay"
                if self.form < NOTHING
                else f"not conserved: it moves by {self.form:.2g} of W Wᵀ"
            )
            yield Line("W Wᵀ − Pᵀ P", kept)
        if self.scale_free:
            yield Line(
                "decay", "lengths only fall, as e^(−η t), and turn nothing: a decay sets how fast the step turns"
            )
        if self.copy is not None and self.copy[0] > 0:
            yield Line("momentum", "Wₘ is W where training rests: the copy moves no state")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "answer": self.answer.text,
            "loss": self.module.name,
            "weights": self.module.named,
            "stopped": {one.name: one.share for one in self.stopped},
            "step": {one.name: one.share for one in self.steps},
            "field": {
                name: {word: str(value) for word, value in one.coefficients.items()} if one.fits else None
                for name, one in self.linear.items()
            },
            "conserved": self.form,
            "turns": dict(self.turns),
            "momentum": None if self.copy is None else self.copy[0],
            "expansion": None,
            "B": None,
            "collapse": None,
            "evidence": [one.to_json() for one in self.evidence],
            "verdict": self.verdict,
            "about": self.about,
        }


def audit_step(target: Any, *, name: str, seed: int = 0, tick: Callable[[str], None] = lambda _: None) -> StepAudit:
    """The audit of a training module, or of (loss, predictor), as it is.

    Args:
        target: a module called with two views of data that returns its loss; or a loss D(p, z) or of (p1, p2, z1, z2)
            with its predictor, which stand behind a linear encoder of their own.
        name: in the report.
        seed: of weights and data.
        tick: called with a word before each measurement.

    Raises:
        InputError: it cannot be called so, or its encoder is not linear.

    """
    module = as_module(target, name)
    here = place(module, 1000 * seed + 1)
    tick("step")
    steps = tuple(step_gaps(module, here))
    tick("values")
    stopped = tuple(value_gaps(module, here))
    tick("coefficients")
    held = tuple(held_gaps(module, here))
    return StepAudit(
        module, stopped, steps, held, form_change(module, here), radial(module, here), momentum(module, here),
        linear_part(module, 1000 * seed + 2),
    )  # fmt: skip
