# What a stock Python client says of an error: of pytest.raises(ClientError).
# SPDX-License-Identifier: Apache-2.0


def code_of(error):
    return error.value.response["Error"]["Code"]


def message_of(error):
    return error.value.response["Error"]["Message"]
