// Feeds every file of a folder to a fuzz target once: the seeds stay good in every build.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A copy of exactly the right size, so that a sanitizer sees a read past its end.
static int
replay(const char *folder, const char *name)
{
    static uint8_t bytes[SEED_BYTES_MAX];
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file); // only read
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL)
        return -1;
    memcpy(exact, bytes, size);
    printf("%s (%zu bytes)\n", path, size);
    (void)fflush(stdout); // the name stands in the log when the target dies
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    struct dirent **names;
    int count = scandir(argv[1], &names, NULL, alphasort);
    int replayed = 0;
    int failed = 0;
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.') {
            failed += replay(argv[1], names[i]->d_name) != 0;
            replayed++;
        }
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    printf("%d seeds\n", replayed);
    return replayed > 0 && failed == 0 ? 0 : 1; // no seeds: the test would show nothing
}
