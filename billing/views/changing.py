"""Pages of the portal on which those who may change what they show."""

from abc import abstractmethod
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from billing.views.base import PortalView


class ChangingView(PortalView):
    """Changes one thing, then leads back to the page; what is wrong is shown on it."""

    http_method_names = ["get", "post"]
    # The name of the page that is led back to.
    back = ""
    # What the page calls the form, and which field each refusal is about.
    form_name = ""
    fields: dict[type[Exception], str | None] = {}

    def get(self, *_: Any, **__: Any) -> HttpResponse:
        return redirect(self.back)

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        if not self.seat.may_buy:
            raise PermissionDenied
        form = self.get_form()
        done = self._change(form) if form.is_valid() else None
        if done:
            messages.info(request, done)
            return redirect(self.back)
        context = self.get_context_data(**{self.form_name: form})
        return self.render_to_response(context, status=422)

    def _change(self, form: forms.Form) -> str | None:
        try:
            return self.change(form.cleaned_data, timezone.now())
        except ObjectDoesNotExist as error:
            raise Http404 from error
        except tuple(self.fields) as error:
            form.add_error(self.fields[type(error)], str(error))
            return None

    @property
    def by(self) -> str:
        """Who changes it."""
        return str(self.request.user)

    def get_form(self) -> forms.Form:
        """Return what was sent."""
        return forms.Form(self.request.POST)

    @abstractmethod
    def change(self, values: dict[str, Any], at: datetime) -> str:
        """Do what was asked for, in one call; return what to say of it."""
