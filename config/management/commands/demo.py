from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.demo.credits import watch_credits
from config.demo.crowding import crowd
from config.demo.loading import post_events
from config.demo.people import is_populated, issue_gateway_key, populate
from config.demo.showing import describe
from config.demo.story import close_ended_months, demo_window, is_loaded, new_start
from config.demo.traffic import all_events
from config.serving import (
    Address,
    ServerDiedError,
    serving_web,
    wait_for_exit,
    working,
)


class Command(BaseCommand):
    help = "Serve Tollgate with real traffic in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--exit", action="store_true", help="Stop once everything is loaded."
        )
        parser.add_argument(
            "--again",
            action="store_true",
            help="Post the traffic again: nothing moves.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        call_command("prepare_database", stdout=self.stdout)
        now = timezone.now()
        if is_populated():
            self.stdout.write("The data of the last run is kept.")
        else:
            populate(start=new_start(now), now=now)
        address = Address(options["host"], options["port"])
        try:
            with serving_web(address):
                # Before beat runs: it would close last month while it is posted.
                self._load(address, again=options["again"])
                if not options["exit"]:
                    with working(address):
                        wait_for_exit(address)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        except ServerDiedError as error:
            raise CommandError(str(error)) from error

    def _load(self, address: Address, *, again: bool) -> None:
        key = issue_gateway_key()
        events = all_events(demo_window())
        if again or not is_loaded(events):
            outcomes = post_events(events, url=address.url, key=key)
            counted = ", ".join(f"{n:,} {status}" for status, n in outcomes.items())
            self.stdout.write(f"Posted {len(events):,} events: {counted}.")
            refused = crowd(url=address.url, key=key)
            self.stdout.write(f"Refused {refused} calls beyond the free tier.")
        invoices = close_ended_months(at=timezone.now())
        self.stdout.write(
            f"Closed the months that have ended: {invoices} new invoices."
        )
        now = timezone.now()
        watch_credits(at=now)
        moment = now.isoformat(timespec="milliseconds")
        self.stdout.write(describe(address, key=key, now=moment))
