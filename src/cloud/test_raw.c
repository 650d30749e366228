// A service that registers what lies beyond operations: routes, a WebSocket, listeners. It edits no
// file but its own, and nothing else knows of it.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/cloud/call.h"
#include "src/http/websocket.h"

// -- the service

struct edge {
    struct raw_route routes[5];
    struct raw_listener listeners[2];
};

static void
echo(void *arg, const struct http_request *request, struct http_response *response)
{
    http_response_add(response, STR("X-Path"), request->path);
    if (request->stream != NULL)
        response->stream = request->stream;
    else
        response->body = STR("echo");
}

// Its own way to know the caller.
static void
answer_page(void *arg, const struct http_request *request, struct http_response *response)
{
    bool is_known = str_eq(http_request_header(request, STR("Authorization")), STR("Bearer x"));
    response->status = is_known ? 200 : 401;
    response->body = is_known ? STR("page") : STR("who are you?");
}

static void
greet(void *arg, struct websocket *ws)
{
    enum websocket_kind kind;
    struct str message;
    while (websocket_read(ws, DEADLINE_NEVER, &kind, &message) == OK)
        if (websocket_write(ws, kind, STR("hello")) != OK)
            break;
}

static void
answer_socket(void *arg, const struct http_request *request, struct http_response *response)
{
    (void)websocket_accept(request, response, &(struct websocket_options){.fn = greet});
}

static bool
is_of_site(void *arg, const struct http_request *request)
{
    return str_starts(http_request_header(request, STR("Host")), STR("site.example"));
}

static void
serve_connection(void *arg)
{
    struct socket *s = arg;
    struct str parts = STR("ready\n");
    if (socket_write_all(s, &parts, 1, DEADLINE_NEVER) == OK)
        socket_end(s);
    socket_free(s);
}

static void
on_accept(void *arg, struct socket *s)
{
    if (fiber_start(socket_loop(s), "edge", serve_connection, s, NULL) != OK)
        socket_free(s);
}

static void
on_datagram(void *arg, struct datagram *d, const struct socket_address *from, struct str bytes)
{
    assert_int_equal(datagram_send(d, from, bytes), OK);
}

static int
init(struct cloud *cloud, void **state)
{
    struct edge *e = calloc(1, sizeof(*e));
    *state = e;
    e->routes[0] = (struct raw_route){.host = "*.execute-api.*", .fn = echo, .is_streamed = true};
    e->routes[1] = (struct raw_route){.path = "/pages/*", .fn = answer_page};
    e->routes[2] = (struct raw_route){.path = "/socket", .fn = answer_socket};
    e->routes[3] = (struct raw_route){.claims = is_of_site, .fn = echo};
    e->routes[4] = (struct raw_route){.host = "files.local.example", .path = "/x", .fn = echo};
    for (size_t i = 0; i < COUNT_OF(e->routes); i++)
        cloud_add_route(cloud, &e->routes[i]);
    e->listeners[0] =
        (struct raw_listener){.name = "edge-tcp", .address = "127.0.0.1:0", .on_accept = on_accept};
    e->listeners[1] = (struct raw_listener){
        .name = "edge-udp", .address = "127.0.0.1:0", .on_datagram = on_datagram};
    TRY(cloud_add_listener(cloud, &e->listeners[0]));
    return cloud_add_listener(cloud, &e->listeners[1]);
}

static void
fini(void *state)
{
    free(state);
}

static const struct wire_service wire = {.name = "edge", .signing_name = "edge"};
static const struct service edge_service = {.wire = &wire, .init = init, .fini = fini};
const struct service *const service_registry[] = {&edge_service, NULL};

// -- a cloud with it, and a plain client

static struct cloud *cloud;
static struct cloud_options options;

static int
start(void)
{
    char problem[256] = "";
    options.store_url = "mem:";
    options.loops = 2;
    options.log_level = LOG_ERROR;
    options.log_fd = STDERR_FILENO;
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &options.address), OK);
    return cloud_new(&options, &cloud, problem, sizeof(problem));
}

static int
setup(void **state)
{
    options = (struct cloud_options){0};
    return start();
}

static int
teardown(void **state)
{
    cloud_free(cloud);
    return 0;
}

static struct edge *
edge(void)
{
    return cloud->service_states[0];
}

static int
connect_to(int type, unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, type, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

// Sends, and reads to the end of the connection, or until `enough` came.
static const char *
exchange(int fd, struct str request, const char *enough)
{
    static char answer[4096];
    size_t len = 0;
    ssize_t n = 1;
    memset(answer, 0, sizeof(answer));
    assert_int_equal(send(fd, request.ptr, request.len, MSG_NOSIGNAL), request.len);
    while (n > 0 && len < sizeof(answer) - 1 && (!enough || !strstr(answer, enough))) {
        n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return answer;
}

static const char *
http(const char *head, const char *body)
{
    char request[1000];
    int len = snprintf(request, sizeof(request), "%s\r\nConnection: close\r\n\r\n%s", head, body);
    return exchange(connect_to(SOCK_STREAM, options.address.port),
                    (struct str){request, (size_t)len}, NULL);
}

static void
routes_are_found_by_host_and_path(void **state)
{
    static const struct {
        const char *head, *answer;
    } rows[] = {
        {"GET /a HTTP/1.1\r\nHost: abc.execute-api.eu-west-1.localhost:4566", "X-Path: /a"},
        {"GET / HTTP/1.1\r\nHost: ABC.Execute-API.eu-west-1.localhost.localstack.cloud", "echo"},
        {"GET /a HTTP/1.1\r\nHost: abc.execute-api.localhost", "404 Not Found"},
        {"GET /a HTTP/1.1\r\nHost: a.b.execute-api.eu-west-1.localhost", "404 Not Found"},
        {"GET /a HTTP/1.1\r\nHost: .execute-api.eu-west-1.localhost", "404 Not Found"},
        {"GET /pages/a HTTP/1.1\r\nHost: localhost", "who are you?"},
        {"GET /pages/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x", "page"},
        {"GET /pages HTTP/1.1\r\nHost: localhost", "404 Not Found"},
        // Names of anybody and pages from anywhere: the route has its own rules.
        {"GET /x HTTP/1.1\r\nHost: files.local.example:80", "X-Path: /x"},
        {"GET /y HTTP/1.1\r\nHost: files.local.example", "403 Forbidden"},
        {"GET /x HTTP/1.1\r\nHost: site.example", "X-Path: /x"},
        {"GET /x HTTP/1.1\r\nHost: site.example\r\nOrigin: http://evil.example\r\n"
         "Sec-Fetch-Site: cross-site",
         "X-Path: /x"},
        {"GET /x HTTP/1.1\r\nHost: evil.example", "403 Forbidden"},
        {"GET /_c10m/health HTTP/1.1\r\nHost: localhost", "200 OK"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (!strstr(http(rows[i].head, ""), rows[i].answer))
            fail_msg("row %zu: no %s in %s", i, rows[i].answer, http(rows[i].head, ""));
}

static void
bodies_are_streamed_both_ways(void **state)
{
    const char *answer = http("PUT /a HTTP/1.1\r\nHost: abc.execute-api.eu-west-1.localhost\r\n"
                              "Transfer-Encoding: chunked",
                              "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(answer, "abc"));
    assert_non_null(strstr(answer, "0\r\n\r\n"));
}

static void
websockets_are_served(void **state)
{
    const char *answer =
        exchange(connect_to(SOCK_STREAM, options.address.port),
                 STR("GET /socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                     "\x81\x81\x00\x00\x00\x00x"),
                 "\x81\x05hello");
    assert_non_null(strstr(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_non_null(strstr(answer, "\x81\x05hello"));
}

static void
listeners_are_served(void **state)
{
    unsigned tcp = edge()->listeners[0].bound.port, udp = edge()->listeners[1].bound.port;
    assert_true(tcp > 0 && udp > 0);
    assert_string_equal(exchange(connect_to(SOCK_STREAM, tcp), STR(""), NULL), "ready\n");
    assert_string_equal(exchange(connect_to(SOCK_DGRAM, udp), STR("ping"), "ping"), "ping");
}

// -- sockets passed in

static int
bound_socket(int type, unsigned *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, type, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void
pass(const char *name, int fd)
{
    char text[80];
    snprintf(text, sizeof(text), "%s=%d", name, fd);
    assert_int_equal(passed_socket_add(&options.passed, str_of(text)), OK);
}

static void
sockets_may_be_passed_in(void **state)
{
    unsigned tcp, udp;
    cloud_free(cloud);
    pass("edge-udp", bound_socket(SOCK_DGRAM, &udp));
    pass("edge-tcp", bound_socket(SOCK_STREAM, &tcp));
    assert_int_equal(start(), OK);
    assert_int_equal(edge()->listeners[0].bound.port, tcp);
    assert_string_equal(exchange(connect_to(SOCK_STREAM, tcp), STR(""), NULL), "ready\n");
    assert_string_equal(exchange(connect_to(SOCK_DGRAM, udp), STR("ping"), "ping"), "ping");
}

static void
passed_sockets_are_read(void **state)
{
    struct passed_sockets p = {0};
    char pid[20];
    snprintf(pid, sizeof(pid), "%d", getpid());
    static const char *const wrong[] = {"", "a", "a=", "=5", "a=1", "a=x", "a=99999"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(passed_socket_add(&p, str_of(wrong[i])), E_INVALID);
    assert_int_equal(passed_sockets_read(&p, "1", "1", "a"), OK); // another process's
    assert_int_equal(passed_sockets_read(&p, NULL, "1", "a"), OK);
    assert_int_equal(p.count, 0);
    assert_int_equal(passed_sockets_read(&p, pid, "-1", NULL), E_INVALID);
    assert_int_equal(dup2(STDERR_FILENO, 3), 3);
    assert_int_equal(passed_sockets_read(&p, pid, "1", "first"), OK);
    assert_int_equal(passed_socket_take(&p, STR("second")), -1);
    assert_int_equal(passed_socket_take(&p, STR("first")), 3);
    assert_int_equal(passed_socket_take(&p, STR("first")), -1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passed_sockets_are_read),
        TEST(routes_are_found_by_host_and_path),
        TEST(bodies_are_streamed_both_ways),
        TEST(websockets_are_served),
        TEST(listeners_are_served),
        TEST(sockets_may_be_passed_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
