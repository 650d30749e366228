# The application of tests/sdk/test_sqs_celery.py: what its workers import.
# SPDX-License-Identifier: Apache-2.0
import os

import celery

app = celery.Celery("jobs", broker=os.environ.get("JOBS_BROKER", "sqs://"))
app.conf.update(
    task_acks_late=True,  # deleted when done, so that a killed worker's message comes back
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "region": "us-east-1",
        "visibility_timeout": int(os.environ.get("JOBS_HIDDEN_S", "10")),
        "wait_time_seconds": 1,
        "polling_interval": 0.05,
        "is_secure": False,
    },
)


@app.task
def note(number):
    """Appends in one write, which does not mix with others'."""
    done = os.open(os.environ["JOBS_DONE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(done, f"{number}\n".encode())
    os.close(done)
