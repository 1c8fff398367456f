"""The final daily climate report as text, in the layout of the Chicago office. Only the high was recorded: the rest is MM."""

import uuid
from datetime import UTC
from typing import Any, Final

from sandbox.cities import City
from sandbox.english import report_day, report_issue_time
from sandbox.feeds import ClimateProduct, ClimateReport
from sandbox.nws.units import utc_text

PRODUCT_NAMESPACE: Final = uuid.UUID("0f1d6a52-41f3-4b9e-8d7c-5f3c27f0a9b4")
PRODUCT_NAME: Final = "Climatological Report (Daily)"

LAYOUT: Final = """
000
{wmo} K{office} {stamp}
CLI{location}

CLIMATE REPORT
NATIONAL WEATHER SERVICE {office_name}
{issued}

...................................

...THE {summary} CLIMATE SUMMARY FOR {day}...

CLIMATE NORMAL PERIOD: 1991 TO 2020

WEATHER ITEM   OBSERVED TIME   RECORD YEAR NORMAL DEPARTURE LAST
                VALUE   (LST)  VALUE       VALUE  FROM      YEAR
                                                  NORMAL
...................................................................
TEMPERATURE (F)
 YESTERDAY
  MAXIMUM        {high:>3}     MM     MM      MM  MM     MM       MM
  MINIMUM         MM     MM     MM      MM  MM     MM       MM
  AVERAGE         MM                        MM     MM       MM

PRECIPITATION (IN)
  YESTERDAY        MM            MM     MM     MM     MM       MM

...................................................................


-  INDICATES NEGATIVE NUMBERS.
R  INDICATES RECORD WAS SET OR TIED.
MM INDICATES DATA IS MISSING.
T  INDICATES TRACE AMOUNT.

$$
"""


def report_text(city: City, report: ClimateReport) -> str:
    """The product text."""
    return LAYOUT.format(
        wmo=city.cli_wmo_header,
        office=city.office,
        stamp=f"{report.issued_at.astimezone(UTC):%d%H%M}",
        location=city.cli_location,
        office_name=city.office_name,
        issued=report_issue_time(report.issued_at.astimezone(city.zone)),
        summary=city.cli_summary_name,
        day=report_day(report.climate_date),
        high=report.high_f,
    )


def product_id(city: City, report: ClimateProduct) -> str:
    """The same report always has the same id."""
    return str(uuid.uuid5(PRODUCT_NAMESPACE, f"CLI{city.cli_location} {report.issued_at.isoformat()}"))


def product_entry(city: City, report: ClimateProduct, root: str) -> dict[str, Any]:
    """The report as product lists show it."""
    identifier = product_id(city, report)
    return {
        "@id": f"{root}/products/{identifier}",
        "id": identifier,
        "wmoCollectiveId": city.cli_wmo_header,
        "issuingOffice": f"K{city.office}",
        "issuanceTime": utc_text(report.issued_at),
        "productCode": "CLI",
        "productName": PRODUCT_NAME,
    }
