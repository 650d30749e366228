# Other emulators of SQS, installed from the package registries for the bench alone.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field

from machine import fresh, running
from support.server import ROOT, free_port

HERE = pathlib.Path(__file__).resolve().parent / "peers"
CACHE = ROOT / ".cache/peers"
ELASTICMQ, MINISTACK, FAKECLOUD = "1.6.11", "1.5.33", "0.51.0"
GOPHERSTACK = "github.com/blackbirdworks/gopherstack"  # the Go proxy has refused it since 2026-11
INSTALL_SECONDS_MAX = 7200


class NotInstalled(Exception):
    """A registry does not give it, or it does not build here."""


@dataclass
class Peer:
    name: str
    install: callable  # gives the program's words
    more: list = field(default_factory=list)
    environment: callable = lambda port, data: {}

    def running(self):
        words = self.install() + self.more
        port, data = free_port(), fresh("peer")
        environment = {**os.environ, **self.environment(port, data)}
        words = [str(word).replace("PORT", str(port)).replace("DATA", str(data)) for word in words]
        return port, running(words, port, is_ready=accepts, env=environment, cwd=data)


def accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def run(words, **more):
    try:
        subprocess.run(
            [str(word) for word in words],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=INSTALL_SECONDS_MAX,
            **more,
        )
    except FileNotFoundError as error:
        raise NotInstalled(f"there is no {words[0]} here") from error
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", b"") or b"").decode(errors="replace").strip()
        raise NotInstalled(said.splitlines()[-1][:200] if said else str(error)[:200]) from error


def elasticmq():
    jars = CACHE / f"elasticmq-{ELASTICMQ}"
    if not (jars / f"elasticmq-server_2.13-{ELASTICMQ}.jar").exists():
        run(
            ["mvn", "-q", "-B", "-f", HERE / "pom.xml", "dependency:copy-dependencies"]
            + [f"-DoutputDirectory={jars}"]
        )
    words = [f"-Dconfig.file={HERE / 'elasticmq.conf'}", "-cp", f"{jars}/*"]
    return ["java", *words, "org.elasticmq.server.Main"]


def ministack():
    home = CACHE / f"ministack-{MINISTACK}"
    if not (home / "bin/ministack").exists():
        run([sys.executable, "-m", "venv", home])
        run([home / "bin/pip", "-q", "install", f"ministack=={MINISTACK}"])
    return [home / "bin/ministack"]


def fakecloud():
    home = CACHE / f"fakecloud-{FAKECLOUD}"
    if not (home / "bin/fakecloud").exists():
        # It takes long: what was built by a run that was cut short is kept.
        environment = {**os.environ, "CARGO_TARGET_DIR": str(home / "build")}
        words = ["cargo", "install", "-q", "--locked", "--root", home, f"fakecloud@{FAKECLOUD}"]
        run(words, env=environment)
        shutil.rmtree(home / "build", ignore_errors=True)
    return [home / "bin/fakecloud"]


def gopherstack():
    home = CACHE / "gopherstack"
    if not (home / "gopherstack").exists():
        home.mkdir(parents=True, exist_ok=True)
        run(["go", "install", f"{GOPHERSTACK}@latest"], env={**os.environ, "GOBIN": str(home)})
    return [home / "gopherstack"]


def elasticmq_environment(stores):
    return lambda port, data: {"PORT": str(port), "DATA": f"{data}/h2", "STORES": stores}


PEERS = [
    Peer("ElasticMQ " + ELASTICMQ, elasticmq, environment=elasticmq_environment("false")),
    Peer(f"ElasticMQ {ELASTICMQ}, persistent", elasticmq, environment=elasticmq_environment("true")),
    Peer("GopherStack", gopherstack, environment=lambda port, data: {"PORT": str(port)}),
    Peer("MiniStack " + MINISTACK, ministack, environment=lambda port, data: {"GATEWAY_PORT": str(port)}),
    Peer(f"fakecloud {FAKECLOUD}", fakecloud, ["--addr", "127.0.0.1:PORT"]),
    Peer(
        f"fakecloud {FAKECLOUD}, durable",
        fakecloud,
        ["--addr", "127.0.0.1:PORT", "--storage-mode", "persistent", "--data-path", "DATA"],
    ),
]
