/* Prototypes for people and as JSON: what each class has learnt, and how it decides. */
#ifndef CLI_PROTOTYPES_H
#define CLI_PROTOTYPES_H

#include <jansson.h>
#include <labelcal/client.h>
#include <labelcal/rules.h>
#include <labelcal/wire.h>
#include <stdio.h>

/* labelcal prototypes */
int prototypes_run(int argc, char **argv, const lcal_client_options *client, int json);

/* The prototypes of a domain; everything is borrowed. */
struct prototypes {
  uint32_t classes;        /* C */
  const lcal_name *names;  /* C */
  const double *matrix;    /* C x C, row k = mu_k */
  const double *weight;    /* C */
  const uint64_t *count;   /* C */
  const float *thresholds; /* C: t_c */
  const lcal_rule *rule;   /* NULL: not known here, so no rivals */
};

/* What follows from a class's prototype. */
struct class_figures {
  double entropy_bits; /* of mu_k: 0 for a class whose pixels are all sure */
  uint32_t rival;      /* the other class that scores highest at mu_k */
  double lead;         /* by how much k scores above it there; below 0: mu_k itself is not k */
};

/* Fills figures[0..C); without a rule each class's rival is itself. */
void prototypes_figures(const struct prototypes *prototypes, struct class_figures *figures);

/* A line for each class, a legend, and the matrix in percent. */
void prototypes_print(const struct prototypes *prototypes, FILE *stream);

/* {classes: [{index, name, pixels, weight, entropy_bits, rival, lead, threshold}], prototypes} */
json_t *prototypes_json(const struct prototypes *prototypes);

#endif
