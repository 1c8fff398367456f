#!/usr/bin/env python
"""Milkbot's commands. `python manage.py help` lists them; `make help` lists the ways to run it."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "milkbot.settings.operator")
    # Imported here: the settings must be named first.
    from django.core.management import execute_from_command_line

    from milkbot.core.errors import ConfigError

    try:
        execute_from_command_line(sys.argv)
    except ConfigError as error:
        sys.stderr.write(f"Milkbot cannot start. {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
