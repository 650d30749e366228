# ./dev host-demo in its short form: each of its steps is checked there.
# SPDX-License-Identifier: Apache-2.0
import demo
import pytest

from support.machine import users


@pytest.mark.parametrize("user", users())
def test_the_demo_tells_its_story_and_leaves_nothing(user, capsys):
    seen = demo.run(user, is_short=True)
    told = capsys.readouterr().out
    for words in ("ssh ", "opened to everybody", "us-east-1a loses its power", "replica promoted", "nothing is left"):
        assert words in told, told
    # What is under way when the zone dies is asked again of the other one.
    assert seen["requests"] > 20 and seen["failed"] * 10 <= seen["requests"], told
