"""Garbage goes on the loop's thread alone."""

import asyncio
import threading
import weakref

import engine.garbage
from engine.garbage import collect_here, no_collection


class Ring:
    def __init__(self, dropped_in):
        self.me = self
        weakref.finalize(self, lambda: dropped_in.append(threading.get_ident()))


def test_a_ring_is_dropped_on_the_loops_thread_although_another_one_allocates(monkeypatch):
    monkeypatch.setattr(engine.garbage, "_YOUNG_SECS", 0.05)
    dropped_in = []

    def allocate():
        return [[number] for number in range(200_000)]

    async def run():
        collecting = asyncio.create_task(collect_here())
        Ring(dropped_in)
        await asyncio.to_thread(allocate)
        async with asyncio.timeout(10):
            while not dropped_in:
                await asyncio.sleep(0.02)
        collecting.cancel()

    with no_collection():
        asyncio.run(run())
    assert dropped_in == [threading.get_ident()]
