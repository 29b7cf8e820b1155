"""What corrections are asked for with."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

_Text = Annotated[str, Meta(min_length=1, max_length=64)]
_Reason = Annotated[str, Meta(max_length=500, pattern=r"\S")]
_Key = Annotated[str, Meta(min_length=1, max_length=255)]


class VoidBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: _Reason
    customer_id: _Text | None = None


class AmendBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: _Reason
    idempotency_key: _Key
    properties: dict[str, Any]
    customer_id: _Text | None = None
