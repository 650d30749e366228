// The pages under /_c10m/, and health and tasks among them.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/admin.h"

#include "src/cloud/admin_clock.h"
#include "src/cloud/admin_host.h"
#include "src/cloud/backup.h"
#include "src/cloud/version.h"

static size_t
built_count(const struct service *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->wire->operation_count; i++)
        count += s->handlers[i] != NULL;
    return count;
}

// Names come from the build, so nothing needs escapes.
static void
print_health(const struct cloud *cloud, struct buf *out)
{
    buf_put(out, STR("{\"status\":\"ok\",\"version\":\"" C10M_VERSION "\",\"services\":{"));
    for (size_t i = 0; service_registry[i] != NULL; i++)
        buf_print(out, "%s\"%s\":{\"operations\":%zu,\"modelled\":%zu}", i > 0 ? "," : "",
                  service_registry[i]->wire->name, built_count(service_registry[i]),
                  service_registry[i]->wire->operation_count);
    buf_put(out, STR("}}\n"));
}

static void
print_tasks(const struct cloud *cloud, struct buf *out)
{
    struct fiber_stats stats;
    fiber_stats_get(cloud->runtime, &stats);
    buf_print(out,
              "{\"loops\":%d,\"live\":%zu,\"live_max\":%zu,\"stacks\":%zu,"
              "\"stack_used_max\":%zu,\"switches\":%llu}\n",
              runtime_loop_count(cloud->runtime), stats.live, stats.live_max, stats.stacks,
              stats.stack_used_max, (unsigned long long)stats.switches);
}

static const struct page {
    struct str path;
    struct str content_type;
    bool is_open;
    void (*print)(const struct cloud *cloud, struct buf *out); // NULL: answer does it all
    // Instead of a print, or for POST.
    void (*answer)(struct cloud *cloud, const struct http_request *request,
                   struct http_response *response);
} pages[] = {
    {{"/_c10m/health", 13}, {"application/json", 16}, true, print_health, NULL},
    {{"/_c10m/metrics", 14}, {"text/plain; version=0.0.4", 25}, false, metrics_print, NULL},
    {{"/_c10m/tasks", 12}, {"application/json", 16}, false, print_tasks, NULL},
    {{"/_c10m/backup", 13}, {"application/json", 16}, false, NULL, admin_backup},
    {{"/_c10m/host", 11}, {"application/json", 16}, false, admin_host_print, NULL},
    {{"/_c10m/host/units", 17}, {"application/json", 16}, false, NULL, admin_host_wish},
    {{"/_c10m/host/functions", 21}, {"application/json", 16}, false, NULL, admin_host_call},
    {{"/_c10m/host/faults", 18}, {"application/json", 16}, false, NULL, admin_host_fail},
    {{"/_c10m/host/flows", 17}, {"application/json", 16}, false, NULL, admin_host_flows},
    {{"/_c10m/clock", 12}, {"application/json", 16}, false, admin_clock_print, admin_clock_move},
};

bool
admin_is_path(struct str path)
{
    return str_starts(path, STR("/_c10m/"));
}

void
admin_answer_text(const struct http_request *request, struct http_response *response, int status,
                  const char *text)
{
    response->status = status;
    response->body = arena_print(request->arena, "%s\n", text);
    http_response_add(response, STR("Content-Type"), STR("text/plain; charset=utf-8"));
}

static bool
has_token(const struct cloud *cloud, const struct http_request *request)
{
    struct str scheme, token, value = http_request_header(request, STR("Authorization"));
    struct str wanted = str_of(cloud->admin_token);
    return str_cut(value, ' ', &scheme, &token) && str_eq_nocase(scheme, STR("Bearer")) &&
           wanted.len > 0 && str_eq_constant_time(token, wanted);
}

static void
ask_for_token(const struct cloud *cloud, const struct http_request *request,
              struct http_response *response)
{
    admin_answer_text(request, response, 401,
                      *cloud->admin_token
                          ? "This page wants the admin token, as Authorization: Bearer TOKEN; it "
                            "is in the file admin-token in the data directory, or where "
                            "--admin-token-file says."
                          : "This page wants an admin token, and there is none: start c10m with "
                            "--admin-token-file FILE.");
    http_response_add(response, STR("WWW-Authenticate"), STR("Bearer"));
}

static const struct page *
page_find(struct str path)
{
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        if (str_eq(path, pages[i].path))
            return &pages[i];
    return NULL;
}

void
admin_answer_print(struct cloud *cloud, const struct http_request *request,
                   struct http_response *response)
{
    const struct page *page = page_find(request->path);
    struct buf out;
    buf_init(&out, request->arena, 4096);
    page->print(cloud, &out);
    response->status = 200;
    response->body = buf_str(&out);
    http_response_add(response, STR("Content-Type"), page->content_type);
}

void
admin_answer(struct cloud *cloud, const struct http_request *request,
             struct http_response *response)
{
    const struct page *page = page_find(request->path);
    bool is_get = str_eq(request->method, STR("GET"));
    if (page == NULL) {
        admin_answer_text(request, response, 404,
                          "There are /_c10m/health, /_c10m/metrics, /_c10m/tasks, "
                          "/_c10m/host, /_c10m/host/units, /_c10m/host/functions, "
                          "/_c10m/host/faults, /_c10m/host/flows, "
                          "/_c10m/clock and /_c10m/backup.");
    } else if (!page->is_open && !has_token(cloud, request)) {
        ask_for_token(cloud, request, response);
    } else if (is_get && page->print != NULL) {
        admin_answer_print(cloud, request, response);
    } else if (page->answer != NULL && str_eq(request->method, STR("POST"))) {
        page->answer(cloud, request, response);
    } else {
        admin_answer_text(request, response, 405,
                          page->answer != NULL ? "This page under /_c10m/ is asked with POST."
                                               : "This page under /_c10m/ is read with GET.");
        http_response_add(response, STR("Allow"),
                          page->print == NULL    ? STR("POST")
                          : page->answer == NULL ? STR("GET")
                                                 : STR("GET, POST"));
    }
}
