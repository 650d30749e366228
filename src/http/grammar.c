// The table of byte classes.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/grammar.h"

#define V HTTP_IS_VALUE
#define G (HTTP_IS_VALUE | HTTP_IS_TARGET)
#define GT (G | HTTP_IS_TOKEN)
#define GH (G | HTTP_IS_HOST)
#define GTH (GT | HTTP_IS_HOST)

// __extension__: ranges are GNU C.
__extension__ const unsigned char http_byte_classes[256] = {
    ['\t'] = V,          [' '] = V,   ['!'] = GTH,         ['"'] = G,    ['#'] = V | HTTP_IS_TOKEN,
    ['$'] = GTH,         ['%'] = GT,  ['&'] = GTH,         ['\''] = GTH, ['('] = GH,
    [')'] = GH,          ['*'] = GTH, ['+'] = GTH,         [','] = GH,   ['-'] = GTH,
    ['.'] = GTH,         ['/'] = G,   ['0' ... '9'] = GTH, [':'] = G,    [';'] = GH,
    ['<'] = G,           ['='] = GH,  ['>'] = G,           ['?'] = G,    ['@'] = G,
    ['A' ... 'Z'] = GTH, ['['] = G,   ['\\'] = G,          [']'] = G,    ['^'] = GT,
    ['_'] = GTH,         ['`'] = GT,  ['a' ... 'z'] = GTH, ['{'] = G,    ['|'] = GT,
    ['}'] = G,           ['~'] = GTH,
    [0x80 ... 0xff] = V, // obs-text
};
