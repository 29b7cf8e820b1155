"""What `celery --app=config.worker` runs."""

import warnings

from celery.exceptions import SecurityWarning

from config.celery import app
from config.services import hold_services, is_embedded

__all__ = ["app"]

hold_services()
if is_embedded():
    # Root is a common user on a machine of one's own, and no task is unpickled.
    warnings.filterwarnings("ignore", category=SecurityWarning)
