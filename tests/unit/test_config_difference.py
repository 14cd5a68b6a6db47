"""The difference of two configurations, as values and in words."""

from chargehand.config.difference import difference
from chargehand.config.model import BuilderConfig, Component, MasterConfig
from chargehand.kit.values import replace


def builder(name, *workers):
    return BuilderConfig(
        name=name, worker_names=workers, plan=object(), builddir=name, worker_builddir=name
    )


def scheduler(name, identity):
    return Component(name=name, settings=None, identity=identity)


OLD = MasterConfig(
    builders=(builder("a", "w"), builder("b", "w"), builder("c", "w")),
    schedulers=(scheduler("s", 1), scheduler("t", 1)),
)


def test_equal_configurations_have_no_difference():
    found = difference(OLD, replace(OLD, builders=(*OLD.builders[:2], builder("c", "w"))))

    assert not found
    assert found.summary() == "nothing changed"


def test_members_are_told_apart_by_name():
    new = replace(
        OLD,
        title="New",
        builders=(builder("a", "w"), builder("b", "v"), builder("d", "w")),
        schedulers=(scheduler("t", 2), scheduler("s", 1)),
    )

    found = difference(OLD, new)

    assert found.builders.added == ("d",)
    assert found.builders.removed == ("c",)
    assert found.builders.changed == ("b",)
    assert found.builders.unchanged == 1
    assert found.schedulers.changed == ("t",)
    assert found.settings == ("title",)
    assert found.summary() == (
        'builders: +1 -1 ~1 ("b": worker names), schedulers: +0 -0 ~1 ("t"), settings: title; '
        "2 unchanged"
    )


def test_of_many_that_changed_the_first_are_named():
    many = MasterConfig(schedulers=tuple(scheduler(f"s{n}", 1) for n in range(9)))
    new = replace(many, schedulers=tuple(scheduler(f"s{n}", 2) for n in range(9)))

    assert difference(many, new).summary() == (
        'schedulers: +0 -0 ~9 ("s0", "s1", "s2", "s3", "s4", 4 more); 0 unchanged'
    )
