// awsQuery responses: C structs to XML documents, and error documents.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include "src/wire/xml.h"
#include "src/wire/xml_value.h"

// The outermost element, whose name may be in two parts.
static void
put_root(struct buf *out, const char *name, const char *suffix, const struct wire_service *s)
{
    buf_put(out, STR("<?xml version=\"1.0\"?>"));
    buf_put_char(out, '<');
    buf_put(out, str_of(name));
    buf_put(out, str_of(suffix));
    buf_put(out, STR(" xmlns=\""));
    xml_put_text(out, str_of(s->xml_namespace));
    buf_put(out, STR("\">"));
}

static void
put_result(const struct wire_model *m, const struct wire_operation *op, const void *in,
           struct buf *out)
{
    const char *wrapper = wire_text(m, op->result_wrapper);
    if (op->output == WIRE_NO_SHAPE)
        return;
    if (op->result_wrapper != 0)
        xml_put_open(out, wrapper);
    xml_put_members(m, op->output, in, out);
    if (op->result_wrapper != 0)
        xml_put_close(out, wrapper);
}

void
wire_query_encode(const struct wire_service *s, const struct wire_operation *op, const void *in,
                  struct str request_id, struct buf *out)
{
    const char *name = wire_text(s->model, op->name);
    put_root(out, name, "Response", s);
    put_result(s->model, op, in, out);
    xml_put_open(out, "ResponseMetadata");
    xml_put_element(out, "RequestId", request_id);
    xml_put_close(out, "ResponseMetadata");
    buf_put(out, STR("</"));
    buf_put(out, str_of(name));
    buf_put(out, STR("Response>"));
}

void
wire_query_encode_error(const struct wire_service *s, const struct wire_error_text *e,
                        struct str request_id, struct buf *out)
{
    put_root(out, "ErrorResponse", "", s);
    xml_put_open(out, "Error");
    xml_put_element(out, "Type", e->is_sender ? STR("Sender") : STR("Receiver"));
    xml_put_error_members(e, out);
    buf_put(out, STR("<Detail/>"));
    xml_put_close(out, "Error");
    xml_put_element(out, "RequestId", request_id);
    xml_put_close(out, "ErrorResponse");
}
