"""Processes of ours: started with a log file, waited for by what they say or serve, ended by id."""
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path


class Failed(Exception):
    """Something did not come up or did not answer; the text is for a person."""


class Proc:
    """One process with its log.  Everything it starts is in its group and ends with it."""

    def __init__(self, name, command, log_dir, env=None, stdin=subprocess.DEVNULL, cwd=None):
        self.name = name
        self.log = Path(log_dir) / f"{name}.log"
        self._out = open(self.log, "ab", buffering=0)
        self._at = self.log.stat().st_size
        self.popen = subprocess.Popen([str(c) for c in command], stdin=stdin, stdout=self._out,
                                      stderr=subprocess.STDOUT, start_new_session=True, cwd=cwd,
                                      env={**os.environ, **(env or {})})

    @property
    def pid(self):
        return self.popen.pid

    def said(self):
        """All it has written since it started."""
        with open(self.log, "rb") as f:
            f.seek(self._at)
            return f.read().decode(errors="replace")

    def wait_for(self, pattern, timeout=10.0):
        """Waits until a line matches; returns the match and the time it was seen."""
        rule = re.compile(pattern, re.M)
        end = time.monotonic() + timeout
        while True:
            found = rule.search(self.said())
            if found:
                return found
            if self.popen.poll() is not None:
                raise Failed(f"{self.name} ended ({self.popen.returncode}) before it said "
                             f"'{pattern}': {self.said()[-600:].strip()}")
            if time.monotonic() > end:
                raise Failed(f"{self.name} did not say '{pattern}' within {timeout:g} s: "
                             f"{self.said()[-600:].strip()}")
            time.sleep(0.002)

    def is_running(self):
        return self.popen.poll() is None

    def signal(self, number):
        os.killpg(self.popen.pid, number)

    def write(self, text):
        """A line to its standard input (started with stdin=subprocess.PIPE)."""
        self.popen.stdin.write(text.encode())
        self.popen.stdin.flush()

    def stop(self, timeout=5.0):
        """Asks it to end, then makes it; the whole group is gone afterwards."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()
        if self.popen.stdin:
            self.popen.stdin.close()
        self._out.close()


def free_ports(count):
    """Free TCP ports on loopback.  They are free now; nobody promises for later."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def free_port_pair():
    """A free port whose successor is free too: the swtpm TCTI finds its control port there."""
    while True:
        port = free_ports(1)[0]
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port + 1))
                return port
            except (OSError, OverflowError):
                continue


def wait_until(claim, timeout=10.0, what="", every=0.01):
    """Waits until claim() is true and returns what it returned."""
    end = time.monotonic() + timeout
    while True:
        answer = claim()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"waited {timeout:g} s in vain{': ' + what if what else ''}")
        time.sleep(every)


def wait_port(proc, port, timeout=10.0):
    """Waits until something accepts connections on a loopback port."""
    def accepts():
        if not proc.is_running():
            raise Failed(f"{proc.name} ended ({proc.popen.returncode}): {proc.said()[-800:].strip()}")
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex(("127.0.0.1", port)) == 0
    wait_until(accepts, timeout, f"{proc.name} does not listen on port {port}: "
               f"see {proc.log}")
