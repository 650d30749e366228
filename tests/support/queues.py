# What tests of queues ask again and again.
# SPDX-License-Identifier: Apache-2.0
from support import clients


def arn_of(name):
    return f"arn:aws:sqs:us-east-1:{clients.ACCOUNT}:{name}"


def arn_of_url(url):
    return arn_of(url.rsplit("/", 1)[1])


def count_of(sqs, url):
    """Messages that are visible."""
    asked = ["ApproximateNumberOfMessages"]
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
    return int(got["ApproximateNumberOfMessages"])
