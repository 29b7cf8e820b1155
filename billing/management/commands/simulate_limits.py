from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize
from tqdm import tqdm

from billing.management.rate_cards import instant
from billing.management.tables import align
from billing.models import Plan
from billing.queries.limit_simulation import (
    Constrained,
    PeriodTooLongError,
    Trial,
    count_calls,
    limits_of,
    simulate_customers,
    sort_constrained,
    try_limits,
)
from ratelimits.models import RateLimitPolicy
from ratelimits.simulating import OTHERS, Rates

_HEADINGS = (
    *("customer", "plan", "calls", "refused now", "refused then", "by RPM"),
    *("by TPM", "share", "peak", "first hour", "worst hour"),
)


class Command(BaseCommand):
    help = "Try a past period's calls on other limits, and tell whom they constrain."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("policy", help="the code of the policy whose customers")
        parser.add_argument("--plan", help="only customers of the plan with this code")
        parser.add_argument(
            "--as-policy", help="try the limits of the policy with this code"
        )
        parser.add_argument(
            "--limit",
            type=_limit,
            action="append",
            default=[],
            metavar="[MODEL=]RPM/TPM",
            help="try this limit; without a model, for every other one; - for none",
        )
        when = "A date or time, in UTC unless it says."
        parser.add_argument(
            "--from", type=instant, required=True, dest="start", help=when
        )
        parser.add_argument(
            "--to", type=instant, required=True, dest="end", help=f"{when} Not in."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        trial = _trial(options)
        calls = count_calls(trial)
        found = []
        with tqdm(total=calls, unit=" calls", disable=None) as progress:
            for each in simulate_customers(trial):
                found.append(each)
                progress.update(each.calls)
        made = sort_constrained(iter(found))
        worse = sum(each.is_worse for each in made)
        self.stdout.write(
            f"{calls:,} calls of {len(made):,} customer{pluralize(len(made))}: "
            f"more would be refused for {worse:,} of them."
        )
        if made:
            lines = align(_HEADINGS, [_row(each) for each in made], names=2)
            self.stdout.write("\n".join(["", *lines]))


def _limit(text: str) -> tuple[str, Rates]:
    model, _, rates = text.rpartition("=")
    rpm, _, tpm = rates.partition("/")
    return model or OTHERS, Rates(_number(rpm), _number(tpm))


def _number(text: str) -> int | None:
    if text == "-":
        return None
    if not (text.isascii() and text.isdigit()) or not int(text):
        message = f"{text!r} is no number per minute: write 600/1000000, or - for none"
        raise ArgumentTypeError(message)
    return int(text)


def _trial(options: dict[str, Any]) -> Trial:
    policy = _get_policy(options["policy"])
    limits = limits_of(policy)
    if options["as_policy"]:
        limits = limits_of(_get_policy(options["as_policy"]))
    limits |= dict(options["limit"])
    plan = options["plan"] and _get_plan(options["plan"])
    try:
        return try_limits(
            policy, limits, start=options["start"], end=options["end"], plan=plan
        )
    except PeriodTooLongError as error:
        raise CommandError(str(error)) from error


def _get_policy(code: str) -> RateLimitPolicy:
    policy = RateLimitPolicy.objects.filter(code=code).first()
    if policy is None:
        message = f"There is no policy {code}."
        raise CommandError(message)
    return policy


def _get_plan(code: str) -> Plan:
    plan = Plan.objects.filter(code=code).first()
    if plan is None:
        message = f"There is no plan {code}."
        raise CommandError(message)
    return plan


def _row(each: Constrained) -> Sequence[str]:
    counts = (
        *(each.calls, each.before.refused, each.after.refused),
        *(each.after.refused_by_requests, each.after.refused_by_tokens),
    )
    return (
        each.customer.external_id,
        each.customer.plan.code,
        *(f"{count:,}" for count in counts),
        f"{each.share}%",
        f"{each.after.peak_percent}%",
        *(_hour(hour) for hour in (each.first_hour, each.worst_hour)),
    )


def _hour(hour: datetime | None) -> str:
    return f"{hour:%Y-%m-%d %H:%M}" if hour else "-"
