"""The simulated provider's page. Its unguessable address is the right to see it."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView, View

from invoices.models import Payment
from invoices.payments.simulated import NAME, Choice, DemoCard, choose
from invoices.queries.checkout import (
    find_dispute,
    get_begun_payment,
    get_payment,
    list_choices,
)
from invoices.return_urls import is_return_url
from invoices.tasks import deliver_simulated_webhook

_MESSAGES = {
    Choice.PAY: "Payment received; it is being confirmed.",
    Choice.DECLINE: "Payment declined; nothing was charged.",
    Choice.DISPUTE: "The bank is told that the payment is disputed.",
    # Another page may have decided first: how it stands is for the page to say.
    Choice.WIN: "The bank's word is on its way.",
    Choice.LOSE: "The bank's word is on its way.",
}


class ChoiceForm(forms.Form):
    """Which button was pressed, and which card was in the field.

    `offered` are the choices that the payment still leaves.
    """

    choice = forms.ChoiceField(choices=[])
    card = forms.ChoiceField(
        choices=[(each.value, each.name) for each in DemoCard], required=False
    )

    def __init__(self, *args: Any, offered: Iterable[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(each.value, each.name) for each in offered]
        self.fields["choice"] = forms.ChoiceField(choices=names)


@method_decorator(never_cache, name="dispatch")
class SimulatedCheckoutView(TemplateView):
    """Shows what is due: to pay, to decline, or to leave without a word.

    What was paid may be disputed, and that decided: as payers and banks do elsewhere.
    """

    template_name = "invoices/simulated_checkout.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        payment = _get_payment(kwargs["reference"])
        return super().get_context_data(
            **kwargs,
            payment=payment,
            offered=list_choices(payment=payment),
            dispute=find_dispute(payment=payment),
            leave_url=_return_url(self.request),
        )

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        payment = _get_payment(reference)
        form = ChoiceForm(request.POST, offered=list_choices(payment=payment))
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(reference=reference))
        # Whether it is paid is for the webhook to say, never for this browser.
        choice = Choice(form.cleaned_data["choice"])
        card = DemoCard(form.cleaned_data["card"] or DemoCard.WORKS)
        choose(reference=payment.reference, choice=choice, card=card)
        deliver_simulated_webhook.delay_on_commit(
            reference=payment.reference, choice=choice
        )
        messages.info(request, _MESSAGES[choice])
        # What the payer and the bank do later is done, and told, on this very page.
        is_payment = choice in (Choice.PAY, Choice.DECLINE)
        return redirect(_return_url(request) if is_payment else request.get_full_path())


@method_decorator(never_cache, name="dispatch")
class BackView(View):
    """Leads on from a checkout; whether it was paid is for others to say."""

    http_method_names = ["get"]

    def get(self, _request: HttpRequest, reference: str) -> HttpResponse:
        try:
            payment = get_begun_payment(reference=reference)
        except Payment.DoesNotExist as error:
            raise Http404 from error
        # A host may have been taken off the list meanwhile.
        if is_return_url(payment.leads_to):
            return HttpResponseRedirect(payment.leads_to)
        return redirect("portal:invoice", number=payment.invoice.number)


def _get_payment(reference: str) -> Payment:
    try:
        return get_payment(provider=NAME, reference=reference)
    except Payment.DoesNotExist as error:
        raise Http404 from error


def _return_url(request: HttpRequest) -> str:
    wanted = request.GET.get("return_url", "")
    ours = {request.get_host(), urlsplit(settings.BASE_URL).netloc}
    is_ours = url_has_allowed_host_and_scheme(
        wanted, ours, require_https=request.is_secure()
    )
    return wanted if is_ours else request.path
