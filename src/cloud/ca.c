// c10m ca: where the certificate of the development CA is.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/commands.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// A process of its own makes the CA, so that a server whose clients use no TLS never touches
// OpenSSL.
static int
prepare(const char *dir)
{
    struct runtime *rt;
    TRY(runtime_new(&(struct runtime_options){.loops = 1}, &rt));
    int code = tls_files_prepare(dir, clock_wall_ms(rt));
    runtime_free(rt);
    return code;
}

int
ca(const struct options *options, char **argv)
{
    char path[PATH_MAX + 16], absolute[PATH_MAX];
    snprintf(path, sizeof(path), "%s/c10m.json", options->data);
    if (access(path, F_OK) != 0) {
        fprintf(stderr, "c10m: %s is not a c10m data directory: start c10m serve with it first\n",
                options->data);
        return EXIT_BAD_START;
    }
    snprintf(path, sizeof(path), "%s/tls", options->data);
    int code = prepare(path);
    snprintf(path, sizeof(path), "%s/tls/ca.pem", options->data);
    if (code != OK || realpath(path, absolute) == NULL) {
        fprintf(stderr, "c10m: cannot make the development CA in %s/tls (%s)\n", options->data,
                code_name(code));
        return EXIT_BAD_START;
    }
    puts(absolute);
    return 0;
}
