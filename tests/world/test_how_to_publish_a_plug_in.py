"""The plug-in that the guide shows can be installed, and works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from how_to_code import code_of, guide_text
from written import started, written

from chargehand.domain.result import Result

_GUIDE = "publish-a-plug-in"


def _install(library: Path) -> None:
    """Install what the guide shows, as pip does with what ``pyproject.toml`` says."""
    (found,) = re.findall(r"^```toml\n(.*?)^```$", guide_text(_GUIDE), re.MULTILINE | re.DOTALL)
    settings = tomllib.loads(found)
    project = settings["project"]
    (module,) = settings["tool"]["setuptools"]["py-modules"]
    information = library / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    information.mkdir(parents=True)
    (library / f"{module}.py").write_text(code_of(_GUIDE))
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (information / "entry_points.txt").write_text("\n".join(lines))


async def test_the_guide_about_plug_ins_shows_one_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    _install(library)
    monkeypatch.syspath_prepend(str(library))
    configuration = "add('b', steps.Framboozle())\n"
    async with started(configuration, tmp_path) as ci:
        ci.worker("local").on("framboozler", output="FNURRRGH!\nFNURRRGH!\n", seconds=10)

        build = await ci.build("b")

        assert build.result is Result.SUCCESS
        assert [step.name for step in ci.steps(build)] == ["framboozle"]
        assert (await ci.reconfigure(written(configuration))).endswith("nothing changed")


async def test_a_changed_file_beside_the_configuration_is_read_again(tmp_path: Path) -> None:
    text = code_of(_GUIDE)
    (tmp_path / "framboozle.py").write_text(text)
    configuration = "from framboozle import Framboozle\nadd('b', Framboozle())\n"
    async with started(configuration, tmp_path) as ci:
        assert (await ci.reconfigure(written(configuration))).endswith("nothing changed")
        (tmp_path / "framboozle.py").write_text(text.replace("['framboozler']", "['newer']"))

        assert not (await ci.reconfigure(written(configuration))).endswith("nothing changed")

        await ci.build("b")
        assert ci.worker("local").commands == ["newer"]
