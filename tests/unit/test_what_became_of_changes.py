"""What is said of the buildsets that a scheduler made of a change."""

from __future__ import annotations

import pytest

from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import ChangeId, SourceStampId, Timestamp
from chargehand.scheduling.explaining import outcomes_of


@pytest.mark.parametrize(
    ("buildsets", "said"),
    [
        ([7], 'scheduler "main" made buildset 7 of it'),
        ([7, 9], 'scheduler "main" made buildsets 7, 9 of it'),
        (list(range(7, 23)), 'scheduler "main" made 16 buildsets of it, from 7 to 22'),
    ],
)
def test_few_buildsets_are_named_and_many_are_counted(buildsets: list[int], said: str) -> None:
    change = Change.of(
        NewChange(author="me"),
        change_id=ChangeId(1),
        source_stamp_id=SourceStampId(1),
        when=Timestamp(0),
    )

    [outcome] = outcomes_of(change, [], {"main": buildsets})

    assert outcome.sentence == said
    assert outcome.details == {"buildsetids": buildsets}
