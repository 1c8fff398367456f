"""The station texts of the National Blend of Models: one file a run, some thirty megabytes, read as it arrives.

The layout is that of nomads.ncep.noaa.gov and of NOAA's open-data bucket; neither has been reached from here, so it is
what the documentation says (docs/ARCHIVES.md).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import requests

from milkbot.core import clock
from milkbot.core.config import LOOPBACK_HOSTS
from milkbot.core.errors import Malformed, Refused, Unreachable
from milkbot.logger import logger
from weather.domain.nbm import SOURCE, Guidance, blocks, parse_guidance

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 20.0
TOTAL_TIMEOUT_S: Final = 90.0
MAX_BYTES: Final = 100_000_000
_CHUNK_BYTES: Final = 65_536
_LONGEST_LINE: Final = 1_000


class NbmClient:
    """Fetches one run at a time, never twice. Raises Unreachable, Refused or Malformed with source "nbm_text"."""

    def __init__(
        self,
        base_url: str,
        user_agent: str,
        *,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._total_timeout_s = total_timeout_s
        self._max_bytes = max_bytes
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": user_agent})
        self._session.trust_env = urlsplit(self._base_url).hostname not in LOOPBACK_HOSTS

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def get_run(self, run_at: datetime, stations: frozenset[str]) -> Mapping[str, Guidance]:
        """The wanted stations of the run of `run_at` (UTC, a full hour), by station.

        A station whose block cannot be read is left out and logged. Refused with status 404 while the run is not
        there; Malformed when the text is of another run or holds none of the stations.
        """
        path = f"/blend.{run_at:%Y%m%d}/{run_at:%H}/text/blend_nbstx.t{run_at:%H}z"
        found: dict[str, Guidance] = {}
        try:
            with self._session.get(
                self._base_url + path,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                _raise_for(response.status_code, path)
                for station, block in blocks(self._lines(response, path), stations):
                    found |= _read(station, block)
        except requests.RequestException as error:
            raise Unreachable(SOURCE, f"{path}: {type(error).__name__}") from None
        if not found:
            raise Malformed(SOURCE, f"{path}: none of the stations is in it")
        if any(guidance.run_at != run_at for guidance in found.values()):
            raise Malformed(SOURCE, f"{path}: the text is of another run")
        return found

    def _lines(self, response: requests.Response, path: str) -> Iterator[str]:
        deadline, size, rest = clock.monotonic() + self._total_timeout_s, 0, b""
        for chunk in response.iter_content(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._max_bytes:
                raise Malformed(SOURCE, f"{path}: larger than {self._max_bytes} bytes")
            if clock.monotonic() > deadline:
                raise Unreachable(SOURCE, f"{path}: took too long to arrive")
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line.decode("ascii", "replace") for line in whole)
            if len(rest) > _LONGEST_LINE:
                raise Malformed(SOURCE, f"{path}: a line without an end")
        yield rest.decode("ascii", "replace")


def _raise_for(status: int, path: str) -> None:
    if status == HTTPStatus.OK:
        return
    message = f"{path}: HTTP {status}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Unreachable(SOURCE, message)
    if status < HTTPStatus.BAD_REQUEST:
        raise Malformed(SOURCE, message)
    raise Refused(SOURCE, message, status=status)


def _read(station: str, block: tuple[str, ...]) -> dict[str, Guidance]:
    try:
        return {station: parse_guidance(block)}
    except Malformed as error:
        logger.warning("guidance unreadable", extra={"station": station, "reason": str(error)})
        return {}
