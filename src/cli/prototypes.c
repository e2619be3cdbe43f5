#include "cli/prototypes.h"

#include "cli/ask.h"
#include "cli/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define COUNT_OF(array)    (sizeof(array) / sizeof *(array))
#define MATRIX_CLASSES_MAX 64u /* a larger matrix is nothing to read */
#define MATRIX_NAME_WIDTH  14u
#define MATRIX_CELL_WIDTH  4u

/* ---- Figures. */

static double entropy_bits(const double *row, uint32_t classes) {
  double entropy = 0.0;
  for (uint32_t i = 0; i < classes; i++) {
    entropy -= row[i] > 0.0 ? row[i] * log2(row[i]) : 0.0;
  }
  return entropy;
}

static double score(const double *a, double b, const double *p, uint32_t classes) {
  for (uint32_t i = 0; i < classes; i++) {
    b += a[i] * p[i];
  }
  return b;
}

static void find_rival(const struct prototypes *prototypes, const double *a, const double *b,
                       uint32_t k, struct class_figures *figures) {
  uint32_t classes = prototypes->classes;
  const double *p = prototypes->matrix + (size_t)k * classes;
  double own = score(a + (size_t)k * classes, b[k], p, classes), best = -INFINITY;
  for (uint32_t j = 0; j < classes; j++) {
    double other = j == k ? -INFINITY : score(a + (size_t)j * classes, b[j], p, classes);
    if (other > best) {
      best = other;
      figures->rival = j;
    }
  }
  figures->lead = own - best;
}

void prototypes_figures(const struct prototypes *prototypes, struct class_figures *figures) {
  uint32_t classes = prototypes->classes;
  size_t square = (size_t)classes * classes;
  double *a = need(calloc(square + classes, sizeof *a)), *b = a + square;
  if (prototypes->rule) {
    prototypes->rule->build(classes, prototypes->matrix, a, b);
  }
  for (uint32_t k = 0; k < classes; k++) {
    const double *row = prototypes->matrix + (size_t)k * classes;
    figures[k] = (struct class_figures){.entropy_bits = entropy_bits(row, classes), .rival = k};
    if (prototypes->rule) {
      find_rival(prototypes, a, b, k, &figures[k]);
    }
  }
  free(a);
}

/* ---- For people. */

static int is_one_hot(const struct prototypes *prototypes, uint32_t k) {
  const double *row = prototypes->matrix + (size_t)k * prototypes->classes;
  for (uint32_t i = 0; i < prototypes->classes; i++) {
    if (row[i] != (i == k ? 1.0 : 0.0)) {
      return 0;
    }
  }
  return 1;
}

static void threshold_cell(struct table *table, float threshold) {
  if (isinf(threshold)) {
    table_cell(table, "none");
  } else {
    table_cell(table, "%.3f", (double)threshold);
  }
}

static void weight_cell(struct table *table, double weight) {
  table_cell(table, weight >= 10.0 || weight == 0.0 ? "%.0f" : "%.2g", weight);
}

static void class_row(struct table *table, const struct prototypes *prototypes, uint32_t k,
                      const struct class_figures *figures) {
  table_cell(table, "%" PRIu32, k);
  table_cell(table, "%s%s", prototypes->names[k], is_one_hot(prototypes, k) ? " *" : "");
  table_cell(table, "%" PRIu64, prototypes->count[k]);
  weight_cell(table, prototypes->weight[k]);
  table_cell(table, "%.2f", figures->entropy_bits);
  if (figures->rival != k) {
    table_cell(table, "%s", prototypes->names[figures->rival]);
    table_cell(table, "%.3f", figures->lead);
  } else {
    table_cell(table, "-");
    table_cell(table, "-");
  }
  threshold_cell(table, prototypes->thresholds[k]);
}

static int print_classes(const struct prototypes *prototypes, FILE *stream) {
  static const struct column columns[] = {
      {"#", 1},       {"class", 0},         {"pixels", 1}, {"weight", 1},
      {"entropy", 1}, {"nearest rival", 0}, {"lead", 1},   {"threshold", 1},
  };
  struct class_figures *figures = need(calloc(prototypes->classes, sizeof *figures));
  struct table table;
  int one_hot = 0;
  prototypes_figures(prototypes, figures);
  table_begin(&table, columns, COUNT_OF(columns));
  for (uint32_t k = 0; k < prototypes->classes; k++) {
    one_hot |= is_one_hot(prototypes, k);
    class_row(&table, prototypes, k, &figures[k]);
  }
  table_print(&table, stream);
  free(figures);
  return one_hot;
}

static void print_legend(int one_hot, FILE *stream) {
  fputs("\n  pixels     whose argmax is the class, since the last reset\n"
        "  weight     the sum of their confidence, less what was forgotten\n"
        "  entropy    of the prototype, in bits: how mixed its pixels are\n"
        "  lead       how far the class scores above its nearest rival at its own prototype\n"
        "  threshold  from this confidence on the argmax stands whatever the rest of the pixel\n"
        "             holds (f32 and logits); none: every pixel is scored\n",
        stream);
  if (one_hot) {
    fputs("  *          prototype still one-hot: no evidence against it\n", stream);
  }
}

/* Percent in whole numbers; what rounds to 0 is a dot, so that the rest can be seen. */
static void print_share(double share, FILE *stream) {
  if (share < 0.005) {
    fprintf(stream, "%*s", (int)MATRIX_CELL_WIDTH, ".");
  } else {
    fprintf(stream, "%*.0f", (int)MATRIX_CELL_WIDTH, 100.0 * share);
  }
}

/* The columns [from, to) of every row. */
static void print_block(const struct prototypes *prototypes, uint32_t from, uint32_t to,
                        FILE *stream) {
  fprintf(stream, "%s%*s", heading_on(stream), (int)MATRIX_NAME_WIDTH + 5, "");
  for (uint32_t i = from; i < to; i++) {
    fprintf(stream, "%*" PRIu32, (int)MATRIX_CELL_WIDTH, i);
  }
  fprintf(stream, "%s\n", heading_off(stream));
  for (uint32_t k = 0; k < prototypes->classes; k++) {
    const char *name = prototypes->names[k];
    size_t cut = text_cut(name, MATRIX_NAME_WIDTH);
    size_t width = text_width(name);
    int blanks = width < MATRIX_NAME_WIDTH ? (int)(MATRIX_NAME_WIDTH - width) : 0;
    fprintf(stream, "%4" PRIu32 " %.*s%*s", k, (int)cut, name, blanks, "");
    for (uint32_t i = from; i < to; i++) {
      print_share(prototypes->matrix[(size_t)k * prototypes->classes + i], stream);
    }
    fputc('\n', stream);
  }
}

static void print_matrix(const struct prototypes *prototypes, FILE *stream) {
  uint32_t classes = prototypes->classes;
  size_t width = output_width(), name = MATRIX_NAME_WIDTH + 5;
  uint32_t columns = 8;
  if (width > name + columns * MATRIX_CELL_WIDTH) {
    columns = (uint32_t)((width - name) / MATRIX_CELL_WIDTH);
  }
  if (classes > MATRIX_CLASSES_MAX) {
    fprintf(stream, "\n  --json has the matrix of %" PRIu32 " x %" PRIu32 " shares.\n", classes,
            classes);
    return;
  }
  fputs("\n  The prototype of each class: the mean probability, in percent, that its pixels give\n"
        "  to every class (by number); a dot is below half a percent.\n",
        stream);
  for (uint32_t from = 0; from < classes; from += columns) {
    uint32_t to = classes - from < columns ? classes : from + columns;
    fputc('\n', stream);
    print_block(prototypes, from, to, stream);
  }
}

void prototypes_print(const struct prototypes *prototypes, FILE *stream) {
  int one_hot = print_classes(prototypes, stream);
  print_legend(one_hot, stream);
  print_matrix(prototypes, stream);
}

/* ---- As JSON. */

static json_t *json_of_count(uint64_t count) {
  return count <= INT64_MAX ? json_integer((json_int_t)count) : json_sprintf("%" PRIu64, count);
}

static json_t *json_of_real(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_of_class(const struct prototypes *prototypes, uint32_t k,
                             const struct class_figures *figures) {
  int rivalled = figures->rival != k;
  return need(json_pack("{s:I, s:s, s:o, s:f, s:f, s:s?, s:o, s:o}", "index", (json_int_t)k, "name",
                        prototypes->names[k], "pixels", json_of_count(prototypes->count[k]),
                        "weight", prototypes->weight[k], "entropy_bits", figures->entropy_bits,
                        "rival", rivalled ? prototypes->names[figures->rival] : NULL, "lead",
                        rivalled ? json_of_real(figures->lead) : json_null(), "threshold",
                        json_of_real((double)prototypes->thresholds[k])));
}

static json_t *json_of_row(const double *row, uint32_t classes) {
  json_t *array = need(json_array());
  for (uint32_t i = 0; i < classes; i++) {
    json_array_append_new(array, need(json_real(row[i])));
  }
  return array;
}

json_t *prototypes_json(const struct prototypes *prototypes) {
  uint32_t classes = prototypes->classes;
  struct class_figures *figures = need(calloc(classes, sizeof *figures));
  json_t *rows = need(json_array()), *matrix = need(json_array());
  prototypes_figures(prototypes, figures);
  for (uint32_t k = 0; k < classes; k++) {
    json_array_append_new(rows, json_of_class(prototypes, k, &figures[k]));
    json_array_append_new(matrix, json_of_row(prototypes->matrix + (size_t)k * classes, classes));
  }
  free(figures);
  return need(json_pack("{s:o, s:o}", "classes", rows, "prototypes", matrix));
}
