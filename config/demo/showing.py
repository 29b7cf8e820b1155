"""What the demo prints when it is ready."""

from secrets import token_hex

from django.conf import settings

from config.demo.people import APPROVER, OPERATOR, PASSWORD, PEOPLE, PLANS, Person
from config.serving import Address

_CURL = """\
curl -s {url}/v1/events -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" -d '{{
    "idempotency_key": "{call_key}", "customer_id": "cus_northwind",
    "event_name": "llm_inference", "timestamp": "{now}",
    "properties": {{"model": "text-gen-v3",
      "input_tokens": 412, "output_tokens": 1083}}}}'"""


def describe(address: Address, *, key: str, now: str) -> str:
    """Return addresses, logins, an API key and a ready `curl` of a call of its own."""
    call_key = f"req_{token_hex(8)}"
    lines = [
        "",
        f"Portal   {address.url}/portal/",
        *(f"         {person.email:28} {_introduce(person)}" for person in PEOPLE),
        f"Admin    {address.url}/admin/",
        f"         {OPERATOR}",
        f"         {APPROVER:28} approves what the other one refunds",
        f'         password for all: "{PASSWORD}"',
        f"API      {address.url}/v1/events   described at {address.url}/v1/schema/",
        f"         key {key}",
        f"Mails    {settings.EMAIL_FILE_PATH}",
        "",
        "One call, metered, priced and debited:",
        "",
        _CURL.format(url=address.url, key=key, call_key=call_key, now=now),
        "",
        "Stop with Ctrl-C; the data stays. `make reset` drops it.",
    ]
    return "\n".join(lines)


def _introduce(person: Person) -> str:
    """Return a customer and its plan: "Ada Lovelace — Free, calls blocked at zero"."""
    return f"{person.company} — {PLANS[person.plan]}"
