"""The operator's web process and every `manage.py` command: admin, analytics endpoints, all apps."""

from milkbot.settings.base import *  # noqa: F403
from milkbot.settings.base import INSTALLED_APPS as BASE_APPS
from milkbot.settings.base import MILKBOT, TEMPLATES

INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",
    "milkbot.operator.apps.OperatorAdminConfig",
    *BASE_APPS,
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_htmx",
    "publicsite",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES[0]["OPTIONS"]["context_processors"] += [  # type: ignore[index]
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]

ROOT_URLCONF = "milkbot.urls.operator"
DATE_FORMAT, DATETIME_FORMAT = "Y-m-d", "Y-m-d H:i:s"
WSGI_APPLICATION = "milkbot.wsgi.application"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

# The console binds to loopback, reached over an SSH tunnel: TLS ends there, not here.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = True
CSRF_TRUSTED_ORIGINS = [
    f"http://127.0.0.1:{MILKBOT.operator_port}",
    f"http://localhost:{MILKBOT.operator_port}",
]
