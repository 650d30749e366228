// The tables that tools/generate.py writes from AWS's models, and the C types that they describe.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

// How a shape looks in C:
//   string, blob    struct str                      absent: ptr NULL
//   streaming blob  struct stream * (src/base/stream.h)                 absent: NULL
//   event stream    struct event_source * (src/wire/event_source.h), in outputs only; absent: NULL
//   document        struct str that holds JSON text
//   scalars         struct opt_bool, opt_int, opt_long, opt_double, opt_time (ms since 1970)
//   list            struct { T *items; size_t count; }                  absent: items NULL
//   map             struct { struct { struct str key; T value; } *items; size_t count; }
//   structure       as a member: a pointer, NULL when absent; as a list element, a map value or at
//                   the top: in place
//   union           as a structure of which exactly one member is present
struct stream;
struct event_source;

struct opt_bool {
    bool value;
    bool is_present;
};
struct opt_int {
    int32_t value;
    bool is_present;
};
struct opt_long {
    int64_t value;
    bool is_present;
};
struct opt_double {
    double value;
    bool is_present;
};
struct opt_time {
    int64_t value;
    bool is_present;
};

#define OPT_BOOL(v) ((struct opt_bool){(v), true})
#define OPT_INT(v) ((struct opt_int){(v), true})
#define OPT_LONG(v) ((struct opt_long){(v), true})
#define OPT_DOUBLE(v) ((struct opt_double){(v), true})
#define OPT_TIME(ms) ((struct opt_time){(ms), true})

// What every generated list and map begins with: code that walks tables sees them so.
struct wire_array {
    void *items;
    size_t count;
};

enum wire_type {
    WIRE_STRUCTURE,
    WIRE_LIST,
    WIRE_MAP,
    WIRE_STRING,
    WIRE_BLOB,
    WIRE_BOOLEAN,
    WIRE_INTEGER,
    WIRE_LONG,
    WIRE_DOUBLE, // float too
    WIRE_TIMESTAMP,
    WIRE_DOCUMENT, // any JSON value, as text
    WIRE_STREAM,   // a payload that is read in pieces
    WIRE_EVENTS,   // its one row: the structure of which exactly one member is an event
};

enum wire_member_flags {
    WIRE_REQUIRED = 1,
    WIRE_FLATTENED = 2, // query and XML: a list or map without a wrapping element
    WIRE_XML_ATTRIBUTE = 4,
    WIRE_IDEMPOTENCY_TOKEN = 8, // absent: the client's side fills in a random one
    WIRE_HOST_LABEL = 16,       // stands in the operation's host_prefix too
    WIRE_STREAMING = 32,        // a payload of any length
};

// Where a REST protocol puts a member of an input, output or error. What is not in the body is
// found under the row's xml_name there.
enum wire_location {
    WIRE_IN_BODY,
    WIRE_IN_URI,            // a label of the path
    WIRE_IN_QUERY,          // a parameter of the query string
    WIRE_IN_QUERY_MAP,      // a map of all parameters of the query string
    WIRE_IN_HEADER,         //
    WIRE_IN_PREFIX_HEADERS, // a map of all headers that begin with xml_name, which may be ""
    WIRE_IN_STATUS_CODE,
    WIRE_IN_EVENT_HEADER,  // of an event: its name is AWS's
    WIRE_IN_EVENT_PAYLOAD, // of an event: the whole payload
};

enum wire_time_format { WIRE_TIME_DEFAULT, WIRE_TIME_ISO, WIRE_TIME_EPOCH, WIRE_TIME_HTTP };

// Text is an offset into the model's `text` (zero-terminated strings; 0 is ""), so that the tables
// hold no pointers and cost no private memory.
struct wire_member {
    uint32_t name; // AWS's name
    uint32_t json_name;
    uint32_t query_name; // in forms
    uint32_t xml_name;   // and the name of a header, query parameter or label
    uint32_t offset;     // of the C member, from the start of its struct, entry or item
    uint16_t shape;
    uint16_t id;           // records: the field's number in CBOR
    uint8_t flags;         // enum wire_member_flags
    uint8_t time_format;   // enum wire_time_format
    uint8_t location;      // enum wire_location
    uint8_t xml_namespace; // row in xml_namespaces; 0: none
};

// The rows of a structure are its members in model order, those of a record by ascending id. Of a
// list: one row, its element (query_name and xml_name "member" unless the model says otherwise). Of
// a map: key row, then value row.
struct wire_shape {
    uint32_t name;
    uint32_t c_size;       // of one value in place: sizeof the struct, str, opt_..., array
    uint32_t item_size;    // of one element of a list or one entry of a map
    uint32_t member_first; // row in members
    uint16_t member_count;
    uint16_t constraint; // row in constraints; 0: none
    uint8_t type;        // enum wire_type
    bool is_union : 1;
    bool is_sensitive : 1;
    bool is_sparse : 1;    // elements of a list or values of a map may be null: absent in C; of a
                           // union: none of its members is present
    bool is_unchecked : 1; // no value of it, and of what it holds, can break a rule of the model
    uint8_t payload_row;   // REST: the member that is the whole body, counted from 1; 0: none
};

// Length in characters (strings), bytes (blobs) or elements, or the value of a number: of a double
// in parts of WIRE_FRACTION, since some bounds of AWS's are 0.001.
enum { WIRE_FRACTION = 1000 };
struct wire_constraint {
    int64_t min;         // INT64_MIN: none
    int64_t max;         // INT64_MAX: none
    uint32_t pattern;    // text; 0: none
    uint32_t enum_first; // rows in enum_values (offsets of texts)
    uint32_t enum_count; // 0: none
};

struct wire_model {
    const char *text;
    const struct wire_shape *shapes;
    const struct wire_member *members;
    const struct wire_constraint *constraints;
    const uint32_t *enum_values;
    const uint32_t *xml_namespaces; // texts of attributes: `xmlns:xsi="http://..."`; row 0 is none
};

enum { WIRE_NO_SHAPE = 0xffff };

// Where an operation's input has to be looked into, sorted by row. The table holds the members that
// are refused, wherever the input reaches their shape, and those that lead to them: nothing else is
// looked at (src/wire/refuse.h).
struct wire_refusal {
    uint32_t row : 31; // in members
    uint32_t is_refused : 1;
};

enum wire_checksum { WIRE_CHECKSUM_NONE, WIRE_CHECKSUM_ACCEPTED, WIRE_CHECKSUM_REQUIRED };

struct wire_operation {
    uint32_t name;
    uint16_t input;          // shape; WIRE_NO_SHAPE: none
    uint16_t output;         // shape; WIRE_NO_SHAPE: none
    uint32_t result_wrapper; // query: the element around the output; 0: none
    // REST only. Without a guard_..., several operations would answer to one method and URI.
    uint32_t method;        // "GET"
    uint32_t uri;           // AWS's pattern: "/{Bucket}/{Key+}?uploads"
    uint32_t guard_query;   // these must be in the query string: "partNumber&uploadId"; 0: any
    uint32_t guard_header;  // this header must be there; 0: any
    uint32_t input_root;    // XML: the element around the members of the body; 0: the shape's name
    uint32_t output_root;   // same, of the response
    uint32_t host_prefix;   // "{AccountId}." or "data-"; 0: none
    uint16_t status;        // of a success; 0: 200
    bool is_unsigned;       // needs no signature. All protocols
    bool is_root_value;     // XML: the output's only member is the text of the root itself, as in
                            // S3's GetBucketLocation
    uint32_t refusal_first; // rows in refusals
    uint16_t refusal_count; // 0: every member of the input is read
    uint8_t checksum;       // enum wire_checksum, of the request's body in its headers
};

// One error that a service may answer.
struct wire_error {
    uint32_t name;         // shape name: the JSON __type after '#'
    uint32_t query_code;   // XML <Code>, and the code in x-amzn-query-error
    uint16_t status;       // HTTP
    bool is_sender;        // the caller's fault
    uint16_t shape;        // its members but the message; WIRE_NO_SHAPE: none
    uint32_t message_name; // how its message is spelled; 0: "message"
};

enum wire_protocol {
    WIRE_JSON_1_0,
    WIRE_JSON_1_1,
    WIRE_QUERY,
    WIRE_EC2,
    WIRE_REST_JSON,
    WIRE_REST_XML,
    WIRE_RPC_V2_CBOR,
};

// In which words and order a service tells what is wrong with an input (src/wire/violation.c).
enum wire_wording {
    WIRE_WORDING_JOINED, // "2 validation errors detected: Value null at 'a' failed to ..."
    WIRE_WORDING_SQS,    // "The request must contain the parameter MessageBody."
    WIRE_WORDING_EC2,    // "The request must contain the parameter ImageId"
};

struct wire_service {
    const char *name;           // "sqs": folder, log lines
    const char *signing_name;   // in the credential scope
    const char *target_prefix;  // X-Amz-Target before the dot; "" when it has no JSON protocol
    const char *json_namespace; // before '#' in __type: "com.amazonaws.sqs"
    const char *api_version;    // the query protocol's Version
    const char *xml_namespace;
    unsigned protocols;       // bit set of 1 << enum wire_protocol
    bool is_query_compatible; // JSON errors carry x-amzn-query-error
    bool has_bare_errors;     // rest-xml: <Error> is the root, as in S3
    enum wire_wording wording;
    uint16_t invalid_error; // the error of an input that breaks the model's rules: row in errors,
                            // counted from 1; 0: the one that all services share
    const struct wire_model *model;
    const struct wire_operation *operations; // in the byte order of their names
    size_t operation_count;
    const struct wire_refusal *refusals; // by operation
    const uint16_t *routes; // REST: rows of operations, the more specific of two URIs first
    const struct wire_error *errors; // modelled ones first, then those of service.json
    size_t error_count;
};

static inline const char *
wire_text(const struct wire_model *m, uint32_t offset)
{
    return m->text + offset;
}

// By AWS's name; NULL when the model has none such.
const struct wire_operation *wire_operation_find(const struct wire_service *s, struct str name);
size_t wire_operation_index(const struct wire_service *s, const struct wire_operation *op);

// What was wrong with an input, for the protocol's error. Texts are in the arena.
enum wire_problem_kind {
    WIRE_PROBLEM_NONE,
    WIRE_PROBLEM_SYNTAX,  // not JSON, not a form
    WIRE_PROBLEM_TYPE,    // a member has another type than modelled
    WIRE_PROBLEM_DEPTH,   // nested deeper than WIRE_DEPTH_MAX, or more than WIRE_ITEMS_MAX in all
    WIRE_PROBLEM_MISSING, // a required member is absent
    WIRE_PROBLEM_VALUE,   // pattern, enum, length or range
};
enum { WIRE_DEPTH_MAX = 64, WIRE_ITEMS_MAX = 100000 };
struct wire_problem {
    enum wire_problem_kind kind;
    struct str path;    // "entries.1.member.messageBody" as AWS prints it: first letters lower
    struct str member;  // the modelled name of the innermost member
    struct str message; // a sentence
};
