"""Read-only pages over history: rows are facts, the console shows them and never edits them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from milkbot.core.cities import load_cities

_COUNTED_UP_TO = 10_000

if TYPE_CHECKING:  # generic in the stubs only
    ModelAdmin = admin.ModelAdmin[Model]
    RowPaginator = Paginator[Model]
else:
    ModelAdmin = admin.ModelAdmin
    RowPaginator = Paginator


class CappedPaginator(RowPaginator):
    """Counts at most 10 000 rows: counting a history of millions would cost more than the page shown."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        return rows.order_by()[:_COUNTED_UP_TO].count()


class CityFilter(admin.SimpleListFilter):
    """By city, from the list of cities: no DISTINCT over the history."""

    title = "city"
    parameter_name = "city"
    column = "city_code"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Iterable[tuple[str, str]]:
        return [(code, city.name) for code, city in load_cities().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class HistoryAdmin(ModelAdmin):
    """Base of every history page: look, filter, page; nothing else."""

    actions = None
    list_per_page = 50
    show_full_result_count = False
    paginator = CappedPaginator
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
