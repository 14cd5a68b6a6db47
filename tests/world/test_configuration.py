"""Configurations that change while the master runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from written import started, written

from chargehand.config.errors import ConfigErrors
from chargehand.domain.result import Result

_ONE_AT_A_TIME = "c['workers'] = [worker.LocalWorker('local', max_builds=1)]\n"


async def test_builders_come_go_and_change() -> None:
    before = "add('a', sh('echo a', name='one'))\nadd('b', sh('echo b', name='one'))"
    after = "add('b', sh('echo changed', name='one'))\nadd('c', sh('echo c', name='one'))"
    async with started(before) as ci:
        first = await ci.build("b")

        await ci.reconfigure(written(after))

        builders = {row["name"]: bool(row["masterids"]) for row in await ci.get("builders")}
        assert builders == {"a": False, "b": True, "c": True}
        second = await ci.build("b")
        assert second.builder_id == first.builder_id
        assert (first.number, second.number) == (1, 2)
        assert "ochanged\n" in await ci.text(second, "one")
        assert (await ci.build("c")).result is Result.SUCCESS


async def test_a_running_build_goes_on_when_its_builder_changes_or_goes() -> None:
    both = "add('b', blocking('slow'), sh('echo old', name='last'))\nadd('other', sh('true'))"
    changed = "add('b', sh('echo new', name='last'))\nadd('other', sh('true'))"
    async with started(both) as ci:
        request_id = await ci.force("b")

        await ci.reconfigure(written(changed))
        await ci.reconfigure(written("add('other', sh('true'))"))
        ci.worker("local").let_go("slow")

        assert (await ci.finished(request_id)).result is Result.SUCCESS
        (build,) = ci.builds_of(request_id)
        assert "oold\n" in await ci.text(build, "last")


async def test_an_equal_configuration_restarts_nothing() -> None:
    text = "add('b', sh('echo one', name='one'))"
    async with started(text) as ci:
        for _ in range(2):
            assert "nothing" in await ci.reconfigure(written(text))

        assert ci.log.count("/http-1") == 1
        assert ci.log.count("is connected") == 1


async def test_a_helper_module_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("WORDS = 'one'\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/__init__.py").write_text("")
    (tmp_path / "parts/deep.py").write_text("NAME = 'deep'\n")
    text = """
        import helper
        from parts.deep import NAME
        add('b', sh(f'echo {helper.WORDS} {NAME}', name='say'))
        """
    async with started(text, tmp_path) as ci:
        first = await ci.text(await ci.build("b"), "say")

        (tmp_path / "helper.py").write_text("WORDS = 'two'\n")
        (tmp_path / "parts/deep.py").write_text("NAME = 'deeper'\n")
        await ci.reconfigure(written(text))

        second = await ci.text(await ci.build("b"), "say")
        assert "oone deep\n" in first
        assert "otwo deeper\n" in second


async def test_an_error_in_a_helper_module_is_shown_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("WORDS = 'one'\n")
    text = "import helper\nadd('b', sh(f'echo {helper.WORDS}', name='say'))"
    async with started(text, tmp_path) as ci:
        (tmp_path / "helper.py").write_text("WORDS = 'one'\n\nthis is wrong\n")

        with pytest.raises(ConfigErrors, match=r"helper\.py:3:"):
            await ci.reconfigure(written(text))

        assert "oone\n" in await ci.text(await ci.build("b"), "say")


async def test_workers_come_and_go() -> None:
    one = "c['workers'] = [worker.LocalWorker('one')]\n"
    two = "c['workers'] = [worker.LocalWorker('one'), worker.LocalWorker('two')]\n"
    first = one + "add('b', sh('true'), workernames=['one'])"
    async with started(first) as ci:
        await ci.reconfigure(written(two + "add('b', sh('true'), workernames=['one', 'two'])"))
        both = [bool(row["connected_to"]) for row in await ci.get("workers?order=name")]
        await ci.reconfigure(written(first))

        assert both == [True, True]
        connected = [bool(row["connected_to"]) for row in await ci.get("workers?order=name")]
        assert connected == [True, False]
        assert (await ci.build("b")).result is Result.SUCCESS


async def test_requests_of_a_builder_that_was_removed_wait_for_its_return() -> None:
    with_b = _ONE_AT_A_TIME + "add('b', blocking('slow'))\nadd('other', sh('true'))"
    without = _ONE_AT_A_TIME + "add('other', sh('true'))"
    async with started(with_b) as ci:
        running, waiting = await ci.force("b"), await ci.force("b")

        await ci.reconfigure(written(without))
        ci.worker("local").let_go("slow")
        assert (await ci.finished(running)).result is Result.SUCCESS
        reason = await ci.waits(waiting, "builder_not_configured")
        await ci.reconfigure(written(with_b))

        assert reason == "no running master configures this builder"
        assert (await ci.finished(waiting)).result is Result.SUCCESS


async def test_equal_classes_and_services_are_not_started_again() -> None:
    text = """
        from buildbot.changes.base import ChangeSource
        from buildbot.process.buildstep import BuildStep
        from buildbot.process.results import SUCCESS
        from buildbot.schedulers.base import BaseScheduler
        from buildbot.util.service import BuildbotService

        def note(what):
            with (HERE / 'notes').open('a') as file:
                print(what, file=file)

        class Source(ChangeSource):
            compare_attrs = ('word',)
            def __init__(self, word, **more):
                super().__init__(**more)
                self.word = word
            def activate(self):
                note(f'source {self.word}')
            def deactivate(self):
                note(f'no source {self.word}')

        class Scheduler(BaseScheduler):
            async def activate(self):
                await super().activate()
                note('scheduler')

        class Service(BuildbotService):
            name = 'service'
            def reconfigService(self, word):
                note(f'service {word}')

        class Step(BuildStep):
            def run(self):
                return SUCCESS

        c['change_source'] = [Source('WORD', name='source')]
        c['schedulers'] = [Scheduler(name='own', builderNames=['b'])]
        c['services'] = [Service('WORD')]
        add('b', Step(name='one'), blocking('slow'))
        """
    async with started(text) as ci:
        notes = ci.path / "notes"
        request_id = await ci.force("b")
        before = ["scheduler", "service WORD", "source WORD"]
        assert sorted(notes.read_text().splitlines()) == before

        for _ in range(2):
            await ci.reconfigure(written(text))
        assert sorted(notes.read_text().splitlines()) == before
        await ci.reconfigure(written(text.replace("WORD", "OTHER")))

        after = notes.read_text().splitlines()[3:]
        assert sorted(after) == ["no source WORD", "service OTHER", "source OTHER"]
        ci.worker("local").let_go("slow")
        assert (await ci.finished(request_id)).result is Result.SUCCESS


async def test_more_builds_of_a_worker_can_be_allowed_while_it_builds() -> None:
    text = _ONE_AT_A_TIME + "add('a', blocking('slow'))\nadd('b', sh('true'))"
    async with started(text) as ci:
        slow, waiting = await ci.force("a"), await ci.force("b")
        await ci.waits(waiting, "workers_busy")

        await ci.reconfigure(written(text.replace("max_builds=1", "max_builds=2")))

        assert (await ci.finished(waiting)).result is Result.SUCCESS
        assert ci.log.count("is connected") == 1
        ci.worker("local").let_go("slow")
        assert (await ci.finished(slow)).result is Result.SUCCESS
