// simdjson's parser, for the wire's bench.
// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

static simdjson::dom::parser parser;

extern "C" bool
bench_simdjson(const char *text, size_t len)
{
    simdjson::dom::element element;
    return parser.parse(text, len).get(element) == simdjson::SUCCESS;
}
