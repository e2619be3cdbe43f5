/* What `control` and POST /api/command take: a request in msgpack, or in JSON, which becomes one,
 * up to where a handler would be called. */
#include "tree.h"

#include "daemon/command_call.h"
#include "wire/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES 3u

#define CODES (CODE(MALFORMED) | CODE(UNSUPPORTED_VERSION) | CODE(MISSING_FIELD) | CODE(BAD_FIELD))

/* Statistics of the daemon's number of classes. */
static void fit(msgpack_object *map, msgpack_zone *zone) {
  static const struct {
    const char *key;
    size_t size;
  } bins[] = {{"sum", CLASSES * CLASSES * 8}, {"weight", CLASSES * 8}, {"count", CLASSES * 8}};
  msgpack_object *args = tree_find(map, "args");
  for (int i = 0; args && i < 3; i++) {
    msgpack_object *bin = tree_find(args, bins[i].key);
    if (bin) {
      tree_resize(bin, bins[i].size, zone);
    }
  }
}

static bool is_json(const uint8_t *data, size_t size) {
  return size > 0 && (data[0] == '{' || data[0] == ' ');
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  const lcal__table *tables[2 + LCAL__COMMAND_COUNT] = {&lcal__command_table};
  for (unsigned i = 0; i < LCAL__COMMAND_COUNT; i++) {
    tables[1 + i] = lcal__commands[i].arguments;
  }
  const struct tree_rules rules = {tables, fit};
  return is_json(data, size) ? LLVMFuzzerMutate(data, size, max_size)
                             : tree_mutate(data, size, max_size, seed, &rules);
}

/* What a handler checks beyond the types of its arguments. */
static void check_arguments(const lcal__command *command, const lcal__arguments *arguments) {
  static lcal_name classes[CLASSES] = {"road", "car", "sky"};
  static struct config config = {.class_count = CLASSES, .classes = classes};
  static struct daemon daemon = {.config = &config};
  static command_check *const checks[LCAL__COMMAND_COUNT] = {
      [LCAL__COMMAND_LOAD_STATISTICS] = check_load_statistics,
      [LCAL__COMMAND_DOMAIN_DELETE] = check_domain_delete,
      [LCAL__COMMAND_RESET] = check_reset,
      [LCAL__COMMAND_SET_RULE] = check_set_rule,
  };
  lcal_error error;
  command_check *check = checks[command - lcal__commands];
  lcal_status status = check ? check(&daemon, arguments, &error) : LCAL_OK;
  if (status != LCAL_OK) {
    fuzz_refused(status, &error, CODE(BAD_FIELD));
    return;
  }
  if (arguments->class_key) {
    int64_t index = class_index(&daemon, arguments->class_key);
    REQUIRE(index >= 0 && index < CLASSES);
  }
  if (check == check_load_statistics) {
    REQUIRE(arguments->sum.length == CLASSES * CLASSES * 8 &&
            arguments->weight.length == CLASSES * 8 && arguments->count.length == CLASSES * 8);
  }
}

static void require_name(const lcal_name name) {
  REQUIRE(!name[0] || lcal_name_valid(name, strlen(name)));
}

static void read_arguments(const lcal__request *request, const uint8_t *data, size_t size) {
  lcal__arguments arguments;
  lcal_error error;
  const lcal__command *command = lcal__command_find(request->command);
  if (!command) {
    return;
  }
  lcal_status status = lcal__arguments_read(command, request->args, &arguments, &error);
  if (status != LCAL_OK) {
    fuzz_refused(status, &error, CODE(MISSING_FIELD) | CODE(BAD_FIELD));
    return;
  }
  require_name(arguments.bank);
  require_name(arguments.domain);
  require_name(arguments.stream);
  require_name(arguments.rule);
  fuzz_within(arguments.sum, data, size);
  fuzz_within(arguments.weight, data, size);
  fuzz_within(arguments.count, data, size);
  check_arguments(command, &arguments);
}

/* The request can be written, and reads back the same. */
static void write_again(const lcal__request *request, lcal_bytes map) {
  lcal__writer writer;
  uint8_t *bytes;
  size_t length;
  lcal_bytes args;
  lcal_error error;
  bool has_args = lcal__scan_find(map.data, map.length, "args", &args);
  REQUIRE(has_args == (request->args != NULL));
  lcal__writer_grow(&writer);
  lcal__put_request(&writer, request->id, request->command, has_args ? &args : NULL);
  REQUIRE(lcal__writer_take(&writer, &bytes, &length, &error) == LCAL_OK);
  lcal__document document;
  lcal__request again;
  REQUIRE(lcal__document_open(&document, bytes, length, &lcal__answer_limits, &error) == LCAL_OK);
  REQUIRE(lcal__request_read(&again, &document, &error) == LCAL_OK);
  REQUIRE(strcmp(request->id, again.id) == 0 && strcmp(request->command, again.command) == 0);
  REQUIRE((request->args == NULL) == (again.args == NULL));
  lcal__document_close(&document);
  free(bytes);
}

static void receive(const uint8_t *data, size_t size) {
  lcal__document document;
  lcal__request request;
  lcal_error error;
  lcal_status status = lcal__document_open(&document, data, size, &lcal__message_limits, &error);
  if (status == LCAL_OK) {
    status = lcal__request_read(&request, &document, &error);
    REQUIRE(!request.id[0] || lcal_text_valid(request.id, strlen(request.id)));
  }
  if (status == LCAL_OK) {
    write_again(&request, document.map);
    read_arguments(&request, data, size);
  } else {
    fuzz_refused(status, &error, CODES);
  }
  lcal__document_close(&document);
}

static void receive_json(const uint8_t *data, size_t size) {
  uint8_t *bytes = NULL;
  size_t length = 0;
  lcal_error error;
  lcal_status status = lcal__json_read_command((const char *)data, size, &bytes, &length, &error);
  if (status != LCAL_OK) {
    fuzz_refused(status, &error, CODE(MALFORMED) | CODE(BAD_FIELD));
    return;
  }
  REQUIRE(length > 0 && length <= 8 * size + 16);
  uint8_t *exact = fuzz_copy(bytes, length);
  free(bytes);
  receive(exact, length);
  free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (is_json(data, size)) {
    receive_json(data, size);
  } else {
    receive(data, size);
  }
  return 0;
}
