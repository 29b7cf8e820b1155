"""What is not worth a line in the log."""

import logging
from http import HTTPStatus

_REFUSED = (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.TOO_MANY_REQUESTS)


class NoRefusals(logging.Filter):
    """Leave out that a call was refused: it is an answer, counted by the thousand."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) not in _REFUSED
