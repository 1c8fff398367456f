"""The page's tables of skill and calibration."""

from collections.abc import Sequence
from typing import Final

from trading.backtest.reporting.calibration import Coverage, Reliability
from trading.backtest.reporting.cells import (
    FEW,
    NONE,
    Cell,
    Column,
    Heading,
    Table,
    Tone,
    number,
    percent,
    signed,
    span,
    table,
)
from trading.backtest.reporting.comparing import NAMES, OURS, REFERENCES, Comparison, Verdict
from trading.backtest.reporting.losses import Metric
from trading.backtest.reporting.report import Group, Report
from trading.backtest.reporting.suspicion import Suspicion
from trading.backtest.results import FORECASTERS, MARKET, P_MODEL, P_TRADE

_WORDS: Final = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.NOT_DISTINGUISHABLE: "not distinguishable from zero",
    Verdict.TOO_FEW: "too few days to tell",
}
_TONES: Final = {MARKET: Tone.MARKET, P_MODEL: Tone.OURS, P_TRADE: Tone.OURS}


def score_table(group: Group) -> Table:
    """Everyone's mean losses."""
    columns = (
        Column("Forecaster", is_number=False),
        Column("Log loss"),
        Column("Brier"),
        Column("RPS"),
        Column("CRPS, °F", is_wide=True),
        Column("Ladders"),
        Column("Cut off", is_wide=True),
    )
    return table(
        columns,
        (
            (
                _name(line.forecaster),
                number(line.log, 3),
                number(line.brier, 3),
                number(line.rps, 3),
                number(line.crps_f, 2),
                str(line.n),
                str(line.clipped),
            )
            for line in group.scores
        ),
    )


def comparison_table(group: Group) -> Table:
    """Ours against every reference, in nats, then in the other scores."""
    columns = (
        Column("Against", is_number=False),
        Column("Log loss"),
        Column("95%"),
        Column("DM p", is_wide=True),
        Column("Brier", is_wide=True),
        Column("RPS", is_wide=True),
        Column("Days", is_wide=True),
        Column("Needed", is_wide=True),
        Column("Verdict", is_number=False),
    )
    return table(columns, (_against(group, ours, theirs) for ours in OURS for theirs in REFERENCES))


def _against(group: Group, ours: str, theirs: str) -> Sequence[Cell | str]:
    log = group.comparison(ours, theirs)
    brier, rps = (group.comparison(ours, theirs, metric) for metric in (Metric.BRIER, Metric.RPS))
    assert log is not None
    assert brier is not None
    assert rps is not None
    return (
        Cell(f"{NAMES[ours]} − {NAMES[theirs]}", Tone.OURS),
        Cell(signed(log.mean, 3), Tone.QUIET if log.days < FEW else Tone.PLAIN),
        span(log.interval, 3) if log.n else NONE,
        number(log.p_value, 3),
        signed(brier.mean, 3),
        signed(rps.mean, 3),
        str(log.days),
        NONE if log.days_needed is None else f"{log.days_needed:,}",
        verdict(log),
    )


def verdict(found: Comparison) -> Cell:
    """Colour is spent only where something can be told."""
    if found.verdict in (Verdict.BETTER, Verdict.WORSE):
        return Cell(_WORDS[found.verdict], Tone.GAIN if found.verdict is Verdict.BETTER else Tone.LOSS)
    return Cell(_WORDS[found.verdict] if found.n else "never compared", Tone.QUIET)


def groups_table(report: Report) -> Table:
    """Log losses of everyone by hour, lead and city, and both of ours against the market."""
    columns = (
        Column("Log loss", is_number=False),
        *(Column(NAMES[name], is_wide=name not in (MARKET, *OURS)) for name in FORECASTERS),
        Column("Ladders"),
        Column("Days", is_wide=True),
        Column("p_model − market"),
        Column("95%", is_wide=True),
        Column("p_trade − market", is_wide=True),
        Column("95%", is_wide=True),
    )
    views = (
        ("Standard time", report.by_hour),
        ("Hours to the usual peak", report.by_lead),
        ("City", report.by_city),
    )
    rows: list[Sequence[Cell | str] | Heading] = []
    for name, groups in views:
        rows += [Heading(name), *map(_group_row, groups)]
    return table(columns, rows)


def _group_row(group: Group) -> Sequence[Cell | str]:
    model, trade = (group.comparison(ours, MARKET) for ours in OURS)
    assert model is not None
    assert trade is not None
    few = Tone.QUIET if model.days < FEW else Tone.PLAIN
    return (
        Cell(group.name),
        *(Cell(number(line.log, 3), few) for line in group.scores),
        str(max(line.n for line in group.scores)),
        str(model.days),
        Cell(signed(model.mean, 3), _tone(model)),
        Cell(span(model.interval, 3) if model.n else NONE, few),
        Cell(signed(trade.mean, 3), _tone(trade)),
        Cell(span(trade.interval, 3) if trade.n else NONE, few),
    )


def _tone(found: Comparison) -> Tone:
    return {Verdict.BETTER: Tone.GAIN, Verdict.WORSE: Tone.LOSS, Verdict.TOO_FEW: Tone.QUIET}.get(
        found.verdict, Tone.PLAIN
    )


def calibration_table(found: Sequence[Reliability]) -> Table:
    """ECE beside its null, and Murphy's parts."""
    columns = (
        Column("Forecaster", is_number=False),
        Column("ECE"),
        Column("if calibrated"),
        Column("19 in 20 below"),
        Column("Reliability", is_wide=True),
        Column("Resolution", is_wide=True),
        Column("Uncertainty", is_wide=True),
        Column("Contracts"),
    )
    return table(columns, (_calibration_row(one) for one in found))


def _calibration_row(one: Reliability) -> Sequence[Cell | str]:
    beyond = one.ece is not None and one.ece_null_p95 is not None and one.ece > one.ece_null_p95
    parts = one.parts
    return (
        _name(one.forecaster),
        Cell(number(one.ece, 4), Tone.WARN if beyond else Tone.PLAIN),
        number(one.ece_null_mean, 4),
        number(one.ece_null_p95, 4),
        number(parts and parts.reliability, 4),
        number(parts and parts.resolution, 4),
        number(parts and parts.uncertainty, 4),
        f"{one.contracts:,}",
    )


def coverage_table(report: Report) -> Table:
    """Of the central 80 % interval, over all and by hour."""
    columns = (
        Column("When", is_number=False),
        Column("Inside 80%"),
        Column("95%"),
        Column("Ladders"),
    )
    return table(columns, (_coverage_row(g.name, g.coverage) for g in (report.overall, *report.by_hour)))


def _coverage_row(name: str, found: Coverage) -> Sequence[Cell | str]:
    ends = found.interval
    return (
        name,
        percent(found.rate, 1),
        f"{percent(ends.low)} to {percent(ends.high)}" if ends else "too few days",
        str(found.n),
    )


def suspicion_table(found: Sequence[Suspicion]) -> Table:
    """The checks for look-ahead, those that found nothing too."""
    columns = (
        Column("Check", is_number=False),
        Column("Found"),
        Column("99% below", is_wide=True),
        Column("Fires below"),
        Column("Result", is_number=False),
    )
    return table(
        columns,
        (
            (
                one.what,
                signed(one.margin, 3),
                signed(one.upper, 3),
                signed(one.bound, 2),
                (
                    Cell("suspected", Tone.WARN)
                    if one.fired
                    else Cell("nothing" if one.days else "cannot be told", Tone.QUIET)
                ),
            )
            for one in found
        ),
    )


def _name(forecaster: str) -> Cell:
    return Cell(NAMES[forecaster], _TONES.get(forecaster, Tone.PLAIN))
