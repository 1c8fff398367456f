"""`manage.py strategy_gates`: which strategies may trade real money, why not, and a person's word in it."""

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from pydantic import ValidationError

from analytics.skill.evidence import RecordFile
from analytics.skill.gates import judge_demo, judge_records, read_records
from milkbot.core import clock
from milkbot.core.config import GATE_OVERRIDE, TradingMode, get_config
from trading.controls import GATED, override_gate, release_gate, withdraw_gate
from trading.domain.strategy_gate import GateEvidence, StrategyGate
from trading.management.operator import actor
from trading.repositories.strategy_gates import read_gates

_ACTS: Final[dict[str, Callable[..., StrategyGate]]] = {
    "withdraw": withdraw_gate,
    "release": release_gate,
    "override": override_gate,
}


class Command(BaseCommand):
    help = "Show the gate of each strategy to LIVE; withdraw or release one; carry DEMO's record to LIVE by file."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        acts = parser.add_mutually_exclusive_group()
        acts.add_argument(
            "--judge", action="store_true", help="judge by the DEMO scores of this database, now"
        )
        acts.add_argument("--export", type=Path, metavar="FILE", help="write DEMO's record of each strategy")
        acts.add_argument("--import", dest="file", type=Path, metavar="FILE", help="judge by such a record")
        acts.add_argument("--withdraw", metavar="STRATEGY", help="shut its gate until a person releases it")
        acts.add_argument(
            "--release", metavar="STRATEGY", help="end a withdrawal; its evidence is judged anew"
        )
        acts.add_argument(
            "--override",
            metavar="STRATEGY",
            help="let it through for a week without the evidence; LIVE_GATE_OVERRIDE must be set",
        )
        parser.add_argument("--reason", default="", help="kept with the action, for whoever asks later")
        parser.add_argument("--json", action="store_true", help="one JSON object a strategy")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        if options["export"]:
            record = read_records(TradingMode.DEMO, now)
            options["export"].write_text(record.model_dump_json(indent=1), encoding="utf-8")
            self.stdout.write(f"{len(record.strategies)} strategies written to {options['export']}")
            return
        try:
            self._act(options, now)
        except ValueError as error:
            raise CommandError(str(error)) from error
        gates = read_gates(GATED)
        if options["json"]:
            self.stdout.write(json.dumps([gate.model_dump(mode="json") for gate in gates], indent=2))
            return
        self.stdout.write("\n".join(line for gate in gates for line in _lines(gate, now)) or _NONE)

    def _act(self, options: dict[str, Any], now: datetime) -> None:
        """Raises ValueError with a sentence when it cannot be done."""
        if options["judge"]:
            judge_demo(now)
        elif options["file"]:
            judge_records(_read(options["file"]), now, actor=actor())
        if options["override"] and get_config().live_gate_override != GATE_OVERRIDE:
            raise ValueError(f"overriding a gate is off; it needs LIVE_GATE_OVERRIDE='{GATE_OVERRIDE}'")
        for name, perform in _ACTS.items():
            if options[name]:
                perform(options[name], actor=actor(), user_id=None, reason=options["reason"], now=now)


_NONE: Final = "No strategy was ever judged: nothing may trade in LIVE."


def _read(path: Path) -> RecordFile:
    try:
        return RecordFile.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path} is no record of strategies: {where}: {first['msg']}") from error


def _lines(gate: StrategyGate, now: datetime) -> Iterator[str]:
    yield f"{gate.strategy:<20} {_standing(gate, now)}  (decided {gate.decided_at:%Y-%m-%d %H:%M} UTC by {gate.decided_by})"
    if gate.note:
        yield f"    reason: {gate.note}"
    if gate.evidence:
        yield f"    {_evidence(gate.evidence)}"
    for shortfall in gate.shortfalls:
        yield f"    {shortfall.code}: {shortfall.detail}"


def _standing(gate: StrategyGate, now: datetime) -> str:
    if gate.withdrawn:
        return "WITHDRAWN"
    if not gate.admitted or gate.expires_at is None:
        return "SHUT"
    if gate.expires_at <= now:
        return f"EXPIRED {gate.expires_at:%Y-%m-%d %H:%M} UTC"
    word = "OVERRIDDEN" if gate.is_override else "ADMITTED"
    return f"{word} until {gate.expires_at:%Y-%m-%d %H:%M} UTC"


def _evidence(evidence: GateEvidence) -> str:
    where = f"{evidence.mode}{', ' + evidence.world if evidence.world else ''}"
    parts = [f"{where}: {evidence.days} days, {evidence.events} events"]
    if evidence.log_loss is not None and evidence.market_log_loss is not None:
        parts.append(f"log loss {evidence.log_loss:.3f}, market {evidence.market_log_loss:.3f}")
    if evidence.difference_low is not None and evidence.difference_high is not None:
        span = f"{evidence.difference_low:+.3f} to {evidence.difference_high:+.3f}"
        parts.append(f"difference {evidence.difference:+.3f} ({span})")
    if evidence.coverage is not None:
        parts.append(f"coverage {evidence.coverage:.1%}")
    if evidence.slippage is not None:
        parts.append(f"slippage {evidence.slippage * 100:.2f} ¢ over {evidence.fills} fills")
    return "; ".join(parts)
