/* The smallest camera: makes softmax tensors, sends them to labelcald, takes back the labels.
 *
 *   cc example_camera.c $(pkg-config --cflags --libs labelcal) -o example_camera
 *   ./example_camera [RUNTIME_DIR [FRAMES]]
 *
 * The daemon's model must have as many classes as the tensor (19 by default). */
#include <labelcal/client.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLASSES = 19, HEIGHT = 64, WIDTH = 128 };

/* Stands for a network's last layer: class probabilities, C x H x W. */
static void segment(float *p, unsigned frame) {
  for (unsigned y = 0; y < HEIGHT; y++) {
    for (unsigned x = 0; x < WIDTH; x++) {
      unsigned winner = (x / 8 + y / 16 + frame / 4) % CLASSES;
      for (unsigned k = 0; k < CLASSES; k++) {
        p[(k * HEIGHT + y) * WIDTH + x] = k == winner ? 0.64f : 0.02f;
      }
    }
  }
}

static int fail(const char *doing, const lcal_error *error) {
  fprintf(stderr, "%s: %s\n", doing, error->message);
  return lcal_status_exit(error->code);
}

int main(int argc, char **argv) {
  static float p[CLASSES * HEIGHT * WIDTH];
  const uint32_t shape[3] = {CLASSES, HEIGHT, WIDTH};
  const unsigned frames = argc > 2 ? (unsigned)atoi(argv[2]) : 10;
  lcal_client_options options = {0};
  lcal_client *client;
  lcal_labels labels;
  lcal_error error;

  options.runtime_dir = argc > 1 ? argv[1] : NULL;
  if (lcal_client_create(&client, &options, &error)) {
    return fail("create", &error);
  }
  if (lcal_client_subscribe(client, "example", &error)) { /* before the first frame is sent */
    return fail("subscribe", &error);
  }
  for (unsigned i = 0; i < frames; i++) {
    lcal_frame frame;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    memset(&frame, 0, sizeof frame);
    strcpy(frame.stream, "example");
    frame.seq = i;
    frame.stamp_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    frame.adapt = 1;
    segment(p, i);
    if (lcal_tensor_init(&frame.tensor, shape, LCAL_CHW, LCAL_F32, LCAL_PROBABILITIES, p, sizeof p,
                         &error)) {
      return fail("tensor", &error);
    }
    if (lcal_client_send(client, &frame, &error)) {
      return fail("send", &error);
    }
    if (lcal_client_receive(client, &labels, &error)) {
      return fail("receive", &error);
    }
    /* labels.labels.data: labels.height x labels.width class ids, valid until the next receive. */
    printf("frame %llu: %s, %llu of %llu pixels relabelled, %.2f ms\n",
           (unsigned long long)labels.seq, lcal_state_word(labels.state),
           (unsigned long long)labels.changed, (unsigned long long)labels.pixels,
           (double)(labels.published_ns - labels.received_ns) * 1e-6);
  }
  lcal_client_destroy(client);
  return 0;
}
