"""l. Many idle native workers: what each costs the master, and how soon all are back after its restart.

The workers are simulated: their link code as it is, and the worker's side of the protocol, many in each of a few
processes (`--serve` is such a process).
"""

import argparse
import asyncio
import time

from common import *

ap = argparse.ArgumentParser()
ap.add_argument("--workers", type=int, default=200)
ap.add_argument("--processes", type=int, default=2)
ap.add_argument("--seconds", type=float, default=30, help="how long the idle master is watched")
ap.add_argument("--profile")
ap.add_argument("--serve", nargs=3, metavar=("URL", "FIRST", "LAST"))
a = ap.parse_args()


async def serve(url, first, last):
    """Be workers FIRST to LAST - 1."""
    from chargehand_wire.worker_side import WorkerSide
    from chargehand_worker.link import MasterConnection
    from chargehand_worker.remote_link import RemoteLink
    from chargehand_worker.settings import WorkerSettings

    class Streams:
        def __init__(self, side):
            self.side = side

        async def get(self):
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            theirs.setblocking(False)
            connection = MasterConnection(self.side, lambda event: None)
            await asyncio.get_running_loop().create_connection(lambda: connection, sock=ours)
            return theirs

    tasks = []
    for i in range(first, last):
        side = WorkerSide(
            name=f"w{i}", incarnation=str(i), info={"version": "bench", "patience": 600.0}
        )
        settings = WorkerSettings(master=url, name=f"w{i}", password="pass")
        link = RemoteLink(settings, Streams(side).get)
        tasks.append(asyncio.create_task(link.keep()))
    await asyncio.gather(*tasks)


if a.serve:
    asyncio.run(serve(a.serve[0], int(a.serve[1]), int(a.serve[2])))

names = [wdef(f"w{i}", "native") for i in range(a.workers)]
reps = []
for _ in range(REPS):
    with system("l", workers=names, start_workers=False, groups=[group("b", workers=["w0"])]) as m:
        quiet()
        rss0 = m.rss()
        share = -(-a.workers // a.processes)
        url, links = f"http://127.0.0.1:{m.port}", []
        t = time.perf_counter()
        for k in range(a.processes):
            argv = [
                sys.executable,
                __file__,
                "--serve",
                url,
                str(k * share),
                str(min(a.workers, (k + 1) * share)),
            ]
            links.append(subprocess.Popen(argv, stderr=subprocess.DEVNULL))
        try:
            wait_connected(a.workers)
            first = time.perf_counter() - t
            time.sleep(3)
            rss1, c0 = m.rss(), m.cpu()
            time.sleep(a.seconds)
            share_of_cpu = (m.cpu() - c0) / a.seconds * 100
            m.stop()
            time.sleep(1)
            m.start()
            t, c1 = time.perf_counter(), m.cpu()
            profiling = pyspy(m.pid, 4, a.profile) if a.profile else None
            wait_connected(a.workers, every=0.05)
            back, back_cpu = time.perf_counter() - t, m.cpu() - c1
            if profiling is not None:
                profiling.wait()
        finally:
            for p in links:
                p.kill()
                p.wait()
        reps.append(
            {
                "kb_each": (rss1 - rss0) * 1e3 / a.workers,
                "cpu_percent_each": share_of_cpu / a.workers,
                "all_connected_s": first,
                "all_back_s": back,
                "all_back_cpu_s": back_cpu,
                "rss_mb": rss1,
            }
        )
        log(reps[-1])
record_reps("l_native_idle", f"{a.workers} workers", reps)
