"""What commands write in other encodings than UTF-8 is readable in logs."""

from __future__ import annotations

from installed_master import SUCCESS, InstalledMaster

_CAFE = r"printf 'caf\351\n'"


def test_output_is_decoded_as_the_configuration_or_the_step_says(master: InstalledMaster):
    master.write(
        f"""
        c['logEncoding'] = 'latin-1'
        add('b', sh({_CAFE!r}, name='configured'),
                 sh({_CAFE!r}, name='own', logEncoding='cp437'),
                 sh("echo café", name='utf8', logEncoding='utf-8'))
        """
    )
    master.start()

    build = master.build("b")

    assert build["results"] == SUCCESS
    assert master.output(build, "configured") == ["café"]
    assert master.output(build, "own") == ["cafΘ"]
    assert master.output(build, "utf8") == ["café"]
