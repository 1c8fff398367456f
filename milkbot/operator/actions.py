"""What the console does beyond the switch, each in two steps: GET says in numbers what it means, POST does it.

None of these can increase exposure. LIVE is disarmed here and armed at a terminal only.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from milkbot.core import clock
from milkbot.core.config import TradingMode, get_config
from milkbot.core.errors import ConfigError
from milkbot.operator.consequences import read_exposure
from milkbot.operator.forms import ConfirmForm
from milkbot.operator.views import PERMISSION
from trading.arming import disarm_live, standing_arming
from trading.breakers import clear_locks
from trading.oms.cancel_all import cancel_all
from trading.oms.exchange import connect_cancels
from trading.operations import waiting_locks
from trading.under_way import sends_under_way

_LAG_S: Final = 2.0
"""After this the exchange's lists show what its engine did."""


@dataclass(frozen=True)
class Action:
    """`modes` in which it means anything, `states` what it would do now, `perform` does it and says what was done.

    `perform` raises ConfigError when the exchange cannot be addressed at all.
    """

    word: str
    title: str
    modes: frozenset[TradingMode]
    states: Callable[[TradingMode], tuple[str, ...]]
    perform: Callable[[TradingMode, User, str], str]


def _cancel_states(mode: TradingMode) -> tuple[str, ...]:
    exposure = read_exposure(mode)
    return (
        f"The exchange is asked to take {exposure.open_orders} open orders with {exposure.unfilled.normalize():f} unfilled contracts "
        "out of the book, and every order placed by hand on this account.",
        f"{exposure.unknown_orders} of them are UNKNOWN and may turn out to be filled. A cancelled order may have filled "
        "in part: the account is read back afterwards.",
        f"{exposure.positions} positions are kept until settlement.",
        "The switch is not turned: unless it is HALTED, the next cycle may send new orders. No worker is needed.",
    )


def _cancel(mode: TradingMode, user: User, reason: str) -> str:
    desk = connect_cancels(get_config())
    assert desk is not None, "the action is offered only where there is an account"
    report = cancel_all(
        mode,
        desk,
        now=clock.now,
        pause=lambda: time.sleep(_LAG_S),
        actor=user.get_username(),
        user_id=user.pk,
        reason=reason,
    )
    refused = f" Cancel-all was not confirmed ({report.refusal})." if report.refusal else ""
    by_hand = report.reconciled.external_orders
    placed = f" {by_hand} orders placed by hand are still in the book." if by_hand else ""
    return f"{report.open_before} orders were open, {len(report.still_open)} are left open.{placed}{refused}"


def _clear_states(mode: TradingMode) -> tuple[str, ...]:
    locks = waiting_locks(mode)
    return (
        f"{len(locks)} locks that wait for a person end. Locks that clear themselves stay.",
        *(
            f"{lock.code} on {lock.scope} since {lock.locked_at:%Y-%m-%d %H:%M} UTC: {lock.message}"
            for lock in locks
        ),
        "The switch is not turned: after a halt, resume is a second decision.",
    )


def _clear(mode: TradingMode, user: User, reason: str) -> str:
    count = clear_locks(mode, actor=user.get_username(), user_id=user.pk, reason=reason, now=clock.now())
    return f"{count} locks cleared."


def _disarm_states(mode: TradingMode) -> tuple[str, ...]:
    arming = standing_arming()
    until = f"until {arming.expires_at:%Y-%m-%d %H:%M} UTC" if arming else "by nobody"
    return (
        f"LIVE is armed {until}. Once this is acknowledged no send begins; what is under way is told.",
        "What rests is cancelled by the next cycle. It is armed again at a terminal only.",
    )


def _disarm(mode: TradingMode, user: User, reason: str) -> str:
    count = disarm_live(actor=user.get_username(), user_id=user.pk, reason=reason)
    left = sends_under_way(mode, clock.now()) or "No order leaves any more."
    return f"{count} armings taken back: no send begins in LIVE. {left}"


_WITH_ACCOUNT: Final = frozenset({TradingMode.DEMO, TradingMode.LIVE})
ACTIONS: Final = {
    "cancel-all": Action("CANCEL", "Cancel all orders", _WITH_ACCOUNT, _cancel_states, _cancel),
    "clear-locks": Action("CLEAR", "Clear locks", frozenset(TradingMode), _clear_states, _clear),
    "disarm": Action("DISARM", "Disarm LIVE", frozenset({TradingMode.LIVE}), _disarm_states, _disarm),
}


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, name: str) -> HttpResponse:
    """The action `name` of this process's mode: its consequences, or with reason and word the thing itself."""
    if not isinstance(request.user, User) or not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    mode = get_config().trading_mode
    action = ACTIONS.get(name)
    if action is None or mode not in action.modes:
        raise Http404(f"no such action in {mode}: {name}")
    form = ConfirmForm(request.POST if request.method == "POST" else None, word=action.word)
    if form.is_valid():
        try:
            messages.success(request, action.perform(mode, request.user, form.cleaned_data["reason"]))
        except ConfigError as error:
            messages.error(request, str(error))
        return redirect("admin:index")
    context = {
        **admin.site.each_context(request),
        "title": action.title,
        "action": action,
        "form": form,
        "states": action.states(mode),
    }
    return render(request, "operator/confirm.html", context)
