"""The operator's console: Django's admin with the mode on every page and the switch in reach."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from milkbot.core import clock
from milkbot.core.config import get_config
from milkbot.operator.banner import read_banner


class OperatorSite(AdminSite):
    site_header = "Milkbot console"
    site_title = "Milkbot console"
    index_title = "Console"
    index_template = "operator/index.html"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Every page of the console carries the banner; the switch's state is for those who are logged in."""
        config = get_config()
        return {
            **super().each_context(request),
            "site_url": f"http://127.0.0.1:{config.public_port}/",
            "banner": read_banner(config.trading_mode),
        }

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        # Imported here: the site is made while apps are still loading, models come after.
        from analytics.status import collect_status
        from milkbot.operator.desk import read_desk

        mode = get_config().trading_mode
        status = collect_status(mode, now=clock.now(), wall_now=clock.wall_now())
        return super().index(request, {**(extra_context or {}), "status": status, "desk": read_desk(mode)})

    def get_urls(self) -> list[URLResolver | URLPattern]:
        from milkbot.operator.actions import act
        from milkbot.operator.skill import skill, turn_gate
        from milkbot.operator.views import switch

        own = [
            path("switch/<slug:word>/", self.admin_view(switch), name="switch"),
            path("act/<slug:name>/", self.admin_view(act), name="act"),
            path("skill/", self.admin_view(skill), name="skill"),
            path("skill/<slug:strategy>/<slug:name>/", self.admin_view(turn_gate), name="gate"),
        ]
        return [*own, *super().get_urls()]
