// libpq, loaded when the first postgresql: store is opened.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/pg_lib.h"

#include <dlfcn.h>
#include <stdio.h>

struct symbol {
    const char *name;
    size_t offset;
};

#define SYMBOL(member) {"PQ" #member, offsetof(struct pg_lib, member)}

static const struct symbol symbols[] = {
    SYMBOL(connectdbParams),
    SYMBOL(finish),
    SYMBOL(status),
    SYMBOL(errorMessage),
    SYMBOL(serverVersion),
    SYMBOL(socket),
    SYMBOL(setnonblocking),
    SYMBOL(exec),
    SYMBOL(enterPipelineMode),
    SYMBOL(pipelineSync),
    SYMBOL(prepare),
    SYMBOL(sendQueryParams),
    SYMBOL(sendQueryPrepared),
    SYMBOL(flush),
    SYMBOL(consumeInput),
    SYMBOL(isBusy),
    SYMBOL(getResult),
    SYMBOL(notifies),
    SYMBOL(freemem),
    SYMBOL(resultStatus),
    SYMBOL(resultErrorField),
    SYMBOL(ntuples),
    SYMBOL(getisnull),
    SYMBOL(getvalue),
    SYMBOL(getlength),
    SYMBOL(clear),
    SYMBOL(setNoticeProcessor),
};

// It stays: the next load then takes microseconds, not the milliseconds of its own libraries.
int
pg_lib_load(struct pg_lib *out, char *problem, size_t problem_size)
{
    *out = (struct pg_lib){.handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)};
    if (out->handle == NULL) {
        snprintf(problem, problem_size,
                 "a postgresql: store needs the library libpq (Debian package libpq5): %s",
                 dlerror());
        return E_IO;
    }
    for (size_t i = 0; i < COUNT_OF(symbols); i++) {
        void *symbol = dlsym(out->handle, symbols[i].name);
        if (symbol == NULL) {
            snprintf(problem, problem_size, "libpq is older than version 14: it has no %s",
                     symbols[i].name);
            pg_lib_unload(out);
            return E_IO;
        }
        memcpy((char *)out + symbols[i].offset, &symbol, sizeof symbol);
    }
    return OK;
}

void
pg_lib_unload(struct pg_lib *lib)
{
    dlclose(lib->handle);
}
