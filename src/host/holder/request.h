// One request of c10m's to a holder, and its answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/holder/holder.h"

enum { WORDS_MAX = 6 };

struct request {
    struct holder *holder;
    int connection;
    int fd; // that came along; -1: none
    char line[LINE_BYTES];
    char *words[WORDS_MAX];
    size_t word_count;
    char *rest; // what was read behind the line
    size_t rest_len;
    char buffer[LINE_BYTES + 4096];
};

// request.c. Answers are cut to a line.
void answer(struct request *r, const char *text);
void answer_error(struct request *r, const char *what); // and errno
void answer_fd(struct request *r, int fd);
void answer_done(struct request *r, bool is_done, const char *what);
bool parse_number(const char *text, unsigned long max, unsigned long *out);
bool parse_address(char *text, struct in_addr *address, unsigned *bits); // errno
bool parse_bare_address(const char *text, struct in_addr *address);      // without bits
bool parse_mac(const char *text, uint8_t mac[6]);
// So many bytes that follow the line.
bool request_read_rest(struct request *r, char *out, size_t len);

// requests.c
void request_do(struct request *r);

// kept.c
void do_listen(struct request *r);
void do_datagram(struct request *r);

// traffic.c
void do_rules(struct request *r);
void do_splice(struct request *r);
void do_unsplice(struct request *r);
void do_queue(struct request *r);
void do_unqueue(struct request *r);
void do_queues(struct request *r);
void do_flows(struct request *r);
