// In place of libFuzzer: runs a fuzz target over the files of a folder.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/code.h"

enum { FILE_BYTES_MAX = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    uint8_t *data = malloc(FILE_BYTES_MAX);
    CHECK(data != NULL);
    size_t size = fread(data, 1, FILE_BYTES_MAX, file);
    data = realloc(data, size + 1); // so that a sanitizer sees reads behind the end
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    fclose(file);
}

int
main(int argc, char **argv)
{
    size_t count = 0;
    CHECK(argc == 2); // the folder of the corpus
    DIR *folder = opendir(argv[1]);
    CHECK(folder != NULL);
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (e->d_name[0] == '.')
            continue;
        replay(argv[1], e->d_name);
        count++;
    }
    closedir(folder);
    CHECK(count > 0);
    printf("%zu files\n", count);
    return 0;
}
