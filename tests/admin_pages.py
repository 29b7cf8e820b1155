"""The admin as somebody of the staff uses it, who may do this and no more."""

from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client

from billing.models import User
from tests.pages import text


def staff(name: str, *permissions: str) -> Client:
    """Return the browser of somebody who may do this and no more."""
    user = User.objects.create_user(username=name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(user)
    return browser


def url_of(row: Model, page: str) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{page}/"


def read(browser: Client, path: str, **data: str) -> str:
    response = browser.get(path, data, follow=True)
    assert response.status_code == 200
    return text(response)


def post(browser: Client, path: str, **data: str) -> str:
    response = browser.post(path, data, follow=True)
    assert response.status_code == 200
    return text(response)
