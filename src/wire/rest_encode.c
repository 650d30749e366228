// restJson1 and restXml responses: C structs to status, headers and body.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/rest_body.h"

#include "src/base/stream.h"
#include "src/wire/json_value.h"
#include "src/wire/rest_header.h"
#include "src/wire/xml.h"
#include "src/wire/xml_value.h"

// S3's GetBucketLocation: the text of the only member is that of the root.
static void
put_root_value(const struct wire_service *s, uint16_t shape, const char *root,
               const void *structure, struct wire_response *r)
{
    const struct str *text = value_get(s->model, value_rows(s->model, shape), structure);
    CHECK(s->model->shapes[value_rows(s->model, shape)->shape].type == WIRE_STRING);
    rest_add_content_type(r, STR("application/xml"));
    buf_put(&r->body, REST_XML_PROLOG);
    struct str xmlns = rest_xmlns(s, r->body.arena);
    buf_print(&r->body, "<%s " STR_FMT ">", root, STR_ARG(xmlns));
    xml_put_text(&r->body, text == NULL ? STR("") : *text);
    xml_put_close(&r->body, root);
}

// What HTTP does not let these responses have: RFC 9110, 6.4.1.
static void
drop_body(struct wire_response *r)
{
    if (!r->is_head && r->status != 204 && r->status != 304)
        return;
    stream_close(r->stream);
    r->stream = NULL;
    r->body.len = 0;
}

void
wire_rest_encode(const struct wire_service *s, const struct wire_operation *op,
                 enum wire_protocol protocol, const void *in, struct wire_response *response)
{
    response->status = op->status == 0 ? 200 : op->status;
    if (op->output == WIRE_NO_SHAPE)
        return;
    rest_put_places(s->model, op->output, in, response);
    if (op->is_root_value && protocol == WIRE_REST_XML)
        put_root_value(s, op->output, wire_text(s->model, op->output_root), in, response);
    else
        rest_put_body(s, protocol, op->output, op->output_root, in, response);
    drop_body(response);
}

static void
put_json_error(const struct wire_error_text *e, struct wire_response *r)
{
    rest_add_content_type(r, STR("application/json"));
    wire_response_add(r, STR("x-amzn-ErrorType"), rest_header_text(r->body.arena, e->name));
    buf_put_char(&r->body, '{');
    json_put_error_members(e, true, &r->body);
    buf_put_char(&r->body, '}');
}

static void
put_ids(const struct wire_error_text *e, struct str request_id, struct buf *out)
{
    xml_put_element(out, "RequestId", request_id);
    if (str_is_present(e->host_id))
        xml_put_element(out, "HostId", e->host_id);
}

// As S3 has it: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
static void
put_bare_error(const struct wire_error_text *e, struct str request_id, struct buf *out)
{
    xml_put_open(out, "Error");
    xml_put_error_members(e, out);
    put_ids(e, request_id, out);
    xml_put_close(out, "Error");
}

static void
put_wrapped_error(const struct wire_service *s, const struct wire_error_text *e,
                  struct str request_id, struct buf *out)
{
    struct str xmlns = rest_xmlns(s, out->arena);
    buf_print(out, "<ErrorResponse " STR_FMT ">", STR_ARG(xmlns));
    xml_put_open(out, "Error");
    xml_put_element(out, "Type", e->is_sender ? STR("Sender") : STR("Receiver"));
    xml_put_error_members(e, out);
    xml_put_close(out, "Error");
    put_ids(e, request_id, out);
    xml_put_close(out, "ErrorResponse");
}

void
wire_rest_encode_error(const struct wire_service *s, enum wire_protocol protocol,
                       const struct wire_error_text *e, struct str request_id,
                       struct wire_response *response)
{
    if (e->context != NULL)
        rest_put_places(e->m, e->shape, e->context, response);
    if (protocol == WIRE_REST_JSON) {
        put_json_error(e, response);
    } else {
        rest_add_content_type(response, STR("application/xml"));
        buf_put(&response->body, REST_XML_PROLOG);
        if (s->has_bare_errors)
            put_bare_error(e, request_id, &response->body);
        else
            put_wrapped_error(s, e, request_id, &response->body);
    }
    drop_body(response);
}
