#!/usr/bin/env python
"""Run Tollgate's commands; starts the embedded services when no URLs are given."""

import os
import sys

from django.core.management import execute_from_command_line

from config.services import hold_services


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
    hold_services()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
