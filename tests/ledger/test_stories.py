"""What became of a lot's credits, summed up and entry by entry."""

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from ledger.models import Book, CreditLot, Kind, Source, Wallet
from ledger.stories import LotStory, get_story
from tests import make
from tests.ledger.history import post, sell
from tests.raw import execute

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet() -> Wallet:
    return make.wallet()


def story_of(lot: CreditLot, *, before: int | None = None, size: int = 50) -> LotStory:
    return get_story(wallet_id=lot.wallet_id, lot_id=lot.pk, before=before, size=size)


def rows(story: LotStory) -> list[tuple[object, ...]]:
    return [(row.entry.kind, row.entry.amount, row.remaining) for row in story.entries]


def test_tells_what_the_lot_held_after_each_entry(wallet: Wallet) -> None:
    make.spend(wallet, "5")
    lot = sell(wallet, "50", price="45")
    make.spend(wallet, "20")
    post(wallet, Kind.REFUND, Book.REFUNDED, "-10", lot=lot)

    story = story_of(lot)

    assert rows(story) == [
        make.row(Kind.REFUND, -10, 15),
        make.row(Kind.USAGE, -20, 25),
        make.row(Kind.SETTLEMENT, -5, 45),
        make.row(Kind.GRANT, 50, 50),
    ]
    assert make.row(story.sums.used, story.sums.left, story.sums.calls) == (-20, 15, 1)
    assert story.next_before is None


def test_goes_on_page_by_page_with_the_remainder_of_then(wallet: Wallet) -> None:
    lot = make.lot(wallet, "10")
    for _ in range(4):
        make.spend(wallet, "1")

    first = story_of(lot, size=2)
    second = story_of(lot, before=first.next_before, size=2)
    third = story_of(lot, before=second.next_before, size=2)

    pages = (first, second)
    assert [[row.remaining for row in each.entries] for each in pages] == [
        [6, 7],
        [8, 9],
    ]
    assert rows(third) == [make.row(Kind.GRANT, 10, 10)]
    assert third.next_before is None
    assert first.sums == third.sums


def test_leaves_other_lots_out(wallet: Wallet) -> None:
    lot = make.lot(wallet, "10", priority=1)
    make.lot(wallet, "10", source=Source.TRIAL)
    make.spend(wallet, "1")

    assert rows(story_of(lot)) == [make.row(Kind.GRANT, 10, 10)]


def test_is_not_told_of_another_wallets_lot(wallet: Wallet) -> None:
    lot = make.lot(make.wallet(), "10")

    with pytest.raises(CreditLot.DoesNotExist):
        get_story(wallet_id=wallet.pk, lot_id=lot.pk)


def test_is_read_in_few_queries(
    wallet: Wallet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lot = make.lot(wallet, "10")
    for _ in range(4):
        make.spend(wallet, "1")

    # The savepoint and its release, the lot, its sums, those of newer pages, a page.
    with django_assert_num_queries(6):
        story = story_of(lot, before=4, size=2)

    assert len(story.entries) == 2


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("lot_id = 1", "by_lot"),
        ("lot_id = 1 AND sequence < 9", "by_lot"),
        ("wallet_id = 1 AND kind = 'grant'", "other_than_usage"),
    ],
)
def test_entries_are_found_without_reading_the_whole_table(
    query: str, index: str
) -> None:
    execute("SET LOCAL enable_seqscan = off")
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN SELECT * FROM ledger_entry WHERE {query}"  # noqa: S608
            " ORDER BY sequence DESC LIMIT 51"
        )
        plan = "\n".join(line for (line,) in cursor)

    assert f"ledger_entry_default_{index}" in plan
    assert "Seq Scan" not in plan


def test_every_month_that_comes_has_the_indexes() -> None:
    execute("SELECT create_month_partition('ledger_entry', '2041-05-01')")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_index"
            " WHERE indrelid = 'ledger_entry_2041_05'::regclass AND indisvalid"
        )
        [indexes] = cursor.fetchone()

    # The key, the sequence, and these two.
    assert indexes == 4
