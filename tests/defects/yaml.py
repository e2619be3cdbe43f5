"""Rows Y: what libyaml lets through, and what looks at it behind."""
from defect import Defect

YAML = "src/daemon/config_yaml.c"
SCALAR = "src/daemon/config_scalar.c"


def seen_by(case):
    """A case of the program that reads YAML."""
    return f"unit:config_yaml:{case}"


DEFECTS = [
    Defect("Y1", "anchors are passed over", YAML, "  if (anchor) {\n", "  if (anchor && tag) {\n",
           seen_by("anchors_and_aliases_are_refused")),
    Defect("Y1", "an alias is an empty value", YAML,
           "complain(builder, place, \"the alias *%s is refused: write the value out\",\n"
           "           (const char *)event->data.alias.anchor);", "",
           seen_by("a_cycle_of_aliases_ends")),
    Defect("Y2", "files of a mebibyte are read", "src/daemon/config_yaml.h",
           "#define CONFIG_FILE_MAX  65536u", "#define CONFIG_FILE_MAX  1048576u",
           seen_by("a_file_beyond_64_kib_is_refused")),
    Defect("Y2", "64 levels are taken", "src/daemon/config_yaml.h",
           "#define CONFIG_DEPTH_MAX 8u", "#define CONFIG_DEPTH_MAX 64u",
           seen_by("deep_nesting_is_refused_at_once")),
    Defect("Y2", "libyaml works on behind what was refused for its depth", YAML,
           "while (!ended && !builder.stop) {", "while (!ended) {",
           seen_by("deep_nesting_is_refused_at_once")),
    Defect("Y3", "of a key that is there twice, one is taken", YAML,
           "if (first && !refused) {", "if (first && refused) {",
           seen_by("a_key_given_twice_names_both_lines")),
    Defect("Y4", "010 is ten", SCALAR, "if (node->text[0] == '0' && node->text[1] != '\\0') {",
           "if (node->text[0] == '0' && node->text[1] == '0') {",
           "unit:config:every_key_refuses_what_it_cannot_take_and_says_where"),
    Defect("Y4", "numbers may stand in quotes", SCALAR,
           "if (node->kind != NODE_SCALAR || !node->plain || node->text[0] == '\\0' ||",
           "if (node->kind != NODE_SCALAR || node->text[0] == '\\0' ||",
           "unit:config:every_key_refuses_what_it_cannot_take_and_says_where"),
    Defect("Y4", "no is a name", "src/daemon/config_string.c",
           "const char *other = node->plain ? other_type(node->text) : NULL;",
           "const char *other = node->plain ? NULL : other_type(\"\");",
           "unit:config:every_key_refuses_what_it_cannot_take_and_says_where"),
    Defect("Y4", "tags are passed over", YAML, "  if (tag) {\n", "  if (tag && anchor) {\n",
           seen_by("tags_are_refused")),
    Defect("Y5", "a text ends at its NUL", YAML, "if (memchr(value, '\\0', length)) {",
           "if (memchr(value, '\\0', 0)) {", seen_by("a_nul_is_refused")),
    Defect("Y6", "columns are counted from 0", YAML, "(uint32_t)mark->column + 1};",
           "(uint32_t)mark->column};", seen_by("columns_count_characters")),
    Defect("Y6", "a bad byte stands at 1:1", YAML,
           "if (parser->error == YAML_READER_ERROR) {",
           "if (parser->error == YAML_READER_ERROR && parser->context) {",
           seen_by("a_bad_byte_is_placed_although_libyaml_gives_bytes_only")),
    Defect("Y7", "a second document takes the first one's place", YAML,
           "if (builder->documents++ > 0) {", "if (builder->documents++ > 1) {",
           seen_by("a_second_document_is_refused")),
    Defect("Y7", "an empty file is all defaults", YAML, "builder.documents == 0) {",
           "builder.documents > 9) {", seen_by("an_empty_file_is_refused")),
    Defect("Y8", "UTF-16 is guessed", YAML,
           "  yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);\n", "",
           seen_by("utf_16_is_refused")),
    Defect("Y9", "an event is not given back", YAML, "    yaml_event_delete(&event);\n", "",
           seen_by("anchors_and_aliases_are_refused"), build="asan"),
]
