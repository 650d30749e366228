// What the clients of SQS have seen, and what must therefore hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum {
    MODEL_QUEUES_MAX = 4,
    MODEL_GROUPS_MAX = 4,
    MODEL_ID_BYTES = 36,
    MODEL_MESSAGES_MAX = 20000,
};

enum sent { SENT_NEVER, SENT_MAYBE, SENT_SURELY };

// One body. Times are virtual ns.
struct model_message {
    uint8_t queue, group; // group: of FIFO queues
    enum sent sent;
    char id[MODEL_ID_BYTES + 1]; // "": not known yet
    unsigned received;
    bool is_delete_asked; // from then on it may be gone
    int64_t deleted_ns;   // when the answer to a valid delete came; 0: never
    // Until then nobody else may get it: the shortest time that all calls leave.
    int64_t hidden_until_ns;
    int64_t taken_ns; // when the answer came that hid it
};

struct model {
    struct model_message messages[MODEL_MESSAGES_MAX];
    size_t count;
    size_t sent, received, deleted;
    bool is_fifo[MODEL_QUEUES_MAX];
};

// A new body, not sent yet. It is made of its number: see model_body.
size_t model_add(struct model *m, unsigned queue, unsigned group);
enum { MODEL_BODY_BYTES = 16 };
void model_body(size_t number, char out[MODEL_BODY_BYTES]);

// All of these abort with a line that says what is broken, after the trace has it.
void model_sent(struct model *m, size_t number, enum sent how, struct str id);
// A receive that was asked at one time and answered now. `first` are the messages before it in the
// same answer.
struct model_receive {
    unsigned queue;
    int64_t asked_ns, answered_ns, hidden_ns;
    const size_t *first;
    size_t first_count;
};
size_t model_received(struct model *m, const struct model_receive *r, struct str body,
                      struct str id);
// Before the call, and after its answer: whether it was still hidden by this receive at the time.
void model_delete_asked(struct model *m, size_t number);
void model_deleted(struct model *m, size_t number, int64_t answered_ns, bool was_hidden);
// ChangeMessageVisibility is about to be asked, or was answered.
void model_shown_asked(struct model *m, size_t number);
void model_shown(struct model *m, size_t number, int64_t asked_ns, int64_t hidden_ns);
// Messages of that queue that must still come.
size_t model_left(const struct model *m, unsigned queue);
// Aborts when something that was acknowledged never came.
void model_check_end(const struct model *m);
