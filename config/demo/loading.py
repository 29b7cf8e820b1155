"""Posting traffic over HTTP, as a gateway would."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import requests
from tqdm import tqdm

from config.demo.traffic import Event

BATCH = 500
CLIENTS = 2
_TIMEOUT = 60


def post_events(events: Sequence[Event], *, url: str, key: str) -> Counter[str]:
    """Post events in batches, showing progress; returns how many had each outcome.

    Posting the same events again finds duplicates and changes nothing.
    """
    outcomes: Counter[str] = Counter()
    with (
        requests.Session() as session,
        ThreadPoolExecutor(CLIENTS) as clients,
        tqdm(total=len(events), unit=" events", desc="Posting") as progress,
    ):
        session.headers["Authorization"] = f"Bearer {key}"

        def post(batch: Sequence[Event]) -> Counter[str]:
            response = session.post(
                f"{url}/v1/events", json={"events": batch}, timeout=_TIMEOUT
            )
            response.raise_for_status()
            progress.update(len(batch))
            return Counter(event["status"] for event in response.json()["events"])

        for counted in clients.map(post, _batches(events)):
            outcomes += counted
    return outcomes


def _batches(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    for start in range(0, len(events), BATCH):
        yield events[start : start + BATCH]
