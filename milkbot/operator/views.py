"""The two-step switch: GET says in numbers what it means, POST with a reason and a retyped word does it."""

from dataclasses import dataclass
from typing import Final

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from milkbot.core import clock
from milkbot.core.config import get_config
from milkbot.operator.consequences import read_exposure
from milkbot.operator.forms import ConfirmForm
from trading.controls import get_trading_state, set_trading_state
from trading.domain.types import TradingState
from trading.operations import LocksStand, resume, waiting_locks
from trading.under_way import sends_under_way

PERMISSION: Final = "trading.change_controlsrow"


@dataclass(frozen=True)
class Turn:
    """One position of the switch: the word to retype, and what turning there does."""

    word: str
    state: TradingState
    title: str
    effect: str


TURNS: Final = {
    turn.word.lower(): turn
    for turn in (
        Turn(
            "HALT",
            TradingState.HALTED,
            "Halt trading",
            "Once this is acknowledged no send begins; what is under way is told. Prices, weather and settlement go on. Only a person ends a halt.",
        ),
        Turn(
            "REDUCE",
            TradingState.REDUCING,
            "Reduce only",
            "From the next cycle on, nothing that increases exposure is sent. What sheds exposure still is.",
        ),
        Turn(
            "RESUME",
            TradingState.ACTIVE,
            "Resume trading",
            "The next cycle may send orders again, within all caps.",
        ),
    )
}


@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, word: str) -> HttpResponse:
    """Turn the trading switch of this process's mode to the position `word` names (halt, reduce, resume)."""
    if not isinstance(request.user, User) or not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    turn = TURNS.get(word)
    if turn is None:
        raise Http404(f"no such position: {word}")
    form = ConfirmForm(request.POST if request.method == "POST" else None, word=turn.word)
    if form.is_valid():
        try:
            _turn(request, request.user, turn, form.cleaned_data["reason"])
            return redirect("admin:index")
        except LocksStand as error:
            form.add_error(None, f"{error}. Nothing was changed.")
    mode = get_config().trading_mode
    context = {
        **admin.site.each_context(request),
        "title": turn.title,
        "turn": turn,
        "form": form,
        "current": get_trading_state(mode),
        "exposure": read_exposure(mode),
        "locks": waiting_locks(mode),
    }
    return render(request, "operator/switch.html", context)


def _turn(request: HttpRequest, user: User, turn: Turn, reason: str) -> None:
    """Raises LocksStand when trading may not go on yet."""
    mode, now = get_config().trading_mode, clock.now()
    actor = user.get_username()
    if turn.state is TradingState.ACTIVE:
        before = resume(mode, actor=actor, user_id=user.pk, reason=reason, now=now).before
    else:
        before = set_trading_state(
            mode=mode, state=turn.state, actor=actor, user_id=user.pk, reason=reason, now=now
        )
    messages.success(request, f"{mode.value} was {before.value}, is {turn.state.value} now.")
    if turn.state is not TradingState.ACTIVE and (left := sends_under_way(mode, clock.now())):
        messages.warning(request, str(left))
