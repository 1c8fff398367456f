"""What stands on top of every page of the console."""

from dataclasses import dataclass

from milkbot.core.config import TradingMode

SENTENCES = {
    TradingMode.SHADOW: "No real orders. Fills are computed.",
    TradingMode.DEMO: "Play money. Orders leave for the exchange's demo.",
    TradingMode.LIVE: "Real money. Orders leave for the exchange.",
}


@dataclass(frozen=True)
class ConsoleBanner:
    """Mode, profile and state in words."""

    mode: str
    sentence: str
    profile: str
    world: str
    state: str
    arming: str
    """LIVE only: whose permission to trade stands until when, or that none does."""


def read_banner(mode: TradingMode) -> ConsoleBanner:
    """The banner of this process's mode. Two queries, three in LIVE."""
    # Imported here: the site is made while apps are still loading, models come after.
    from milkbot.models import InstallationRow
    from trading.controls import get_trading_state

    installation = InstallationRow.objects.first()
    return ConsoleBanner(
        mode=mode.value,
        sentence=SENTENCES[mode],
        profile=installation.profile if installation else "",
        world=installation.world if installation else "",
        state=get_trading_state(mode).value,
        arming=_arming() if mode is TradingMode.LIVE else "",
    )


def _arming() -> str:
    from trading.arming import standing_arming

    arming = standing_arming()
    if arming is None:
        return "Not armed: no order leaves."
    return f"Armed by {arming.armed_by} until {arming.expires_at:%Y-%m-%d %H:%M} UTC."
