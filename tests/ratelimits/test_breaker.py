from ratelimits.enforcement.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Clock, *, failures: int = 1) -> Breaker:
    return Breaker(failures=failures, pause=2, clock=clock)


def test_lets_all_through_that_nobody_failed_before() -> None:
    closed = breaker(Clock())

    assert [closed.lets_through() for _ in range(3)] == [True, True, True]


def test_stops_after_so_many_failures_in_a_row() -> None:
    counting = breaker(Clock(), failures=3)

    counting.note_failure()
    counting.note_failure()
    counting.note_success()
    opened: list[bool] = []
    for _ in range(4):
        assert counting.lets_through() is (opened.count(True) == 0)
        opened.append(counting.note_failure())

    assert opened == [False, False, True, False]


def test_lets_one_through_in_each_pause() -> None:
    clock = Clock()
    opened = breaker(clock)
    opened.note_failure()

    let_through = []
    for clock.now in (0, 1.9, 2, 2.1, 3.9, 4, 4.1):
        let_through.append(opened.lets_through())

    assert let_through == [False, False, True, False, False, True, False]


def test_a_failed_try_begins_another_pause() -> None:
    clock = Clock()
    opened = breaker(clock)
    opened.note_failure()

    clock.now = 2
    opened.lets_through()
    clock.now = 3
    opened.note_failure()

    clock.now = 4.9
    assert not opened.lets_through()
    clock.now = 5
    assert opened.lets_through()


def test_an_answer_closes_it() -> None:
    clock = Clock()
    opened = breaker(clock)
    opened.note_failure()

    clock.now = 2
    opened.lets_through()
    opened.note_success()

    assert [opened.lets_through() for _ in range(2)] == [True, True]
