# What runs on this machine: units start, are adopted, powered off, and leave nothing.
# SPDX-License-Identifier: Apache-2.0
import hashlib
import io
import json
import os
import pathlib
import signal
import tarfile

import pytest

from support.machine import parent, post
from support.server import eventually

NETWORK = ("network", "n1")


def guest_on_network(m, name="g1", port="p1", **more):
    m.want("sandbox", name, spec=m.guest(network="n1", port=port, **more), needs=[NETWORK])


def shims(m):
    """The guests' processes 1, which are their children, have the same name."""
    found = {pid for pid, name in m.processes().items() if name == "c10m-shim"}
    return sorted(pid for pid in found if parent(pid) not in found)


def holders(m):
    return sorted(pid for pid, name in m.processes().items() if name == "c10m-net")


def adopted(m, times):
    """Both the network and the guest."""

    def count(kind):
        return m.server.log.read_text().count(f"host_unit_adopted kind={kind}")

    eventually(lambda: [count("network"), count("sandbox")] == [times] * 2, 60, "both are adopted")


def test_nothing_is_opened_before_the_first_unit(m):
    page = m.page()
    assert not page["opened"] and not page["problem"] and not page["units"]
    assert not m.folder.exists()
    assert m.processes() == {}


def test_a_guest_waits_for_its_network(m):
    guest_on_network(m, command="ip -4 addr show eth0; echo ready; exec sleep 100000")
    assert m.wait("g1", "pending")
    eventually(lambda: m.units()["g1"]["problem"] == "it waits for the network n1", 30, "it says so")
    m.want(*NETWORK, spec=m.network("n1"))
    m.wait("g1", "up")
    m.hear("g1", "ready")
    assert "inet 10.0.1.4/24" in m.console("g1")
    assert len(shims(m)) == 1
    page = m.page()
    assert page["root"] == (m.server.uid is None and os.geteuid() == 0)
    if page["root"]:
        assert "memory" not in page["limits_unenforced"]


def test_kill_9_leaves_what_runs_and_the_next_adopts_it(m):
    m.want(*NETWORK, spec=m.network("n1"))
    guest_on_network(m)
    m.wait("g1", "up")
    before = m.processes().keys()
    for i in range(1, 4):
        m.server.kill()
        assert m.processes().keys() == before
        m.server.start()
        adopted(m, i)
    assert m.processes().keys() == before


def test_sigterm_powers_off_guests_before_networks_and_the_next_start_starts_them(m):
    m.want(*NETWORK, spec=m.network("n1", ["p1", "p2"]))
    guest_on_network(m, "g1", "p1")
    guest_on_network(m, "g2", "p2")
    m.wait("g1", "up")
    m.wait("g2", "up")
    m.processes()
    assert m.server.stop() == 0
    m.check_nothing_is_left()
    downs = [line for line in m.server.log.read_text().splitlines() if "state=down" in line]
    assert [("network" in line) for line in downs] == [False, False, True], downs
    m.server.start()
    m.wait("g1", "up")
    m.wait("g2", "up")
    assert len(shims(m)) == 2


def test_what_does_not_end_is_killed(m):
    m.want("sandbox", "g1", spec=m.guest("trap '' TERM; while :; do sleep 1; done", stop_grace_ms=500))
    m.wait("g1", "up")
    m.want("sandbox", "g1", desired="stop")
    m.wait("g1", "down")
    assert shims(m) == []


def test_leave_running_leaves_it(m):
    m.server.options.append("--leave-running")
    m.server.stop()
    m.server.start()
    m.want(*NETWORK, spec=m.network("n1"))
    guest_on_network(m)
    m.wait("g1", "up")
    before = m.processes().keys()
    assert m.server.stop() == 0
    assert m.processes().keys() == before
    m.server.options.remove("--leave-running")
    m.server.start()
    adopted(m, 1)
    assert m.processes().keys() == before


def test_after_a_reboot_it_is_started_again_as_the_records_say(m):
    m.want(*NETWORK, spec=m.network("n1", ["p1", "p2", "p3"]))
    guest_on_network(m, "g1", "p1", command="echo kept > /srv/disk; exec sleep 100000")
    guest_on_network(m, "g2", "p2", command="exit 7")
    guest_on_network(m, "g3", "p3")
    m.wait("g1", "up")
    assert m.wait("g2", "ended")["problem"] == "it exited with status 7"
    m.wait("g3", "up")
    m.want("sandbox", "g3", desired="stop")
    m.wait("g3", "down")
    eventually(lambda: (m.folder / "disks/g1/root/upper/srv/disk").exists(), 30, "it has written")
    m.die()
    m.boot()
    eventually(lambda: len(shims(m)) == 1, 60, "it runs")
    m.wait("g1", "up")
    assert m.units()["g2"]["state"] == "ended", "what had ended by itself does not begin again"
    assert m.units()["g3"]["state"] == "down"
    assert len(shims(m)) == 1 and holders(m)
    assert (m.folder / "disks/g1/root/upper/srv/disk").read_text() == "kept\n"


def test_a_guest_whose_shim_was_killed_is_started_again(m):
    m.want("sandbox", "g1", spec=m.guest())
    m.wait("g1", "up")
    (before,) = shims(m)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: len(shims(m)) == 1 and shims(m) != [before], 60, "another shim")
    m.wait("g1", "up")


def test_gone_removes_all_that_it_had(m):
    m.want(*NETWORK, spec=m.network("n1"))
    guest_on_network(m)
    m.wait("g1", "up")
    m.processes()
    m.want(*NETWORK, desired="gone")
    eventually(
        lambda: m.units()["n1"]["problem"] == "the sandbox g1 needs it still", 30, "it is told"
    )
    m.want("sandbox", "g1", desired="gone")
    m.wait("g1", None)
    m.wait("n1", None)
    m.check_nothing_is_left()
    for folder in ("sandboxes", "disks", "networks"):
        # An ordinary user's networks share a user namespace, which has a network of its own.
        left = {path.name for path in (m.folder / folder).iterdir()} - {"internet"}
        assert left == set()


def test_a_changed_group_is_in_force_at_once(m):
    network = m.network("n1", ["p1", "p2"])
    m.want(*NETWORK, spec=network)
    guest_on_network(m, "web", "p1", command="cd /tmp; echo page > page; exec python3 -m http.server 80")
    guest_on_network(
        m,
        "asks",
        "p2",
        command="while :; do if curl -s -m 1 http://10.0.1.4/page; then :; else echo closed; fi; "
        "sleep 0.05; done",
    )
    m.hear("asks", "page")
    network["groups"][0]["rules"][0]["cidr"] = "192.0.2.0/24"
    m.want(*NETWORK, spec=network)
    m.hear("asks", "closed")
    network["groups"][0]["rules"][0]["cidr"] = "10.0.1.5/32"
    m.want(*NETWORK, spec=network)
    eventually(lambda: m.console("asks").endswith("page\n"), 60, "it is open again")


def tarball(m, name, **files):
    """Of a root file system that holds little."""
    path = m.dir / name
    with tarfile.open(path, "w") as tar:
        for folder in ("usr", "etc", "tmp", "proc", "sys", "dev", "run", "srv"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        for link in ("bin", "lib", "lib64"):
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, f"usr/{link}"
            tar.addfile(info)
        for at, text in files.items():
            info = tarfile.TarInfo(f"etc/{at}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    path.chmod(0o644)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_sandbox_names_its_image_and_has_snapshots(m):
    usr = {"mounts": [{"at": "/usr", "outside": "/usr"}]}
    path, image = tarball(m, "root.tar", motd="first")
    command = "cat /etc/motd; echo changed > /srv/mine; echo ready; exec sleep 100000"
    m.want("sandbox", "g1", spec=m.guest(command, tarball=str(path), image=image, **usr))
    m.hear("g1", "ready")
    assert m.console("g1").startswith("first")
    # By its hash alone, once it is there.
    m.want("sandbox", "g2", spec=m.guest("cat /etc/motd; ls /srv; echo ready; exec sleep 100000", image=image, **usr))
    m.hear("g2", "ready")
    assert m.console("g2") == "firstready\n"
    wrong = {"tarball": str(path), "image": "0" * 64, **usr}
    m.want("sandbox", "g3", spec=m.guest(**wrong))
    assert "not that of the image" in m.wait("g3", "failed")["problem"]
    m.want("sandbox", "g4", spec=m.guest(image="1" * 64, **usr))
    assert "no such image" in m.wait("g4", "failed")["problem"]
    m.want("sandbox", "g1", desired="stop")
    m.wait("g1", "down")
    m.want("sandbox", "g5", spec=m.guest("cat /srv/mine; echo ready; exec sleep 100000", snapshot_of="g1", **usr))
    m.hear("g5", "ready")
    assert m.console("g5") == "changed\nready\n"
    images = m.folder / "images"
    assert len([p for p in images.iterdir() if len(p.name) == 64]) == 2
    for name in ("g1", "g2", "g3", "g4", "g5"):
        m.want("sandbox", name, desired="gone")
        m.wait(name, None)
    assert [p.name for p in images.iterdir()] == ["default"]


def test_a_disk_is_limited(m):
    command = "head -c 100M /dev/zero > /srv/big; echo ready"
    spec = m.guest(command, disk_bytes=32 << 20, disk_files=1000)
    m.want("sandbox", "g1", spec=spec)
    m.wait("g1", "ended")
    is_limited = "disk" not in m.page()["limits_unenforced"]
    assert is_limited == (m.server.uid is None and os.geteuid() == 0)
    assert ("No space left" in m.console("g1")) == is_limited
    if is_limited:
        assert (m.folder / "disks/g1/disk").stat().st_size == 32 << 20
    m.want("sandbox", "g1", desired="gone")
    m.wait("g1", None)
    assert not (m.folder / "disks/g1").exists()


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])


def test_a_shim_is_small(m):
    """It stands beside each of hundreds of guests."""
    m.want("sandbox", "g1", spec=m.guest("seq 1000; exec sleep 100000"))
    m.hear("g1", "1000")
    (shim,) = shims(m)
    assert 0 < resident_kib(shim) <= 500


# As systems do that restrict user namespaces; this setting is each user namespace's own.
RESTRICTED = [
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"',
    "sh",
]
REMEDY = "sysctl -w user.max_user_namespaces=65536"


def test_what_keeps_units_from_running_is_said_with_its_remedy(m):
    m.server.stop()
    m.server.prefix = RESTRICTED
    m.server.start()
    assert "host_unusable" not in m.server.log_text(), "without units it does not matter"
    m.want("sandbox", "g1", spec=m.guest())
    eventually(lambda: REMEDY in m.page()["problem"], 60, "the page says so")
    assert REMEDY in m.server.log_text()
    assert m.units()["g1"]["state"] == "pending"
    m.server.stop()
    m.server.prefix = []
    m.server.start()
    m.wait("g1", "up")


def test_the_page_and_the_wish_want_the_token(m):
    status, _ = m.post({}, headers={})
    assert status == 401
    status, _ = m.post({}, headers={"Authorization": "Bearer no"})
    assert status == 401


@pytest.mark.parametrize(
    "body, words",
    [
        ("nothing", "a JSON object"),
        ({"kind": "cat", "name": "a", "desired": "run"}, 'no kind "cat"'),
        ({"kind": "sandbox", "name": "../a", "desired": "run", "spec": {}}, "not valid"),
        ({"kind": "sandbox", "name": "a", "desired": "walk"}, 'not "walk"'),
        ({"kind": "sandbox", "name": "a", "desired": "run"}, "needs a spec"),
        ({"kind": "sandbox", "name": "a", "desired": "run", "spec": {"args": 1}}, "the spec:"),
        ({"kind": "sandbox", "name": "a", "colour": 1}, 'no member "colour"'),
    ],
)
def test_wishes_that_are_refused(server, body, words):
    """On the c10m that other tests share: none of them opens anything."""
    from support.admin import admin

    status, answer = post(server, body)
    assert status == 400 and words in answer, answer
    status, page = admin(server, "GET", "host")
    assert status == 200 and json.loads(page)["units"] == []
