"""Filters for dollars."""

from decimal import Decimal

from django import template

from milkbot.core import money

register = template.Library()


@register.filter
def signed_dollars(value: Decimal) -> str:
    """`+$1.23` or `−$1.23`."""
    return money.signed_dollars(value)


@register.filter
def dollars(value: Decimal) -> str:
    """`$1,234.50`."""
    return f"${value:,.2f}"
