"""`manage.py stream`: hears the exchange's feed and shows its order books to the cycle, until it is stopped."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from markets.streaming import stream
from milkbot.core.config import get_config
from milkbot.core.errors import ConfigError


class Command(BaseCommand):
    help = "Hear the exchange's live feed; the cycle uses its books while they are fresh and polls when they are not."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            stream(get_config())
        except ConfigError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
