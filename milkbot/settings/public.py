"""The public web process: reads `analytics` views as `milkbot_public`, holds no key, sets no cookie, knows no login."""

from csp.constants import NONE, SELF

from milkbot.settings.base import *  # noqa: F403
from milkbot.settings.base import MILKBOT, database

# What the views' models need to load, and nothing that logs in, writes or schedules.
INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "milkbot",
    "weather",
    "markets",
    "trading",
    "analytics",
    "publicsite",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

DATABASES = {
    "default": database(
        MILKBOT.public_database_url or MILKBOT.database_url,
        pool=True,
        statement_timeout_s=MILKBOT.db_timeout_s,
    )
}

ROOT_URLCONF = "milkbot.urls.public"
WSGI_APPLICATION = "milkbot.wsgi.application"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = True

# The reverse proxy in front ends TLS and adds HSTS; there is no form and no cookie that CSRF could ride on.
SILENCED_SYSTEM_CHECKS = ["security.W003", "security.W004", "security.W008"]
