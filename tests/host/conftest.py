# What the tests of this folder run in.
# SPDX-License-Identifier: Apache-2.0
import pytest

from support.machine import machine, users


@pytest.fixture(params=users())
def m(request):
    """A c10m on this machine, as each of those who run such tests; nothing of it is left afterwards."""
    with machine(request.param) as running:
        yield running
