"""The Celery application: queues and where each task runs. The schedule is rows, made by `ensure_schedule`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "milkbot.settings.worker")

app = Celery("milkbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
