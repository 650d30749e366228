// Faults of a network as commands for nft: what is cut off, and where ways are slow and lossy.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// They stand in tables of their own, so that a network's rules may be written anew around them.
// First: nothing fails any more, in the place of all that did. What follows in the same buffer is
// so from the same moment on. Ranges of addresses ("10.0.1.0/24") do not overlap.
void faults_begin(struct buf *out);
// What cuts ranges off does not part these two, or what lies in one and the same; once in each
// order.
void faults_together(struct str cidr, struct str other, struct buf *out);
// Cuts a range off from all that it is not together with, what goes on already included; also from
// the network's name server, metadata and spliced addresses. Once.
void faults_cut(struct str cidr, struct buf *out);
// Packets from one range to the other go through the queue of that number, which holds or loses
// them: network_queue_set makes it before. Once for each two.
void faults_slow(struct str from, struct str to, uint16_t queue, struct buf *out);
