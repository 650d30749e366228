// A cloud whose one operation costs a millisecond of CPU: what an overload is tried with.
// SPDX-License-Identifier: Apache-2.0

// busy_server PORT REQUESTS-MAX MEMORY-MIB serves on one loop until it is killed. It answers sts
// GetCallerIdentity, so that any client can ask for it.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "services/sts/sts_api.h"
#include "src/cloud/call.h"

enum { SPIN_NS = 1000 * 1000 };

static struct service busy;
const struct service *const service_registry[] = {&busy, NULL};

static int
spin(struct call *c, const void *in, void *out)
{
    int64_t end_ns = clock_mono_ns(c->cloud->runtime) + SPIN_NS;
    while (clock_mono_ns(c->cloud->runtime) < end_ns)
        ;
    return sts_get_caller_identity(c, in, out);
}

static void
fill_service(void)
{
    size_t count = sts_service.wire->operation_count;
    service_handler_fn **handlers = calloc(count, sizeof(*handlers));
    CHECK(handlers != NULL);
    for (size_t i = 0; i < count; i++)
        handlers[i] = sts_service.handlers[i] != NULL ? spin : NULL;
    busy = sts_service;
    busy.handlers = handlers;
}

int
main(int argc, char **argv)
{
    struct cloud_options options = {
        .store_url = "mem:", .loops = 1, .log_level = LOG_ERROR, .log_fd = STDERR_FILENO};
    struct cloud *cloud;
    struct arena arena;
    char problem[256];
    arena_init(&arena);
    if (argc != 4 ||
        socket_address_parse(arena_print(&arena, "127.0.0.1:%s", argv[1]), &options.address) != OK)
        return 2;
    options.requests_max = (int)strtol(argv[2], NULL, 10);
    options.memory_mib_max = (int)strtol(argv[3], NULL, 10);
    fill_service();
    if (cloud_new(&options, &cloud, problem, sizeof(problem)) != OK) {
        fprintf(stderr, "busy_server: %s\n", problem);
        return 1;
    }
    for (;;)
        pause();
}
