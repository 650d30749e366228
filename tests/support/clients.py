# Stock AWS clients pointed at a server: boto3 in both of SQS's protocols, and the AWS CLI.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import subprocess

import boto3
import botocore.config
import botocore.session

from support.server import ROOT

REGION = "us-east-1"
ACCOUNT = "000000000000"
# botocore's own SQS model speaks JSON only; this older one makes the same botocore speak query.
QUERY_MODEL = ROOT / ".cache/models/1.31.80/sqs/2012-11-05/service-2.json"
QUERY_MODEL_TREE = ROOT / "build/test/query-models"


def query_model_tree():
    """A folder laid out as botocore's loader wants it."""
    target = QUERY_MODEL_TREE / "sqs/2012-11-05/service-2.json"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f".{os.getpid()}")
        shutil.copyfile(QUERY_MODEL, partial)
        partial.rename(target)
    return QUERY_MODEL_TREE


def client(service, url, protocol="json", key="test", secret="test", read_seconds=60):
    """A boto3 client that never retries, so that a test sees what the server answered."""
    core = botocore.session.Session()
    if protocol == "query":
        core.get_component("data_loader").search_paths.insert(0, str(query_model_tree()))
    made = boto3.Session(botocore_session=core).client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=botocore.config.Config(
            retries={"total_max_attempts": 1},
            read_timeout=read_seconds,
            max_pool_connections=32,
            proxies={},
        ),
    )
    assert service != "sqs" or made.meta.service_model.resolved_protocol == protocol
    return made


def cli_environment(url):
    """As ./dev env sets it, and nothing of the caller's own AWS configuration."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env.update(
        AWS_ENDPOINT_URL=url,
        AWS_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_PAGER="",
        AWS_CONFIG_FILE=os.devnull,
        NO_PROXY="127.0.0.1,localhost",
        no_proxy="127.0.0.1,localhost",
    )
    return env


def aws(url, *words, check=True):
    """Runs the pinned AWS CLI; returns what it printed as JSON, or the finished process."""
    done = subprocess.run(
        [str(ROOT / "tools/bin/aws"), *words, "--output", "json"],
        env=cli_environment(url),
        capture_output=True,
        text=True,
        timeout=120,
    )
    if not check:
        return done
    assert done.returncode == 0, f"aws {' '.join(words)}: {done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else {}
