"""Rows P: what msgpack-c does with hostile bytes, and what reads them in front of it."""
from defect import Defect

SCAN = "src/wire/scan.c"
FIELDS = "src/wire/fields.c"


def fuzzed(target):
    """The run of a fuzz target in the suite."""
    return "tests/fuzz/test_fuzz.py::" \
           f"test_every_known_input_and_some_seconds_of_new_ones_find_nothing[{target}]"


DEFECTS = [
    Defect("P1", "msgpack-c sees the bytes that the scan has refused", "src/wire/document.c",
           "  if (status != LCAL_OK) {\n    return status;\n  }\n  size_t offset = 0;",
           "  size_t offset = 0;",
           "unit:wire_hostile:what_announces_gigabytes_is_malformed_before_it_costs_memory"),
    Defect("P1", "a string or bin may be longer than what follows", SCAN,
           "if (least_bytes(&token) > (uint64_t)(scan->end - scan->at) - token.header) {",
           "if (token.kind == MAP && least_bytes(&token) > (uint64_t)(scan->end - scan->at)) {",
           "unit:wire_scan:lengths_beyond_the_message_are_malformed"),
    Defect("P2", "an array in front of a large bin announces as many items as the bin has bytes",
           SCAN, "token->size > scan->limits->array_items", "token->size > UINT32_MAX",
           "unit:wire_scan:arrays_have_at_most_1024_items_unless_the_limits_say_more"),
    Defect("P2", "a map announces as many entries as half of what follows", SCAN,
           "token->size > scan->limits->map_entries", "token->size > UINT32_MAX",
           "unit:wire_scan:maps_have_at_most_256_entries_unless_the_limits_say_more"),
    Defect("P3", "bytes outside of bins are not counted", SCAN,
           "if (scan->outside > scan->limits->envelope) {", "if (scan->outside > SIZE_MAX / 2) {",
           "unit:wire_scan:a_mebibyte_of_nils_is_malformed_before_it_costs_memory"),
    Defect("P4", "nine levels are taken", "src/wire/scan.h",
           "#define LCAL__DEPTH_MAX       8u", "#define LCAL__DEPTH_MAX       9u",
           "unit:wire_scan:eight_levels_are_taken_and_nine_are_not"),
    Defect("P5", "a frame's bytes are let go once it is read, while its tensor points to them",
           "src/daemon/intake.c", "    arrive(daemon, frame);\n  }\n}\n\nvoid frame_requested",
           "    arrive(daemon, frame);\n    message_release(message);\n  }\n}\n\n"
           "void frame_requested",
           "unit:daemon_accounting:every_frame_sent_is_accounted_for", build="asan"),
    Defect("P5", "a length field may be cut by the end of the message", SCAN,
           "if ((size_t)(end - at) <= width) {", "if ((size_t)(end - at) < width) {",
           fuzzed("control"), build="fuzz"),
    Defect("P5", "a string of no bytes is read where msgpack-c has no pointer for it",
           "src/wire/json.c", "const char *text = str->size > 0 ? str->ptr : \"\";",
           "const char *text = str->ptr;", fuzzed("labels"), build="fuzz"),
    Defect("P5", "what a snapshot holds is not judged", "src/store/decode.c",
           "  return lcal__snapshot_check(snapshot, LCAL_BAD_DATA, error);", "  return LCAL_OK;",
           fuzzed("snapshot"), build="fuzz"),
    Defect("P7", "bytes after the map are passed over", SCAN,
           "return scan.at == scan.end ? LCAL_OK", "return scan.at <= scan.end ? LCAL_OK",
           "unit:wire_hostile:bytes_after_any_message_are_malformed"),
    Defect("P8", "a key may be there twice", SCAN,
           "return key_is_new(level, key) ? LCAL_OK",
           "return key_is_new(level, key) || 1 ? LCAL_OK",
           "unit:wire_scan:duplicate_keys_are_malformed_in_any_map"),
    Defect("P8", "a key may be anything", SCAN, "if (token->kind != STR) {",
           "if (token->kind == INVALID) {", "unit:wire_scan:keys_are_strings"),
    Defect("P9", "a number's value is read without a look at its type", FIELDS,
           "if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 < min ||",
           "if (object->via.u64 < min ||",
           "unit:wire_frame:every_key_is_refused_by_name_when_it_is_wrong"),
    Defect("P10", "text may be any bytes", FIELDS,
           "lcal__text_prefix(object->via.str.ptr, object->via.str.size) == object->via.str.size",
           "object->via.str.ptr",
           "unit:wire_control:a_wrong_request_is_refused_and_keeps_its_id"),
    Defect("P10", "a tensor may come as a string", FIELDS,
           "    if (object->type != MSGPACK_OBJECT_BIN) {\n      return false;\n    }\n"
           "    *(lcal_bytes *)member =",
           "    if (object->type != MSGPACK_OBJECT_BIN && object->type != MSGPACK_OBJECT_STR) {\n"
           "      return false;\n    }\n    *(lcal_bytes *)member =",
           "unit:wire_frame:every_key_is_refused_by_name_when_it_is_wrong"),
    Defect("P11", "statistics may add up to infinity", "src/core/statistics.c",
           "if (!isfinite(statistics->sum[i]) || statistics->sum[i] < 0) {",
           "if (statistics->sum[i] < 0) {",
           "tests/e2e/test_control.py::test_statistics_that_add_up_to_infinity_are_refused"),
    Defect("P11", "those of a file may not be numbers", "src/core/statistics.c",
           "if (!isfinite(statistics->weight[k]) || statistics->weight[k] < 0) {",
           "if (statistics->weight[k] < 0) {",
           "unit:store_snapshot:wrong_value_anywhere_is_refused_by_key"),
    Defect("P12", "a message is put into a buffer that it does not fit", "src/wire/writer.c",
           "} else if (writer->length <= writer->capacity && length > 0) {",
           "} else if (start <= writer->capacity && length > 0) {",
           "unit:wire_text:every_buffer_that_is_too_small_gives_nothing_and_is_not_overrun"),
]
