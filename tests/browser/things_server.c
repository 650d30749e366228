// A cloud whose service has CORS rules, for pages in a browser.
// SPDX-License-Identifier: Apache-2.0

// things_server PORT serves the boxes of src/cloud/test_things.h until it is killed.
#include "src/cloud/test_things.h"

#include <stdio.h>
#include <unistd.h>

#include "src/cloud/cloud.h"

int
main(int argc, char **argv)
{
    struct cloud_options options = {
        .store_url = "mem:", .loops = 1, .log_level = LOG_ERROR, .log_fd = STDERR_FILENO};
    struct cloud *cloud;
    struct arena arena;
    char problem[256];
    arena_init(&arena);
    if (argc != 2 ||
        socket_address_parse(arena_print(&arena, "127.0.0.1:%s", argv[1]), &options.address) != OK)
        return 2;
    things_setup(NULL);
    if (cloud_new(&options, &cloud, problem, sizeof(problem)) != OK) {
        fprintf(stderr, "things_server: %s\n", problem);
        return 1;
    }
    for (;;)
        pause();
}
