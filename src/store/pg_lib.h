// libpq, loaded when the first postgresql: store is opened.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <postgresql/libpq-fe.h>

#include "src/base/str.h"

// Not linked: it would bring Kerberos, LDAP and a second OpenSSL into every start. The functions
// have libpq's names without PQ.
struct pg_lib {
    void *handle;
    __typeof__(PQconnectdbParams) *connectdbParams;
    __typeof__(PQfinish) *finish;
    __typeof__(PQstatus) *status;
    __typeof__(PQerrorMessage) *errorMessage;
    __typeof__(PQserverVersion) *serverVersion;
    __typeof__(PQsocket) *socket;
    __typeof__(PQsetnonblocking) *setnonblocking;
    __typeof__(PQexec) *exec;
    __typeof__(PQenterPipelineMode) *enterPipelineMode;
    __typeof__(PQpipelineSync) *pipelineSync;
    __typeof__(PQprepare) *prepare;
    __typeof__(PQsendQueryParams) *sendQueryParams;
    __typeof__(PQsendQueryPrepared) *sendQueryPrepared;
    __typeof__(PQflush) *flush;
    __typeof__(PQconsumeInput) *consumeInput;
    __typeof__(PQisBusy) *isBusy;
    __typeof__(PQgetResult) *getResult;
    __typeof__(PQnotifies) *notifies;
    __typeof__(PQfreemem) *freemem;
    __typeof__(PQresultStatus) *resultStatus;
    __typeof__(PQresultErrorField) *resultErrorField;
    __typeof__(PQntuples) *ntuples;
    __typeof__(PQgetisnull) *getisnull;
    __typeof__(PQgetvalue) *getvalue;
    __typeof__(PQgetlength) *getlength;
    __typeof__(PQclear) *clear;
    __typeof__(PQsetNoticeProcessor) *setNoticeProcessor;
};

// E_IO: `problem` says what to install.
MUST_USE int pg_lib_load(struct pg_lib *out, char *problem, size_t problem_size);
void pg_lib_unload(struct pg_lib *lib);
