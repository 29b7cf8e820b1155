"""A gateway that asks for a call of a token a dollar, and posts its event."""

from typing import Any

from tests.billing import dollars
from tests.http import Answer, admit, event, post


def ask(number: int = 1, tokens: int = 5, *, key: str = "", **more: Any) -> Answer:
    """Ask whether a call of so many tokens may run."""
    call = {
        "customer_id": "cus_abc123",
        "request_id": f"req_{number}",
        "model": dollars.MODEL,
        "input_tokens": 0,
        "max_output_tokens": tokens,
    }
    return admit(call | more, key=key)


def use(number: int, tokens: int, **more: Any) -> Answer:
    """Post the event of a call."""
    properties = {"model": dollars.MODEL, "input_tokens": 0, "output_tokens": tokens}
    return post(event(f"req_{number}", **({"properties": properties} | more)))


def held() -> str:
    """Return what calls hold, by the answer to one that is refused."""
    answer = ask(99, tokens=10_000)
    assert answer.status_code == 402
    told: str = answer.json()["held"]
    return told


def left(answer: Answer, of: str = "tokens") -> int:
    """Return what an answer says is left of a rate."""
    return int(answer.headers[f"x-ratelimit-remaining-{of}"])
