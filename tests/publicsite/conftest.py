import pytest
from django.test import Client
from pytest_django import Settings


@pytest.fixture
def visitor(settings: Settings, db: None) -> Client:
    """Anyone, at the public process's URLs behind its own middleware."""
    settings.ROOT_URLCONF = "milkbot.urls.public"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]
    return Client()
