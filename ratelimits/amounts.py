"""Exact amounts as two integers that Lua's numbers can hold. Pure."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

# Millionths of a credit, and 10^-18ths of one beside them.
_CARRY = 10**12
_SCALE = 18
# What Lua counts exactly; more than nine billion credits count as nine billion.
_MOST = 9 * 10**15
_EXACT = Context(prec=100)

Limbs = tuple[int, int]


def to_limbs(amount: Decimal, *, rounding: str = ROUND_FLOOR) -> Limbs:
    """Return an amount in millionths and the rest; what is finer is rounded."""
    scaled = amount.scaleb(_SCALE, _EXACT).to_integral_value(rounding, _EXACT)
    high, low = divmod(int(scaled), _CARRY)
    if abs(high) > _MOST:
        return (_MOST if high > 0 else -_MOST), 0
    return high, low


def to_limbs_at_least(amount: Decimal) -> Limbs:
    """Return an amount as `to_limbs` does, but never less than it."""
    return to_limbs(amount, rounding=ROUND_CEILING)


def from_limbs(limbs: Limbs) -> Decimal:
    """Return the amount that two integers stand for."""
    return Decimal(limbs[0] * _CARRY + limbs[1]).scaleb(-_SCALE, _EXACT)
