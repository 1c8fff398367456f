"""`sandbox.json`: where the running sandbox is and how its clock runs. Written whole or not at all."""

import json
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from sandbox.accounts import Account
from sandbox.cities import City
from sandbox.clock import WorldClock
from sandbox.kalshi.stream.commands import PATH

FILE_NAME: Final = "sandbox.json"


class AccountDescription(BaseModel):
    """How to sign for one account."""

    model_config = ConfigDict(frozen=True)

    key_id: str
    private_key_path: str

    @classmethod
    def of(cls, account: Account) -> "AccountDescription":
        """That of `account`."""
        return cls(key_id=account.key_id, private_key_path=str(account.private_key_path))


class Description(BaseModel):
    """The file's content. `accounts` have a key each that may trade. `event_date` is the moved date that the markets show, `recorded_date` the one on record.

    A simulated world has a seed instead of series and dates, and states its one inefficiency.
    """

    model_config = ConfigDict(frozen=True)

    base_url: str
    nws_url: str
    control_url: str
    ws_url: str
    accounts: tuple[AccountDescription, ...]
    read_only_keys: tuple[AccountDescription, ...]
    clock: dict[str, Any]
    world: str
    world_path: str
    series: str | None
    event_date: date | None
    recorded_date: date | None
    shift_days: int
    seed: int | None = None
    inefficiency: str | None = None
    pid: int


class WorldIdentity(BaseModel):
    """Which world runs: what has to be equal for a restart to go on where the last run stood."""

    model_config = ConfigDict(frozen=True)

    world_path: str
    series: str | None
    recorded_date: date | None
    seed: int | None = None


def world_in_words(identity: WorldIdentity, city: City, shift_days: int, *, invented: bool) -> str:
    """What runs, and whether it ever happened."""
    kind = "invented" if invented else "recorded"
    return f"{kind} {city.name} day {identity.recorded_date}, moved by {shift_days} days"


def describe(
    identity: WorldIdentity,
    world: str,
    shift_days: int,
    clock: WorldClock,
    accounts: tuple[Account, ...],
    origin: str,
    inefficiency: str | None = None,
) -> Description:
    """The description of a sandbox that listens at `origin`; `world` says in words what it runs."""
    recorded = identity.recorded_date
    return Description(
        base_url=f"{origin}/trade-api/v2",
        nws_url=f"{origin}/nws",
        control_url=origin,
        ws_url=f"{origin.replace('http', 'ws', 1)}{PATH}",
        accounts=tuple(AccountDescription.of(account) for account in accounts if account.may_trade),
        read_only_keys=tuple(AccountDescription.of(account) for account in accounts if not account.may_trade),
        clock=clock.as_json(),
        world=world,
        world_path=identity.world_path,
        series=identity.series,
        event_date=recorded and recorded + timedelta(days=shift_days),
        recorded_date=recorded,
        shift_days=shift_days,
        seed=identity.seed,
        inefficiency=inefficiency,
        pid=os.getpid(),
    )


def addresses_in_words(description: Description) -> str:
    """What a person needs to point a client here, one line each."""
    lines = [
        f"  API         {description.base_url}",
        f"  WebSocket   {description.ws_url}",
        f"  Weather     {description.nws_url}",
        f"  Control     {description.control_url}/control",
        *(f"  Account     {one.key_id}  {one.private_key_path}" for one in description.accounts),
        *(f"  Read only   {one.key_id}  {one.private_key_path}" for one in description.read_only_keys),
    ]
    return "".join(f"{line}\n" for line in lines)


def write_description(state_dir: Path, description: Description) -> None:
    """Publish: a reader sees the former file or this one, never a part."""
    state_dir.mkdir(parents=True, exist_ok=True)
    unfinished = state_dir / f".{FILE_NAME}.{description.pid}"
    unfinished.write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")
    unfinished.replace(state_dir / FILE_NAME)


def remove_description(state_dir: Path, pid: int) -> None:
    """Withdraw the file, unless another sandbox has published its own since."""
    path = state_dir / FILE_NAME
    try:
        if json.loads(path.read_text(encoding="utf-8")).get("pid") == pid:
            path.unlink()
    except (OSError, ValueError, AttributeError):
        return


def clock_to_resume(
    state_dir: Path, identity: WorldIdentity, speed: float, wall: datetime
) -> tuple[WorldClock, int] | None:
    """Clock and shift of an earlier run of the same world at the same speed; None when there is none to go on with."""
    try:
        found = json.loads((state_dir / FILE_NAME).read_text(encoding="utf-8"))
        clock = WorldClock.from_json(found["clock"])
        former, shift_days = WorldIdentity.model_validate(found), int(found["shift_days"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if former != identity or clock.speed != speed or clock.wall_started_at > wall:
        return None
    return clock, shift_days
