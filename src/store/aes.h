// AES-256 by OpenSSL's EVP layer, which uses the processor's instructions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

// A library context of its own, which is filled at the first cipher: about 1.6 MiB of memory and a
// millisecond. Any thread may ask for a cipher; it lives as long as the struct.
struct aes;
struct aes *aes_new(void);
void aes_free(struct aes *a); // accepts NULL

const EVP_CIPHER *aes_gcm(struct aes *a);
const EVP_CIPHER *aes_ecb(struct aes *a); // block by block, to derive keys
