"""Customers, what they agreed to pay, and what they used."""

from billing.models.backtests import (
    Backtest,
    BacktestChunk,
    BacktestGap,
    BacktestLine,
)
from billing.models.caps import CapOwner, CapPeriod, SpendCap
from billing.models.corrections import Correction
from billing.models.credit_packs import CreditPack
from billing.models.customers import ApiKey, Customer, Membership, User
from billing.models.holds import CallHold, GateLease
from billing.models.notices import AlertPurpose, BalanceAlert, Notice, NoticeKind
from billing.models.plans import Plan
from billing.models.rate_cards import (
    ContextBand,
    Rate,
    RateCard,
    RateCardVersion,
    RateTier,
)
from billing.models.refusals import LimitName, RefusalCursor, RefusalRollup
from billing.models.rollups import FundingRollup, KeyRollup, UsageRollup
from billing.models.terms import Terms
from billing.models.true_ups import TrueUp
from billing.models.usage import (
    Charge,
    IdempotencyClaim,
    QuarantinedEvent,
    Stream,
    StreamChunk,
    UsageEvent,
)

__all__ = [
    "AlertPurpose",
    "ApiKey",
    "Backtest",
    "BacktestChunk",
    "BacktestGap",
    "BacktestLine",
    "BalanceAlert",
    "CallHold",
    "CapOwner",
    "CapPeriod",
    "Charge",
    "ContextBand",
    "Correction",
    "CreditPack",
    "Customer",
    "FundingRollup",
    "GateLease",
    "IdempotencyClaim",
    "KeyRollup",
    "LimitName",
    "Membership",
    "Notice",
    "NoticeKind",
    "Plan",
    "QuarantinedEvent",
    "Rate",
    "RateCard",
    "RateCardVersion",
    "RateTier",
    "RefusalCursor",
    "RefusalRollup",
    "SpendCap",
    "Stream",
    "StreamChunk",
    "Terms",
    "TrueUp",
    "UsageEvent",
    "UsageRollup",
    "User",
]
