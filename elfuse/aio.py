"""elfuse for asyncio: `await elfuse.aio.run(...)`, `popen(...)` and `pull(...)`.

process = await elfuse.aio.popen("python:3.13", ["python3", "-"], stdin=PIPE, stdout=PIPE)
out, _ = await process.communicate(b"print(6 * 7)")
"""

from elfuse.api.aio import Process, popen, pull, run

__all__ = ["Process", "popen", "pull", "run"]
