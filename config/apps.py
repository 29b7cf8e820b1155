from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Tollgate"

    def ready(self) -> None:
        # Every process that queues a task must know the broker.
        import_module("config.celery")
