/* The client against real nng sockets of this process that play the daemon's part. */
#include "client/place.h"
#include "client/sp.h"
#include "wire/document.h"
#include "wire/writer.h"

#include <labelcal/client.h>

#include <netinet/in.h>
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* Long enough that a call which waits for it fails the test by meson's time limit. */
#define FOR_EVER_MS 600000

struct place {
  char directory[64];
  lcal_client *client;
  nng_socket publisher; /* closed after the client */
};

static lcal_client *client_of(const char *directory, uint32_t timeout_ms) {
  lcal_client_options options = {.runtime_dir = directory, .timeout_ms = timeout_ms};
  lcal_client *client;
  assert_int_equal(lcal_client_create(&client, &options, NULL), LCAL_OK);
  return client;
}

static int make_place(void **state) {
  struct place *place = calloc(1, sizeof *place);
  strcpy(place->directory, "/tmp/lc-client-XXXXXX");
  if (!mkdtemp(place->directory)) {
    return -1;
  }
  place->client = client_of(place->directory, FOR_EVER_MS);
  *state = place;
  return 0;
}

static void remove_socket(const struct place *place, const char *name) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", place->directory, name);
  unlink(path);
}

static int remove_place(void **state) {
  struct place *place = *state;
  lcal_client_destroy(place->client);
  nng_close(place->publisher);
  for (int i = 0; i < LCAL_SOCKET_COUNT; i++) {
    remove_socket(place, lcal_socket_word((lcal_socket)i));
  }
  rmdir(place->directory);
  free(place);
  return 0;
}

static void listen_at(const struct place *place, nng_socket socket, const char *name) {
  char url[128];
  snprintf(url, sizeof url, "ipc://%s/%s", place->directory, name);
  assert_int_equal(nng_listen(socket, url, NULL, 0), 0);
  assert_int_equal(nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, 30000), 0);
}

static const float probabilities[2 * 1 * 3] = {0.75f, 0.5f, 0.25f, 0.25f, 0.5f, 0.75f};

static lcal_frame make_frame(void) {
  lcal_frame frame = {.stream = "cam1", .seq = 7, .stamp_ns = 42, .adapt = 1};
  const uint32_t shape[3] = {2, 1, 3};
  assert_int_equal(lcal_tensor_init(&frame.tensor, shape, LCAL_CHW, LCAL_F32, LCAL_PROBABILITIES,
                                    probabilities, sizeof probabilities, NULL),
                   LCAL_OK);
  return frame;
}

static nng_msg *labels_message(const char *stream, int topic) {
  static const uint8_t map[3] = {0, 0, 1};
  lcal_labels labels = {.seq = 7,
                        .bank = "default",
                        .domain = "default",
                        .rule = "euclidean",
                        .height = 1,
                        .width = 3,
                        .label_bytes = 1,
                        .labels = {map, sizeof map},
                        .pixels = 3};
  nng_msg *message;
  strcpy(labels.stream, stream);
  size_t size = lcal_labels_size(&labels, topic);
  assert_int_equal(nng_msg_alloc(&message, size), 0);
  assert_int_equal(lcal_labels_write(&labels, topic, nng_msg_body(message), size), size);
  return message;
}

/* ---- A REP peer that follows a script, one entry a request. */

enum answer { KEEP_SILENT, GIVE_RESULT, REFUSE, REFUSE_LATE, GIVE_LABELS, HANG_UP };

struct peer {
  nng_socket socket;
  enum answer script[4];
  atomic_int requests;
  atomic_int given_up; /* the client has: REFUSE_LATE may come now */
  lcal_name ids[4];
  pthread_t thread;
};

static void read_id(lcal_name id, nng_msg *request) {
  lcal_bytes value;
  id[0] = 0;
  if (lcal__scan_find(nng_msg_body(request), nng_msg_len(request), "id", &value) &&
      value.data[0] == 0xd9) { /* str 8: a UUID has 36 bytes */
    memcpy(id, value.data + 2, value.data[1]);
    id[value.data[1]] = 0;
  }
}

static nng_msg *make_answer(enum answer answer, const char *id) {
  uint8_t bytes[LCAL_ERROR_MESSAGE_MAX];
  size_t length;
  nng_msg *message;
  if (answer == GIVE_LABELS) {
    return labels_message("cam1", 0);
  }
  if (answer == REFUSE || answer == REFUSE_LATE) {
    lcal_error_message refusal = {.error = {LCAL_UNKNOWN_BANK, "there is no bank 'x'"}};
    length = lcal_error_write(&refusal, bytes, sizeof bytes);
  } else {
    lcal__writer writer;
    lcal__writer_fix(&writer, bytes, sizeof bytes);
    lcal__begin_message(&writer, "result");
    lcal__put_text(&writer, "id", id);
    lcal__put_text(&writer, "command", "status");
    lcal__begin_map(&writer, "result");
    lcal__put_u64(&writer, "answer", 42);
    lcal__end(&writer);
    lcal__end(&writer);
    length = lcal__writer_fitted(&writer);
  }
  return nng_msg_alloc(&message, 0) || nng_msg_append(message, bytes, length) ? NULL : message;
}

static void *play(void *argument) {
  struct peer *peer = argument;
  for (int i = 0; i < 4; i++) {
    nng_msg *request;
    if (nng_recvmsg(peer->socket, &request, 0)) {
      break;
    }
    read_id(peer->ids[i], request);
    nng_pipe pipe = nng_msg_get_pipe(request);
    nng_msg_free(request);
    peer->requests++;
    if (peer->script[i] == HANG_UP) {
      nng_pipe_close(pipe);
    } else if (peer->script[i] != KEEP_SILENT) {
      while (peer->script[i] == REFUSE_LATE && !peer->given_up) {
        nng_msleep(1);
      }
      nng_sendmsg(peer->socket, make_answer(peer->script[i], peer->ids[i]), 0);
    }
  }
  return NULL;
}

static void peer_start(struct peer *peer, const struct place *place, const char *name) {
  assert_int_equal(nng_rep0_open(&peer->socket), 0);
  listen_at(place, peer->socket, name);
  assert_int_equal(pthread_create(&peer->thread, NULL, play, peer), 0);
}

static void peer_stop(struct peer *peer) {
  nng_close(peer->socket);
  pthread_join(peer->thread, NULL);
}

/* ---- What cannot be reached, or is wrong. */

static void nothing_that_listens_is_unreachable_at_once(void **state) {
  struct place *place = *state;
  lcal_frame frame = make_frame();
  lcal_bytes result;
  lcal_error error;
  assert_int_equal(lcal_client_send(place->client, &frame, &error), LCAL_UNREACHABLE);
  assert_non_null(strstr(error.message, "/frames"));
  assert_int_equal(lcal_client_subscribe(place->client, NULL, &error), LCAL_UNREACHABLE);
  assert_int_equal(lcal_client_control(place->client, "status", NULL, &result, &error),
                   LCAL_UNREACHABLE);
  assert_int_equal(lcal_status_exit(LCAL_UNREACHABLE), 3);
  /* And it is again, when asked again. */
  assert_int_equal(lcal_client_send(place->client, &frame, &error), LCAL_UNREACHABLE);
}

static void the_socket_file_of_a_killed_daemon_is_unreachable_at_once(void **state) {
  struct place *place = *state;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/control", place->directory);
  int dead = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
  close(dead);
  lcal_bytes result;
  assert_int_equal(lcal_client_control(place->client, "status", NULL, &result, NULL),
                   LCAL_UNREACHABLE);
}

static void a_peer_that_does_not_finish_the_handshake_is_a_timeout(void **state) {
  struct place *place = *state;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/frames", place->directory);
  int mute = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(mute, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(mute, 8), 0);
  lcal_frame frame = make_frame();
  lcal_client_set_timeout(place->client, 50);
  assert_int_equal(lcal_client_send(place->client, &frame, NULL), LCAL_TIMEOUT);
  close(mute);
}

static void a_url_that_cannot_be_dialled_is_refused(void **state) {
  (void)state;
  char long_path[200] = "ipc:///";
  memset(long_path + 7, 'x', 150);
  const char *const urls[] = {"nonsense", "gopher://localhost/1", long_path};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    lcal_client_options options = {.url = {[LCAL_SOCKET_CONTROL] = urls[i]}};
    lcal_client *client;
    lcal_bytes result;
    lcal_error error;
    assert_int_equal(lcal_client_create(&client, &options, &error), LCAL_OK);
    assert_int_equal(lcal_client_control(client, "status", NULL, &result, &error), LCAL_ARGUMENT);
    assert_non_null(strstr(error.message, "ipc://PATH"));
    lcal_client_destroy(client);
  }
}

static void an_invalid_frame_or_command_is_refused_before_anything_is_dialled(void **state) {
  struct place *place = *state;
  lcal_frame frame = make_frame();
  lcal_labels labels;
  lcal_bytes result;
  frame.stream[0] = 0;
  assert_int_equal(lcal_client_send(place->client, &frame, NULL), LCAL_ARGUMENT);
  assert_int_equal(lcal_client_calibrate(place->client, &frame, &labels, NULL), LCAL_ARGUMENT);
  assert_int_equal(lcal_client_control(place->client, "", NULL, &result, NULL), LCAL_ARGUMENT);
  assert_int_equal(lcal_client_subscribe(place->client, "no/name", NULL), LCAL_ARGUMENT);
}

static void labels_cannot_be_received_without_a_subscription(void **state) {
  struct place *place = *state;
  lcal_labels labels;
  assert_int_equal(lcal_client_receive(place->client, &labels, NULL), LCAL_ARGUMENT);
}

/* ---- tcp */

/* Takes one connection of the listening socket at `argument` and greets it as PULL does. */
static void *greet_one(void *argument) {
  static const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, 0x51, 0, 0};
  const int connection = accept(*(int *)argument, NULL, NULL);
  if (connection >= 0 && send(connection, greeting, sizeof greeting, MSG_NOSIGNAL) > 0) {
    recv(connection, (uint8_t[16]){0}, 16, MSG_WAITALL); /* until the other end closes */
  }
  close(connection);
  return NULL;
}

/* The peer is no nng socket: 1.5.2 leaks a tcp listener now and then. */
static void a_tcp_connection_asks_after_its_peer_and_does_not_delay(void **state) {
  (void)state;
  struct lcal__sp sp = {0};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  pthread_t peer;
  char url[64];
  bool keepalive = false, nodelay = false;
  int listening = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
  assert_int_equal(listen(listening, 1), 0);
  assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
  assert_int_equal(pthread_create(&peer, NULL, greet_one, &listening), 0);
  snprintf(url, sizeof url, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
  assert_int_equal(
      lcal__sp_dial(&sp, url, LCAL__SP_PUSH, LCAL__SP_PULL, lcal__now_ms() + FOR_EVER_MS), 0);
  assert_int_equal(nng_stream_get_bool(sp.stream, NNG_OPT_TCP_KEEPALIVE, &keepalive), 0);
  assert_int_equal(nng_stream_get_bool(sp.stream, NNG_OPT_TCP_NODELAY, &nodelay), 0);
  assert_true(keepalive);
  assert_true(nodelay);
  lcal__sp_free(&sp);
  pthread_join(peer, NULL);
  close(listening);
}

/* ---- frames */

static void a_frame_arrives_whole_and_a_strided_tensor_arrives_dense(void **state) {
  struct place *place = *state;
  static const float strided[] = {0.75f, 0.5f, 0.25f, -1.0f, -1.0f, 0.25f, 0.5f, 0.75f};
  nng_socket pull;
  assert_int_equal(nng_pull0_open(&pull), 0);
  listen_at(place, pull, "frames");
  lcal_frame frame = make_frame();
  for (int pass = 0; pass < 2; pass++) {
    assert_int_equal(lcal_client_send(place->client, &frame, NULL), LCAL_OK);
    nng_msg *message;
    lcal_frame got;
    assert_int_equal(nng_recvmsg(pull, &message, 0), 0);
    assert_int_equal(nng_msg_len(message), lcal_frame_size(&frame));
    assert_int_equal(lcal_frame_read(&got, nng_msg_body(message), nng_msg_len(message), 0, NULL),
                     LCAL_OK);
    assert_string_equal(got.stream, "cam1");
    assert_int_equal(got.seq, 7);
    assert_int_equal(got.tensor.stride, 3);
    assert_memory_equal(got.tensor.data, probabilities, sizeof probabilities);
    nng_msg_free(message);
    frame.tensor.data = strided;
    frame.tensor.stride = 5;
  }
  nng_close(pull);
}

static void a_lost_connection_is_dialled_again(void **state) {
  struct place *place = *state;
  lcal_frame frame = make_frame();
  for (int life = 0; life < 2; life++) {
    nng_socket pull;
    nng_msg *message;
    assert_int_equal(nng_pull0_open(&pull), 0);
    listen_at(place, pull, "frames");
    /* The old connection's end may not be known yet, and the dialer may have to come round. */
    for (int i = 0; i < 1000 && lcal_client_send(place->client, &frame, NULL); i++) {
    }
    if (life == 0) {
      assert_int_equal(nng_recvmsg(pull, &message, 0), 0);
      nng_msg_free(message);
    } else {
      nng_socket_set_ms(pull, NNG_OPT_RECVTIMEO, 100);
      int missing = nng_recvmsg(pull, &message, 0);
      for (int i = 0; i < 100 && missing; i++) { /* the first went down with the old connection */
        assert_true(i < 99);
        lcal_client_send(place->client, &frame, NULL);
        missing = nng_recvmsg(pull, &message, 0);
      }
      nng_msg_free(message);
    }
    nng_close(pull);
  }
}

/* ---- labels and state */

static void a_subscriber_gets_its_stream_alone(void **state) {
  struct place *place = *state;
  lcal_labels labels;
  assert_int_equal(nng_pub0_open(&place->publisher), 0);
  listen_at(place, place->publisher, "labels");
  assert_int_equal(lcal_client_subscribe(place->client, "cam1", NULL), LCAL_OK);
  lcal_client_set_timeout(place->client, 10);
  /* The publisher may take the connection a moment later than the subscriber. */
  lcal_status status = LCAL_TIMEOUT;
  for (int i = 0; i < 1000 && status == LCAL_TIMEOUT; i++) {
    assert_int_equal(nng_sendmsg(place->publisher, labels_message("cam12", 1), 0), 0);
    assert_int_equal(nng_sendmsg(place->publisher, labels_message("cam1", 1), 0), 0);
    status = lcal_client_receive(place->client, &labels, NULL);
  }
  assert_int_equal(status, LCAL_OK);
  assert_string_equal(labels.stream, "cam1");
  assert_int_equal(labels.labels.length, 3);
  assert_int_equal(labels.labels.data[2], 1);
  while (lcal_client_receive(place->client, &labels, NULL) == LCAL_OK) {
    assert_string_equal(labels.stream, "cam1");
  }
  lcal_client_set_timeout(place->client, 0);
  assert_int_equal(lcal_client_receive(place->client, &labels, NULL), LCAL_TIMEOUT);
}

/* nng 1.5.2 leaks the message that a PUB is sending when its connection closes. */
LCAL_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
  return "leak:publish_for_ever";
}

static void *publish_for_ever(void *argument) {
  const nng_socket *pub = argument;
  nng_msg *message = labels_message("cam1", 1);
  while (nng_sendmsg(*pub, message, 0) == 0) {
    message = labels_message("cam1", 1);
  }
  nng_msg_free(message);
  return NULL;
}

/* nng's own SUB socket hangs here, about once in two hundred. */
static void a_client_can_be_destroyed_while_labels_arrive(void **state) {
  struct place *place = *state;
  pthread_t publisher;
  assert_int_equal(nng_pub0_open(&place->publisher), 0);
  listen_at(place, place->publisher, "labels");
  assert_int_equal(pthread_create(&publisher, NULL, publish_for_ever, &place->publisher), 0);
  for (int i = 0; i < 300; i++) {
    lcal_client *client = client_of(place->directory, FOR_EVER_MS);
    lcal_labels labels;
    assert_int_equal(lcal_client_subscribe(client, "cam1", NULL), LCAL_OK);
    assert_int_equal(lcal_client_receive(client, &labels, NULL), LCAL_OK);
    lcal_client_destroy(client);
  }
  nng_close(place->publisher);
  pthread_join(publisher, NULL);
}

static void labels_are_received_again_when_the_daemon_is_back(void **state) {
  struct place *place = *state;
  for (int life = 0; life < 2; life++) {
    pthread_t publisher;
    lcal_labels labels;
    assert_int_equal(nng_pub0_open(&place->publisher), 0);
    listen_at(place, place->publisher, "labels");
    assert_int_equal(pthread_create(&publisher, NULL, publish_for_ever, &place->publisher), 0);
    if (life == 0) {
      assert_int_equal(lcal_client_subscribe(place->client, "cam1", NULL), LCAL_OK);
    }
    assert_int_equal(lcal_client_receive(place->client, &labels, NULL), LCAL_OK);
    nng_close(place->publisher);
    pthread_join(publisher, NULL);
  }
}

static void state_comes_without_its_topic(void **state) {
  struct place *place = *state;
  static const char body[] = "event\0\x81\xa1v\x01";
  lcal_bytes message;
  assert_int_equal(nng_pub0_open(&place->publisher), 0);
  listen_at(place, place->publisher, "state");
  lcal_client_set_timeout(place->client, 100);
  lcal_status status = LCAL_TIMEOUT;
  for (int i = 0; i < 1000 && status == LCAL_TIMEOUT; i++) {
    status = lcal_client_state(place->client, &message, NULL);
    nng_send(place->publisher, (void *)(uintptr_t)body, sizeof body - 1, 0);
  }
  assert_int_equal(status, LCAL_OK);
  assert_int_equal(message.length, 4);
  assert_memory_equal(message.data, "\x81\xa1v\x01", 4);
}

/* ---- calibrate and control */

static void a_refusal_is_the_status_and_its_sentence_the_error(void **state) {
  struct place *place = *state;
  struct peer peer = {.script = {REFUSE}};
  peer_start(&peer, place, "calibrate");
  lcal_frame frame = make_frame();
  lcal_labels labels;
  lcal_error error;
  assert_int_equal(lcal_client_calibrate(place->client, &frame, &labels, &error),
                   LCAL_UNKNOWN_BANK);
  assert_int_equal(error.code, LCAL_UNKNOWN_BANK);
  assert_string_equal(error.message, "there is no bank 'x'");
  peer_stop(&peer);
}

static void a_frame_whose_answer_is_lost_is_not_sent_again(void **state) {
  struct place *place = *state;
  struct peer peer = {.script = {HANG_UP, KEEP_SILENT, GIVE_LABELS}};
  peer_start(&peer, place, "calibrate");
  lcal_frame frame = make_frame();
  lcal_labels labels;
  assert_int_equal(lcal_client_calibrate(place->client, &frame, &labels, NULL), LCAL_UNREACHABLE);
  lcal_client_set_timeout(place->client, 200);
  lcal_status status = LCAL_UNREACHABLE; /* till it is dialled again */
  for (int i = 0; i < 100 && status == LCAL_UNREACHABLE; i++) {
    status = lcal_client_calibrate(place->client, &frame, &labels, NULL);
  }
  assert_int_equal(status, LCAL_TIMEOUT);
  lcal_client_set_timeout(place->client, FOR_EVER_MS);
  assert_int_equal(lcal_client_calibrate(place->client, &frame, &labels, NULL), LCAL_OK);
  assert_int_equal(labels.seq, 7);
  assert_int_equal(peer.requests, 3);
  peer_stop(&peer);
}

static void the_answer_to_a_request_given_up_is_not_the_next_ones(void **state) {
  struct place *place = *state;
  struct peer peer = {.script = {REFUSE_LATE, GIVE_LABELS}};
  peer_start(&peer, place, "calibrate");
  lcal_frame frame = make_frame();
  lcal_labels labels;
  lcal_client_set_timeout(place->client, 500);
  assert_int_equal(lcal_client_calibrate(place->client, &frame, &labels, NULL), LCAL_TIMEOUT);
  peer.given_up = 1;
  lcal_client_set_timeout(place->client, FOR_EVER_MS);
  assert_int_equal(lcal_client_calibrate(place->client, &frame, &labels, NULL), LCAL_OK);
  assert_int_equal(labels.seq, 7);
  peer_stop(&peer);
}

static void a_command_is_asked_again_under_its_id_until_it_is_answered(void **state) {
  struct place *place = *state;
  struct peer peer = {.script = {KEEP_SILENT, HANG_UP, GIVE_RESULT, GIVE_RESULT}};
  peer_start(&peer, place, "control");
  lcal_client_set_timeout(place->client, 6000);
  lcal_bytes result;
  assert_int_equal(lcal_client_control(place->client, "status", NULL, &result, NULL), LCAL_OK);
  assert_int_equal(peer.requests, 3);
  lcal_bytes answer;
  assert_true(lcal__scan_find(result.data, result.length, "answer", &answer));
  assert_int_equal(answer.length, 1);
  assert_int_equal(answer.data[0], 42);
  assert_int_equal(lcal_client_control(place->client, "status", NULL, &result, NULL), LCAL_OK);
  peer_stop(&peer); /* its thread wrote the ids */
  assert_int_equal(strlen(peer.ids[0]), 36);
  assert_int_equal(peer.ids[0][14], '4');
  assert_string_equal(peer.ids[0], peer.ids[1]);
  assert_string_equal(peer.ids[0], peer.ids[2]);
  /* The next command had its own. */
  assert_string_not_equal(peer.ids[3], peer.ids[0]);
}

static nng_msg *receive_in(nng_ctx context, nng_aio *aio) {
  nng_ctx_recv(context, aio);
  nng_aio_wait(aio);
  return nng_aio_result(aio) ? NULL : nng_aio_get_msg(aio);
}

static void answer_in(nng_ctx context, nng_aio *aio, nng_msg *request, enum answer answer) {
  lcal_name id;
  if (request) {
    read_id(id, request);
    nng_msg_free(request);
    nng_aio_set_msg(aio, make_answer(answer, id));
    nng_ctx_send(context, aio);
    nng_aio_wait(aio);
  }
}

/* Like the daemon it takes a request while another is not answered yet. The copy's answer differs,
 * so that it is seen whose was taken. */
static void *answer_when_asked_twice(void *argument) {
  const nng_socket *rep = argument;
  nng_ctx first, copy;
  nng_aio *aio;
  if (nng_ctx_open(&first, *rep) || nng_ctx_open(&copy, *rep) || nng_aio_alloc(&aio, NULL, NULL)) {
    return NULL;
  }
  nng_msg *request = receive_in(first, aio);
  nng_msg *again = receive_in(copy, aio);
  answer_in(first, aio, request, GIVE_RESULT);
  answer_in(copy, aio, again, REFUSE);
  answer_in(first, aio, receive_in(first, aio), GIVE_RESULT);
  nng_aio_free(aio);
  return NULL;
}

static void an_answer_that_comes_after_the_command_was_sent_again_is_taken(void **state) {
  struct place *place = *state;
  nng_socket rep;
  pthread_t peer;
  lcal_bytes result;
  assert_int_equal(nng_rep0_open(&rep), 0);
  listen_at(place, rep, "control");
  assert_int_equal(pthread_create(&peer, NULL, answer_when_asked_twice, &rep), 0);
  lcal_client_set_timeout(place->client, 6000);
  assert_int_equal(lcal_client_control(place->client, "query", NULL, &result, NULL), LCAL_OK);
  /* The copy's answer is on its way, and none to the next command. */
  assert_int_equal(lcal_client_control(place->client, "status", NULL, &result, NULL), LCAL_OK);
  nng_close(rep);
  pthread_join(peer, NULL);
}

static void a_command_that_is_never_answered_ends_with_a_timeout(void **state) {
  struct place *place = *state;
  struct peer peer = {.script = {KEEP_SILENT, KEEP_SILENT, KEEP_SILENT, KEEP_SILENT}};
  peer_start(&peer, place, "control");
  lcal_client_set_timeout(place->client, 100);
  lcal_bytes result;
  assert_int_equal(lcal_client_control(place->client, "reset", NULL, &result, NULL), LCAL_TIMEOUT);
  assert_int_equal(peer.requests, 1);
  peer_stop(&peer);
}

static void a_refused_command_is_not_asked_again(void **state) {
  struct place *place = *state;
  struct peer peer = {.script = {REFUSE}};
  peer_start(&peer, place, "control");
  static const uint8_t map[] = {0x81, 0xa4, 'b', 'a', 'n', 'k', 0xa1, 'x'};
  const lcal_bytes args = {map, sizeof map};
  lcal_bytes result;
  assert_int_equal(lcal_client_control(place->client, "reset", &args, &result, NULL),
                   LCAL_UNKNOWN_BANK);
  assert_int_equal(peer.requests, 1);
  peer_stop(&peer);
}

/* ---- where the sockets are */

static void expect_url(const lcal_client_options *options, const char *expected) {
  char *url;
  assert_int_equal(lcal__place_url(&url, options, LCAL_SOCKET_CONTROL, NULL), LCAL_OK);
  assert_string_equal(url, expected);
  free(url);
}

static void the_runtime_directory_is_looked_for_where_a_daemon_would_be(void **state) {
  struct place *place = *state;
  char expected[128], path[128];
  lcal_client_options options = {0};
  unsetenv("RUNTIME_DIRECTORY");
  setenv("XDG_RUNTIME_DIR", place->directory, 1);
  expect_url(&options, "ipc:///run/labelcal/control"); /* no socket in XDG's */
  snprintf(path, sizeof path, "%s/labelcal", place->directory);
  assert_int_equal(mkdir(path, 0700), 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/labelcal/frames", place->directory);
  int bound = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(bound, (struct sockaddr *)&address, sizeof address), 0);
  snprintf(expected, sizeof expected, "ipc://%s/labelcal/control", place->directory);
  expect_url(&options, expected);
  setenv("RUNTIME_DIRECTORY", "/somewhere", 1);
  expect_url(&options, "ipc:///somewhere/control");
  options.runtime_dir = "/elsewhere";
  expect_url(&options, "ipc:///elsewhere/control");
  options.url[LCAL_SOCKET_CONTROL] = "tcp://10.0.0.1:5000";
  expect_url(&options, "tcp://10.0.0.1:5000");
  close(bound);
  unlink(address.sun_path);
  rmdir(path);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_PLACE(nothing_that_listens_is_unreachable_at_once),
      IN_PLACE(the_socket_file_of_a_killed_daemon_is_unreachable_at_once),
      IN_PLACE(a_peer_that_does_not_finish_the_handshake_is_a_timeout),
      IN_PLACE(a_url_that_cannot_be_dialled_is_refused),
      IN_PLACE(an_invalid_frame_or_command_is_refused_before_anything_is_dialled),
      IN_PLACE(labels_cannot_be_received_without_a_subscription),
      cmocka_unit_test(a_tcp_connection_asks_after_its_peer_and_does_not_delay),
      IN_PLACE(a_frame_arrives_whole_and_a_strided_tensor_arrives_dense),
      IN_PLACE(a_lost_connection_is_dialled_again),
      IN_PLACE(a_subscriber_gets_its_stream_alone),
      IN_PLACE(a_client_can_be_destroyed_while_labels_arrive),
      IN_PLACE(labels_are_received_again_when_the_daemon_is_back),
      IN_PLACE(state_comes_without_its_topic),
      IN_PLACE(a_refusal_is_the_status_and_its_sentence_the_error),
      IN_PLACE(a_frame_whose_answer_is_lost_is_not_sent_again),
      IN_PLACE(the_answer_to_a_request_given_up_is_not_the_next_ones),
      IN_PLACE(a_command_is_asked_again_under_its_id_until_it_is_answered),
      IN_PLACE(an_answer_that_comes_after_the_command_was_sent_again_is_taken),
      IN_PLACE(a_command_that_is_never_answered_ends_with_a_timeout),
      IN_PLACE(a_refused_command_is_not_asked_again),
      IN_PLACE(the_runtime_directory_is_looked_for_where_a_daemon_would_be),
  };
  return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
