from decimal import Decimal

import pytest

from billing.pricing.quantities import Reason, UnratableError
from billing.pricing.usage_blocks import extract


@pytest.mark.parametrize(
    ("block", "unread"),
    [
        ({"prompt_tokens": 10, "generated_tokens": 500}, "generated_tokens"),
        ({"prompt_tokens": 10, "generatedTokenCount": "5"}, "generated_token_count"),
        (
            {"input_tokens": 1, "output_tokens_details": {"smell": 7}},
            "output_tokens_details.smell",
        ),
        ({"input_tokens": 1, "steps": [{"tokens_out": 1, "a_tokens": 2}]}, "a_tokens"),
        ({"input_tokens": 1, "a": {"b": {"c": {"d": {"e": 1}}}}}, "a.b.c.d"),
        ({"input_tokens": 1, "seconds": Decimal("0.5")}, "seconds"),
        ({"input_tokens": 1, "billable_audio_seconds": 3}, "audio_seconds"),
    ],
)
def test_a_count_that_nothing_reads_makes_the_event_wait(
    block: object, unread: str
) -> None:
    with pytest.raises(UnratableError, match=unread) as caught:
        extract(block)

    assert caught.value.reason is Reason.UNKNOWN_USAGE


def test_a_total_of_more_than_is_read_makes_the_event_wait() -> None:
    with pytest.raises(UnratableError) as caught:
        extract({"prompt_tokens": 10, "total_tokens": 510})

    assert caught.value.reason is Reason.UNKNOWN_USAGE
    assert caught.value.detail == "usage states 510 total_tokens, and 10 in parts."


def test_what_counts_nothing_of_its_own_is_no_reason_to_wait() -> None:
    block = {
        "prompt_tokens": 10,
        "prompt_tokens_details": {"text_tokens": 10},
        "completion_tokens": 5,
        "completion_tokens_details": {"rejected_prediction_tokens": 2},
        "generated_tokens": 0,
        "draft_tokens": "0",
        "is_tokens": True,
        "cost": Decimal("0.01"),
        "tokens_by": "hand",
        "max_tokens": 4096,
    }

    assert extract(block)[0] == {"input_tokens": 10, "output_tokens": 5}
