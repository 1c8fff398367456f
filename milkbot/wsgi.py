"""WSGI entry point; DJANGO_SETTINGS_MODULE chooses the public or the operator process."""

import atexit
import os

from django.core.wsgi import get_wsgi_application

from milkbot.database import close_all

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "milkbot.settings.operator")
application = get_wsgi_application()
atexit.register(close_all)
