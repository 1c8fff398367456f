"""The console's page of skill: our score beside the market's, and the gate of each strategy to LIVE."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from analytics.skill.forest import build_forest, build_mark
from analytics.skill.report import Report, read_report
from milkbot.core import clock
from milkbot.core.config import get_config
from milkbot.operator.forms import ConfirmForm
from milkbot.operator.views import PERMISSION
from trading.backtest.results import FLAT, P_MODEL
from trading.controls import GATED, release_gate, withdraw_gate
from trading.domain.strategy_gate import StrategyGate
from trading.repositories.strategy_gates import read_gate, read_gates
from trading.under_way import sends_under_way


@dataclass(frozen=True)
class GateAct:
    """What a person may do to a gate here: nothing that lets a strategy through without its evidence."""

    word: str
    title: str
    states: tuple[str, ...]
    perform: Callable[..., StrategyGate]


GATE_ACTS: Final = {
    "withdraw": GateAct(
        "WITHDRAW",
        "Withdraw from LIVE",
        (
            "Once this is acknowledged no send begins in LIVE of an order that rests on this strategy alone.",
            "What was under way then the exchange may still take; the acknowledgement tells how much, and until when.",
            "What rests is not renewed and expires within five minutes. Positions are kept; they may still be sold.",
            "It stays shut, whatever its evidence, until a person releases it.",
        ),
        withdraw_gate,
    ),
    "release": GateAct(
        "RELEASE",
        "Release to its evidence",
        (
            "The evidence it stands on is judged now. It is admitted only if nothing is missing.",
            "From then on each day's evidence decides.",
        ),
        release_gate,
    ),
}


@require_safe
def skill(request: HttpRequest) -> HttpResponse:
    """Scores of this process's mode over the last 90 days, and every gate."""
    mode, now = get_config().trading_mode, clock.now()
    report = read_report(mode, P_MODEL, now)
    context = {
        **admin.site.each_context(request),
        "title": "Skill and gates",
        "report": report,
        "total": build_mark(report.total),
        **_tables(report),
        "gates": read_gates(GATED),
        "now": now,
        "may_act": request.user.has_perm(PERMISSION),
    }
    return render(request, "operator/skill.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def turn_gate(request: HttpRequest, strategy: str, name: str) -> HttpResponse:
    """What `name` would do to the gate of `strategy`, or with reason and word the thing itself."""
    if not isinstance(request.user, User) or not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    act, gate = GATE_ACTS.get(name), read_gate(GATED, strategy)
    if act is None or gate is None:
        raise Http404(f"no such gate or action: {strategy} {name}")
    form = ConfirmForm(request.POST if request.method == "POST" else None, word=act.word)
    if form.is_valid():
        _perform(request, request.user, act, strategy, form.cleaned_data["reason"])
        return redirect("admin:skill")
    context = {
        **admin.site.each_context(request),
        "title": f"{act.title}: {strategy}",
        "form": form,
        "states": act.states,
    }
    return render(request, "operator/confirm.html", context)


def _perform(request: HttpRequest, user: User, act: GateAct, strategy: str, reason: str) -> None:
    try:
        gate = act.perform(
            strategy, actor=user.get_username(), user_id=user.pk, reason=reason, now=clock.now()
        )
    except ValueError as error:
        messages.error(request, f"Nothing was changed: {error}.")
    else:
        standing = "open" if gate.admitted else "shut"
        messages.success(request, f"The gate of {strategy} is {standing} now.")
        if not gate.admitted and (left := sends_under_way(GATED, clock.now())):
            messages.warning(request, str(left))


def _tables(report: Report) -> dict[str, Any]:
    spoke = [line for line in report.forecasters if line.scores]
    return {
        "flat": next((build_mark(line) for line in spoke if line.label == FLAT), None),
        "by_hour": build_forest(report.by_hour),
        "groups": (
            ("By forecaster", build_forest([line for line in spoke if line.label != FLAT])),
            ("By lead to the high", build_forest(report.by_lead)),
            ("By city", build_forest(report.by_city)),
        ),
    }
