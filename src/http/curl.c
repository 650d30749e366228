// Finds libcurl's functions.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/curl.h"

#include <dlfcn.h>
#include <string.h>

struct symbol {
    const char *name;
    size_t offset; // in struct curl
};

#define SYMBOL(name) {"curl_" #name, offsetof(struct curl, name)}

static const struct symbol symbols[] = {
    SYMBOL(global_init),      SYMBOL(easy_init),           SYMBOL(easy_setopt),
    SYMBOL(easy_getinfo),     SYMBOL(easy_pause),          SYMBOL(easy_cleanup),
    SYMBOL(easy_strerror),    SYMBOL(multi_init),          SYMBOL(multi_setopt),
    SYMBOL(multi_add_handle), SYMBOL(multi_remove_handle), SYMBOL(multi_socket_action),
    SYMBOL(multi_assign),     SYMBOL(multi_info_read),     SYMBOL(multi_cleanup),
    SYMBOL(slist_append),     SYMBOL(slist_free_all),
};

int
curl_load(struct curl *out)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return E_NOT_FOUND;
    for (size_t i = 0; i < COUNT_OF(symbols); i++) {
        void *found = dlsym(library, symbols[i].name);
        if (found == NULL)
            return E_NOT_FOUND;
        memcpy((char *)out + symbols[i].offset, &found, sizeof(found));
    }
    return out->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? OK : E_NOT_FOUND;
}
