#!/usr/bin/env python3
# ./dev host-demo: a small cloud on this machine, by wishes to /_c10m/host/units, and what a power failure does to it.
# SPDX-License-Identifier: Apache-2.0

# Two guests in two zones, each with an ssh server and a web page; PostgreSQL with a replica in the
# other zone; HAProxy before the pages; a visitor. A security group is opened and closed, a zone dies
# under traffic, the replica is promoted, the zone comes back. Each step is checked; at the end it is
# counted what is left on the machine: nothing.
import argparse
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.engines import Client
from support.machine import machine
from support.server import eventually

SECONDS = 90  # for each step, on a machine that does much else
NETWORK = ("network", "vpc")
A, B = "us-east-1a", "us-east-1b"
# By port: its zone, address and security group.
PLACES = {
    "web-a": (A, "10.0.1.4", "sg-web"),
    "db-a": (A, "10.0.1.5", "sg-db"),
    "web-b": (B, "10.0.2.4", "sg-web"),
    "db-b": (B, "10.0.2.5", "sg-db"),
    "lb": (B, "10.0.2.6", "sg-lb"),
    "visitor": (B, "10.0.2.7", "sg-visitor"),
}
WEBS = ("web-a", "web-b")
EVERYWHERE = "0.0.0.0/0"
HAPROXY = f"""
defaults
    mode http
    timeout connect 300ms
    timeout client 10s
    timeout server 2s
    retries 3
    option redispatch 1
frontend pages
    bind :80
    bind :8080
    default_backend webs
backend webs
    balance roundrobin
    retry-on conn-failure empty-response response-timeout
    default-server check inter 200ms fall 2 rise 2
    server web-a {PLACES["web-a"][1]}:80
    server web-b {PLACES["web-b"][1]}:80
"""
# An ordinary user's guest has one user id only: an ssh server that is root could not become another.
WEB = """
cd {home} && umask 077 && mkdir -p .ssh /etc/dropbear && echo "$KEY" > .ssh/authorized_keys || exit 1
grep -q "^{login}:" /etc/passwd || echo "{login}:x:{uid}:{uid}::{home}:/bin/sh" >> /etc/passwd
/usr/sbin/dropbear -E -R -p 22 -P /tmp/dropbear.pid || exit 1
mkdir -p /tmp/pages && cd /tmp/pages && echo "$(hostname) in {zone}" > index.html
exec python3 -m http.server 80
"""
# In the visitor: asks for the page until told to end; a line each: when, and what it got.
TRAFFIC = """
import os, sys, time, urllib.request
with open("/talk/traffic", "w", buffering=1) as out:
    while not os.path.exists("/talk/stop"):
        begun = time.time()
        try:
            said = urllib.request.urlopen(f"http://{sys.argv[1]}/", timeout=10).read().decode().strip()
        except Exception as error:
            said = f"failed: {error}"
        print(begun, said, file=out)
        time.sleep(0.005)
"""


@dataclass
class Demo:
    m: object
    is_short: bool
    begun: float = field(default_factory=time.monotonic)
    seen: dict = field(default_factory=dict)  # figures by name, for the test

    # Telling.

    def say(self, text):
        print(f"{time.monotonic() - self.begun:7.2f} s  {text}", flush=True)

    def until(self, condition, what):
        """Waits for it; how long it took in milliseconds."""
        begun = time.monotonic()
        try:
            eventually(condition, SECONDS, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.m.units()}\n{self.m.server.log_text()}")
        return (time.monotonic() - begun) * 1000

    # Wishes.

    @property
    def loopback(self):
        """The balancer's Elastic address on this machine, and no other demo's."""
        pid = os.getpid()
        return f"127.{192 + pid // 256 % 62}.{pid % 256}.2"

    @property
    def is_root(self):
        return self.m.server.uid is None and os.geteuid() == 0

    def network(self, is_open):
        """The groups of a usual VPC; `is_open`: whether everybody may see the pages."""

        def tcp(port, **source):
            return {"protocol": 6, "from": port, "to": port, **source}

        everything = {"is_egress": True, "protocol": 0, "cidr": EVERYWHERE}
        rules = {
            "sg-web": [tcp(80, group="sg-lb"), tcp(22, group="sg-visitor")],
            "sg-db": [tcp(5432, group="sg-db"), tcp(5432, group="sg-visitor")],
            "sg-lb": [tcp(port, cidr=EVERYWHERE) for port in (80, 8080)] if is_open else [],
            "sg-visitor": [],
        }
        return {
            "addresses": ["10.0.1.1/24", "10.0.2.1/24"],
            "elastics": [{"loopback": self.loopback, "port": "lb"}],
            "subnets": [{"cidr": "10.0.1.0/24", "zone": A}, {"cidr": "10.0.2.0/24", "zone": B}],
            "groups": [{"name": name, "rules": [*list, everything]} for name, list in rules.items()],
            "ports": [
                {
                    "name": name,
                    "address": f"{address}/24",
                    "gateway": "10.0.1.1" if zone == A else "10.0.2.1",
                    "mac": "0a:00:" + ":".join(f"{int(part):02x}" for part in address.split(".")),
                    "groups": [group],
                }
                for name, (zone, address, group) in PLACES.items()
            ],
        }

    def want_network(self, is_open):
        self.m.want(*NETWORK, spec=self.network(is_open))

    def want_web(self, name):
        self.login, uid, home = ("root", 0, "/root") if self.is_root else ("guest", 1000, "/home")
        zone = PLACES[name][0]
        command = WEB.format(login=self.login, uid=uid, home=home, zone=zone)
        spec = self.m.guest(command, network=NETWORK[1], port=name, hostname=name, uid=uid, gid=uid)
        spec["env"].append(f"KEY={self.public_key}")
        self.m.want("sandbox", name, spec=spec, needs=[NETWORK], zone=zone, restarts=True)

    def want_engine(self, kind, name, needs=(), port=None, **more):
        port = port or name
        spec = {"network": NETWORK[1], "port": port, **more}
        needs = [NETWORK, *(("postgres", other) for other in needs)]
        self.m.want(kind, name, spec=spec, needs=needs, zone=PLACES[port][0], restarts=True)

    def want_postgres(self, name, primary=None, port=None):
        users = {"admin": "boss", "admin_password": "secret", "replication_password": "it is one"}
        more = {"primary_host": PLACES[primary][1]} if primary else {}
        self.want_engine("postgres", name, [primary] if primary else [], port, **users, **more)

    # Asking.

    def make_key(self):
        words = ["dropbearkey", "-t", "ed25519", "-f", str(self.m.dir / "key")]
        text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        self.public_key = next(line for line in text.splitlines() if line.startswith("ssh-"))

    def ssh(self, name, command):
        words = ["dbclient", "-y", "-y", "-T", "-i", "/talk/key", f"{self.login}@{PLACES[name][1]}"]
        status, out, errors = self.visitor.run(*words, command)
        return out.strip() if status == 0 else ""

    def page(self, seconds=10):
        words = ["curl", "-s", "-f", "-m", str(seconds), f"http://{PLACES['lb'][1]}/"]
        return self.visitor.run(*words)[1].strip()

    @staticmethod
    def from_here(url):
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            return opener.open(url, timeout=10).read().decode().strip()
        except OSError:
            return ""

    def sql(self, name, text):
        """What it answers; None: an error."""
        words = "env PGPASSWORD=secret PGCONNECT_TIMEOUT=5 psql -U boss -d postgres -At -v ON_ERROR_STOP=1"
        status, out, _ = self.visitor.run(*words.split(), "-h", PLACES[name][1], "-c", text)
        return out.strip() if status == 0 else None

    def sees_both(self):
        return {self.page() for _ in range(4)} == {f"{web} in {PLACES[web][0]}" for web in WEBS}

    # The story.

    def start(self):
        self.make_key()
        self.want_network(is_open=False)
        self.visitor = Client(self.m, "visitor", "visitor", NETWORK, zone=B)
        key = self.visitor.path.parent / "key"
        key.write_bytes((self.m.dir / "key").read_bytes())
        key.chmod(0o644)
        self.want_postgres("db-a")
        self.want_postgres("db-b", primary="db-a")
        self.want_engine("haproxy", "lb", settings=[{"name": "config", "value": HAPROXY}])
        for name in WEBS:
            self.want_web(name)
        self.say(f"wished: a network with two subnets in {A} and {B}, {len(PLACES)} things in them")
        left = {NETWORK[1], *PLACES}
        while left:
            units = self.m.units()
            for name in [name for name in left if units[name]["state"] == "up"]:
                left.remove(name)
                zone, address, _ = PLACES.get(name, ("both zones", "10.0.0.0/16", ""))
                self.say(f"up: {units[name]['kind']} {name} in {zone}, {address}")
            assert time.monotonic() - self.begun < SECONDS, (units, self.m.server.log_text())
            time.sleep(0.01)

    def log_in(self):
        for name in WEBS:
            self.until(lambda name=name: self.ssh(name, "hostname") == name, f"ssh to {name} works")
            self.say(f"ssh {self.login}@{PLACES[name][1]} hostname: {name}")

    def is_applied(self):
        network = self.m.units()[NETWORK[1]]
        return network["applied_version"] == network["want_version"]

    def open_and_close(self):
        assert self.page(1) == "", "the group is closed"
        self.say("the balancer's security group is closed: the visitor gets no page")
        for is_open in (True, False, True):
            self.want_network(is_open)
            took = self.until(self.is_applied, "the group's change is in force")
            assert bool(self.page(1)) == is_open, f"it is {'open' if is_open else 'closed'}"
            self.say(f"{'opened to' if is_open else 'closed for'} everybody: in force within {took:.0f} ms")
        self.until(self.sees_both, "both pages come in turn")
        self.say("the visitor sees the pages of both zones in turn")
        url = f"http://{self.loopback}:8080/"
        self.until(lambda: self.from_here(url), "the Elastic address leads there")
        self.say(f"this machine sees them too, at the balancer's Elastic address: {url}: {self.from_here(url)}")

    def write(self):
        self.until(lambda: self.sql("db-a", "create table if not exists t (n int)") is not None, "SQL")
        assert self.sql("db-a", "insert into t select generate_series(1, 1000)") is not None
        took = self.until(lambda: self.sql("db-b", "select count(*) from t") == "1000", "it is copied")
        self.say(f"1000 rows written to {A}, read from the replica in {B} {took:.0f} ms later")
        assert self.sql("db-b", "insert into t values (0)") is None, "a replica only reads"

    def kill_zone(self):
        traffic = threading.Thread(target=self.visitor.python, args=[TRAFFIC, PLACES["lb"][1]])
        traffic.start()
        self.until(lambda: len(self.traffic()) > 20, "there is traffic")
        self.say(f"the visitor asks for the page without end; {A} loses its power")
        self.died = time.time()
        self.fail("dead")
        self.say(f"dead: {', '.join(self.downs())} are down")
        self.until(lambda: self.last_pages(20) == {f"web-b in {B}"}, "all pages come from the other zone")
        self.say(f"every page comes from {B}")
        self.promote()
        time.sleep(0 if self.is_short else 3)  # of traffic
        (self.visitor.path.parent / "stop").touch()
        traffic.join()
        self.tell_traffic()

    def fail(self, state):
        status, text = self.m.post({"place": A, "state": state}, page="faults")
        assert status == 202, text
        self.until(lambda: self.m.page()["zones"]["is_in_force"], f"{A} is {state}")

    def downs(self):
        return sorted(name for name, unit in self.m.units().items() if unit["state"] == "down")

    def promote(self):
        begun = time.monotonic()
        self.want_postgres("db-b")
        self.until(lambda: self.sql("db-b", "insert into t values (0)") is not None, "it takes writes")
        self.seen["promoted_ms"] = (time.monotonic() - begun) * 1000
        assert self.sql("db-b", "select count(*) from t") == "1001", "no row is lost"
        self.say(f"replica promoted: its first write {self.seen['promoted_ms']:.0f} ms later; all rows are there")

    def traffic(self):
        """Seconds and texts."""
        path = self.visitor.path.parent / "traffic"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(float(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in lines if " " in line]

    def last_pages(self, count):
        return {text for _, text in self.traffic()[-count:]}

    def tell_traffic(self):
        found = [(at - self.died, text) for at, text in self.traffic()]
        failed = [at for at, text in found if text.startswith("failed")]
        gap = max(b - a for (a, _), (b, _) in zip(found, found[1:]))
        self.seen.update(requests=len(found), failed=len(failed))
        self.say(f"of {len(found)} requests {len(failed)} failed; the longest took {gap * 1000:.0f} ms")
        second = -1
        while second * 0.5 < found[-1][0]:
            part = [text for at, text in found if second * 0.5 <= at < second * 0.5 + 0.5]
            counts = [sum(text.startswith(word) for text in part) for word in (*WEBS, "failed")]
            print(f"{'':9}  {second * 0.5:+5.1f} s: web-a {counts[0]:4}, web-b {counts[1]:4}, failed {counts[2]}")
            second += 1

    def heal(self):
        self.m.want("postgres", "db-a", desired="gone")  # its history is its own now
        self.m.wait("db-a", None)
        self.fail("healthy")
        took = self.until(self.sees_both, "both pages are back")
        self.say(f"{A} has power again: its page is back {took:.0f} ms later")
        if self.is_short:
            return
        self.want_postgres("db-c", primary="db-b", port="db-a")
        self.until(lambda: self.sql("db-a", "select count(*) from t") == "1001", "a new replica follows")
        self.say(f"a new replica in {A} follows the promoted one")

    def tell(self):
        self.say(f"c10m runs {'as root' if self.is_root else 'as an ordinary user'}: {self.m.dir}")
        for step in (self.start, self.log_in, self.open_and_close, self.write, self.kill_zone, self.heal):
            step()
        self.say("SIGTERM: everything ends, guests before their network")


def run(user, is_short):
    """One story from start to end; what it has seen."""
    with machine(user) as m:
        demo = Demo(m, is_short)
        demo.tell()
    demo.say("nothing is left: no process, mount, namespace, rule, control group or file")
    return demo.seen


def main():
    parser = argparse.ArgumentParser(prog="./dev host-demo")
    parser.add_argument("--user", action="store_true", help="as an ordinary user, also when root runs it")
    parser.add_argument("--short", action="store_true", help="as the test does: less traffic, no new replica")
    options = parser.parse_args()
    run("root" if os.geteuid() == 0 and not options.user else "user", options.short)


if __name__ == "__main__":
    main()
