// What a network's holder tells of the packets that passed and were refused.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

enum flow_outcome {
    FLOW_PASSED,
    FLOW_REFUSED_IN,  // the sender's side let it out, the receiver's did not let it in
    FLOW_REFUSED_OUT, // the sender's side did not let it out
};

// One direction of a conversation, since the records were last asked for.
struct flow_record {
    uint32_t source, destination;           // in the network's byte order
    uint16_t source_port, destination_port; // 0 where the protocol has none
    uint8_t protocol;
    uint8_t outcome; // enum flow_outcome
    uint16_t unused;
    uint32_t idle_ms; // since its last packet
    uint32_t unused_too;
    uint64_t packets, bytes; // bytes with IP's headers
};

enum { FLOWS_MAX = 65536 }; // of each of the two kinds, with ports and without
