"""What the machine is, and who used its CPUs while something was measured."""
import dataclasses
import os
import pathlib
import platform
import time

TICK = 1 / os.sysconf("SC_CLK_TCK")


def read(path):
    try:
        return pathlib.Path(path).read_text("utf-8", errors="replace")
    except OSError:
        return ""


def facts():
    """Lines for people who compare results of two machines."""
    model = next((line.split(":", 1)[1].strip() for line in read("/proc/cpuinfo").splitlines()
                  if line.startswith("model name")), platform.machine())
    allowed = sorted(os.sched_getaffinity(0))
    governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip()
    return {"processor": model, "cpus online": os.cpu_count(), "cpus used": allowed[:2],
            "kernel": f"{platform.system()} {platform.release()}",
            "clock source": read("/sys/devices/system/clocksource/clocksource0/"
                                 "current_clocksource").strip(),
            "idle driver": read("/sys/devices/system/cpu/cpuidle/current_driver").strip(),
            "governor": governor or "none"}


def cpus():
    """(for servers, for clients)."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)]


@dataclasses.dataclass(frozen=True)
class CpuTimes:
    """Seconds since boot, over all CPUs."""
    busy: float
    steal: float


def cpu_times():
    """From the first line of /proc/stat. Interrupts are left out: they carry our own packets."""
    user, nice, system, _, _, _, _, steal = map(
        int, read("/proc/stat").splitlines()[0].split()[1:9])
    return CpuTimes((user + nice + system) * TICK, steal * TICK)


def process_times(pid):
    """Seconds that a process and its reaped children ran, or None if there is no such process."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * TICK if len(fields) > 14 else None


def all_process_times(but):
    """The same of every process we can see, but some."""
    pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    times = {pid: process_times(pid) for pid in pids if pid not in but}
    return {pid: seconds for pid, seconds in times.items() if seconds is not None}


class LoadWatch:
    """Counts the CPU time that others used between its making and `foreign_share()`.

    The process table is exact to a tick per process, where /proc/stat samples what runs at each
    timer interrupt. It catches what is not in our process table: other containers, the host.
    """
    SAMPLING_ERROR = 0.2  # of a CPU; what /proc/stat may be wrong by in a short measurement

    def __init__(self, own):
        self.own = set(own) | {os.getpid()}
        self.start = time.monotonic()
        self.processes = sum(all_process_times(self.own).values())
        self.own_times = self._own()
        self.cpus = cpu_times()

    def _own(self):
        return sum(process_times(pid) or 0.0 for pid in self.own)

    def foreign_share(self):
        """CPU seconds of others per second: 1.0 is one CPU."""
        took = time.monotonic() - self.start
        now = cpu_times()
        seen = max(0.0, sum(all_process_times(self.own).values()) - self.processes)
        unseen = now.busy - self.cpus.busy - (self._own() - self.own_times) - seen
        beyond_error = max(0.0, unseen - self.SAMPLING_ERROR * took)
        return (seen + beyond_error + now.steal - self.cpus.steal) / took


def wait_until_idle(seconds_max):
    """Returns when hardly anything has run for a moment, or after `seconds_max`."""
    end = time.monotonic() + seconds_max
    while time.monotonic() < end:
        before = cpu_times().busy
        time.sleep(0.1)
        if cpu_times().busy - before <= 0.1 * 0.1:
            return
