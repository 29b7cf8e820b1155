"""Catalogues of every odd shape: refused, or left out, and never a crash."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.card import CardError
from billing.pricing.catalogue import card_from_catalogue

ONE = Decimal(1)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("smell_cost_per_token", "1", "has no meaning on a card"),
        ("output_cost_per_token", 1.5, "is no exact number"),
        ("output_cost_per_token", True, "is no exact number"),
        ("output_cost_per_token", Decimal("1e400"), "is no exact number"),
        ("output_cost_per_token", Decimal("1e-999999"), "is no exact number"),
        ("output_cost_per_token", "1e99", "is no exact number"),
        ("output_cost_per_token", {"usd": 1}, "is no exact number"),
        ("output_cost_per_token", "cheap", "is no exact number"),
        ("output_cost_per_token", Decimal("NaN"), "is no exact number"),
        ("tiered_pricing", "x", "has no ranges of context"),
        ("tiered_pricing", [{"input_cost_per_token": "1"}], "has no ranges of context"),
        ("tiered_pricing", [{"range": []}], "has no ranges of context"),
        ("tiered_pricing", [{"range": [[]]}], "has no ranges of context"),
        ("off_peak_pricing", "x", "has no windows of time"),
        ("off_peak_pricing", {"windows": ["x"]}, "has a window of no known hours"),
        ("off_peak_pricing", {"windows": [{}]}, "has a window of no known hours"),
        ("off_peak_pricing", {"windows": [{"weekdays": [8]}]}, "has a window of no"),
        ("off_peak_pricing", {"hours_utc": "x"}, "has no windows of time"),
        ("search_context_cost_per_query", "1", "has no price of a search of medium"),
        ("regional_endpoint_uplift_multiplier", "x", "is no exact number"),
        ("provider_specific_entry", "x", "is no exact number"),
    ],
)
def test_what_cannot_be_expressed_is_said(
    name: str, value: object, problem: str
) -> None:
    data = {"m": {"input_cost_per_token": "0.000001", name: value}}

    imported = card_from_catalogue(data, markup=ONE, currency="USD")

    ((model, field, said),) = imported.unimported
    assert (model, field) == ("m", name)
    assert problem in said
    assert len(imported.card.models[0].rates) == 1


@pytest.mark.parametrize("data", [{}, {"models": []}, {"models": [1]}, {"m": None}])
def test_a_catalogue_without_any_price_is_no_card(data: object) -> None:
    with pytest.raises(CardError, match="must hold at least one model"):
        card_from_catalogue(data, markup=ONE, currency="USD")


@pytest.mark.parametrize("data", [[], "models", None, 1])
def test_what_is_no_catalogue_is_refused(data: object) -> None:
    with pytest.raises(CardError, match="must be a JSON object that holds models"):
        card_from_catalogue(data, markup=ONE, currency="USD")


def test_what_is_no_model_is_left_out_and_said_to_be() -> None:
    fields = {"input_cost_per_token": "0.000001"}
    models = [
        {"model": "good", "litellm_usd_per_unit": fields},
        {"model": "good", "provider": None, "litellm_usd_per_unit": fields},
        "bad",
        {"provider": "p", "litellm_usd_per_unit": fields},
        {"model": "empty"},
        {"model": ["x"], "litellm_usd_per_unit": fields},
    ]

    imported = card_from_catalogue({"models": models}, markup=ONE, currency="USD")

    assert [each.model for each in imported.card.models] == ["good"]
    assert [(each.model, each.problem) for each in imported.unimported] == [
        ("good", "is in the catalogue already"),
        ("number 3", NO_FIELDS),
        ("number 4", NO_FIELDS),
        ("empty", NO_FIELDS),
        ("number 6", NO_FIELDS),
    ]


NO_FIELDS = "has no name, or no fields with prices"
_FIELDS = st.sampled_from(
    [
        "input_cost_per_token",
        "input_cost_per_token_above_9k_tokens_batches",
        "output_cost_per_image_1K",
        "off_peak_pricing",
        "provider_specific_entry",
        "range",
        "regional_processing_uplift_multiplier_eu",
        "search_context_cost_per_query",
        "search_context_size_medium",
        "tiered_pricing",
        "hours_utc",
        "weekdays",
        "windows",
        "model",
        "models",
        "provider",
        "litellm_provider",
        "litellm_usd_per_unit",
    ]
)
_ODD = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.decimals(),
        st.text(max_size=5),
        st.sampled_from(["0.000001", "1e99", "00:00-00:00", "7", "\ud800"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_FIELDS, inner, max_size=5)
    ),
    max_leaves=25,
)


@given(st.one_of(_ODD, st.fixed_dictionaries({"models": st.lists(_ODD)})))
def test_no_shape_of_a_catalogue_is_more_than_refused(data: object) -> None:
    try:
        imported = card_from_catalogue(data, markup=Decimal(10**6), currency="USD")
    except CardError:
        return
    assert imported.card.models


@given(st.dictionaries(_FIELDS, _ODD))
def test_no_fields_of_a_model_are_more_than_left_out(
    fields: dict[str, object],
) -> None:
    catalogue = {"good": {"input_cost_per_token": "0.001"}, "odd": fields}

    imported = card_from_catalogue(catalogue, markup=Decimal(10**6), currency="USD")

    assert imported.card.models[0].model == "good"
