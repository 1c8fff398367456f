"""Filters: the words of `publicsite.words` for values a template holds as they came."""

from decimal import Decimal

from django import template

from publicsite import words

register = template.Library()


@register.filter
def cents(price: Decimal | None) -> str:
    return words.cents(price, 2)


@register.filter
def quantity(count: Decimal | None) -> str:
    return words.quantity(count)
