"""URLs of the public process: the site and nothing else."""

from django.urls import include, path

urlpatterns = [path("", include("publicsite.urls"))]
