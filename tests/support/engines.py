# Engines of a c10m under test: their records, and stock clients that ask them from inside their network.
# SPDX-License-Identifier: Apache-2.0
import json
import socket

from support.server import eventually

ASK_SECONDS_MAX = 120
NETWORK = ("network", "n1")
# In a guest: runs the commands that come by its socket, several at a time.
AGENT = """
import json, os, socketserver, subprocess
class Command(socketserver.StreamRequestHandler):
    def handle(self):
        words, text = json.loads(self.rfile.readline())
        done = subprocess.run(words, input=text, capture_output=True, text=True)
        self.wfile.write(json.dumps([done.returncode, done.stdout, done.stderr]).encode())
server = socketserver.ThreadingUnixStreamServer("/talk/new", Command)
os.chmod("/talk/new", 0o777)
os.rename("/talk/new", "/talk/sock")
server.serve_forever()
"""


class Client:
    """A guest at a port of the network, with psql, mariadb, redis-cli, curl and Python's clients."""

    def __init__(self, m, name="client", port="p1", network=NETWORK, **more):
        self.m, self.name = m, name
        folder = m.dir / f"talk-{name}"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        self.path = folder / "sock"
        mounts = [{"at": "/talk", "outside": str(folder), "is_writable": True}]
        spec = m.guest(network=network[1], port=port, mounts=mounts)
        spec["args"] = ["/usr/bin/python3", "-c", AGENT]
        m.want("sandbox", name, spec=spec, needs=[network], restarts=True, **more)

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(ASK_SECONDS_MAX)
        try:
            s.connect(str(self.path))
            return s
        except OSError:
            s.close()  # it is not there yet, or was left by one that has ended

    def run(self, *words, text=""):
        """Status, output and errors of a command."""
        with eventually(self.connect, ASK_SECONDS_MAX, f"{self.name} listens") as s:
            s.sendall(json.dumps([words, text]).encode() + b"\n")
            return json.loads(s.makefile("rb").read())

    def ask(self, *words, text=""):
        """Output of a command that ends well."""
        status, out, errors = self.run(*words, text=text)
        assert status == 0, (words, out, errors)
        return out.strip()

    def python(self, script, *words):
        return self.ask("/usr/bin/python3", "-c", script, *words)


PSYCOPG = """
import psycopg2, sys
host, sql = sys.argv[1:]
with psycopg2.connect(host=host, user="boss", password="secret", dbname="postgres", connect_timeout=10) as c:
    c.cursor().execute(sql)
"""
PYMYSQL = """
import pymysql, sys
host, sql = sys.argv[1:]
with pymysql.connect(host=host, user="boss", password="secret", autocommit=True) as c:
    c.cursor().execute(sql)
"""
REDIS = """
import redis, sys
host, key, value = sys.argv[1:]
assert redis.Redis(host, password="secret").set(key, value)
"""
MEMCACHED = """
import sys
from pymemcache.client.base import Client
host, key, value = sys.argv[1:]
assert Client((host, 11211), timeout=10, connect_timeout=10).set(key, value, noreply=False)
"""
MEMCACHED_GET = """
import sys
from pymemcache.client.base import Client
c = Client((sys.argv[1], 11211), timeout=10, connect_timeout=10)
print((c.get(sys.argv[2]) or b"").decode(), c.stats()[b"limit_maxbytes"], sep="/")
"""


class Postgres:
    kind, process = "postgres", "postgres"
    keeps, replicates = True, True
    setting = {"name": "work_mem", "value": "9MB"}

    @staticmethod
    def sql(client, host, text):
        login = "env PGPASSWORD=secret PGCONNECT_TIMEOUT=10 psql -U boss -d postgres -v ON_ERROR_STOP=1 -At"
        return client.run(*login.split(), "-h", host, "-c", text)

    def put(self, client, host, key, value):
        table = "create table if not exists t (k text primary key, v text)"
        client.python(PSYCOPG, host, f"{table}; insert into t values ('{key}', '{value}')")

    def try_put(self, client, host, key, value):
        return self.sql(client, host, f"insert into t values ('{key}', '{value}')")[0] == 0

    def get(self, client, host, key):
        return self.sql(client, host, f"select v from t where k = '{key}'")[1].strip()

    def has_setting(self, client, host):
        return self.sql(client, host, "show work_mem")[1].strip() == "9MB"


class MariaDb:
    kind, process = "mariadb", "mariadbd"
    keeps, replicates = True, True
    setting = {"name": "max-connections", "value": "77"}

    @staticmethod
    def sql(client, host, text):
        login = "mariadb --no-defaults --connect-timeout=10 -u boss -psecret -N"
        return client.run(*login.split(), "-h", host, "-e", text)

    def put(self, client, host, key, value):
        tables = ["create database if not exists d", "create table if not exists d.t (k text, v text)"]
        for text in [*tables, f"insert into d.t values ('{key}', '{value}')"]:
            client.python(PYMYSQL, host, text)

    def try_put(self, client, host, key, value):
        return self.sql(client, host, f"insert into d.t values ('{key}', '{value}')")[0] == 0

    def get(self, client, host, key):
        return self.sql(client, host, f"select v from d.t where k = '{key}'")[1].strip()

    def has_setting(self, client, host):
        return self.sql(client, host, "select @@max_connections")[1].strip() == "77"


class Redis:
    kind, process = "redis", "redis-server"
    keeps, replicates = True, True
    setting = {"name": "maxmemory", "value": "9mb"}

    @staticmethod
    def command(client, host, *words):
        login = "redis-cli --no-auth-warning -a secret -h"
        return client.run(*login.split(), host, *words)[1].strip()

    def put(self, client, host, key, value):
        client.python(REDIS, host, key, value)

    def try_put(self, client, host, key, value):
        return self.command(client, host, "set", key, value) == "OK"

    def get(self, client, host, key):
        return self.command(client, host, "get", key)

    def has_setting(self, client, host):
        return self.command(client, host, "config", "get", "maxmemory").endswith(str(9 << 20))


class Memcached:
    kind, process = "memcached", "memcached"
    keeps, replicates = False, False
    setting = {"name": "memory-limit", "value": "9"}

    def put(self, client, host, key, value):
        client.python(MEMCACHED, host, key, value)

    def get(self, client, host, key):
        return client.python(MEMCACHED_GET, host, key).split("/")[0]

    def has_setting(self, client, host):
        return client.python(MEMCACHED_GET, host, "none").split("/")[1] == str(9 << 20)


class HaProxy:
    """Its value is what its page says: it holds nothing by itself."""

    kind, process = "haproxy", "haproxy"
    keeps, replicates = False, False

    def __init__(self):
        self.setting = self.page("changed")

    @staticmethod
    def page(text, more=""):
        config = f"""
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend front
    bind :80
{more or f'    http-request return status 200 content-type text/plain string "{text}"'}
"""
        return {"name": "config", "value": config}

    def get(self, client, host, key):
        return client.run("curl", "-s", "-m", "10", f"http://{host}/{key}")[1]

    def has_setting(self, client, host):
        return self.get(client, host, "") == "changed"


KINDS = {kind.kind: kind for kind in (Postgres(), MariaDb(), Redis(), Memcached(), HaProxy())}


def engine_spec(kind, port, **more):
    """A record of an engine at that port of the network n1."""
    spec = {
        "network": "n1",
        "port": port,
        "admin": "boss",
        "admin_password": "secret",
        "replication_password": "it is a secret",
        "memory_bytes": 1 << 30,
        **more,
    }
    if kind == "haproxy" and "settings" not in more:
        spec["settings"] = [HaProxy.page("first")]
    return spec


def address(port):
    """Of the port pN of Machine.network's."""
    return f"10.0.1.{3 + int(port[1:])}"


# Threads that ask a page again and again, half of them by a new connection each time, until told to
# end; then they print what they got, by how often. An idle connection may be closed (RFC 9112, 9.3.1):
# a request on one that was kept is asked again on a new one, as every client does.
LOAD = """
import collections, http.client, os, sys, threading
host = sys.argv[1]
counts = collections.Counter()
def once(c):
    c.request("GET", "/")
    answer = c.getresponse()
    return f"{answer.status} {answer.read().decode()}"
def load(keeps):
    kept = None
    while not os.path.exists("/talk/stop"):
        try:
            c = kept or http.client.HTTPConnection(host, timeout=30)
            try:
                said = once(c)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                if not kept:
                    raise
                c = http.client.HTTPConnection(host, timeout=30)
                said = once(c)
            kept = c if keeps else c.close()
        except Exception as error:
            said, kept = repr(error), None
        counts[said] += 1
threads = [threading.Thread(target=load, args=(i % 2,)) for i in range(4)]
[t.start() for t in threads]
open("/talk/begun", "w").close()
[t.join() for t in threads]
for said, count in counts.items():
    print(count, said)
"""
