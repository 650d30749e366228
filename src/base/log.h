// Structured log lines in logfmt, one event a line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

// Handed down, never global. now_ms may be NULL (then lines carry no time). A line is one write(2),
// so threads may share a log.
struct log {
    int fd;
    enum log_level level_min;
    int64_t (*now_ms)(void *arg);
    void *now_arg;
};

// log_event(log, LOG_INFO, "listening", "addr=%s port=%d", addr, port). Values that may hold spaces
// or come from outside are printed by log_quote. format is NULL when there is nothing to add. Lines
// longer than LOG_LINE_MAX are cut and end in cut_bytes=N. Never pass secrets.
enum { LOG_LINE_MAX = 4096 };
void log_event(const struct log *log, enum log_level level, const char *event, const char *format,
               ...) PRINTF(4, 5);
// Writes s in quotes with escapes into out and returns out: zero-terminated, cut to size (at least
// 6) with "..." before the closing quote. Bytes of what is not UTF-8 become \xNN.
char *log_quote(struct str s, char *out, size_t size);
