/* What arrives on a rank when nodes get new owners, and the graph made of it: see arrivals.h. Does not know who sent
 * it.
 */

#include "partition/arrivals.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

void ouro_arrivals_clear(ouro_arrivals *to) {
  free(to->gid);
  free(to->real);
  free(to->initial);
  free(to->noise);
  free(to->every);
  free(to->label);
  free(to->text);
  ouro_feeds_clear(&to->feeds);
}

bool ouro_arrivals_labelled(const ouro_graph *graph) {
  int labelled = graph->label != NULL;
  MPI_Allreduce(MPI_IN_PLACE, &labelled, 1, MPI_INT, MPI_MAX, graph->comm);
  return labelled != 0;
}

typedef struct place {
  ouro_gid gid;
  int64_t at;
} place;

static int by_gid(const void *a, const void *b) {
  const ouro_gid x = ((const place *)a)->gid, y = ((const place *)b)->gid;
  return (x > y) - (x < y);
}

/* Reorder n values by the sorted places; the old block is released. */
static ouro_status reorder(const place *places, int64_t n, size_t bytes, void **values) {
  if (*values == NULL || bytes == 0) return OURO_OK;
  char *ordered = ouro_memory_new((size_t)n, bytes);
  if (ordered == NULL) return OURO_ENOMEM;
  for (int64_t k = 0; k < n; k++) {
    memcpy(ordered + (size_t)k * bytes, (char *)*values + (size_t)places[k].at * bytes, bytes);
  }
  free(*values);
  *values = ordered;
  return OURO_OK;
}

#define REORDER(values, bytes)                                                                                         \
  do {                                                                                                                 \
    void *ouro_block = (values);                                                                                       \
    status = reorder(places, to->n, (bytes), &ouro_block);                                                             \
    (values) = ouro_block;                                                                                             \
    if (status != OURO_OK) goto cleanup;                                                                               \
  } while (0)

ouro_status ouro_arrivals_sort(ouro_arrivals *to, size_t width) {
  ouro_status status = OURO_OK;
  place *places = NULL;
  OURO_NEW(places, to->n);
  for (ouro_lid k = 0; k < to->n; k++) places[k] = (place){to->gid[k], k};
  qsort(places, (size_t)to->n, sizeof *places, by_gid);
  REORDER(to->gid, sizeof *to->gid);
  REORDER(to->real, sizeof *to->real);
  REORDER(to->initial, sizeof *to->initial);
  REORDER(to->noise, sizeof *to->noise);
  REORDER(to->every, sizeof *to->every);
  REORDER(to->label, sizeof *to->label);
  REORDER(to->text, width);
cleanup:
  free(places);
  return status;
}

ouro_status ouro_arrivals_allocate(const ouro_graph *graph, int64_t n, ouro_arrivals *to) {
  ouro_status status = OURO_OK;
  OURO_CHECK(n <= INT32_MAX, OURO_ELIMIT, "%" PRId64 " nodes on one rank; 32-bit local indices hold %d", n, INT32_MAX);
  to->n = (ouro_lid)n;
  OURO_NEW(to->gid, n);
  OURO_NEW(to->real, n);
  if (graph->initial) OURO_NEW(to->initial, n);
  if (graph->noise) OURO_NEW(to->noise, n);
  if (graph->every) OURO_NEW(to->every, n);
  if (to->labelled) OURO_NEW(to->label, n);
  if (graph->named) {
    size_t bytes;
    OURO_TRY(ouro_memory_product((size_t)n, (size_t)graph->label_width, &bytes));
    OURO_NEW(to->text, bytes);
  }
cleanup:
  return status;
}

/* Room for n feeds into owned nodes, counted as the graph counts them. */
ouro_status ouro_arrivals_feeds(const ouro_graph *graph, int64_t n, ouro_feeds *feeds, uint16_t **times) {
  ouro_status status = OURO_OK;
  OURO_NEW(feeds->source, n);
  OURO_NEW(feeds->target, n);
  if (graph->samples || graph->times)
    OURO_NEW(feeds->samples, n);
  else
    feeds->each = graph->each;
  if (graph->times) OURO_NEW(*times, n);
  feeds->n = feeds->capacity = n;
cleanup:
  return status;
}

/* Give the moved graph what ouro_graph_assemble() does not know; arrays change hands. */
void ouro_arrivals_furnish(const ouro_graph *graph, ouro_arrivals *from, ouro_graph *moved) {
  free(moved->real);
  free(moved->label);
  free(moved->label_text);
  moved->real = from->real;
  moved->initial = from->initial;
  moved->noise = from->noise;
  moved->every = from->every;
  moved->label = from->label;
  moved->label_text = from->text;
  from->real = NULL;
  from->initial = NULL;
  from->noise = NULL;
  from->every = NULL;
  from->label = NULL;
  from->text = NULL;
  moved->named = graph->named;
  moved->label_width = graph->label_width;
  moved->n_merged = graph->n_merged;
}
