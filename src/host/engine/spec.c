// An engine's record, read.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/digest.h"
#include "src/base/encoding.h"
#include "src/host/engine/kind.h"
#include "src/host/host_records.h"

static int
port_number(struct opt_int number, uint16_t *out)
{
    if (number.value < 0 || number.value > UINT16_MAX)
        return E_INVALID;
    *out = (uint16_t)number.value;
    return OK;
}

static int
settings_read(const struct host_engine_record *r, struct arena *arena, struct engine_spec *out)
{
    if (r->settings.count > ENGINE_SETTINGS_MAX)
        return E_INVALID;
    struct engine_setting *all = ARENA_ARRAY(arena, r->settings.count, struct engine_setting);
    for (size_t i = 0; i < r->settings.count; i++)
        all[i] = (struct engine_setting){r->settings.items[i].name, r->settings.items[i].value};
    out->settings = all;
    out->setting_count = r->settings.count;
    return OK;
}

int
engine_spec_read(struct arena *arena, struct str bytes, struct engine_spec *out)
{
    struct host_engine_record r = {0};
    *out = (struct engine_spec){0};
    TRY(record_decode(&host_engine_record_type, bytes, arena, &r));
    out->network = r.network;
    out->port = r.port;
    out->admin = r.admin;
    out->admin_password = r.admin_password;
    out->replication_password = r.replication_password;
    out->primary_host = r.primary_host;
    out->limits = (struct limits){
        .memory_bytes = (uint64_t)r.memory_bytes.value,
        .cpu_millis = (uint64_t)r.cpu_millis.value,
        .pids = (uint64_t)r.pids.value,
        .io_bytes_per_second = (uint64_t)r.io_bytes_per_second.value,
        .files_open = (uint64_t)r.files_open.value,
    };
    TRY(port_number(r.tcp_port, &out->tcp_port));
    TRY(port_number(r.primary_port, &out->primary_port));
    return settings_read(&r, arena, out);
}

static struct str
digest_of(struct arena *arena, struct str secret, struct str password)
{
    char hex[2 * SHA256_BYTES];
    if (!str_is_present(password))
        return password;
    struct sha256 digest = hmac_sha256(secret, password);
    hex_encode(digest.bytes, sizeof(digest.bytes), hex);
    return arena_copy(arena, (struct str){hex, sizeof(hex)});
}

int
engine_spec_digest(struct arena *arena, struct str bytes, struct str secret, struct str *out)
{
    struct host_engine_record r = {0};
    struct buf text;
    TRY(record_decode(&host_engine_record_type, bytes, arena, &r));
    r.admin_password = digest_of(arena, secret, r.admin_password);
    r.replication_password = digest_of(arena, secret, r.replication_password);
    buf_init(&text, arena, 256);
    record_encode(&host_engine_record_type, &r, &text);
    *out = buf_str(&text);
    return OK;
}
