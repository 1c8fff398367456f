from django.urls import path

from publicsite import views

app_name = "publicsite"
urlpatterns = [
    path("", views.page, name="page"),
    path("fragments/<slug:name>", views.fragment, name="fragment"),
    path("healthz", views.healthz, name="healthz"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("robots.txt", views.robots, name="robots"),
]
