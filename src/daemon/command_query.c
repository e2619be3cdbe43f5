/* Commands that ask: they change nothing and run again when repeated. */
#include "daemon/command_call.h"
#include "daemon/folder.h"
#include "daemon/lifecycle.h"
#include "daemon/prototypes.h"
#include "daemon/status.h"

#include <stdlib.h>

void run_status(struct call *call) {
  lcal__writer writer;
  call_begin(call, &writer);
  status_put(&writer, call->daemon);
  call_end(call, &writer);
}

void run_streams(struct call *call) {
  lcal__writer writer;
  call_begin(call, &writer);
  status_put_streams(&writer, call->daemon);
  call_end(call, &writer);
}

/* ---- prototypes */

static void on_prototypes(void *context, void *bytes, size_t length, const lcal_error *error) {
  struct call *call = context;
  if (error) {
    call_error(call, error);
  } else {
    call_answer(call, bytes, length);
    free(bytes);
  }
}

void run_prototypes(struct call *call) {
  const struct prototypes_wish wish = {
      .domain = call->arguments.domain[0] ? call->arguments.domain : "default",
      .id = call->id,
  };
  prototypes_make(call->daemon, call->bank, &wish, on_prototypes, call);
}

/* ---- generations: files are read, so on a thread of libuv's. */

struct listing {
  uv_work_t work;
  struct call *call;
  struct folder folder;
  struct lcal__generation_row *rows;
  size_t count;
  lcal_error error;
};

static void list_rows(uv_work_t *work) {
  struct listing *listing = work->data;
  struct lcal__directory *directory = NULL;
  lcal_status status = folder_open(&listing->folder, &directory, &listing->error);
  if (status == LCAL_OK) {
    status = lcal__directory_list(directory, &listing->rows, &listing->count, &listing->error);
  }
  lcal__directory_close(directory);
  listing->error.code = status;
}

static void answer_rows(struct call *call, const struct listing *listing) {
  lcal__writer writer;
  call_begin(call, &writer);
  lcal__begin_array(&writer, "generations");
  for (size_t i = 0; i < listing->count; i++) {
    const struct lcal__generation_row *row = &listing->rows[i];
    lcal__begin_map(&writer, NULL);
    lcal__put_u64(&writer, "generation", row->generation);
    lcal__put_u64(&writer, "created_ns", row->created_ns);
    lcal__put_u64(&writer, "frames", row->frames);
    lcal__put_u64(&writer, "bytes", row->bytes);
    lcal__put_flag(&writer, "valid", row->valid);
    lcal__end(&writer);
  }
  lcal__end(&writer);
  call_end(call, &writer);
}

static void on_listed(uv_work_t *work, int status) {
  (void)status; /* never cancelled */
  struct listing *listing = work->data;
  struct daemon *daemon = listing->call->daemon;
  if (listing->error.code == LCAL_OK) {
    answer_rows(listing->call, listing);
  } else {
    call_error(listing->call, &listing->error);
  }
  folder_release(&listing->folder);
  free(listing->rows);
  free(listing);
  daemon->off_loop--;
  daemon_stop_step(daemon);
}

void run_generations(struct call *call) {
  struct listing *listing = calloc(1, sizeof *listing);
  if (!listing ||
      folder_copy(&listing->folder, call->daemon, call->bank, &listing->error) != LCAL_OK) {
    free(listing);
    call_fail(call, LCAL_BUSY, "out of memory; ask again");
    return;
  }
  listing->call = call;
  listing->work.data = listing;
  call->daemon->off_loop++;
  uv_queue_work(&call->daemon->loop, &listing->work, list_rows, on_listed);
}
