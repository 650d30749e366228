// libFuzzer: restXml requests.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/fuzz_rest.h"
#include "src/wire/test_depot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_rest(depot, WIRE_REST_XML, data, size);
    return 0;
}
