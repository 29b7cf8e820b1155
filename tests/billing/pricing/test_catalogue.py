from collections.abc import Mapping
from decimal import Decimal

import pytest

from billing.pricing.card import CardError, Rate
from billing.pricing.catalogue import Catalogue, Unimported, card_from_catalogue
from billing.pricing.conditions import When, read_when
from tests.billing.pricing.oracles import PRICES, catalogue

ONE = Decimal(1)
IMPLIED = "has an implied price where none is stated"


def of(
    fields: Mapping[str, object], provider: str = "openai", markup: Decimal = ONE
) -> Catalogue:
    model = {"model": "m", "provider": provider, "litellm_usd_per_unit": fields}
    return card_from_catalogue({"models": [model]}, markup=markup, currency="USD")


def rates(provider: str = "openai", **fields: object) -> tuple[Rate, ...]:
    imported = of(fields, provider)
    assert left_out(imported) == ()
    return imported.card.models[0].rates


def left_out(imported: Catalogue) -> tuple[Unimported, ...]:
    return tuple(each for each in imported.unimported if IMPLIED not in each.problem)


def when(**conditions: str) -> When:
    return read_when({name: [text] for name, text in conditions.items()})


def prices(rates: tuple[Rate, ...]) -> dict[When, Decimal]:
    return {rate.when: rate.price for rate in rates}


def test_every_model_of_the_catalogue_is_on_the_card() -> None:
    imported = catalogue()

    assert len(imported.card.models) == 62
    assert left_out(imported) == (
        Unimported(
            "gemini/gemini-2.5-flash-image",
            "images",
            "is left out, since its tokens have a price and both would be charged",
        ),
        Unimported(
            "novita/deepseek/deepseek-v4-pro",
            "input_tokens",
            "is rounded to 12 decimals for its unit: 0.0000016000000000000001",
        ),
        Unimported(
            "novita/deepseek/deepseek-v4-pro",
            "output_tokens",
            "is rounded to 12 decimals for its unit: 0.0000032000000000000003",
        ),
        Unimported(
            "elevenlabs/scribe_v1",
            "seconds",
            "has another price: 0 is not used",
        ),
    )


def test_tokens_are_priced_by_the_million() -> None:
    (rate,) = rates(input_cost_per_token="0.0000025")

    assert rate == Rate("input_tokens", 10**6, "tokens", Decimal("2.5"))


def test_a_markup_multiplies_every_price() -> None:
    imported = of({"output_cost_per_image": "0.15"}, markup=Decimal("1.2"))

    assert imported.card.models[0].rates[0].price == Decimal("0.18")


def test_a_price_that_the_markup_makes_too_long_is_rounded_and_said_to_be() -> None:
    imported = of({"output_cost_per_image": Decimal("0.1")}, markup=ONE / 3)

    assert imported.card.models[0].rates[0].price == Decimal("0.033333333333")
    assert imported.unimported[0].problem.startswith("is rounded to 12 decimals")


@pytest.mark.parametrize(("first", "second"), [("0", "0.01"), ("0.01", "0")])
def test_of_two_fields_for_one_dimension_the_one_that_costs_counts(
    first: str, second: str
) -> None:
    fields = {"input_cost_per_second": first, "output_cost_per_second": second}

    imported = of(fields)

    assert prices(imported.card.models[0].rates) == {when(): Decimal("0.01")}
    problem = "has another price: 0 is not used"
    assert imported.unimported == (Unimported("m", "seconds", problem),)


def test_a_model_that_is_free_but_for_a_price_nobody_understands_is_left_out() -> None:
    free, odd = {"input_cost_per_token": "0"}, "cost_per_smell"
    catalogue = {"m": {**free, odd: "1"}, "free": {**free, odd: "0"}}

    imported = card_from_catalogue(catalogue, markup=ONE, currency="USD")

    assert [each.model for each in imported.card.models] == ["free"]
    assert [each[:2] for each in imported.unimported] == [
        ("m", odd),
        ("m", "model"),
        ("free", odd),
    ]


def test_one_provider_starts_a_long_context_at_the_threshold() -> None:
    found = rates(
        "xai",
        input_cost_per_token="0.000001",
        input_cost_per_token_above_200k_tokens="0.000002",
    )

    assert when(context_from="200000") in prices(found)


def test_a_region_multiplies_the_price_of_tokens_alone() -> None:
    found = rates(
        input_cost_per_token="0.000001",
        search_context_cost_per_query={"search_context_size_medium": "0.01"},
        regional_processing_uplift_multiplier_eu="1.1",
        regional_processing_uplift_multiplier_cn="1.1",
        provider_specific_entry={"us": Decimal("1.3")},
    )

    assert prices(found[:-1]) == {
        when(): 1,
        read_when({"region": ["eu", "cn"]}): Decimal("1.1"),
        when(region="us"): Decimal("1.3"),
    }
    assert found[-1].dimension == "searches"


def test_the_multipliers_of_two_properties_multiply_each_other() -> None:
    found = rates(
        input_cost_per_token="0.000001",
        provider_specific_entry={"us": Decimal("1.1")},
        regional_endpoint_uplift_multiplier="1.2",
    )

    assert prices(found) == {
        when(): 1,
        when(region="us"): Decimal("1.1"),
        when(endpoint="regional"): Decimal("1.2"),
        when(region="us", endpoint="regional"): Decimal("1.32"),
    }


def test_a_search_costs_what_its_context_is_large() -> None:
    sizes = {"low": "0.006", "medium": "0.01", "high": "0.01"}

    found = rates(
        search_context_cost_per_query={
            f"search_context_size_{size}": price for size, price in sizes.items()
        }
    )

    assert prices(found) == {
        when(): Decimal("0.01"),
        when(search_context_size="low"): Decimal("0.006"),
    }


def test_ranges_of_context_are_prices_above_each_start() -> None:
    tiers = [
        {"range": ["0", "32000"], "input_cost_per_token": "0.000001"},
        {"range": ["32000", "128000"], "input_cost_per_token": "0.000002"},
    ]

    found = rates(tiered_pricing=tiers)

    assert prices(found) == {when(): 1, when(context_above="32000"): 2}


def test_off_peak_prices_have_hours_and_days() -> None:
    off_peak = {
        "input_cost_per_token": "0.000001",
        "windows": [
            {"hours_utc": "10:00-00:00", "weekdays": ["1", "5"]},
            {"hours_utc": ["00:00-00:00"], "weekdays": ["6", "7"]},
        ],
    }

    found = rates(input_cost_per_token="0.000002", off_peak_pricing=off_peak)

    assert prices(found) == {
        when(): 2,
        read_when({"hours": ["10:00-00:00"], "weekdays": ["mon", "fri"]}): 1,
        read_when({"weekdays": ["sat", "sun"]}): 1,
    }


def test_all_output_of_a_model_that_makes_only_images_is_images() -> None:
    found = rates(output_cost_per_image_token="0.00004")

    assert {rate.dimension: rate.price for rate in found} == {
        "output_tokens": 40,
        "image_output_tokens": 40,
    }


def test_the_catalogues_own_json_is_read_too() -> None:
    data = {
        "sample_spec": {"input_cost_per_token": "0"},
        "gpt": {
            "litellm_provider": "xai",
            "max_tokens": 5,
            "input_cost_per_token": Decimal("2.5e-06"),
            "input_cost_per_token_above_9_tokens": 3,
        },
        "note": "none",
    }

    imported = card_from_catalogue(data, markup=ONE, currency="EUR")

    (model,) = imported.card.models
    assert (model.model, model.rates[0].price) == ("gpt", Decimal("2.5"))
    assert model.rates[1].when == when(context_from="9")
    assert imported.card.currency == "EUR"


def test_a_model_whose_prices_contradict_each_other_is_left_out_and_said_to_be() -> (
    None
):
    models = [
        {"model": name, "provider": "", "litellm_usd_per_unit": fields}
        for name, fields in {
            "good": {"input_cost_per_token": "0.000001"},
            "none": {"max_tokens": "5"},
            "bad": {
                "input_cost_per_token": "0.000001",
                "input_cost_per_token_flex": "0.000001",
                "off_peak_pricing": {
                    "input_cost_per_token": "0",
                    "windows": [{"hours_utc": "01:00-02:00"}],
                },
            },
            "late": {
                "off_peak_pricing": {
                    "input_cost_per_token": "0",
                    "windows": [{"hours_utc": "at night"}],
                },
            },
        }.items()
    ]

    imported = card_from_catalogue({"models": models}, markup=ONE, currency="USD")

    assert [each.model for each in imported.card.models] == ["good"]
    assert [each.model for each in imported.unimported] == ["none", "bad", "late"]
    assert all("has no valid prices" in each.problem for each in imported.unimported)


@pytest.mark.parametrize("markup", ["0", "-1", "1000001"])
def test_a_markup_that_nobody_means_is_refused(markup: str) -> None:
    with pytest.raises(CardError, match="markup must be above 0, up to 1000000"):
        of({"input_cost_per_token": "1"}, markup=Decimal(markup))


def test_ranges_may_be_written_with_decimals() -> None:
    tier = {"range": [Decimal("32000.0"), "x"], "input_cost_per_token": "0.000002"}

    found = rates(tiered_pricing=[tier])

    assert prices(found) == {when(context_above="32000"): 2}


def test_a_size_of_search_without_a_price_is_said() -> None:
    sizes = {"size_medium": "0.01", "size_low": "cheap"}

    imported = of({"search_context_cost_per_query": sizes})

    assert imported.unimported[0].problem == "has no price of a search of low size"


def test_where_the_catalogue_comes_from_is_said() -> None:
    assert "MIT" in (PRICES / "README.md").read_text()
