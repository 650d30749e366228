#!/usr/bin/env python3
# The proto ring: botocore against c10m's interpreters, for every operation of every pinned model.
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from pathlib import Path

from cases import MODES, Run
from generate import pinned_services
from peer import Peer

ROOT = Path(__file__).resolve().parents[2]
SHOWN_MAX = 40  # failures


def tasks():
    """Every service in every protocol that one of its models speaks, with the newest such model."""
    models_dir = default_models_dir()
    for name, models in pinned_services().items():
        seen = set()
        for release, path in models:
            raw = json.loads((models_dir / release / path / "service-2.json").read_text("utf-8"))
            metadata = raw["metadata"]
            for protocol in metadata.get("protocols") or [metadata["protocol"]]:
                if protocol not in seen:
                    version = f"-{metadata['jsonVersion']}" if protocol == "json" else ""
                    yield len(raw["shapes"]), name, release, path, protocol + version
                seen.add(protocol)


def default_models_dir():
    return Path(os.environ.get("C10M_CACHE") or ROOT / ".cache") / "models"


def run_task(arguments):
    options, task = arguments
    peer = Peer(options.program)
    try:
        result = Run(options, default_models_dir(), peer, task).run()
    finally:
        status = peer.close()
    if status != 0:
        where = f"{result.service} {result.protocol}"
        result.failures.append(f"{where}: the program ended with status {status}")
    return result


def read_exceptions(path):
    return {entry["where"]: entry["reason"] for entry in json.loads(path.read_text("utf-8"))}


def print_protocols(results):
    totals = {}
    for r in results:
        total = totals.setdefault(r.protocol, Counter())
        total.update(services=1, operations=r.operations - r.excepted, done=r.operations_done)
        total.update(errors=r.errors, excepted=r.excepted)
        total.update(cases=r.cases, rows=len(r.rows), covered=len(r.rows & r.covered))
        total.update(malformed=r.malformed, failures=len(r.failures))
    print(
        f"{'protocol':20} {'services':>8} {'operations':>14} {'errors':>7} {'members':>16} "
        f"{'cases':>7} {'malformed':>9} {'failures':>8} {'excepted':>8}"
    )
    for protocol, t in sorted(totals.items()):
        print(
            f"{protocol:20} {t['services']:8} {t['done']:6} of {t['operations']:4} {t['errors']:7} "
            f"{t['covered']:7} of {t['rows']:5} {t['cases']:7} {t['malformed']:9} {t['failures']:8} "
            f"{t['excepted']:8}"
        )


def print_failures(results, limit):
    failures = [text for r in results for text in r.failures]
    for text in failures[:limit]:
        print(f"FAILED {text}")
    if len(failures) > limit:
        print(f"... and {len(failures) - limit} more")
    bare = [(r, row) for r in results for row in sorted(r.rows - r.covered) if not r.failures]
    for r, row in bare[:limit]:
        print(f"NOT COVERED {r.service} {r.protocol} {' '.join(row)}")
    return len(failures) + len(bare)


def print_unused(exceptions, results):
    """An exception that nothing needs any longer hides what breaks next."""
    unused = exceptions.keys() - set().union(*(r.exceptions for r in results))
    for where in sorted(unused):
        print(f"UNUSED in exceptions.json: {where}")
    return len(unused)


def parse_arguments():
    parser = argparse.ArgumentParser(description="botocore against c10m's interpreters.")
    parser.add_argument("--program", required=True, help="proto_ring")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=len(MODES), help="of each operation and side")
    parser.add_argument("--show", type=int, default=SHOWN_MAX, help="failures to print")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument("--report", type=Path, help="a file for the counts")
    parser.add_argument("names", nargs="*", help="of services or protocols (default: all)")
    options = parser.parse_args()
    options.exceptions = read_exceptions(Path(__file__).with_name("exceptions.json"))
    return options


def main():
    options = parse_arguments()
    began = time.monotonic()
    todo = sorted(tasks(), key=lambda t: t[0], reverse=True)
    if options.names:
        todo = [t for t in todo if t[1] in options.names or t[4] in options.names]
    with multiprocessing.Pool(options.jobs) as pool:
        work = [(options, t) for t in todo]
        results = list(pool.imap_unordered(run_task, work))
    results.sort(key=lambda r: (r.protocol, r.service))
    failed = print_failures(results, options.show)
    if not options.names:
        failed += print_unused(options.exceptions, results)
    print_protocols(results)
    if options.report:
        passed = sum(r.cases + r.malformed for r in results) - failed
        options.report.write_text(json.dumps({"passed": passed, "failed": failed}), "utf-8")
    print(f"proto: seed {options.seed}, {failed} failures, {time.monotonic() - began:.0f} s")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
