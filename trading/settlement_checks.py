"""Holds what the exchange settled against two other words for it: our own climate reports, and its account of us.

The exchange's result is the truth and is what we book. A difference is told, never corrected.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from markets.domain.types import Bracket, MarketStatus, SettlementSource
from markets.models import MarketRow
from milkbot.core import clock
from milkbot.core.config import TradingMode
from milkbot.logger import logger
from trading.domain.reconciliation import Difference
from trading.domain.settling import ROWS_LAG, agrees, compare_settlements, settling_report
from trading.domain.types import RiskEvent, Severity
from trading.models import ReconciliationRow
from trading.oms.account import Account
from trading.oms.drift import SETTLEMENT_KIND
from trading.repositories.risk_events import record_risk_event
from trading.repositories.settlements import SettlementRepository
from weather.domain.types import CliReport
from weather.repositories import WeatherRepository

COMPARED_FOR: Final = timedelta(days=30)
"""How long after its settlement a day is held against reports that may still arrive."""


class Compared(NamedTuple):
    """One settled day: the market that won, the value the exchange names, and our own report of it."""

    winner: MarketRow
    report: CliReport
    agrees: bool


class Agreement(NamedTuple):
    """How often our reading of a city's days was the one the exchange paid by."""

    days: int
    mismatches: int


def check_readings(mode: TradingMode, now: datetime) -> int:
    """Tell the operator of every day on which our reading differs from the exchange's; how many were told now."""
    return sum(
        _tell_mismatch(each, mode, now) for each in compared_days(now - COMPARED_FOR) if not each.agrees
    )


def agreement_by_city(settled_since: datetime) -> dict[str, Agreement]:
    """Per city code, of the days settled at or after `settled_since` of which we have a final climate report."""
    days, mismatches = Counter[str](), Counter[str]()
    for each in compared_days(settled_since):
        days[each.winner.city_code] += 1
        mismatches[each.winner.city_code] += not each.agrees
    return {city: Agreement(days[city], mismatches[city]) for city in sorted(days)}


def compared_days(settled_since: datetime) -> Iterator[Compared]:
    """Every day settled at or after `settled_since` of which we have the report its event settles on."""
    winners = list(
        MarketRow.objects.filter(
            status=MarketStatus.FINALIZED, result="yes", settled_at__gte=settled_since
        ).select_related("event")
    )
    reports = WeatherRepository().get_final_reports((row.city_code, row.event_date) for row in winners)
    for row in winners:
        source = SettlementSource(row.event.settlement_source) if row.event.settlement_source else None
        report = settling_report(reports.get((row.city_code, row.event_date), ()), source)
        if report is not None and report.high_f is not None:
            bracket = Bracket(ticker=row.ticker, low_f=row.low_f, high_f=row.high_f)
            yield Compared(row, report, agrees(report.high_f, bracket, row.expiration_value))


def check_account(
    mode: TradingMode, account: Account, settled_since: datetime, now: datetime
) -> tuple[Difference, ...]:
    """What our settlements since then and the exchange's rows differ by, also of markets it paid and we did not; each
    market is told once.

    Differences are recorded like those of a reconciliation. Nothing is compared while the rows cannot be read whole.
    """
    begun = clock.monotonic()
    settlements, until = SettlementRepository(mode), now - ROWS_LAG
    ours = settlements.booked(settled_since, settled_until=until)
    theirs = account.settlements(settled_since)
    if theirs is None or not theirs.is_complete:
        return ()
    paid = (row.ticker for row in theirs if row.yes_count != row.no_count and row.settled_at <= until)
    drift = compare_settlements({**settlements.never_booked(paid), **ours}, theirs)
    if drift:
        _record(mode, drift, now, round((clock.monotonic() - begun) * 1000))
    return drift


def _record(mode: TradingMode, drift: tuple[Difference, ...], now: datetime, duration_ms: int) -> None:
    said = [difference.as_json() for difference in drift]
    logger.warning("settlements differ from the exchange's", extra={"drift": said})
    last = ReconciliationRow.objects.filter(mode=mode, kind=SETTLEMENT_KIND).order_by("-pk").first()
    if last is None or last.drift != said:
        ReconciliationRow.objects.create(
            mode=mode, at=now, kind=SETTLEMENT_KIND, drift=said, duration_ms=duration_ms
        )
    for difference in drift:
        record_risk_event(
            RiskEvent(
                at=now,
                severity=Severity.CRITICAL,
                event_type="SETTLEMENT_DRIFT",
                mode=mode,
                market_ticker=difference.where.partition(" ")[0],
                message=difference.words,
                payload=difference.as_json(),
            ),
            at_most_one_per_market=True,
        )


def _tell_mismatch(compared: Compared, mode: TradingMode, now: datetime) -> bool:
    winner, report = compared.winner, compared.report
    theirs = winner.expiration_value or winner.label
    return record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.CRITICAL,
            event_type="SETTLEMENT_MISMATCH",
            mode=mode,
            city_code=winner.city_code,
            market_ticker=winner.ticker,
            message=f"{winner.city_code} {winner.event_date}: paid by {theirs}, {report.cli_code} says {report.high_f}",
            payload={
                "exchange": winner.expiration_value,
                "winner": winner.label,
                "report_f": report.high_f,
                "report_issued_at": report.issued_at.isoformat(),
                "source": winner.event.settlement_source,
            },
        ),
        at_most_one_per_market=True,
    )
