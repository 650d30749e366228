// AES-256 by OpenSSL's EVP layer, which uses the processor's instructions.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/aes.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "src/base/code.h"

struct aes {
    pthread_mutex_t mutex;
    OSSL_LIB_CTX *library; // all NULL before the first cipher
    EVP_CIPHER *gcm, *ecb;
};

struct aes *
aes_new(void)
{
    struct aes *a = calloc(1, sizeof *a);
    CHECK(a != NULL);
    pthread_mutex_init(&a->mutex, NULL);
    return a;
}

void
aes_free(struct aes *a)
{
    if (a == NULL)
        return;
    EVP_CIPHER_free(a->gcm);
    EVP_CIPHER_free(a->ecb);
    OSSL_LIB_CTX_free(a->library);
    pthread_mutex_destroy(&a->mutex);
    free(a);
}

static const EVP_CIPHER *
aes_get(struct aes *a, EVP_CIPHER **cipher, const char *name)
{
    pthread_mutex_lock(&a->mutex);
    if (a->library == NULL)
        a->library = OSSL_LIB_CTX_new();
    if (*cipher == NULL)
        *cipher = EVP_CIPHER_fetch(a->library, name, NULL);
    CHECK(*cipher != NULL);
    pthread_mutex_unlock(&a->mutex);
    return *cipher;
}

const EVP_CIPHER *
aes_gcm(struct aes *a)
{
    return aes_get(a, &a->gcm, "AES-256-GCM");
}

const EVP_CIPHER *
aes_ecb(struct aes *a)
{
    return aes_get(a, &a->ecb, "AES-256-ECB");
}
