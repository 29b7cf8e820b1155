"""What granian runs."""

import os

from django.core.wsgi import get_wsgi_application

from config.durability import require_durable_database
from config.services import hold_services

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
hold_services()
application = get_wsgi_application()
require_durable_database()
