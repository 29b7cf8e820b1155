"""Where a checkout may lead back to."""

from urllib.parse import urlsplit

from django.conf import settings


def is_return_url(url: str) -> bool:
    """Tell whether an address is on our own host, or one of `RETURN_HOSTS`.

    A name before the host, which could pass for one, is on neither.
    """
    parts = urlsplit(url)
    hosts = {urlsplit(settings.BASE_URL).netloc.lower(), *settings.RETURN_HOSTS}
    return parts.scheme in ("http", "https") and parts.netloc.lower() in hosts
