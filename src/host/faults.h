// Faults of a network as commands for nft: what is cut off, and where ways are slow and lossy.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// They stand in tables of their own, so that a network's rules may be written anew around them.
// First in every buffer with one of the calls below; again and again does no harm.
void faults_begin(struct buf *out);
// Says that two ranges of addresses ("10.0.1.0/24"), or one and itself, lie in the same zone: what
// cuts their zone off does not part them. Once.
void faults_together_add(struct str cidr, struct str other, struct buf *out);
void faults_together_del(struct str cidr, struct str other, struct buf *out);
// Cuts a range off from all that is not in its zone, what goes on already included; also from the
// network's name server, metadata and spliced addresses. And heals that. The same range once.
void faults_cut(struct str cidr, struct buf *out);
void faults_heal(struct str cidr, struct buf *out);
// Packets from one range to the other go through the queue of that number, which holds or loses
// them: network_queue_set makes it before.
void faults_slow(struct str from, struct str to, uint16_t queue, struct buf *out);
void faults_slow_end(struct str from, struct str to, uint16_t queue, struct buf *out);
