"""One opinion per market out of the strategies' (technical specification 5)."""

from collections.abc import Sequence

from trading.domain.types import EnsembleOutput, StrategyOutput


def pool(outputs: Sequence[StrategyOutput]) -> EnsembleOutput | None:
    """Equal-weight linear pool of the valid outputs; None when every strategy abstains.

    With members that are coherent over a ladder the pool is coherent too. Confidence is what the pooled standard
    error leaves of certainty; it gates, and never moves p.
    """
    valid = [output for output in outputs if output.valid]
    if not valid:
        return None
    p_yes = sum(output.p_yes for output in valid) / len(valid)
    return EnsembleOutput(
        p_yes=p_yes,
        p_no=1 - p_yes,
        confidence=max(0.0, 1 - 2 * standard_error(valid)),
        explain="; ".join(_sentence(output) for output in valid),
        inputs=tuple(outputs),
    )


def standard_error(outputs: Sequence[StrategyOutput]) -> float:
    """Of the pooled probability: the members' errors are taken as fully dependent, they share their forecast."""
    valid = [output for output in outputs if output.valid]
    return sum(output.uncertainty for output in valid) / len(valid) if valid else 1.0


def _sentence(output: StrategyOutput) -> str:
    figures = ", ".join(f"{name} {value:.1f}" for name, value in sorted(output.features.items()))
    return f"{output.strategy}: p {output.p_yes:.3f} ± {output.uncertainty:.3f} ({figures})"
