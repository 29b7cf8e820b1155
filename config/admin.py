"""What the admin says of the installation it runs in."""

from django.conf import settings
from django.http import HttpRequest


def environment_label(_request: HttpRequest) -> list[str]:
    """Return the environment's name and the color of its label."""
    color = "danger" if settings.ENVIRONMENT == "production" else "info"
    return [settings.ENVIRONMENT.capitalize(), color]
