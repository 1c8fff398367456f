from django.apps import AppConfig


class MilkbotConfig(AppConfig):
    name = "milkbot"
    default_auto_field = "django.db.models.BigAutoField"
