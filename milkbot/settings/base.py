"""Settings every process shares. Values come from `milkbot.core.config`; a bad one stops the start with a sentence."""

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.management.utils import get_random_secret_key
from pydantic import SecretStr

from milkbot.core.clock import WORLD_CLOCK_VARIABLE
from milkbot.core.config import PROJECT_ROOT, get_config
from milkbot.logger import logging_config

MILKBOT = get_config()
BASE_DIR: Path = PROJECT_ROOT

if MILKBOT.milkbot_world_clock:
    # The clock asks the environment, because it may know nothing of configuration: a second shell needs it too.
    os.environ.setdefault(WORLD_CLOCK_VARIABLE, str(MILKBOT.milkbot_world_clock))

DEBUG = False
SECRET_KEY = MILKBOT.secret_key.get_secret_value() or get_random_secret_key()
ALLOWED_HOSTS = list(MILKBOT.allowed_hosts)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_celery_beat",
    "milkbot",
    "weather",
    "markets",
    "trading",
    "analytics",
]
MIDDLEWARE: list[str] = []
AUTH_USER_MODEL = "auth.User"


def database(
    url: SecretStr,
    *,
    pool: bool = False,
    statement_timeout_s: int | None = None,
    idle_timeout_s: int | None = None,
) -> dict[str, object]:
    """A `DATABASES` entry from a postgresql:// URL. Unix sockets stand in `?host=/folder`.

    A session that idles within a transaction for `idle_timeout_s` is ended, and with it whatever it holds.
    """
    parts = urlsplit(url.get_secret_value())
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    timeout_ms = MILKBOT.db_timeout_s * 1000
    statement_timeout_ms = statement_timeout_s * 1000 if statement_timeout_s else timeout_ms * 6
    options: dict[str, object] = {
        "connect_timeout": MILKBOT.db_timeout_s,
        "options": (
            f"-c search_path=public,ops,analytics -c statement_timeout={statement_timeout_ms} "
            f"-c lock_timeout={timeout_ms} -c timezone=UTC "
            f"-c idle_in_transaction_session_timeout={(idle_timeout_s or 0) * 1000}"
        ),
    }
    if pool:
        options["pool"] = {"min_size": 1, "max_size": MILKBOT.db_pool_size, "timeout": MILKBOT.db_timeout_s}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or parts.hostname or "",
        "PORT": str(parts.port or query.get("port") or ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": options,
    }


DATABASES = {"default": database(MILKBOT.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(MILKBOT.log_level, MILKBOT.log_format.value, MILKBOT.secret_values())

# Celery would replace the root handler by its own, which knows nothing of secrets.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_URL = MILKBOT.redis_url.get_secret_value()
