"""What is measured, against what, and the bar that the ratio has to meet: data alone."""
import dataclasses

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Program:
    """One measurement. Equal programs are measured once per round.

    kind: "trestle" (bench and serve of the tool), "many" (serve of the tool, and one thread with
    many connections), "sync" and "epoll" (bare sockets), "inproc"
    (Trestle inside one process), "bare" (yardsticks inside one process).
    pinning: "split" (server on the first CPU, client on the second), "same" (both on the second),
    "free" (programs that pin their threads themselves).
    """
    kind: str
    what: str            # of sockets the transport; else what the program is to measure
    pinning: str = "split"
    mode: str = "rtt"
    size: int = 64
    outstanding: int = 1
    clients: int = 1
    spin: str = "auto"   # of Trestle
    wait: str = "block"  # of bare sockets
    write: str = "each"  # likewise


@dataclasses.dataclass(frozen=True)
class Case:
    """ours / yardstick must be at most, or at least, the bar. Of several yardsticks the one with
    the best value of the round counts."""
    name: str
    ours: Program
    yardsticks: tuple
    metric: str     # a key of the programs' JSON
    direction: str  # "<=" or ">="
    bar: float


@dataclasses.dataclass(frozen=True)
class Probe:
    """A property of a server that is no ratio; measured by the function of that name in probes."""
    name: str
    unit: str
    bar: float  # at most


def tool(what, **options):
    return Program("trestle", what, **options)


def sync(what, **options):
    return Program("sync", what, **options)


def epoll(what, **options):
    return Program("epoll", what, **options)


def rtt_case(transport, pinning, bar):
    return Case(f"{transport}-rtt-{pinning}", tool(transport, pinning=pinning, spin="off"),
                (sync(transport, pinning=pinning),), "p50_us", "<=", bar)


def auto_case(pinning):
    others = tuple(tool("tcp", pinning=pinning, spin=spin) for spin in ("on", "off"))
    return Case(f"tcp-rtt-auto-{pinning}", tool("tcp", pinning=pinning), others,
                "p50_us", "<=", 1.2)


def large_case(transport):
    large = {"mode": "oneway", "size": MIB}
    return Case(f"{transport}-oneway-1MiB", tool(transport, **large), (sync(transport, **large),),
                "per_second", ">=", 0.8)


def connections_case(clients):
    return Case(f"tcp-connections-{clients}", Program("many", "tcp", clients=clients),
                (epoll("tcp", clients=clients),), "per_second", ">=", 0.6)


PIPE_64 = {"mode": "pipe", "outstanding": 256}
PIPE_4K = {"mode": "pipe", "outstanding": 64, "size": 4096}
SAME_THREAD = Program("inproc", "same-thread", pinning="free")

CASES = [
    rtt_case("tcp", "split", 1.25),
    rtt_case("unix", "split", 1.25),
    rtt_case("tcp", "same", 1.5),
    rtt_case("unix", "same", 1.5),
    Case("tcp-rtt-spin", tool("tcp", spin="on"), (sync("tcp"),), "p50_us", "<=", 0.30),
    auto_case("split"),
    auto_case("same"),
    Case("tcp-pipe-64Bx256", tool("tcp", **PIPE_64), (epoll("tcp", write="turn", **PIPE_64),),
         "per_second", ">=", 0.3),
    Case("tcp-oneway-64B", tool("tcp", mode="oneway"), (sync("tcp", mode="oneway"),),
         "per_second", ">=", 10),
    Case("tcp-pipe-4KiBx64", tool("tcp", **PIPE_4K), (sync("tcp", **PIPE_4K),),
         "per_second", ">=", 1.0),
    large_case("tcp"),
    large_case("unix"),
    connections_case(16),
    connections_case(256),
    Case("inproc-same-thread", SAME_THREAD, (Program("bare", "table", pinning="free"),),
         "p50_us", "<=", 27),
    Case("inproc-polled-threads", Program("inproc", "polled-threads", pinning="free"),
         (Program("bare", "spin", pinning="free"),), "p50_us", "<=", 7),
    Case("inproc-1MiB-to-64B", dataclasses.replace(SAME_THREAD, size=MIB), (SAME_THREAD,),
         "p50_us", "<=", 1.5),
]

PROBES = [
    Probe("idle-wakeups", "wake-ups per second", 5),
    Probe("idle-running", "µs of CPU time per second", 1000),
    Probe("idle-connection-memory", "KiB per connection", 32),
    Probe("memory-growth", "KiB over 10^6 calls", 256),
]
