"""What the guide about old-style steps shows works as it is written, in both styles alike."""

from __future__ import annotations

from how_to_code import code_of
from written import started

from chargehand.domain.result import Result


async def test_the_guide_shows_one_step_in_two_styles() -> None:
    configuration = code_of("use-old-style-steps") + (
        "add('b', Frobnify('it'), FrobnifyToday('it'), sh('true', name='fine'))\n"
    )
    async with started(configuration) as ci:
        ci.worker("local").on("frob it", output="odd\neven\n")

        build = await ci.build("b")

        old, new, _ = ci.steps(build)
        assert (old.result, new.result) == (Result.WARNINGS, Result.WARNINGS)
        assert old.state == "frobbed it (warnings)"
        assert new.state == "frobbed it: 1 odd lines"
        for name in ("frobnify", "frobnify-today"):
            assert await ci.text(build, name, "odd lines") == "odd\n"
