# AWS's protocol tests that do not hold for a server, each with its reason.
# SPDX-License-Identifier: Apache-2.0
from typing import Any

_GZIP = dict.fromkeys(
    ("server", "client"), "compressing a body is the transport's, and the test leaves the bytes out"
)
_UNKNOWN = "the test has a member that clients ignore: a server does not write it"
_MEDIA_TYPE = dict.fromkeys(
    ("server", "client"), "no model that c10m reads has a jsonvalue: text in base64 in a header"
)
_EMPTY_STRUCTURE = dict.fromkeys(
    ("server", "client"), "AWS's clients send {} for a payload that is absent: an empty one"
)
_ENDPOINT = "the path in front of the operation's is a custom endpoint's"
_TOKEN = {"sent": {"token": "00000000-0000-4000-8000-000000000000"}}  # made by the client

# By test: the reason for "server" or "client", and what is "sent" though no parameter says it.
EXCEPTIONS: dict[str, dict[str, Any]] = {
    **{
        f"SDKAppliedContentEncoding_{protocol}": _GZIP
        for protocol in ("awsJson1_0", "awsJson1_1", "awsQuery", "ec2Query", "restJson1", "restXml")
    },
    **{
        f"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_{protocol}": _GZIP
        for protocol in ("awsJson1_0", "awsJson1_1", "awsQuery", "ec2Query")
    },
    "SDKAppendedGzipAfterProvidedEncoding_restJson1": _GZIP,
    "SDKAppendedGzipAfterProvidedEncoding_restXml": _GZIP,
    "AwsJson10DeserializeIgnoreType": {"server": _UNKNOWN},
    "AwsJson11DeserializeIgnoreType": {"server": _UNKNOWN},
    "RestJsonDeserializeIgnoreType": {"server": _UNKNOWN},
    "AwsJson10HandlesUnexpectedJsonOutput": {"server": _UNKNOWN},
    "handles_unexpected_json_output": {"server": _UNKNOWN},
    "InvalidGreetingError": {"server": _UNKNOWN},
    "RpcV2CborExtraFieldsInTheBodyShouldBeSkippedByClients": {"server": _UNKNOWN},
    "RpcV2CborPayloadWithUnsetUnion": {"server": "the test's bytes are those of another operation"},
    "Ec2ComplexError": {"server": "the test's body has a message and its error has none"},
    "ComplexError": {"server": "the test's body has a message and its error has none"},
    "MediaTypeHeaderInputBase64": _MEDIA_TYPE,
    "MediaTypeHeaderOutputBase64": _MEDIA_TYPE,
    "RestJsonHttpWithEmptyStructurePayload": _EMPTY_STRUCTURE,
    "RestJsonHttpWithHeadersButNoPayload": _EMPTY_STRUCTURE,
    "RestJsonHostWithPath": dict.fromkeys(("server", "client"), _ENDPOINT),
    "AwsJson10HostWithPath": {"client": _ENDPOINT},
    "AwsJson11HostWithPath": {"client": _ENDPOINT},
    "QueryHostWithPath": {"client": _ENDPOINT},
    "RestJsonHttpChecksumRequired": {"client": "checksums are the transport's"},
    "QueryEmptyQueryMaps": {"server": "a form has no text for an empty map"},
    "Ec2EmptyQueryLists": {"server": "the test's form has no text for its empty list"},
    "Ec2ProtocolIdempotencyTokenAutoFill": _TOKEN,
    "QueryProtocolIdempotencyTokenAutoFill": _TOKEN,
    "RestJsonQueryIdempotencyTokenAutoFill": _TOKEN,
    "QueryIdempotencyTokenAutoFill": _TOKEN,
}
