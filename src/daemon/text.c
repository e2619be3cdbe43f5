#include "daemon/text.h"

void text_print_clean(const char *text, FILE *out) {
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if (*c < 0x20 || *c == 0x7F) {
      fprintf(out, "\\x%02x", *c);
    } else if (*c == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0) { /* U+0080 to U+009F */
      fprintf(out, "\\x%02x", c[1]);
      c++;
    } else {
      putc(*c, out);
    }
  }
}
