"""Reading rate cards. Nothing here writes."""

from billing.models import RateCardVersion


def find_latest_version(*, rate_card_id: int | None) -> RateCardVersion | None:
    """Return the published version of a card that takes effect last.

    Without a card's id, it is that of the card published last; an unknown id has none.
    """
    published = RateCardVersion.objects.filter(published_at__isnull=False)
    if rate_card_id is None:
        return published.order_by("-published_at", "-pk").first()
    return published.filter(rate_card=rate_card_id).order_by("-effective_from").first()
