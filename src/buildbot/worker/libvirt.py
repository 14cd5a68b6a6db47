"""Workers in virtual machines that libvirt runs."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot._border.kinds import Given
from buildbot.interfaces import LatentWorkerFailedToSubstantiate
from buildbot.worker.latent import AbstractLatentWorker

DEFAULT_URI = "qemu:///system"
_SPACE = "http://buildbot.net/"
_OURS = "urn:chargehand:instance"


class Connection(ComparableMixin):
    """Where virtual machines run: the URI of a libvirt, for ``connection`` of `LibVirtWorker`.

    Args:
        uri (str): Such as ``qemu:///system``.
    """

    compare_attrs = ("uri",)

    def __init__(self, uri: str) -> None:
        self.uri = uri


class LibVirtWorker(AbstractLatentWorker):
    """A worker in a virtual machine, which runs only while there are builds.

    The virtual machine has the name of the worker. Its worker must connect by itself when it has
    started. Unless there is ``xml``, the machine's metadata have, in the namespace
    ``http://buildbot.net/``, an element ``auth`` with ``username``, ``password`` and ``master``.

    It needs libvirt-python, which needs a compiler and libvirt's headers to be installed:
    ``pip install 'chargehand[libvirt]'``, or your system's package.

    Args:
        hd_image (str): File of the machine's disk.
        base_image (str | None): File that the disk is a fresh copy of, at each start.
        uri (str): URI of the libvirt.
        connection (Connection | None): The same; the older way to say it.
        xml (str | None): Description of the machine, as ``virsh define`` takes it, if libvirt does
            not know it: it is created, and gone when it has ended.
        masterFQDN (str | None): Address of the master for the metadata; by default this host's
            name.
    """

    @own_arguments
    def checkConfig(
        self,
        name: str,
        password: Any,
        hd_image: Any = None,
        base_image: Any = None,
        uri: str = DEFAULT_URI,
        connection: Connection | None = None,
        xml: str | None = None,
        masterFQDN: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them. The connection may come third, as it once did."""
        if isinstance(hd_image, Connection):
            connection, hd_image = hd_image, base_image
            base_image = None if uri == DEFAULT_URI else uri
        super().checkConfig(name, password, **kwargs)
        if importlib.util.find_spec("libvirt") is None:
            error(
                f'worker "{name}": LibVirtWorker needs libvirt-python: '
                "pip install 'chargehand[libvirt]'"
            )
        if not hd_image and not xml:
            error(f'worker "{name}": give hd_image or xml')
        if base_image and not str(base_image).startswith("/"):
            error(f'worker "{name}": base_image must be an absolute path, not {base_image!r}')
        if base_image and not hd_image:
            error(f'worker "{name}": base_image needs hd_image, which becomes a copy of it')
        if connection is not None and not isinstance(connection, Connection):
            error(f'worker "{name}": connection must be a libvirt.Connection, not {connection!r}')
            connection = None
        given = Given(f'worker "{name}"')
        self.hd_image = given.text("hd_image", hd_image)
        self.base_image = given.text("base_image", base_image)
        self.uri = given.text("uri", uri if connection is None else connection.uri)
        self.xml = given.text("xml", xml)
        self.masterFQDN = given.text("masterFQDN", masterFQDN)

    async def start_instance(self, build: Any) -> list[str]:
        """Start the virtual machine, with a fresh disk."""
        await self._refuse_if_running()
        await self.record_instance({"domain": self.name})
        self.instance = {"domain": self.name}
        if self.base_image:
            await asyncio.to_thread(self._check_base)
            await self._copy_disk(Path(self.base_image), Path(self.hd_image))
        await self._in_thread("cannot start", self._start)
        return [f"{self.name} at {self.uri}"]

    async def stop_instance(self, fast: bool = False) -> None:
        """End the virtual machine, as if its power was cut, and delete a disk that is a copy."""
        instance, self.instance = self.instance, None
        try:
            was_ours = await self._in_thread("cannot stop", self._stop, instance is not None)
        except LatentWorkerFailedToSubstantiate:
            self.instance = instance
            raise
        if was_ours and self.base_image:
            await asyncio.to_thread(Path(self.hd_image).unlink, missing_ok=True)

    async def check_instance(self) -> tuple[bool, str]:
        """Return whether the virtual machine runs."""
        if await self._in_thread("cannot look at", self._is_active):
            return True, ""
        return False, f'virtual machine "{self.name}" does not run'

    async def _refuse_if_running(self) -> None:
        """A machine that somebody else has started is not ours to use, or to stop."""
        if await self._in_thread("cannot look at", self._is_active):
            raise LatentWorkerFailedToSubstantiate(
                f'virtual machine "{self.name}" is already running, and was not started for a build'
            )

    def _check_base(self) -> None:
        if not Path(self.base_image).is_file():
            raise LatentWorkerFailedToSubstantiate(f"base_image {self.base_image} does not exist")

    async def _copy_disk(self, base: Path, disk: Path) -> None:
        """Make the disk: a file with the differences to the base image, if qemu-img is there."""
        program = shutil.which("qemu-img")
        if program is None:
            await asyncio.to_thread(shutil.copyfile, base, disk)
            return
        made = await asyncio.create_subprocess_exec(
            *(program, "create", "-q", "-f", "qcow2", "-F", await self._format(program, base)),
            *("-b", str(base), str(disk)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await made.communicate()
        if made.returncode:
            words = said.decode(errors="replace").strip()
            raise LatentWorkerFailedToSubstantiate(f"cannot make {disk}: {words}")

    async def _format(self, program: str, base: Path) -> str:
        asked = await asyncio.create_subprocess_exec(
            *(program, "info", str(base)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asked.communicate()
        for line in said.decode(errors="replace").splitlines():
            if line.startswith("file format: "):
                return line.removeprefix("file format: ").strip()
        raise LatentWorkerFailedToSubstantiate(
            f"{base} is not an image: {said.decode(errors='replace').strip()}"
        )

    # In threads

    async def _in_thread(self, failing: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Call libvirt in a thread. Raises LatentWorkerFailedToSubstantiate."""
        libvirt = importlib.import_module("libvirt")

        def connected() -> Any:
            connection = libvirt.open(self.uri)
            try:
                return work(libvirt, connection, *arguments)
            finally:
                connection.close()

        try:
            return await asyncio.to_thread(connected)
        except libvirt.libvirtError as wrong:
            words = str(wrong)
            if self.worker_password:
                words = words.replace(self.worker_password, "<password>")
            raise LatentWorkerFailedToSubstantiate(
                f'{failing} virtual machine "{self.name}" at {self.uri}: {words}'
            ) from None

    def _domain(self, libvirt: Any, connection: Any) -> Any:
        """Return the virtual machine, None if libvirt does not know it."""
        try:
            return connection.lookupByName(self.name)
        except libvirt.libvirtError as wrong:
            if wrong.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise

    def _is_active(self, libvirt: Any, connection: Any) -> bool:
        domain = self._domain(libvirt, connection)
        return domain is not None and bool(domain.isActive())

    def _start(self, libvirt: Any, connection: Any) -> None:
        if self.xml:
            connection.createXML(self.xml, 0)
            return
        domain = connection.lookupByName(self.name)
        environment = self.worker_environment(self.masterFQDN)
        master = environment["BUILDMASTER"]
        if "BUILDMASTER_PORT" in environment and ":" in (self.masterFQDN or ""):
            master = f"{master}:{environment['BUILDMASTER_PORT']}"
        auth = ElementTree.Element(
            "auth", username=self.name, password=self.worker_password or "", master=master
        )
        ours = ElementTree.Element("instance", self.instance_labels)
        for element, prefix, space in ((auth, "buildbot", _SPACE), (ours, "chargehand", _OURS)):
            domain.setMetadata(
                libvirt.VIR_DOMAIN_METADATA_ELEMENT,
                ElementTree.tostring(element, encoding="unicode"),
                prefix,
                space,
                libvirt.VIR_DOMAIN_AFFECT_CONFIG,
            )
        domain.create()

    def _stop(self, libvirt: Any, connection: Any, is_ours: bool) -> bool:
        """End the machine if it was started for a build; return whether it was."""
        domain = self._domain(libvirt, connection)
        if domain is None:
            return is_ours
        is_ours = is_ours or self._has_our_name(libvirt, domain)
        if is_ours and domain.isActive():
            domain.destroy()
        return is_ours

    def _has_our_name(self, libvirt: Any, domain: Any) -> bool:
        try:
            text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, _OURS, 0)
        except libvirt.libvirtError:
            return False
        return bool(self.instance_name) and f'"{self.instance_name}"' in text
