"""Stored weather, and what was learned from it."""

from weather.repositories.calibrations import CalibrationRepository
from weather.repositories.regimes import RegimeRepository
from weather.repositories.source_forecasts import SourceForecastRepository
from weather.repositories.weather import WeatherRepository

__all__ = ["CalibrationRepository", "RegimeRepository", "SourceForecastRepository", "WeatherRepository"]
