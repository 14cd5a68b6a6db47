"""What field tables say of points in time."""

from chargehand.domain.buildset import Buildset
from chargehand.domain.source_stamp import SourceStamp, StoredSourceStamp
from chargehand.resources.sources import BUILDSET


def test_points_in_time_are_converted_where_the_type_says_so_also_in_what_a_resource_has():
    stamp = StoredSourceStamp(id=1, created_at=7.5, stamp=SourceStamp())
    buildset = Buildset(id=1, reason="", submitted_at=8.5, source_stamps=(stamp,))
    shown = BUILDSET.shown(buildset)

    converted = BUILDSET.with_moments(shown, lambda seconds: f"{seconds} s")

    # The REST API's buildsets have numbers.
    assert (converted["submitted_at"], converted["complete_at"]) == (8, None)
    assert converted["sourcestamps"][0]["created_at"] == "7 s"
    assert shown["sourcestamps"][0]["created_at"] == 7
