"""Asking for more calls than a tier lets through, as who outgrows it does."""

import requests

from config.demo.traffic import SOLO

# The free tier lets 60 through in a minute.
CALLS = 80
_TIMEOUT = 60


def crowd(*, url: str, key: str) -> int:
    """Ask for many calls at once and run none of them; returns how many are refused."""
    refused = 0
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {key}"
        for number in range(CALLS):
            answer = session.post(
                f"{url}/v1/admissions", json=_call(number), timeout=_TIMEOUT
            )
            refused += answer.status_code == requests.codes.too_many_requests
            if answer.ok:
                session.delete(
                    f"{url}/v1/admissions/{_name(number)}",
                    params={"customer_id": SOLO},
                    timeout=_TIMEOUT,
                )
    return refused


def _call(number: int) -> dict[str, object]:
    return {
        "customer_id": SOLO,
        "request_id": _name(number),
        "model": "claude-sonnet-4-6",
        "input_tokens": 900,
        "max_output_tokens": 120,
    }


def _name(number: int) -> str:
    return f"demo:crowd:{number}"
