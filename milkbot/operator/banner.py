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


def read_banner(mode: TradingMode) -> ConsoleBanner:
    """The banner of this process's mode. Two queries."""
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
    )
