"""Many variants of one backtest: planned, run one by one anywhere, and set side by side.

A sweep lives in its folder. `plan.json` names every variant before the first is run; each variant has a folder with its
report and, when it has ended, a row; whoever writes the last row writes the table. So no result passes through a broker,
a variant that fails is a row that says so, and every variant is in the registry that deflates the ratio of the best.
"""

import itertools
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from milkbot.core.errors import MilkbotError
from milkbot.core.money import ZERO, parse_decimal
from trading.backtest.engine import run_backtest
from trading.backtest.reporting.sweep_rows import SweepRow, row_of, write_table
from trading.backtest.reporting.write import write_report
from trading.backtest.results import BacktestOptions
from trading.domain.opinion import STRATEGIES
from trading.domain.policy import Limits, Policy

MOST_VARIANTS: Final = 64
"""More are not searched but fished for."""
PLAN: Final = "plan.json"
ROW: Final = "row.json"

_Numbers = TypeVar("_Numbers", Policy, Limits)


class SweepRefused(MilkbotError):
    """The sweep cannot be run as asked; nothing was."""


class Variant(BaseModel):
    """One set of options. `settings` are those that tell it from the others."""

    model_config = ConfigDict(frozen=True)

    name: str
    settings: dict[str, str]
    options: BacktestOptions


class Plan(BaseModel):
    """All of a sweep."""

    model_config = ConfigDict(frozen=True)

    data: Path
    registry: Path
    variants: tuple[Variant, ...]


def plan_variants(base: BacktestOptions, axes: Sequence[str]) -> tuple[Variant, ...]:
    """Every combination of the values of `axes`, each of the form `name=value,value`.

    Names are `strategy`, `assumed_depth`, `policy.<field>` and `limits.<field>`. Raises SweepRefused for a name, value or
    number of variants that cannot be.
    """
    named = [_axis(text) for text in axes]
    if len({name for name, _ in named}) != len(named):
        raise SweepRefused("an axis is given twice")
    combinations = list(itertools.product(*([(name, value) for value in values] for name, values in named)))
    if not 2 <= len(combinations) <= MOST_VARIANTS:
        raise SweepRefused(f"{len(combinations)} variants; a sweep has 2 to {MOST_VARIANTS}")
    return tuple(
        Variant(name=f"v{place:02}", settings=dict(settings), options=_with(base, settings))
        for place, settings in enumerate(combinations, 1)
    )


def begin(plan: Plan, out: Path) -> None:
    """Write the plan into `out`. Raises SweepRefused when something lies there: two sweeps in one would not agree."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SweepRefused(f"{out} is not an empty folder")
    out.mkdir(parents=True, exist_ok=True)
    _write(out / PLAN, plan.model_dump_json(indent=1))


def read_plan(out: Path) -> Plan:
    """Raises SweepRefused when `out` holds no plan."""
    try:
        return Plan.model_validate_json((out / PLAN).read_bytes())
    except (OSError, ValidationError) as error:
        raise SweepRefused(f"{out} holds no plan of a sweep ({type(error).__name__})") from error


def run_variant(out: Path, name: str, now: datetime) -> SweepRow:
    """Run one variant of the plan in `out`, in this process, and write its report and row; the last also the table.

    What cannot be replayed ends as a row that says why. Anything unforeseen leaves such a row, too, and is raised.
    """
    plan = read_plan(out)
    variant = next((one for one in plan.variants if one.name == name), None)
    if variant is None:
        raise SweepRefused(f"the plan in {out} has no variant {name!r}")
    try:
        row = _run(plan, variant, out / name, now)
    except (MilkbotError, ValueError, OSError) as error:
        row = SweepRow(name=name, settings=variant.settings, error=f"{type(error).__name__}: {error}")
    except Exception as error:
        _end(plan, out, SweepRow(name=name, settings=variant.settings, error=type(error).__name__))
        raise
    _end(plan, out, row)
    return row


def ended(plan: Plan, out: Path) -> tuple[SweepRow, ...]:
    """The rows there are, in the order of the plan."""
    found = ((out / variant.name / ROW) for variant in plan.variants)
    return tuple(SweepRow.model_validate_json(path.read_bytes()) for path in found if path.exists())


def _run(plan: Plan, variant: Variant, folder: Path, now: datetime) -> SweepRow:
    # One process: variants run beside each other, and a worker's own process may have no children.
    result = run_backtest(plan.data, variant.options, now, processes=1)
    report = write_report(result, folder, data=plan.data, registry=plan.registry)
    return row_of(variant.name, variant.settings, report)


def _end(plan: Plan, out: Path, row: SweepRow) -> None:
    (out / row.name).mkdir(exist_ok=True)
    _write(out / row.name / ROW, row.model_dump_json(indent=1))
    rows = ended(plan, out)
    if len(rows) == len(plan.variants):
        # Two that end together both write it: the same rows, whole files.
        write_table(rows, out, plan.registry)


def _axis(text: str) -> tuple[str, list[str]]:
    name, equals, values = text.partition("=")
    found = [value.strip() for value in values.split(",") if value.strip()]
    if not equals or not found or len(set(found)) != len(found):
        raise SweepRefused(f"{text!r} is not of the form name=value,value")
    return name.strip(), found


def _with(base: BacktestOptions, settings: Sequence[tuple[str, str]]) -> BacktestOptions:
    options = base
    for name, value in settings:
        try:
            options = _set(options, name, value)
        except ValidationError as error:
            raise SweepRefused(f"{name} cannot be {value!r}: {error.errors()[0]['msg']}") from error
    return options


def _set(options: BacktestOptions, name: str, value: str) -> BacktestOptions:
    group, _, field = name.partition(".")
    changed: dict[str, Any]
    if group == "policy" and field in Policy.model_fields:
        changed = {"policy": _changed(options.policy, field, value)}
    elif group == "limits" and field in Limits.model_fields:
        changed = {"limits": _changed(options.limits, field, value)}
    elif name == "strategy" and value in {strategy.name for strategy in STRATEGIES}:
        changed = {"strategy": value}
    elif name == "assumed_depth":
        changed = {"assumed_depth": _depth(value)}
    else:
        raise SweepRefused(f"no backtest has {name}={value}")
    return replace(options, **changed)


def _changed(numbers: _Numbers, field: str, value: str) -> _Numbers:
    """A copy, checked as a whole: text is read as the field's own type."""
    return numbers.model_validate(numbers.model_dump() | {field: value})


def _depth(value: str) -> Decimal:
    try:
        depth = parse_decimal(value)
    except ValueError as error:
        raise SweepRefused(f"assumed_depth cannot be {value!r}") from error
    if depth <= ZERO:
        raise SweepRefused(f"assumed_depth cannot be {value!r}: that fills nothing")
    return depth


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)
