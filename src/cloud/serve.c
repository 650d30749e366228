// c10m serve: one cloud in the foreground, until SIGTERM or SIGINT.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/commands.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/cloud/cloud.h"
#include "src/cloud/drain.h"
#include "src/cloud/version.h"
#include "src/host/machine.h"
#include "src/store/data_dir.h"

#ifdef C10M_RUN_TWICE
static const bool run_twice = true;
#else
static const bool run_twice = false;
#endif

// Blocked before any thread starts, so that all threads inherit that and only sigwait sees them.
static void
block_signals(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    sigaddset(out, SIGHUP);
    sigprocmask(SIG_BLOCK, out, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void
tell_ready(int fd)
{
    if (fd < 0)
        return;
    if (write(fd, "\n", 1) < 0) {
        // Nobody waits any more.
    }
    close(fd);
}

// On failure the old certificate stays in use, and the server has logged why.
static void
reload_certificate(struct cloud *cloud)
{
    bool is_read = http_server_tls_reload(cloud->http) == OK;
    log_event(&cloud->log, is_read ? LOG_INFO : LOG_WARN, "reloaded", "certificate=%s",
              is_read ? "read" : "kept");
}

static const char *
wait_for_end(struct cloud *cloud, const sigset_t *signals)
{
    for (;;) {
        int number;
        if (sigwait(signals, &number) != 0)
            continue;
        if (number != SIGHUP)
            return number == SIGTERM ? "SIGTERM" : "SIGINT";
        reload_certificate(cloud);
    }
}

// The URL of a database may hold a password.
static struct str
name_of_store(const struct cloud_options *co, const struct options *o)
{
    return o->store != NULL ? STR("postgresql:") : str_of(co->store_url);
}

static void
serve_until_signal(struct cloud *cloud, const struct cloud_options *co, const struct options *o,
                   const sigset_t *signals)
{
    char store[PATH_MAX + 64];
    log_event(&cloud->log, LOG_INFO, "listening", "addr=%s store=%s version=" C10M_VERSION,
              co->address.text, log_quote(name_of_store(co, o), store, sizeof(store)));
    tell_ready(o->ready_fd);
    const char *signal_name = wait_for_end(cloud, signals);
    log_event(&cloud->log, LOG_INFO, "stopping", "signal=%s", signal_name);
}

// Not through the log, which is kept.
static void
show_new_key(struct cloud_options *co)
{
    if (*co->new_root_key == 0)
        return;
    printf("c10m: made a root key, ACCOUNT:KEY:SECRET, which is shown only this once:\n%s\n",
           co->new_root_key);
    fflush(stdout);
    explicit_bzero(co->new_root_key, sizeof(co->new_root_key));
}

int
serve(const struct options *options, char **argv)
{
    char data_url[PATH_MAX + 8], token_file[PATH_MAX + 16], seal_file[PATH_MAX + 16];
    char tls_dir[PATH_MAX + 8], problem[1024] = "";
    struct cloud_options co = options->cloud;
    struct cloud *cloud;
    sigset_t signals;
    snprintf(data_url, sizeof(data_url), options->is_ephemeral ? "mem:%.0s" : "rocks:%s",
             options->data);
    snprintf(token_file, sizeof(token_file), "%s/admin-token", options->data);
    co.store_url = options->store != NULL ? options->store : data_url;
    co.log_fd = STDERR_FILENO;
    co.run_twice = run_twice;
    snprintf(seal_file, sizeof(seal_file), "%s/root.key", options->data);
    snprintf(tls_dir, sizeof(tls_dir), "%s/tls", options->data);
    if (!options->is_ephemeral) {
        co.seal_file = seal_file;
        co.keys_dir = options->data;
        co.tls.dir = tls_dir;
    }
    if (co.admin_token_file == NULL && !options->is_ephemeral)
        co.admin_token_file = token_file;
    if (passed_sockets_read(&co.passed, getenv("LISTEN_PID"), getenv("LISTEN_FDS"),
                            getenv("LISTEN_FDNAMES")) != OK) {
        fprintf(stderr, "c10m: LISTEN_FDS and LISTEN_FDNAMES do not name open sockets\n");
        return EXIT_BAD_START;
    }
    block_signals(&signals);
    if (options->store != NULL && data_dir_make(options->data, problem, sizeof(problem)) != OK) {
        fprintf(stderr, "c10m: %s\n", problem);
        return EXIT_BAD_START;
    }
    if (cloud_new(&co, &cloud, problem, sizeof(problem)) != OK) {
        fprintf(stderr, "c10m: %s\n", problem);
        return EXIT_BAD_START;
    }
    show_new_key(&co);
    serve_until_signal(cloud, &co, options, &signals);
    cloud->powers_off = !options->leaves_running;
    bool has_units = cloud->machine != NULL && machine_is_open(cloud->machine);
    drain_limit(DRAIN_SECONDS_MAX + (has_units && cloud->powers_off ? POWER_OFF_SECONDS_MAX : 0));
    cloud_free(cloud);
    return 0;
}
