// EC2 responses: C structs to XML documents, and error documents.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/ec2.h"

#include "src/wire/xml.h"
#include "src/wire/xml_value.h"

#define DECLARATION STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")

static void
put_root(struct buf *out, const char *operation, const char *namespace)
{
    buf_put(out, DECLARATION);
    buf_put_char(out, '<');
    buf_put(out, str_of(operation));
    buf_put(out, STR("Response xmlns=\""));
    xml_put_text(out, str_of(namespace));
    buf_put(out, STR("\">"));
}

void
wire_ec2_encode(const struct wire_service *s, const struct wire_operation *op, const void *in,
                struct str request_id, struct buf *out)
{
    const char *name = wire_text(s->model, op->name);
    put_root(out, name, s->xml_namespace);
    xml_put_element(out, "requestId", request_id);
    if (op->output == WIRE_NO_SHAPE)
        xml_put_element(out, "return", STR("true"));
    else
        xml_put_members(s->model, op->output, in, out);
    buf_put(out, STR("</"));
    buf_put(out, str_of(name));
    buf_put(out, STR("Response>"));
}

void
wire_ec2_encode_error(const struct wire_error_text *e, struct str request_id, struct buf *out)
{
    buf_put(out, DECLARATION);
    buf_put(out, STR("<Response><Errors><Error>"));
    xml_put_error_members(e, out);
    buf_put(out, STR("</Error></Errors>"));
    xml_put_element(out, "RequestID", request_id);
    buf_put(out, STR("</Response>"));
}
