"""What the demo prints when it is ready."""

from config.demo.people import OPERATOR, PASSWORD, PEOPLE
from config.serving import Address

_CURL = """\
curl -s {url}/v1/events -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" -d '{{
    "idempotency_key": "req_01HX9P2Q3R4S5T6U7V8W9X0Y1Z", "customer_id": "cus_northwind",
    "event_name": "llm_inference", "timestamp": "{now}",
    "properties": {{"model": "text-gen-v3",
      "input_tokens": 412, "output_tokens": 1083}}}}'"""


def describe(address: Address, *, key: str, now: str) -> str:
    """Return addresses, logins, an API key and a ready `curl`."""
    lines = [
        "",
        f"Portal   {address.url}/portal/",
        *(f"         {person.email:28} {person.company}" for person in PEOPLE),
        f"Admin    {address.url}/admin/",
        f"         {OPERATOR}",
        f'         password for all: "{PASSWORD}"',
        f"API      {address.url}/v1/   described at {address.url}/v1/schema/",
        f"         key {key}",
        "",
        "One call, metered, priced and debited:",
        "",
        _CURL.format(url=address.url, key=key, now=now),
        "",
        "Stop with Ctrl-C; the data stays. `make reset` drops it.",
    ]
    return "\n".join(lines)
