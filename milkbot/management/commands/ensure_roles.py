"""`manage.py ensure_roles`: make the database roles and renew their grants; for a superuser, after every migrate."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection, transaction

from milkbot.roles import roles_script


class Command(BaseCommand):
    help = "Run milkbot/sql/roles.sql in this database. DATABASE_URL must name a superuser."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(roles_script())
        except ProgrammingError as error:
            reason = str(error).strip().split("\n")[0]
            raise CommandError(f"Roles are a superuser's work: {reason}; set DATABASE_URL to one.") from error
        self.stdout.write("Roles and grants are in place.")
