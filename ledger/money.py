"""Own the precision, the rounding and the display of money.

Amounts are `Decimal` in units of their currency. Nothing here accepts a float, and
nothing else in the project rounds or formats an amount.
"""

from collections.abc import Iterable, Sequence
from decimal import (
    ROUND_05UP,
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import lru_cache
from typing import Final

import moneyed
from moneyed.l10n import format_money as localize

ZERO: Final = Decimal(0)
SCALE: Final = 18
MAX_DIGITS: Final = 38
# A product or a sum has more than what is stored, and a page has room for it.
MAX_WRITTEN: Final = 120

_TRAPS: Final = [InvalidOperation, DivisionByZero, Overflow, FloatOperation]

# A quantity of 38 digits times the longest price per unit needs 113. A quotient that
# never ends is cut by ROUND_05UP, so that rounding it again cannot round it twice.
WIDE: Final = Context(prec=MAX_WRITTEN, rounding=ROUND_05UP, traps=_TRAPS)

_STORED: Final = Context(prec=MAX_DIGITS, rounding=ROUND_HALF_EVEN, traps=_TRAPS)
_QUANTUM: Final = Decimal(1).scaleb(-SCALE)


class MoneyError(ValueError):
    """Refuse a value or a currency that money cannot be made of."""


class NotAnAmountError(MoneyError):
    """Refuse NaN, an infinity, or anything that is not a `Decimal`."""


class AmountTooLargeError(MoneyError):
    """Refuse an amount that needs more than `MAX_DIGITS` digits to store."""


class UnknownCurrencyError(MoneyError):
    """Refuse a code that is not in ISO 4217, or not in capitals."""


def exact(value: Decimal) -> Decimal:
    """Return an amount as it is stored: `SCALE` decimal places, half to even.

    :raises NotAnAmountError: if the value is not a finite `Decimal`.
    :raises AmountTooLargeError: if it needs more than `MAX_DIGITS` digits.
    """
    return _quantize(value, _QUANTUM, ROUND_HALF_EVEN)


def exact_up(value: Decimal) -> Decimal:
    """Return the least amount that can be stored and is not below a value.

    :raises MoneyError: as `exact` does.
    """
    return _quantize(value, _QUANTUM, ROUND_CEILING)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts up without losing a digit, which the built-in `sum` would.

    :raises NotAnAmountError: if one of them is not a finite `Decimal`.
    """
    result = ZERO
    for amount in amounts:
        result = WIDE.add(result, _checked(amount))
    return result


def round_to_currency(amount: Decimal, currency: str) -> Decimal:
    """Round an amount to what can be paid: $0.005 is $0.01, and -$0.005 is -$0.01.

    Halves go away from zero, as on the invoices of Stripe and Lago and as a customer
    with a pocket calculator expects. Zero carries no sign.

    :raises UnknownCurrencyError: if the currency is not in ISO 4217.
    :raises MoneyError: as `exact` does.
    """
    rounded = _quantize(amount, smallest_coin(currency), ROUND_HALF_UP)
    return rounded if rounded else rounded.copy_abs()


def smallest_coin(currency: str) -> Decimal:
    """Return one minor unit of a currency, in that currency: 0.01 for USD.

    :raises UnknownCurrencyError: if the currency is not in ISO 4217.
    """
    return Decimal(1).scaleb(-minor_units(currency))


def floor_to_step(amount: Decimal, step: Decimal) -> Decimal:
    """Return the most that can be paid and is not above an amount: $49.999 is $49.99.

    The step, a power of ten, is the least by which amounts that can be paid differ.

    :raises MoneyError: as `exact` does.
    """
    return _quantize(amount, step, ROUND_FLOOR)


def allocate(amounts: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Round every line so that the rounded lines add up to the rounded sum.

    By largest remainder: each line is rounded down, and the coins still missing go to
    the lines that lost most. Among equals the earlier line is first.

    :raises MoneyError: as `round_to_currency` does.
    """
    coin = smallest_coin(currency)
    lines = [_quantize(amount, coin, ROUND_FLOOR) for amount in amounts]
    owed = round_to_currency(total(amounts), currency)
    missing = WIDE.divide(WIDE.subtract(owed, total(lines)), coin)
    losses = [
        WIDE.subtract(line, full) for line, full in zip(lines, amounts, strict=True)
    ]
    by_loss = sorted(range(len(lines)), key=losses.__getitem__)
    for position in by_loss[: int(missing)]:
        lines[position] = WIDE.add(lines[position], coin)
    return lines


@lru_cache(maxsize=512)
def minor_units(currency: str) -> int:
    """Return how many decimal places a currency has: JPY 0, USD 2, KWD 3.

    :raises UnknownCurrencyError: if the code is not in ISO 4217, or not in capitals.
    """
    try:
        parts = moneyed.get_currency(currency).sub_unit
    except moneyed.CurrencyDoesNotExist as error:
        message = f"{currency!r} is not a currency of ISO 4217"
        raise UnknownCurrencyError(message) from error
    return len(str(parts)) - 1


def format_money(amount: Decimal, currency: str) -> str:
    """Show people an amount rounded to its currency: "$1,234.56", "-$0.50", "¥1,235".

    :raises MoneyError: as `round_to_currency` does.
    """
    rounded = round_to_currency(amount, currency)
    return _localized(rounded, currency, minor_units(currency))


def format_exact(amount: Decimal, currency: str) -> str:
    """Show people an amount with every digit it has: "$0.000825", "$5.00".

    :raises MoneyError: as `minor_units` and `as_text` do.
    """
    digits = as_text(amount).partition(".")[2]
    places = max(minor_units(currency), len(digits))
    return _localized(amount, currency, places)


def format_bounds(least: Decimal, most: Decimal, currency: str) -> str:
    """Show people what an amount may be: "from $5.00 to $10,000.00".

    :raises MoneyError: as `format_exact` does.
    """
    return f"from {format_exact(least, currency)} to {format_exact(most, currency)}"


def format_readable(amount: Decimal, currency: str) -> str:
    """Show people an amount to its smallest coin, or exactly where that would be zero.

    :raises MoneyError: as `round_to_currency` does.
    """
    if round_to_currency(amount, currency):
        return format_money(amount, currency)
    return format_exact(amount, currency)


def format_quantity(number: Decimal) -> str:
    """Show people a quantity with every digit it has, in groups of three: "1,083.5".

    :raises NotAnAmountError: if it is not a finite `Decimal`.
    """
    return format(Decimal(as_text(number)), ",f")


def as_text(amount: Decimal) -> str:
    """Write an amount for JSON: the shortest plain decimal, such as "0.014232".

    There is never an exponent, a trailing zero or a signed zero.

    :raises NotAnAmountError: if the amount is not a finite `Decimal`.
    :raises AmountTooLargeError: if it needs more than `MAX_WRITTEN` digits.
    """
    if not _checked(amount):
        return "0"
    # Seen before it is written: 1E-100000000 has a hundred million digits.
    if not -MAX_WRITTEN < amount.adjusted() < MAX_WRITTEN:
        message = f"an amount is written with at most {MAX_WRITTEN} digits"
        raise AmountTooLargeError(message)
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _quantize(amount: Decimal, quantum: Decimal, rounding: str) -> Decimal:
    """Round to a multiple of the quantum, within the digits that can be stored."""
    # As `_checked` does; a call of it would cost pricing a twentieth of its speed.
    if not isinstance(amount, Decimal) or not amount.is_finite():
        raise _not_an_amount(amount)
    try:
        return amount.quantize(quantum, rounding, _STORED)
    except InvalidOperation as error:
        message = f"an amount may have {MAX_DIGITS} digits, {SCALE} of them decimals"
        raise AmountTooLargeError(message) from error


def _checked(amount: Decimal) -> Decimal:
    """Return the amount itself, once it is known to be a finite `Decimal`."""
    if not isinstance(amount, Decimal) or not amount.is_finite():
        raise _not_an_amount(amount)
    return amount


def _not_an_amount(value: object) -> NotAnAmountError:
    """Return the complaint about a value that money cannot be made of."""
    return NotAnAmountError(f"{value!r} is not a finite decimal amount")


def _localized(amount: Decimal, currency: str, places: int) -> str:
    """Write an amount in US English with exactly that many decimal places."""
    pattern = f"¤#,##0.{'0' * places}".removesuffix(".")
    # Babel rounds in the current context, whose 28 digits are fewer than are stored.
    with localcontext(WIDE):
        money = moneyed.Money(amount.copy_abs(), currency)
        text = localize(money, format=pattern, locale="en_US", currency_digits=False)
    return f"-{text}" if amount < 0 else text
