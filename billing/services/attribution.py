"""Finding the customer's API key that each event of a batch is counted to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from billing.models import ApiKey
from billing.queries.accounts import Account
from billing.services.events import Outcome, PostedEvent, rejected

_SECRET = "Name the key by its prefix, which ends before the dot, not by its secret."  # noqa: S105


@dataclass(frozen=True, slots=True)
class NamedKeys:
    """The keys that the events of a batch may be counted to.

    `ids` are by customer and prefix; `own` is the key of an event that names none.
    """

    ids: Mapping[tuple[int, str], int]
    own: ApiKey | None

    def refuse(self, account: Account, event: PostedEvent) -> Outcome | None:
        """Return the refusal of an event that names no key of its customer."""
        name = event.api_key
        if name is None or (account.id, name) in self.ids:
            return None
        if _is_secret(name):
            # Not even the part of it that is public is said again.
            return rejected(event, "api_key", "secret_api_key", _SECRET)
        detail = f"The customer has no API key {name!r}."
        if self.own:
            detail = "A customer's key may name itself alone."
        return rejected(event, "api_key", "unknown_api_key", detail)

    def id_of(self, account: Account, event: PostedEvent) -> int | None:
        """Return the key that an event is counted to, if one is known."""
        if event.api_key is None:
            return self.own.pk if self.own else None
        return self.ids[account.id, event.api_key]


def find_named_keys(
    events: Iterable[PostedEvent], *, own_key: ApiKey | None
) -> NamedKeys:
    """Return the keys of a batch; that of a customer which posted it is the only one.

    Keys that were revoked or have expired are among them: usage may arrive late. It is
    one query, and none if no event names a key.
    """
    if own_key:
        assert own_key.customer_id  # noqa: S101 - a service key is no customer's own.
        own = own_key.customer_id, own_key.prefix
        return NamedKeys({own: own_key.pk}, own_key)
    names = {event.api_key for event in events if event.api_key is not None}
    prefixes = [name for name in names if not _is_secret(name)]
    if not prefixes:
        return NamedKeys({}, None)
    keys = ApiKey.objects.filter(prefix__in=prefixes, customer__isnull=False)
    rows = keys.values_list("customer_id", "prefix", "id")
    return NamedKeys({(owner, name): pk for owner, name, pk in rows if owner}, None)


def _is_secret(name: str) -> bool:
    return "." in name
