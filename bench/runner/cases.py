"""What is measured, against what, and the bar that the ratio has to meet: data alone."""
import dataclasses
import typing

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Program:
    """One measurement. Equal programs are measured once per round.

    kind: "trestle" (bench and serve of the tool), "many" (serve of the tool, and one thread with
    many connections), "sync" and "epoll" (bare sockets), "zmq" (bare libzmq), "ofi" (bare
    libfabric, by its provider), "pingpong" (libfabric's own, likewise), "inproc" (Trestle inside
    one process), "bare" (yardsticks inside one process).
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
    payload: str = "copied"  # likewise
    options: str = ""   # likewise: of both sides' URIs
    wait: str = "block"  # of bare sockets
    write: str = "each"  # likewise
    pattern: str = "dealer"  # of bare libzmq: the client's socket

    @property
    def hwm(self):
        """Of bare libzmq: its default, but for large messages what it is fastest with. A thousand
        of them queued take fresh memory, which costs more than sending them."""
        return 1000 if self.size < MIB else 16


@dataclasses.dataclass(frozen=True)
class Case:
    """ours / yardstick must be at most, or at least, the bar. Of several yardsticks the one with
    the best value of the round counts."""
    name: str
    ours: Program
    yardsticks: tuple
    metric: str     # a key of the programs' JSON
    direction: str  # "<=" or ">="
    bar: typing.Optional[float]  # None: only to be shown


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


def zmq(what, **options):
    return Program("zmq", what, **options)


def rtt_case(transport, pinning, bar):
    return Case(f"{transport}-rtt-{pinning}", tool(transport, pinning=pinning, spin="off"),
                (sync(transport, pinning=pinning),), "p50_us", "<=", bar)


def auto_case(pinning):
    others = tuple(tool("tcp", pinning=pinning, spin=spin) for spin in ("on", "off"))
    return Case(f"tcp-rtt-auto-{pinning}", tool("tcp", pinning=pinning), others,
                "p50_us", "<=", 1.2)


def large_case(transport):
    return Case(f"{transport}-oneway-1MiB", tool(transport, **ONE_WAY_LARGE),
                (sync(transport, **ONE_WAY_LARGE),), "per_second", ">=", 0.8)


def connections_case(clients):
    return Case(f"tcp-connections-{clients}", Program("many", "tcp", clients=clients),
                (epoll("tcp", clients=clients),), "per_second", ">=", 0.6)


def zmq_cases(transport):
    """The plugin beside libzmq itself."""
    def case(name, metric, direction, bar, pattern="dealer", spin="auto", **load):
        return Case(f"zmq-{transport}-{name}", tool(f"zmq+{transport}", spin=spin, **load),
                    (zmq(transport, pattern=pattern, **load),), metric, direction, bar)
    round_trip = {"metric": "p50_us", "direction": "<=", "spin": "off"}
    rate = {"metric": "per_second", "direction": ">="}
    return [
        case("rtt-split", bar=1.10, **round_trip),
        case("rtt-same", bar=1.30, pinning="same", **round_trip),
        case("rtt-to-req", bar=None, pattern="req", **round_trip),
        case("pipe-64Bx256", bar=1.5, **rate, **PIPE_64),
        case("pipe-4KiBx64", bar=0.95, **rate, **PIPE_4K),
        case("oneway-64B", bar=1.5, **rate, mode="oneway"),
        case("oneway-64B-to-push", bar=None, pattern="push", **rate, mode="oneway"),
        case("oneway-1MiB", bar=0.95, **rate, **ONE_WAY_LARGE),
        case("oneway-1MiB-to-push", bar=None, pattern="push", **rate, **ONE_WAY_LARGE),
    ]


def ofi(what, **options):
    return Program("ofi", what, **options)


def ofi_cases(provider):
    """The plugin beside connected endpoints of libfabric itself."""
    def case(name, metric, direction, bar, spin="auto", wait="block", payload="copied", options="",
             **load):
        ours = tool(f"ofi+{provider}", spin=spin, payload=payload, options=options, **load)
        return Case(f"ofi-{provider}-{name}", ours,
                    (ofi(provider, wait=wait, **load),), metric, direction, bar)
    return [
        case("rtt-polled", "p50_us", "<=", 1.15, spin="on", wait="spin"),
        case("rtt-blocking", "p50_us", "<=", 1.15, spin="off"),
        Case(f"ofi-{provider}-rtt-to-pingpong", tool(f"ofi+{provider}", spin="on"),
             (Program("pingpong", provider),), "mean_us", "<=", None),
        case("pipe-64Bx256", "per_second", ">=", 3, **PIPE_64),
        case("oneway-1MiB", "per_second", ">=", None, payload="lent", **ONE_WAY_LARGE),
        case("oneway-16MiB", "per_second", ">=", None, payload="lent", mode="oneway",
             size=16 * MIB),
        case("oneway-64KiB", "per_second", ">=", None, payload="lent", mode="oneway", size=65536),
        case("oneway-256KiB", "per_second", ">=", None, payload="lent", mode="oneway", size=262144),
        # The same work: nobody checks what bare endpoints carry.
        case("oneway-1MiB-unchecked", "per_second", ">=", 0.9, payload="lent",
             options="?checksum=off", **ONE_WAY_LARGE),
        case("oneway-16MiB-unchecked", "per_second", ">=", 0.9, payload="lent",
             options="?checksum=off", mode="oneway", size=16 * MIB),
        case("oneway-1MiB-copied", "per_second", ">=", None, **ONE_WAY_LARGE),
        case("oneway-16MiB-copied", "per_second", ">=", None, mode="oneway", size=16 * MIB),
        case("oneway-1MiB-bulk", "per_second", ">=", None, payload="lent", options="?bulk=on",
             **ONE_WAY_LARGE),
        case("oneway-16MiB-bulk", "per_second", ">=", None, payload="lent", options="?bulk=on",
             mode="oneway", size=16 * MIB),
    ]


def without_zmq_cases(ours, theirs):
    """Our own sockets beside libzmq, on the same work."""
    def case(name, metric, direction, spin="auto", **load):
        return Case(f"{ours}-to-zmq-{name}", tool(ours, spin=spin, **load),
                    (zmq(theirs, **load),), metric, direction, None)
    return [
        case("rtt-split", "p50_us", "<=", spin="off"),
        case("pipe-64Bx256", "per_second", ">=", **PIPE_64),
        case("pipe-4KiBx64", "per_second", ">=", **PIPE_4K),
        case("oneway-64B", "per_second", ">=", mode="oneway"),
        case("oneway-1MiB", "per_second", ">=", **ONE_WAY_LARGE),
    ]


def wrapper_cases(inner):
    """What one more transport costs: the wrapper that changes nothing, beside what it wraps."""
    def case(name, metric, direction, bar, spin="auto", **load):
        return Case(f"pass-{inner}-{name}", tool(f"pass+{inner}", spin=spin, **load),
                    (tool(inner, spin=spin, **load),), metric, direction, bar)
    return [
        case("rtt-same", "p50_us", "<=", 1.1, spin="off", pinning="same"),
        case("pipe-64Bx256", "per_second", ">=", None, **PIPE_64),
        case("oneway-1MiB", "per_second", ">=", None, **ONE_WAY_LARGE),
    ]


ONE_WAY_LARGE = {"mode": "oneway", "size": MIB}
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
    *wrapper_cases("tcp"),
    *zmq_cases("tcp"),
    *zmq_cases("ipc"),
    *ofi_cases("tcp"),
    *without_zmq_cases("tcp", "tcp"),
    *without_zmq_cases("unix", "ipc"),
]

PROBES = [
    Probe("idle-wakeups", "wake-ups per second", 5),
    Probe("idle-running", "µs of CPU time per second", 1000),
    Probe("idle-connection-memory", "KiB per connection", 32),
    Probe("memory-growth", "KiB over 10^6 calls", 256),
]
