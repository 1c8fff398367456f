"""The page's tables of money, of what was decided, and of what was read."""

from collections.abc import Mapping, Sequence
from typing import Final

from milkbot.core.money import ZERO
from trading.backtest.recorded_types import ReadReport
from trading.backtest.reporting.attribution import Slice
from trading.backtest.reporting.cells import (
    FEW,
    Cell,
    Column,
    Heading,
    Table,
    Tone,
    cents,
    money,
    number,
    percent,
    signed,
    table,
)
from trading.backtest.reporting.manifest import Manifest
from trading.backtest.reporting.money import Money
from trading.backtest.results import Counts, DepthOutcome
from trading.domain.policy import Policy

VIEWS: Final = {
    "strategy": "Leading strategy",
    "city": "City",
    "hour": "Decided at, standard time",
    "side": "Side",
    "liquidity": "Liquidity",
    "price": "Price of the side taken",
}


def slice_table(slices: Mapping[str, Sequence[Slice]]) -> Table:
    """All six views, one below the other."""
    columns = (
        Column("Settled fills", is_number=False),
        Column("Fills"),
        Column("Contracts", is_wide=True),
        Column("Paid", is_wide=True),
        Column("Won", is_wide=True),
        Column("Won − paid, pts"),
        Column("Edge", is_wide=True),
        Column("Slippage", is_wide=True),
        Column("Fee", is_wide=True),
        Column("Drift", is_wide=True),
        Column("Outcome", is_wide=True),
        Column("Closing line"),
        Column("P&L"),
    )
    rows: list[Sequence[Cell | str] | Heading] = []
    for view, found in slices.items():
        rows += [Heading(VIEWS[view]), *map(_slice_row, found)] if found else []
    return table(columns, rows)


def _slice_row(one: Slice) -> Sequence[Cell | str]:
    few = Tone.QUIET if one.trades < FEW else Tone.PLAIN
    parts = one.parts
    return (
        one.name,
        str(one.trades),
        number(one.contracts, 0),
        Cell(cents(one.paid), few),
        Cell(percent(one.won), few),
        Cell(signed((one.won - one.paid) * 100, 0), few),
        *(signed(value, 2) for value in (parts.edge, parts.slippage, parts.fee, parts.drift, parts.outcome)),
        money(parts.closing_line),
        money(parts.pnl),
    )


def sharpe_table(found: Money) -> Table:
    """What a ratio of daily P&L is worth after few days and many tries."""
    columns = (Column("Daily P&L over capital", is_number=False), Column("Value"))
    sharpe = found.sharpe
    if sharpe is None:
        return table(columns, [("Sharpe ratio", "nothing varied")])
    return table(
        columns,
        [
            ("Sharpe ratio, a day", signed(sharpe.ratio, 3)),
            ("Days", str(sharpe.days)),
            ("Skew", signed(sharpe.skew, 2)),
            ("Kurtosis (normal: 3)", number(sharpe.kurtosis, 2)),
            ("Chance that the true ratio is above 0", percent(sharpe.probabilistic, 1)),
            (
                f"The same, deflated by {sharpe.trials} variant{'' if sharpe.trials == 1 else 's'} run",
                percent(sharpe.deflated, 1),
            ),
        ],
    )


def depth_table(found: Sequence[DepthOutcome]) -> Table:
    """The same replay with other sizes at each price."""
    columns = (
        Column("Contracts at each price"),
        Column("Fills"),
        Column("Contracts"),
        Column("Staked", is_wide=True),
        Column("Fees", is_wide=True),
        Column("P&L"),
        Column("of stake"),
    )
    return table(
        columns,
        (
            (
                number(one.assumed_depth, 0),
                f"{one.fills:,}",
                number(one.contracts, 0),
                f"${one.staked:,.2f}",
                f"${one.fees:,.2f}",
                money(one.pnl),
                signed(one.pnl / one.staked * 100 if one.staked else None, 1, "%"),
            )
            for one in found
        ),
    )


def depth_notes(found: Sequence[DepthOutcome], policy: Policy) -> list[str]:
    """Which of these assumptions rule out any trade by themselves, in sentences."""
    least, share = policy.min_displayed, policy.max_share_of_displayed
    notes = []
    for one in found:
        if share * one.assumed_depth < 1:
            why = f"{number(share * 100, 0)} % of what is displayed, the most we take, is less than one contract"
        elif one.assumed_depth < least:
            why = f"a price with fewer than {number(least, 0)} contracts behind it is not trusted"
        else:
            continue
        notes.append(
            f"Where no size was recorded nothing can trade at a depth of {number(one.assumed_depth, 0)}: {why}."
        )
    return notes


def decision_table(decisions: Mapping[str, int]) -> Table:
    """Why markets were, or were not, traded."""
    everything = sum(decisions.values())
    columns = (Column("Reason", is_number=False), Column("Brackets"), Column("Share"))
    return table(
        columns, ((code, f"{n:,}", percent(n / everything, 1)) for code, n in decisions.items() if everything)
    )


def count_table(counts: Counts) -> Table:
    """How much was replayed, and how orders ended."""
    rows = [
        ("Events replayed", counts.events),
        *((f"Events left out: {why}", n) for why, n in sorted(counts.skipped_events.items())),
        ("Instants", counts.instants),
        ("Prices looked at", counts.snapshots),
        ("Instants decided in full", counts.decided),
        ("Intents", counts.intents),
        *((f"Orders {state}", n) for state, n in sorted(counts.orders_by_state.items())),
    ]
    return table(
        (Column("Replayed", is_number=False), Column("Count")), ((name, f"{n:,}") for name, n in rows)
    )


def read_table(read: ReadReport) -> Table:
    """What became of every row of every file."""
    columns = (
        Column("File", is_number=False),
        Column("Rows"),
        Column("Used"),
        Column("Not asked for", is_wide=True),
        Column("Refused"),
    )
    return table(
        columns,
        (
            (
                name,
                f"{one.rows:,}",
                f"{one.used:,}",
                f"{one.outside:,}",
                Cell(f"{one.refused:,}", Tone.WARN if one.refused else Tone.PLAIN),
            )
            for name, one in sorted(read.files.items())
        ),
    )


def fault_table(read: ReadReport) -> Table:
    """Refused rows were not used; flagged ones were."""
    columns = (Column("Fault", is_number=False), Column("Refused"), Column("Flagged"))
    faults = sorted({*read.refused, *read.flagged})
    return table(
        columns,
        ((str(fault), str(read.refused.get(fault, 0)), str(read.flagged.get(fault, 0))) for fault in faults),
    )


def manifest_table(manifest: Manifest) -> Table:
    """With these the same report can be made again."""
    options = manifest.options
    git = manifest.code.git or "no checkout"
    rows = [
        ("Code", git + (" with changes" if manifest.code.changed else "")),
        ("Days", f"{options.first} to {options.last}"),
        ("Cities", ", ".join(options.cities)),
        ("Strategy", options.strategy or "all"),
        ("Assumed depth", f"{options.assumed_depth} contracts"),
        ("Weather seen", f"{options.weather_delay} after its release"),
        ("Capital", f"${options.capital:,.2f}"),
        ("Seed", str(manifest.seed)),
        ("Python", manifest.python),
        *((name, release) for name, release in manifest.versions.items()),
        *((path, f"sha256 {digest}") for path, digest in manifest.inputs.items()),
    ]
    columns = (Column("What", is_number=False), Column("Which", is_number=False))
    return table(columns, rows)


def costs_sentence(found: Money) -> str:
    """P&L beside what somebody who knows nothing would have lost."""
    costs = f"Fees and spread cost ${found.costs:,.2f}; a taker who knows nothing loses that on average, a maker more."
    if found.is_like_chance is None:
        return f"{costs} Too few days to tell us apart from that."
    if found.trades == 0 or found.costs == ZERO:
        return costs
    told = "not distinguishable from" if found.is_like_chance else "different from"
    return f"{costs} Our P&L is {told} it."
