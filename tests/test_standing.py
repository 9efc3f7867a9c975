"""Whether one question to PostgreSQL serves all who came before it was sent, and nobody who came later."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from app.standing import Standing, Watch


class Slow(Watch):
    """A watch whose questions wait until they are let go, and tell the revision that stood when they were sent."""

    def __init__(self) -> None:
        super().__init__(SimpleNamespace(embedded=False))  # type: ignore[arg-type]
        self.revision, self.sent = 1, 0
        self.go = asyncio.Semaphore(0)

    async def glimpse(self) -> Standing:
        found = Standing(self.revision, "", 0)
        self.sent += 1
        await asyncio.wait_for(self.go.acquire(), 5)
        return found


def test_who_comes_after_a_publication_is_not_told_what_was_asked_before_it():
    async def come() -> tuple[list[Standing | None], int]:
        watch = Slow()
        early = [asyncio.ensure_future(watch.now()) for _ in range(3)]
        while watch.sent < 1:
            await asyncio.sleep(0.001)
        watch.revision = 2
        late = [asyncio.ensure_future(watch.now()) for _ in range(3)]
        await asyncio.sleep(0.01)
        for _ in range(2):
            watch.go.release()
        return await asyncio.gather(*early, *late), watch.sent

    told, sent = asyncio.run(come())

    assert [one and one.revision for one in told] == [1] * 3 + [2] * 3
    assert sent == 2
