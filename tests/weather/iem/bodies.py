"""Bodies of the archive in the forms its services describe, about Chicago Midway in May 2025."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

GUIDANCE_HEADER = "runtime,ftime,model,tmp,dpt,sky,wdr,wsp,p06,xnd,station,txn,t06,t12"
READINGS_HEADER = "station,valid,tmpf,metar"
HOURLY = "KMDW 141453Z 20010KT 10SM CLR 18/09 A2992 RMK AO2 SLP130 T01830094"
FIVE_MINUTES = "KMDW 141455Z AUTO 20010KT 10SM CLR 19/09 A2992 RMK T01900090 MADISHF"


def guidance_row(
    runtime: str,
    valid: str,
    *,
    temp: object = 70,
    high: object = "",
    model: str = "NBS",
    station: str = "KMDW",
) -> str:
    """A line of mos.py: hours like `2025-05-14 12`."""
    return f"{runtime}:00:00,{valid}:00:00,{model},{temp},50,10,200,8,,2,{station},{high},,"


def guidance(*rows: str, header: str = GUIDANCE_HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def guidance_run(runtime: datetime, highs: Sequence[int]) -> list[str]:
    """One run: every third hour of the clock, a maximum in each column of 00Z and a minimum in that of 12Z."""
    rows, begins = [], runtime - timedelta(hours=runtime.hour % 3)
    for hours in range(6, 73, 3):
        valid = begins + timedelta(hours=hours)
        high = highs[(valid.date() - runtime.date()).days - 1] if valid.hour == 0 else ""
        extreme = 51 if valid.hour == 12 else high
        rows.append(
            guidance_row(f"{runtime:%Y-%m-%d %H}", f"{valid:%Y-%m-%d %H}", temp=60 + hours % 12, high=extreme)
        )
    return rows


def month_of_guidance(first: date, last: date, highs: Sequence[int] = (70, 71, 72)) -> str:
    """Two runs on every day."""
    rows: list[str] = []
    day = first
    while day <= last:
        for hour in (1, 13):
            rows += guidance_run(datetime(day.year, day.month, day.day, hour, tzinfo=UTC), highs)
        day += timedelta(days=1)
    return guidance(*rows)


def readings(*rows: tuple[str, str], station: str = "MDW") -> str:
    """Time and report of each."""
    return "\n".join([READINGS_HEADER, *(f"{station},{at},66.00,{metar}" for at, metar in rows)]) + "\n"


def day_value(day: str, high: object, product: str | None = None, station: str = "KMDW") -> dict[str, Any]:
    """An entry of cli.py, cut to what matters and some that does not."""
    issued = f"{date.fromisoformat(day) + timedelta(days=1):%Y%m%d}0645"
    return {
        "station": station, "valid": day, "state": "IL", "wfo": "LOT", "name": "Chicago-Midway",
        "product": product or f"{issued}-KLOT-CDUS43-CLIMDW", "high": high, "high_record": 92,
        "high_record_years": [2013], "high_normal": 70, "high_time": "335 PM", "low": 52, "precip": "T",
    }  # fmt: skip


def day_values(*entries: dict[str, Any]) -> str:
    return json.dumps({"results": list(entries), "generated_at": "2025-06-10T12:00:00Z"})


def report(
    day: date,
    high: object,
    *,
    word: str = "YESTERDAY",
    correction: str = "",
    code: str = "CLIMDW",
    hour: int = 6,
) -> str:
    """A climate report issued at 06:45Z of the next day, or of the same day at `hour` when the word is TODAY."""
    issued = datetime(day.year, day.month, day.day, hour, 45, tzinfo=UTC)
    issued += timedelta(days=1) if word == "YESTERDAY" else timedelta()
    local = issued - timedelta(hours=5)
    heading = f"CDUS43 KLOT {issued:%d%H%M}" + (f" {correction}" if correction else "")
    lines = [
        "000 ", heading, code, "", "CLIMATE REPORT", "NATIONAL WEATHER SERVICE CHICAGO IL",
        f"{local:%I%M %p} CDT {local:%a %b %d %Y}".upper().lstrip("0"), "",
        f"...THE CHICAGO-MIDWAY CLIMATE SUMMARY FOR {day:%B} {day.day} {day.year}...".upper(), "",
        "TEMPERATURE (F)", f" {word}", f"  MAXIMUM         {high}    335 PM  92    2013  70      4       60",
        "  MINIMUM         52    424 AM  35    1960  50      2       48", "", "PRECIPITATION (IN)",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def products(texts: Iterable[str]) -> str:
    """As afos/retrieve.py?fmt=text sends them."""
    return "".join(f"\001\n{text}\n\003\n" for text in texts)
