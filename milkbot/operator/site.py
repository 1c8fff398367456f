"""The operator's console: Django's admin with the mode on every page."""

from django.contrib.admin import AdminSite


class OperatorSite(AdminSite):
    site_header = "Milkbot console"
    site_title = "Milkbot console"
    index_title = "Console"
