"""Properties of a server that are no ratios: wake-ups when idle, memory."""
import contextlib
import dataclasses
import pathlib
import subprocess
import time

from runner import machine
from runner.programs import ProgramFailed, pinned, run_client, serving

LISTEN = ["serve", "--listen", "tcp://127.0.0.1:0"]


@dataclasses.dataclass(frozen=True)
class Extent:
    """How much a probe does."""
    idle_seconds: float = 2.0
    connections: int = 1000
    calls: int = 1_000_000


CHECK = Extent(idle_seconds=0.1, connections=10, calls=10_000)


def wakeups(pid):
    """How often the threads of a process have gone to sleep so far; each time something woke it."""
    statuses = pathlib.Path(f"/proc/{pid}/task").glob("*/status")
    lines = (line for status in statuses for line in machine.read(status).splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))


def running_us(pid):
    """Microseconds that the threads of a process have run so far."""
    times = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(machine.read(time_file).split()[0]) for time_file in times) / 1000


def resident_kib(pid):
    """Memory of a process that is its own, not a file's."""
    return next(int(line.split()[1]) for line in machine.read(f"/proc/{pid}/status").splitlines()
                if line.startswith("RssAnon"))


@contextlib.contextmanager
def idle_connections(programs, uri, count):
    holder = subprocess.Popen(
        pinned(machine.cpus()[1], [programs.bench("idle_connections"), uri, "--count", count]),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if holder.stdout.readline().split() != ["connected", str(count)]:
            raise ProgramFailed(f"idle_connections: {holder.stderr.read().strip()}")
        yield
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
        holder.stderr.close()


def idle_rate(programs, extent, count):
    """How fast `count` of an idle server's process id grows, per second."""
    with serving([programs.tool, *LISTEN], machine.cpus()[0]) as (server, uri):
        with idle_connections(programs, uri, 1):
            time.sleep(0.5)  # until it has fallen asleep
            before, start = count(server.pid), time.monotonic()
            time.sleep(extent.idle_seconds)
            return (count(server.pid) - before) / (time.monotonic() - start)


def idle_wakeups(programs, extent):
    return idle_rate(programs, extent, wakeups)


def idle_running(programs, extent):
    return idle_rate(programs, extent, running_us)


def idle_connection_memory(programs, extent):
    with serving([programs.tool, *LISTEN], machine.cpus()[0]) as (server, uri):
        with idle_connections(programs, uri, 1):
            before = resident_kib(server.pid)
        with idle_connections(programs, uri, extent.connections):
            return (resident_kib(server.pid) - before) / extent.connections


def memory_growth(programs, extent):
    with serving([programs.tool, *LISTEN], machine.cpus()[0]) as (server, uri):
        seconds = min(1.0, extent.calls / 500_000)

        def load(calls):
            done = 0
            while done < calls:
                command = [programs.tool, "bench", uri, "--mode", "pipe", "--outstanding", 256,
                           "--seconds", seconds, "--json"]
                done += run_client(pinned(machine.cpus()[1], command), timeout=60)["messages"]
        load(extent.calls // 10)
        before = resident_kib(server.pid)
        load(extent.calls)
        return resident_kib(server.pid) - before


FUNCTIONS = {"idle-wakeups": idle_wakeups, "idle-running": idle_running,
             "idle-connection-memory": idle_connection_memory, "memory-growth": memory_growth}
