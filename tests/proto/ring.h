// The handler of every operation of the ring: tells what it got, and answers what it was told.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

// Both are files in the folder that RING_FOLDER names, which hold one case each. The ring writes
// `plan` before it sends a request:
//     CASE SERVICE.OPERATION answer|error NAME     NAME of an error of the service, else "-"
//     HEX of the error's message
//     lines of the output, or of the error's own members
// and reads `seen` after the response, in which the handler has written:
//     CASE SERVICE.OPERATION
//     lines of the input
service_handler_fn ring_handle;
