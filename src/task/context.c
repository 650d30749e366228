// The switch between stacks: Boost.Context's, with the hooks of ASan and TSan.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/context.h"

#include "src/base/code.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

// The C ABI of libboost_context, which has no C header of its own.
struct transfer {
    void *place; // where the code that jumped here stopped
    void *data;
};
extern struct transfer jump_fcontext(void *to, void *data);
extern void *make_fcontext(void *stack_top, size_t size, void (*fn)(struct transfer));

struct passage {
    struct context *from;
    struct context *to;
};

// ASan must know which stack is in use; without a place to keep it, the fake stack is freed.
static void
announce(struct passage *p, void **keep_fake_stack)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(keep_fake_stack, p->to->stack_floor, p->to->stack_bytes);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(p->to->tsan_fiber, 0);
#endif
}

static void
arrive(struct transfer t)
{
    struct passage *p = t.data;
    p->from->place = t.place;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(p->to->fake_stack, &p->from->stack_floor,
                                    &p->from->stack_bytes);
#endif
}

static void
enter(struct transfer t)
{
    struct context *self = ((struct passage *)t.data)->to;
    arrive(t);
    self->fn(self->arg);
    CHECK(!"a context's function returned");
}

void
context_init_thread(struct context *c)
{
    *c = (struct context){0};
#ifdef __SANITIZE_THREAD__
    c->tsan_fiber = __tsan_get_current_fiber();
#endif
}

void
context_init(struct context *c, void *stack_floor, size_t stack_bytes, context_fn *fn, void *arg)
{
    *c = (struct context){.fn = fn, .arg = arg};
    c->stack_floor = stack_floor;
    c->stack_bytes = stack_bytes;
    c->place = make_fcontext((char *)stack_floor + stack_bytes, stack_bytes, enter);
#ifdef __SANITIZE_THREAD__
    c->tsan_fiber = __tsan_create_fiber(0);
#endif
}

void
context_fini(struct context *c)
{
#ifdef __SANITIZE_ADDRESS__
    // The frames that were never returned from left their red zones behind.
    __asan_unpoison_memory_region(c->stack_floor, c->stack_bytes);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(c->tsan_fiber);
#endif
    c->place = NULL;
}

void
context_switch(struct context *from, struct context *to)
{
    struct passage p = {from, to};
    announce(&p, &from->fake_stack);
    arrive(jump_fcontext(to->place, &p));
}

_Noreturn void
context_leave(struct context *from, struct context *to)
{
    struct passage p = {from, to};
    announce(&p, NULL);
    jump_fcontext(to->place, &p);
    CHECK(!"a context that was left went on");
    __builtin_unreachable();
}
