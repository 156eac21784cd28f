/* The cure of any number of unstable sources: see advise_cure.h. What is common to a source is combined in integers, so
 * that no ownership changes a bit. Must not know how errors are estimated. */

#include "theory/advise_cure.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/rates.h"
#include "theory/select.h"

/* ---- members and their scores ---- */

static ouro_status cure_new(const ouro_advisor *a, ouro_cure *c, int64_t **key) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = a->graph;
  for (ouro_lid i = 0; i < graph->n_owned; i++) c->n += a->verdict->component[i] >= 0;
  OURO_NEW(c->member, c->n);
  OURO_NEW(c->score, c->n);
  OURO_NEW(c->chosen, c->n);
  for (int t = 0; t < OURO_CURE_TIMES; t++) OURO_NEW(c->share[t], c->n);
  OURO_NEW(c->word, c->n);
  OURO_NEW(c->other, c->n);
  OURO_NEW(*key, 2 * (size_t)c->n);
  ouro_lid m = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (a->verdict->component[i] < 0) continue;
    (*key)[2 * m] = a->verdict->component[i];
    c->member[m++] = i;
  }
cleanup:
  return status;
}

void ouro_cure_clear(ouro_cure *cure) {
  ouro_meet_destroy(&cure->meet);
  free(cure->member);
  free(cure->score);
  free(cure->chosen);
  for (int t = 0; t < OURO_CURE_TIMES; t++) free(cure->share[t]);
  free(cure->word);
  free(cure->other);
  *cure = (ouro_cure){0};
}

double ouro_cure_bytes(const ouro_verdict *verdict, ouro_lid n_owned) {
  return 200.0 * n_owned + 3.0 * sizeof(ouro_advice_feed) * (double)verdict->n_unstable;
}

static ouro_status new_noise(ouro_lid n, double **noise) {
  ouro_status status = OURO_OK;
  OURO_NEW(*noise, n);
  for (ouro_lid i = 0; i < n; i++) (*noise)[i] = 1;
cleanup:
  return status;
}

/* pi of every member comes with the rates of the sources; what the noise is does not matter. */
static ouro_status find_scores(const ouro_advisor *a, ouro_cure *c) {
  ouro_status status = OURO_OK;
  const ouro_rates_options options = {.mixing = {.real_counts = true}};
  ouro_rates *rates = NULL;
  double *noise = NULL;
  OURO_AGREE(a->graph->comm, new_noise(a->graph->n_owned, &noise));
  OURO_TRY(ouro_rates_create_sources(a->graph, a->verdict, &options, noise, &rates));
  for (ouro_lid m = 0; m < c->n; m++) {
    const ouro_lid i = c->member[m];
    c->score[m] = rates->weight[i] / (double)ouro_graph_training_size(a->graph, i);
  }
  c->n_unsettled = rates->n_source;
cleanup:
  free(noise);
  ouro_rates_destroy(&rates);
  return status;
}

ouro_status ouro_cure_open(const ouro_advisor *advisor, ouro_cure *cure) {
  ouro_status status = OURO_OK;
  int64_t *key = NULL;
  *cure = (ouro_cure){0};
  OURO_AGREE(advisor->graph->comm, cure_new(advisor, cure, &key));
  OURO_TRY(ouro_meet_create(advisor->graph->comm, cure->n, key, &cure->meet));
  if (advisor->verdict->n_unstable > 0) OURO_TRY(find_scores(advisor, cure));
cleanup:
  free(key);
  return status;
}

/* ---- one of each ---- */

ouro_status ouro_cure_mark(ouro_cure *cure, const ouro_graph *graph, const int8_t *open, int8_t *stands) {
  ouro_status status = OURO_OK;
  for (ouro_lid m = 0; m < cure->n; m++) {
    int64_t bits; /* non-negative doubles have their order */
    memcpy(&bits, &cure->score[m], sizeof bits);
    cure->other[m] = cure->word[m] = open[cure->member[m]] ? bits : -1;
  }
  OURO_TRY(ouro_meet_combine(cure->meet, OURO_MEET_MAX, cure->word));
  for (ouro_lid m = 0; m < cure->n; m++) {
    const bool is_best = cure->other[m] >= 0 && cure->other[m] == cure->word[m];
    cure->other[m] = is_best ? graph->gid[cure->member[m]] : INT64_MAX;
  }
  OURO_TRY(ouro_meet_combine(cure->meet, OURO_MEET_MIN, cure->other));
  for (ouro_lid m = 0; m < cure->n; m++) {
    stands[cure->member[m]] = cure->other[m] == graph->gid[cure->member[m]];
  }
cleanup:
  return status;
}

ouro_status ouro_cure_choose(ouro_cure *cure, const ouro_advisor *advisor, const int8_t *stands, int64_t *n) {
  *n = 0;
  for (ouro_lid m = 0; m < cure->n; m++) {
    const ouro_lid i = cure->member[m];
    cure->chosen[m] = stands[i];
    if (stands[i]) advisor->graph->real[i] += advisor->config->real.samples;
    *n += stands[i];
  }
  return ouro_agree(advisor->graph->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, n, 1, MPI_INT64_T, MPI_SUM, advisor->graph->comm)));
}

/* ---- shares ---- */

static int length_of(ouro_wide x) {
  int n = 0;
  for (; x > 0; x >>= 1) n++;
  return n;
}

/* Bits to leave out, so that the sum of what was met at any number of nodes fits into a word. */
static ouro_status find_shift(const ouro_cure *cure, const ouro_graph *graph, const ouro_gains *gains, int *shift) {
  ouro_status status = OURO_OK;
  int most = 0;
  for (ouro_lid m = 0; m < cure->n; m++) {
    const int length = length_of(gains->met[cure->member[m]]);
    if (length > most) most = length;
  }
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT, MPI_MAX, graph->comm)));
  const int all = most + length_of(graph->n_nodes) - 62;
  *shift = all > 0 ? all : 0;
cleanup:
  return status;
}

ouro_status ouro_cure_weigh(ouro_cure *cure, const ouro_graph *graph, const ouro_gains *gains, double scale, int when) {
  ouro_status status = OURO_OK;
  int shift;
  OURO_TRY(find_shift(cure, graph, gains, &shift));
  for (ouro_lid m = 0; m < cure->n; m++) cure->word[m] = (int64_t)(gains->met[cure->member[m]] >> shift);
  OURO_TRY(ouro_meet_combine(cure->meet, OURO_MEET_SUM, cure->word));
  for (ouro_lid m = 0; m < cure->n; m++) {
    cure->share[when][m] = ldexp((double)cure->word[m], shift) * gains->unit * scale;
  }
cleanup:
  return status;
}

/* ---- the list ---- */

/* A source and its feed. */
typedef struct row {
  int64_t size; /* nodes of the source */
  ouro_gid component, node;
  double removed; /* error */
} row;

static int by_size(const void *left, const void *right) {
  const row *a = left, *b = right;
  if (a->size != b->size) return a->size > b->size ? -1 : 1;
  return (a->component > b->component) - (a->component < b->component);
}

static ouro_status make_rows(const ouro_cure *cure, const ouro_advisor *a, int64_t n_all, row **own, int *n_own,
                             row **all) {
  ouro_status status = OURO_OK;
  int n = 0;
  OURO_CHECK(n_all <= INT_MAX, OURO_ELIMIT, "%" PRId64 " unstable sources are too many for a list", n_all);
  for (ouro_lid m = 0; m < cure->n; m++) n += cure->chosen[m];
  OURO_NEW(*own, n);
  OURO_NEW(*all, n_all);
  n = 0;
  for (ouro_lid m = 0; m < cure->n; m++) {
    const ouro_lid i = cure->member[m];
    const double removed = cure->share[OURO_CURE_BEFORE][m] - cure->share[OURO_CURE_AFTER][m];
    if (cure->chosen[m]) (*own)[n++] = (row){cure->word[m], a->verdict->component[i], a->graph->gid[i], removed};
  }
  *n_own = n;
cleanup:
  return status;
}

static ouro_status new_counts(int ranks, int **count, int **at) {
  ouro_status status = OURO_OK;
  OURO_NEW(*count, ranks);
  OURO_NEW(*at, ranks);
cleanup:
  return status;
}

static ouro_status gather_rows(MPI_Comm comm, const row *own, int n_own, row *all) {
  ouro_status status = OURO_OK;
  int ranks, *count = NULL, *at = NULL;
  MPI_Datatype type;
  MPI_Comm_size(comm, &ranks);
  MPI_Type_contiguous((int)sizeof(row), MPI_BYTE, &type);
  MPI_Type_commit(&type);
  OURO_AGREE(comm, new_counts(ranks, &count, &at));
  OURO_AGREE(comm, ouro_mpi_status(MPI_Allgather(&n_own, 1, MPI_INT, count, 1, MPI_INT, comm)));
  for (int r = 1; r < ranks; r++) at[r] = at[r - 1] + count[r - 1];
  OURO_AGREE(comm, ouro_mpi_status(MPI_Allgatherv(own, n_own, type, all, count, at, type, comm)));
cleanup:
  MPI_Type_free(&type);
  free(count);
  free(at);
  return status;
}

static void list_rows(const row *rows, int64_t n, double total, double standard_error, double of_others,
                      ouro_advice *advice) {
  advice->n_cure = n;
  for (int64_t k = n - 1; k >= 0; k--) {
    advice->cure[k] =
        (ouro_advice_feed){rows[k].node, rows[k].component, total, k == n - 1 ? standard_error : of_others};
    total += rows[k].removed;
  }
}

ouro_status ouro_cure_list(ouro_cure *cure, const ouro_advisor *advisor, int64_t n, double total, double standard_error,
                           double of_others) {
  ouro_status status = OURO_OK;
  row *own = NULL, *all = NULL;
  int n_own = 0;
  for (ouro_lid m = 0; m < cure->n; m++) cure->word[m] = 1;
  OURO_TRY(ouro_meet_combine(cure->meet, OURO_MEET_SUM, cure->word));
  OURO_AGREE(advisor->graph->comm, make_rows(cure, advisor, n, &own, &n_own, &all));
  OURO_TRY(gather_rows(advisor->graph->comm, own, n_own, all));
  if (n > 1) qsort(all, (size_t)n, sizeof *all, by_size);
  list_rows(all, n, total, standard_error, of_others, advisor->advice);
cleanup:
  free(own);
  free(all);
  return status;
}
