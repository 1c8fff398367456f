"""A METAR as text. Wind, sky and pressure are decoration: only the temperatures are part of the world."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

LARGEST_DEW_POINT_SPREAD_F = 30


@dataclass(frozen=True, slots=True)
class Remarks:
    """(maximum, minimum) in whole °F of the last six hours and of the climate day, where the report carries them."""

    six_hourly: tuple[int, int] | None = None
    daily: tuple[int, int] | None = None


def tenths_c(temperature_f: int) -> Decimal:
    """A whole °F as tenths of °C, halves upward: exact both ways."""
    return Decimal(((temperature_f - 32) * 100 + 9) // 18) / 10


def metar_text(
    station: str, at: datetime, temperature_f: int | None, remarks: Remarks, humidity: float, wind: float
) -> str:
    """The report of `at`. `humidity` and `wind` on [0, 1); without a temperature its groups are left out."""
    moment = at.astimezone(UTC)
    body = f"{station} {moment:%d%H%M}Z AUTO {_wind(wind)} 10SM {'CLR' if humidity < 0.6 else 'BKN045'}"
    pressure_mb = 1008 + 18 * wind
    altimeter = f"A{round(pressure_mb * 2.953):04}"
    tail = f"RMK AO2 SLP{round(pressure_mb * 10) % 1000:03}"
    if temperature_f is None:
        return f"{body} {altimeter} {tail} $"
    dew_f = temperature_f - 2 - round(LARGEST_DEW_POINT_SPREAD_F * (1 - humidity) ** 2)
    temp, dew = tenths_c(temperature_f), tenths_c(dew_f)
    groups = [f"T{_signed(temp)}{_signed(dew)}"]
    if remarks.six_hourly is not None:
        groups += [
            f"{sign}{_signed(tenths_c(value))}" for sign, value in zip("12", remarks.six_hourly, strict=True)
        ]
    if remarks.daily is not None:
        groups.append("4" + "".join(_signed(tenths_c(value)) for value in remarks.daily))
    return f"{body} {_body_c(temp)}/{_body_c(dew)} {altimeter} {tail} {' '.join(groups)}"


def _wind(share: float) -> str:
    return f"{10 * (1 + int(share * 1000) % 36):03}{3 + int(share * 14):02}KT"


def _signed(celsius: Decimal) -> str:
    """`0278` for 27.8, `1061` for -6.1."""
    return f"{1 if celsius < 0 else 0}{abs(int(celsius * 10)):03}"


def _body_c(celsius: Decimal) -> str:
    """`28`, `M06`: whole degrees as the body of a METAR has them."""
    whole = int((celsius + Decimal("0.5")).to_integral_value(rounding="ROUND_FLOOR"))
    return f"{'M' if celsius < 0 else ''}{abs(whole):02}"
