"""WSGI entry point; DJANGO_SETTINGS_MODULE chooses the public or the operator process."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "milkbot.settings.operator")
application = get_wsgi_application()
