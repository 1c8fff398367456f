"""Rows every process shares: signs of life, and which profile this database belongs to."""

from django.db import models


class HealthStatusRow(models.Model):
    """The last sign of life of a component; one row each, times are wall times."""

    component = models.CharField(max_length=32, unique=True)
    last_ok_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField()
    ok = models.BooleanField()
    message = models.TextField(blank=True, default="")

    class Meta:
        db_table = "health_status"
        indexes = [models.Index(fields=["component", "-last_ok_at"], name="health_component_last_ok")]

    def __str__(self) -> str:
        return f"{self.component}: {'ok' if self.ok else 'degraded'}"


class InstallationRow(models.Model):
    """The one row that says whose database this is. A start for another profile is refused."""

    singleton = models.BooleanField(primary_key=True, default=True)
    profile = models.CharField(max_length=32)
    world = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "installation"
        constraints = [
            models.CheckConstraint(condition=models.Q(singleton=True), name="installation_is_single")
        ]

    def __str__(self) -> str:
        return self.profile
