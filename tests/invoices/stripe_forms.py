"""The forms that Stripe's SDK posts."""

import re
from typing import Any

Object = dict[str, Any]


def nested(form: dict[str, str]) -> Object:
    """Return a form's fields as objects: `a[b][0]=c` is a, b, 0."""
    result: Object = {}
    for name, value in form.items():
        *path, last = re.findall(r"[^\[\]]+", name)
        inner = result
        for each in path:
            inner = inner.setdefault(each, {})
        inner[last] = value
    return result
