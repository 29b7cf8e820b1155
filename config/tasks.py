"""Upkeep of the database by the clock."""

from typing import Any

from celery import shared_task
from django.db import connection
from django.utils import timezone

from config import partitions


@shared_task
def create_partitions(**_: Any) -> None:
    """Make the monthly partitions of the months to come."""
    partitions.create_partitions(connection, around=timezone.now().date())
