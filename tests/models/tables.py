"""Our models, by what the database makes of them."""

from django.apps import apps
from django.db.models import Model

OUR_APPS = ("milkbot", "weather", "markets", "trading", "analytics")
"""Upwards: each may lean on those before it."""


def our_models() -> list[type[Model]]:
    """Every model of ours that owns a table (views do not)."""
    return [
        model
        for label in OUR_APPS
        for model in apps.get_app_config(label).get_models()
        if model._meta.managed
    ]


def our_views() -> list[type[Model]]:
    return [
        model
        for label in OUR_APPS
        for model in apps.get_app_config(label).get_models()
        if not model._meta.managed
    ]
