"""Where payment providers say what became of a payment."""

import logging

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from invoices.payments import (
    PaymentProvider,
    ProviderError,
    UnknownProviderError,
    WebhookError,
    get_provider,
)
from invoices.services.payments import PaymentRefusedError
from invoices.services.webhooks import receive_event

logger = logging.getLogger(__name__)


# The signature proves the sender; a provider has no cookie of ours.
@method_decorator(csrf_exempt, name="dispatch")
class WebhookView(View):
    """Answers 400 to what is not genuine, 422 to what cannot be, 200 to the rest.

    503 asks to be told again: the provider did not answer a question of ours.
    """

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        used = _get_provider(provider)
        now = timezone.now()
        try:
            event = used.verify(headers=request.headers, body=request.body, at=now)
            receive_event(provider=used, event=event, at=now)
        except WebhookError as error:
            logger.warning("Refused a webhook that is not genuine: %s", error)
            return _refuse(error, status=400)
        except ProviderError as error:
            logger.warning("Could not ask about a webhook: %s", error)
            return _refuse(error, status=503)
        except PaymentRefusedError as error:
            # Money may have moved at the provider: somebody has to look into it.
            logger.exception("Refused to credit a payment")
            return _refuse(error, status=422)
        return JsonResponse({"status": "received"})


def _get_provider(name: str) -> PaymentProvider:
    try:
        return get_provider(name)
    except UnknownProviderError as error:
        raise Http404 from error


def _refuse(error: Exception, *, status: int) -> HttpResponse:
    code = type(error).__name__
    return JsonResponse({"status": "refused", "code": code}, status=status)
