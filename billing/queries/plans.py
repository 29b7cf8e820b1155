"""Reading plans. Nothing here writes."""

from billing.models import Plan


def find_plan(*, code: str) -> Plan | None:
    """Return the plan with a code, and its rate card, if there is one."""
    return Plan.objects.select_related("rate_card").filter(code=code).first()
