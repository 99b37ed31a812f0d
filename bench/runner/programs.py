"""Starting servers and clients, pinned, and reading what they print."""
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import tempfile

from runner import machine, pingpong


class ProgramFailed(Exception):
    """What a program said when it did not do what it should."""


def pinned(cpu, command):
    return ["taskset", "-c", str(cpu), *map(str, command)]


@dataclasses.dataclass(frozen=True)
class Programs:
    """The programs of one build."""
    build: pathlib.Path

    @property
    def tool(self):
        return self.build / "bin/trestle"

    def bench(self, name):
        return self.build / "bench" / name

    @property
    def environment(self):
        """With the wrapper, which is built for examples and tests and not offered to nodes."""
        return os.environ | {"TRESTLE_PLUGIN_PATH": f"{self.build.resolve()}/lib:<default>"}

    def missing(self):
        names = ["bare_sync_socket", "bare_epoll_socket", "bare_in_process", "inproc_bench",
                 "many_connections", "idle_connections"]
        return [path for path in [self.tool, *map(self.bench, names)] if not path.is_file()]

    def can_measure(self, case):
        """Builds without a plugin have nothing of its library."""
        kinds = {program.kind for program in (case.ours, *case.yardsticks)}
        if "pingpong" in kinds and not pingpong.is_there():
            return False
        return all(kind not in kinds or self.bench(f"bare_{kind}_socket").is_file()
                   for kind in ("zmq", "ofi"))

    def server_command(self, program, folder):
        """The command, without its CPU; None for programs that need no server."""
        if program.kind in ("trestle", "many"):
            place = "127.0.0.1:0" if program.what.endswith("tcp") else "*"
            endpoint = f"{program.what}://{place}{program.options}"
            return [self.tool, "serve", "--listen", endpoint, "--spin", program.spin]
        if program.kind in ("sync", "epoll"):
            endpoint = ("tcp://127.0.0.1:0" if program.what == "tcp"
                        else f"{program.what}://{folder}/socket")
            return [self.bench(f"bare_{program.kind}_socket"), "serve", endpoint,
                    "--wait", program.wait, "--write", program.write]
        if program.kind == "ofi":
            return [self.bench("bare_ofi_socket"), "serve", f"{program.what}://127.0.0.1:0",
                    "--wait", program.wait, "--size", program.size]
        if program.kind == "zmq":
            place = "127.0.0.1:*" if program.what == "tcp" else f"{folder}/socket"
            return [self.bench("bare_zmq_socket"), "serve", f"{program.what}://{place}",
                    "--pattern", program.pattern, "--hwm", program.hwm]
        return None

    def client_command(self, program, uri, seconds):
        load = ["--mode", program.mode, "--size", program.size, "--outstanding",
                program.outstanding, "--clients", program.clients, "--seconds", seconds]
        if program.kind == "trestle":
            return [self.tool, "bench", uri, *load, "--spin", program.spin, "--payload",
                    program.payload, "--json"]
        if program.kind == "many":
            return [self.bench("many_connections"), uri, "--clients", program.clients,
                    "--size", program.size, "--seconds", seconds]
        if program.kind in ("sync", "epoll", "ofi"):
            return [self.bench(f"bare_{program.kind}_socket"), "measure", uri, *load,
                    "--wait", program.wait, "--write", program.write]
        if program.kind == "zmq":
            return [self.bench("bare_zmq_socket"), "measure", uri, *load,
                    "--pattern", program.pattern, "--hwm", program.hwm]
        if program.kind == "inproc":
            return [self.bench("inproc_bench"), program.what, "--seconds", seconds,
                    "--size", program.size]
        return [self.bench("bare_in_process"), program.what, "--seconds", seconds]


@contextlib.contextmanager
def serving(command, cpu, environment=None):
    """(process, URI) of a server that is ended afterwards."""
    server = subprocess.Popen(pinned(cpu, command), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment)
    try:
        line = server.stdout.readline().split()
        if len(line) != 2 or line[0] != "listening":
            raise ProgramFailed(f"{command[0]}: {server.stderr.read().strip()}")
        yield server, line[1]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        server.stderr.close()


def run_client(command, timeout, environment=None):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              check=False, env=environment)
    except subprocess.TimeoutExpired as late:
        raise ProgramFailed(f"{' '.join(command)}: still running after {timeout:.0f} s") from late
    if done.returncode != 0:
        raise ProgramFailed(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def require_clean(result, command):
    """A program that did nothing, or not all of what it should, has measured something else."""
    if result["messages"] == 0 or result["errors"] != 0:
        raise ProgramFailed(f"{' '.join(command)}: {result['messages']} messages, "
                            f"{result['errors']} errors")


def measure_once(programs, program, seconds):
    """The program's JSON, and under "foreign" the share of a CPU that others used meanwhile."""
    server_cpu, client_cpu = machine.cpus()
    if program.kind == "pingpong":
        try:
            return pingpong.measure(program, seconds, (server_cpu, client_cpu))
        except (subprocess.SubprocessError, TimeoutError) as failed:
            raise ProgramFailed(str(failed)) from failed
    if program.pinning == "same":
        server_cpu = client_cpu
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="trestle-bench-"))
        server, uri, own = programs.server_command(program, folder), "", []
        if server is not None:
            process, uri = stack.enter_context(
                serving(server, server_cpu, programs.environment))
            own = [process.pid]
            if program.options not in uri:  # the plugin's own are
                uri += program.options
        command = [str(word) for word in programs.client_command(program, uri, seconds)]
        if program.pinning != "free":
            command = pinned(client_cpu, command)
        watch = machine.LoadWatch(own)
        result = run_client(command, seconds * 2 + 60, programs.environment)
        result["foreign"] = watch.foreign_share()
        require_clean(result, command)
        return result
