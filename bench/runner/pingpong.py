"""libfabric's own ping-pong, fi_pingpong (Debian: libfabric-bin), as one more bare program."""
import os
import shutil
import socket
import subprocess
import time

from runner import machine

NAME = "fi_pingpong"
# It counts messages and not time: about so many round trips a second, most of them small.
ROUND_TRIPS_PER_SECOND = 50_000


def is_there():
    return shutil.which(NAME) is not None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    """Without connecting: it would take that for its partner."""
    listening = "0A"
    table = machine.read("/proc/net/tcp") + machine.read("/proc/net/tcp6")
    return any(fields[1].endswith(f":{port:04X}") and fields[3] == listening
               for fields in map(str.split, table.splitlines()) if len(fields) > 3)


def wait_until_listening(port, seconds_max=10):
    end = time.monotonic() + seconds_max
    while not is_listening(port):
        if time.monotonic() > end:
            raise TimeoutError(f"{NAME} does not listen after {seconds_max} s")
        time.sleep(0.02)


def mean_round_trip(output):
    """µs. The last line has the size, ..., µs per transfer, of which a round trip has two."""
    return 2 * float(output.strip().splitlines()[-1].split()[6])


def measure(program, seconds, cpus):
    """What other programs print as JSON, as far as it says so much."""
    port, count = free_port(), max(100, int(seconds * ROUND_TRIPS_PER_SECOND))
    command = [NAME, "-p", program.what, "-e", "msg", "-I", str(count), "-S", str(program.size)]
    server = subprocess.Popen(["taskset", "-c", str(cpus[0]), *command, "-B", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_listening(port)
        watch = machine.LoadWatch([os.getpid(), server.pid])
        done = subprocess.run(
            ["taskset", "-c", str(cpus[1]), *command, "-P", str(port), "127.0.0.1"],
            capture_output=True, text=True, timeout=60 + 10 * seconds, check=True)
        return {"mean_us": mean_round_trip(done.stdout), "messages": count, "errors": 0,
                "foreign": watch.foreign_share()}
    finally:
        server.kill()
        server.wait()
