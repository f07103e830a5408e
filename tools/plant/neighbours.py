"""The real neighbours: Debian's Mosquitto behind the gate, and software TPMs."""
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from proc import Failed, Proc, free_port_pair, wait_until


def tool(name):
    """A program of the system; Debian keeps some outside a user's PATH."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise Failed(f"{name} is not installed; run tools/install-packages run")
    return found


class Broker:
    """Mosquitto on a unix socket, 0660: only the gate's user and group reach it."""

    def __init__(self, folder, name="mosquitto", extra=""):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o750, exist_ok=True)
        self.name = name
        self.socket = self.folder / "broker.sock"
        self.config = self.folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        self.config.write_text(f"{user}listener 0 {self.socket}\nallow_anonymous true\n"
                               f"max_queued_messages 10000\nset_tcp_nodelay true\n{extra}")
        self.proc = None

    def start(self):
        self.socket.unlink(missing_ok=True)
        before = os.umask(0o117)
        try:
            self.proc = Proc(self.name, [tool("mosquitto"), "-c", self.config], self.folder)
        finally:
            os.umask(before)
        wait_until(self.socket.exists, 10, f"mosquitto: see {self.proc.log}")
        os.chmod(self.socket, 0o660)
        return self

    def stop(self):
        if self.proc:
            self.proc.stop()


class Tpm:
    """One swtpm with an endorsement certificate.  boot() is power-on plus a measured boot."""

    SETUP_CA = """statedir = {ca}
signingkey = {ca}/signkey.pem
issuercert = {ca}/issuercert.pem
certserial = {ca}/certserial
"""

    def __init__(self, folder, name, ca_folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.ca = Path(ca_folder)
        self.port = free_port_pair()
        self.tcti = f"swtpm:host=127.0.0.1,port={self.port}"
        self.proc = None

    def manufacture(self):
        """Makes endorsement keys and their certificates, as a maker does in the factory."""
        self.ca.mkdir(parents=True, exist_ok=True)
        conf = self.folder / "swtpm-localca.conf"
        conf.write_text(self.SETUP_CA.format(ca=self.ca))
        options = self.folder / "swtpm-localca.options"
        options.write_text("--platform-manufacturer Muster --platform-version 1 --platform-model p\n")
        setup = self.folder / "swtpm_setup.conf"
        setup.write_text(f"create_certs_tool={tool('swtpm_localca')}\n"
                         f"create_certs_tool_config={conf}\ncreate_certs_tool_options={options}\n"
                         f"active_pcr_banks = sha256\n")
        done = subprocess.run([tool("swtpm_setup"), "--tpm2", "--tpmstate", self.folder, "--config",
                               setup, "--create-ek-cert", "--pcr-banks", "sha256", "--overwrite"],
                              capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"swtpm_setup for {self.name}: {done.stdout[-800:]}{done.stderr[-400:]}")
        return self

    def power_on(self):
        self.proc = Proc(f"swtpm-{self.name}",
                         [tool("swtpm"), "socket", "--tpm2", "--tpmstate", f"dir={self.folder}",
                          "--server", f"type=tcp,port={self.port},bindaddr=127.0.0.1",
                          "--ctrl", f"type=tcp,port={self.port + 1},bindaddr=127.0.0.1",
                          "--flags", "not-need-init,startup-clear"], self.folder)
        wait_until(lambda: self._run("tpm2_getrandom", "--hex", "4", check=False), 10,
                   f"swtpm of {self.name}: see {self.proc.log}", every=0.05)

    def power_off(self):
        if self.proc:
            self.proc.stop()
            self.proc = None

    def boot(self, firmware):
        """Power-on, then each stage measures the next, as firmware does."""
        self.power_on()
        for pcr, what in firmware:
            self.extend(pcr, what)
        return self

    def extend(self, pcr, what):
        digest = hashlib.sha256(what).hexdigest()
        self._run("tpm2_pcrextend", f"{pcr}:sha256={digest}")

    def pcrs(self, numbers):
        """{number: hex} of the SHA-256 bank."""
        text = self._run("tpm2_pcrread", "sha256:" + ",".join(str(n) for n in numbers)).stdout
        found = {}
        for line in text.splitlines():
            number, _, value = line.partition(":")
            if value.strip().startswith("0x"):
                found[int(number)] = value.strip()[2:].lower()
        return found

    def _run(self, program, *args, check=True):
        done = subprocess.run([tool(program), *args], capture_output=True, text=True,
                              env={**os.environ, "TPM2TOOLS_TCTI": self.tcti})
        if done.returncode and check:
            raise Failed(f"{program} {' '.join(args)}: {done.stderr.strip()}")
        return done if done.returncode == 0 else None
