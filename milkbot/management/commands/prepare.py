"""`manage.py prepare`: everything a database and the pages need before processes start. Safe to run again."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from milkbot.core import clock
from milkbot.core.config import get_config
from milkbot.installation import ensure_installation
from trading.controls import ensure_controls

ADMIN_NAME = "admin"


class Command(BaseCommand):
    help = "Migrate, claim the database for this profile, make schedule, switch, static files and the first login."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        config = get_config()
        call_command("migrate", verbosity=0, interactive=False)
        ensure_installation(profile=config.milkbot_profile, world=config.milkbot_world, now=clock.wall_now())
        ensure_controls(config.trading_mode, clock.wall_now())
        call_command("ensure_schedule", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        self._ensure_login(config.operator_port)

    def _ensure_login(self, port: int) -> None:
        """The console's first login. Its password is shown here once and kept nowhere in clear."""
        users = get_user_model()._default_manager
        if users.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser(username=ADMIN_NAME, password=password)
        self.stdout.write(
            f"Console login, shown this once: {ADMIN_NAME} / {password}\n"
            f"  (another: {settings.BASE_DIR / 'manage.py'} changepassword {ADMIN_NAME})"
        )
