"""The queue is in order at any time, and collapsing finds equal requests by key."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from chargehand.dispatch.collapsing import Collapsible, collapse_key
from chargehand.dispatch.queue import BuilderQueue, rank
from chargehand.domain.buildset import BuildRequest, PendingRequest
from chargehand.domain.identifiers import BuilderId, BuildsetId, RequestId, SourceStampId


def pending(number: int, priority: int = 0, submitted_at: float | None = None, **more):
    values = {
        "reason": "",
        "source_stamp_ids": (SourceStampId(1),),
        "sources": (("", "repo", "", "main"),),
    }
    return PendingRequest(
        request=BuildRequest(
            id=RequestId(number),
            buildset_id=BuildsetId(number),
            builder_id=BuilderId(1),
            submitted_at=float(number) if submitted_at is None else submitted_at,
            priority=priority,
        ),
        **(values | more),
    )


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(-2, 2), st.booleans()), max_size=60))
def test_the_queue_is_sorted_whatever_comes_and_goes(steps):
    queue = BuilderQueue()
    model: dict[int, PendingRequest] = {}

    for number, priority, leaves in steps:
        if leaves:
            queue.remove(RequestId(number))
            model.pop(number, None)
        elif number in model:
            queue.set_priority(RequestId(number), priority)
            request = msgspec.structs.replace(model[number].request, priority=priority)
            model[number] = msgspec.structs.replace(model[number], request=request)
        else:
            model[number] = pending(number, priority)
            queue.add(model[number])

    expected = sorted(model.values(), key=rank)
    assert list(queue) == expected
    view = queue.in_order()
    assert (list(view), len(view)) == (expected, len(expected))
    assert [view[index] for index in range(-len(view), len(view))] == expected * 2
    assert view[1:] == expected[1:]
    assert [queue.ahead_of(p.request.id) for p in expected] == list(range(len(expected)))


def test_a_higher_priority_comes_first_and_age_decides_among_equals():
    queue = BuilderQueue()
    for one in (pending(3), pending(1), pending(2, priority=5)):
        queue.add(one)

    assert [p.request.id for p in queue] == [2, 1, 3]


def test_a_newer_request_for_the_same_sources_replaces_the_older_one():
    collapsible = Collapsible()

    assert collapsible.add(pending(1)) is None
    assert collapsible.add(pending(2)) == 1
    assert collapsible.add(pending(3)) == 2


def test_the_sequence_of_a_queue_follows_it():
    queue = BuilderQueue()
    view = queue.in_order()
    queue.add(pending(1))
    queue.add(pending(2, priority=1))

    assert [p.request.id for p in view] == [2, 1]
    assert pending(1) in view
    assert view.index(pending(1)) == 1


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2), st.booleans()), max_size=40))
def test_a_request_replaces_the_newest_one_that_waits_and_asks_for_the_same(steps):
    collapsible = Collapsible()
    waiting: dict[int, int] = {}

    for number, wanted, leaves in steps:
        if leaves:
            collapsible.remove(RequestId(number))
            waiting.pop(number, None)
        elif number > max(waiting, default=0):
            same = [other for other, its in waiting.items() if its == wanted]
            one = pending(number, properties={"wanted": (wanted, "Scheduler")})
            replaced = collapsible.add(one)
            assert replaced == (max(same) if same else None)
            waiting = {other: its for other, its in waiting.items() if other not in same}
            for other in same:
                collapsible.remove(RequestId(other))
            waiting[number] = wanted


def test_requests_that_differ_are_not_collapsed():
    base = pending(1)
    others = [
        pending(2, sources=(("", "repo", "", "other"),)),
        pending(2, sources=(("lib", "repo", "", "main"),)),
        pending(2, source_stamp_ids=(SourceStampId(9),)),
        pending(2, properties={"a": (1, "Scheduler")}),
        pending(2, with_changes=(SourceStampId(1),)),
    ]

    assert all(collapse_key(other) != collapse_key(base) for other in others)


def test_only_the_properties_of_schedulers_count():
    sources = ["Force Build Form", "Change", "Trigger", "Build", "scheduler"]
    differing = [
        *(pending(2, properties={"a": (1, source)}) for source in sources),
        pending(2, properties={"scheduler": ("other", "Scheduler")}),
    ]

    assert {collapse_key(one) for one in differing} == {collapse_key(pending(1))}


def test_requests_from_changes_are_collapsed_though_their_revisions_differ():
    older = pending(1, source_stamp_ids=(SourceStampId(1),), with_changes=(SourceStampId(1),))
    newer = pending(2, source_stamp_ids=(SourceStampId(2),), with_changes=(SourceStampId(2),))

    assert collapse_key(older) == collapse_key(newer)


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.booleans(), st.integers(1, 3), st.booleans()), max_size=4
    )
)
def test_every_source_stamp_must_allow_collapsing(stamps):
    sources = tuple((f"c{number}", "repo", "", "main") for number in range(len(stamps)))

    def made(number, revisions):
        ids = [SourceStampId(place * 10 + one) for place, (one, _) in enumerate(revisions)]
        changed = [id_ for id_, (_, is_changed) in zip(ids, revisions, strict=True) if is_changed]
        return pending(
            number, sources=sources, source_stamp_ids=tuple(ids), with_changes=tuple(changed)
        )

    older = made(1, [(one, changed) for one, changed, _, _ in stamps])
    newer = made(2, [(other, changed) for _, _, other, changed in stamps])

    may = all(
        (first_changed and second_changed) or (first == second and first_changed == second_changed)
        for first, first_changed, second, second_changed in stamps
    )
    assert (collapse_key(older) == collapse_key(newer)) is may


def test_a_request_with_a_patch_is_never_collapsed():
    assert collapse_key(pending(1, has_patch=True)) is None
