// The switch between stacks, and what the sanitizers must be told about it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

// Private to src/task. A context is a stack with the place where its code stopped. Contexts never
// move between threads: gcc keeps addresses of thread-local variables (errno among them) over a
// call, and so over a switch, which is right only as long as a context goes on on the thread where
// it stopped.

// Must not return: it ends with context_leave.
typedef void context_fn(void *arg);

struct context {
    void *place; // where to go on
    context_fn *fn;
    void *arg;
    const void *stack_floor; // these are for the sanitizers
    size_t stack_bytes;
    void *fake_stack;
    void *tsan_fiber;
};

// The calling thread's own stack.
void context_init_thread(struct context *c);
// A fresh stack; the first switch to it calls fn(arg).
void context_init(struct context *c, void *stack_floor, size_t stack_bytes, context_fn *fn,
                  void *arg);
// Of a context that was left.
void context_fini(struct context *c);

// Stops `from`, the running one, until somebody switches back to it.
void context_switch(struct context *from, struct context *to);
// The last switch of `from`.
_Noreturn void context_leave(struct context *from, struct context *to);
