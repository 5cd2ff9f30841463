"""What is found of a last layer under a loss of unit vectors, as lines of a report and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from derive.definition.lines import Line
from verify.evidence.digits import rounded

if TYPE_CHECKING:
    from numeric.sphere.equal_means import Value
    from verify.networks.last_layer.reopening import Reopening, Slopes
    from verify.networks.last_layer.sphere import OnSphere

MARKS = {True: "✓", False: "✗", None: "undecided"}
# Of a spectrum, or of shares.
SHOWN = 6


def lines(one: OnSphere) -> Iterator[Line]:
    """The lines of one strength."""
    modes = one.modes
    across = ", across from their mean (f has no bias)" if modes.across else ""
    flat = f"; along {modes.flat} more the features do not vary" if modes.flat else ""
    pairs = list(zip(modes.correlations, modes.errors, strict=True))
    yield Line("λ_i", f"{_some([_pm(value, error) for value, error in pairs])} of {len(pairs)} modes{across}{flat}")
    mean = f"; the mean of f has {one.of_mean:.2g} of E|f|²"
    yield Line("shares", f"{_some([f'{share:.3g}' for share in one.shares])}{mean}")
    yield Line("", f"W keeps {one.rank} modes; effective rank 1/Σ p_i² = {one.effective_rank:.3g}")
    yield from _of_lost(one)
    yield from _of_predicted(one)


def _of_lost(one: OnSphere) -> Iterator[Line]:
    found = one.reopening
    if found is None:
        yield Line("λ_c at W", f"not known: {one.why}")
        return
    how = "by values of the loss" if found.by_definition is None else "by the definition"
    yield Line("λ_c at W", f"{_level(found.best)}, {_slopes(found.best)}, {how} on these features")
    if found.by_definition is not None:
        marks = ", ".join(f"{name} {MARKS[agrees]}" for name, agrees in zip("αβ", found.agree, strict=True))
        yield Line("", f"by values of the loss {_slopes(found.by_values)}: {marks}")
    if found.gaussian is not None:
        yield Line("", f"if f were Gaussian {_level(found.gaussian)}, {_slopes(found.gaussian)}")
    for lost in found.lost:
        along = f"{_pm(lost.measured, lost.error)} measured, {lost.predicted:.3g} if independent of f"
        yield Line("lost", f"λ = {lost.correlation:.3g}: coefficient {along}: {lost.state}")


def _of_predicted(one: OnSphere) -> Iterator[Line]:
    predicted, ranks = one.predicted, one.predicted_rank
    if predicted is None or ranks is None:
        yield Line("predicted", f"not known: {one.why_not}")
        return
    fewest, most = ranks
    number = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    level = "" if predicted.threshold is None else f", λ_c = {predicted.threshold:.3g} there"
    effective = _effective(one)
    about = "" if effective is None else f", effective rank {effective:.3g}"
    size = "" if one.batch is None else f", N = {one.batch}"
    yield Line("predicted", f"{number} modes at the minimum for Gaussian data with these λ_i{size}{about}{level}")
    apart = "" if one.apart is None else f"; ½ Σ |p_i − predicted| = {one.apart:.2g}"
    yield Line("", f"W gives {one.astray:.2g} of its shares to modes that are lost there{apart}")
    if near := _nearest(one):
        yield Line("margin", near)


def _nearest(one: OnSphere) -> str:
    """How far the modes on both sides of the predicted threshold are from it."""
    predicted = one.predicted
    if predicted is None or predicted.threshold is None:
        return ""
    level, said = predicted.threshold, []
    sides = (("weakest kept", min, True), ("strongest lost", max, False))
    for name, which, kept in sides:
        own = [k for k, is_kept in enumerate(predicted.kept) if is_kept is kept]
        if own:
            k = which(own, key=lambda i: one.modes.correlations[i])
            lam, error = float(one.modes.correlations[k]), float(one.modes.errors[k])
            said.append(f"{name} λ = {_pm(lam, error)}, {lam - level:+.3f} from λ_c")
    return "; ".join(said)


def _effective(one: OnSphere) -> float | None:
    powers = [power for power in one.predicted.powers if power] if one.predicted is not None else []
    return 1 / sum(power**2 for power in powers) if powers else None


def _some(listed: Sequence[str]) -> str:
    more = ", …" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more


def _pm(value: float, error: float) -> str:
    if not isfinite(error):
        return f"{value:.3g} ± ?"
    return f"{rounded(value, error)} ± {rounded(error, error)}" if error > 0 else f"{value:.6g}"


def _level(found: Slopes) -> str:
    level = found.threshold
    return "none: α is not positive beyond its error" if level is None else _pm(level.value, level.error)


def _slopes(found: Slopes) -> str:
    return f"α = {_pm(found.alpha.value, found.alpha.error)}, β = {_pm(found.beta.value, found.beta.error)}"


def to_json(one: OnSphere) -> dict[str, Any]:
    """Plain JSON values; what is not known is null."""
    found, predicted, ranks = one.reopening, one.predicted, one.predicted_rank
    powers = [None] * len(one.by_mode) if predicted is None else predicted.powers
    keys = ("correlation", "standard_error", "share", "predicted_share", "predicted_kept")
    columns = (
        one.modes.correlations.tolist(),
        [_number(error) for error in one.modes.errors],
        one.by_mode.tolist(),
        powers,
        one.certain,
    )
    return {
        "label": one.label,
        "strength": one.strength,
        "modes": [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)],
        "shares": one.shares.tolist(),
        "rank": one.rank,
        "effective_rank": one.effective_rank,
        "mean": one.of_mean,
        "at_W": None if found is None else _reopening_json(found),
        "why_not": one.why or None,
        "predicted": None if predicted is None else predicted.to_json(),
        "predicted_rank": None if ranks is None else list(ranks),
        "predicted_effective_rank": _effective(one),
        "astray": one.astray,
        "apart": one.apart,
        "why_not_predicted": one.why_not or None,
    }


def _reopening_json(found: Reopening) -> dict[str, Any]:
    return {
        "by_definition": _slopes_json(found.by_definition),
        "by_values": _slopes_json(found.by_values),
        "if_gaussian": _slopes_json(found.gaussian),
        "agree": dict(zip(("alpha", "beta"), found.agree, strict=True)),
        "lost": [
            {
                "correlation": lost.correlation,
                "if_independent": lost.predicted,
                "measured": lost.measured,
                "standard_error": _number(lost.error),
                "state": lost.state,
            }
            for lost in found.lost
        ],
    }


def _slopes_json(found: Slopes | None) -> dict[str, Any] | None:
    if found is None:
        return None
    values = {"alpha": found.alpha, "beta": found.beta, "threshold": found.threshold}
    return {name: _value_json(value) for name, value in values.items()}


def _value_json(value: Value | None) -> dict[str, Any] | None:
    return None if value is None else {"value": float(value.value), "standard_error": _number(float(value.error))}


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None
