from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from billing.models import Membership, User

if TYPE_CHECKING:
    # Unfold carries no types; its classes are Django's to a caller.
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin


class NewUserForm(UserCreationForm):  # type: ignore[misc]
    class Meta(UserCreationForm.Meta):  # type: ignore[misc]
        model = User
        fields = ("username", "email")


class UserForm(UserChangeForm):  # type: ignore[misc]
    class Meta(UserChangeForm.Meta):  # type: ignore[misc]
        model = User


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin[User]):
    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_staff", "is_active", "last_login")
    search_fields = ("=username", "=email")
    filter_horizontal = ()
    autocomplete_fields = ("groups",)
    ordering = ("username",)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin[Group]):
    search_fields = ("^name",)


@admin.register(Membership)
class MembershipAdmin(ModelAdmin[Membership]):
    list_display = ("user", "customer", "role")
    list_filter = ("role",)
    list_select_related = ("user", "customer")
    search_fields = ("=user__email", "=customer__external_id")
    autocomplete_fields = ("user", "customer")
    ordering = ("-pk",)
