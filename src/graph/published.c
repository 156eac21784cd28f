/* Whether feeds suit published draws: a model publishes one corpus, so all its feeds carry one count and none stands
 * twice. Feeds meet by source; the earliest line at fault is named with the line it contradicts. */

#include <stdlib.h>

#include "graph/read.h"
#include "ouro/base/memory.h"
#include "ouro/graph/route.h"

enum { SOURCE, TARGET, SAMPLES, LINE, WIDTH };

static int by_source_and_line(const void *left, const void *right) {
  const int64_t *a = left, *b = right;
  if (a[SOURCE] != b[SOURCE]) return a[SOURCE] < b[SOURCE] ? -1 : 1;
  if (a[LINE] != b[LINE]) return a[LINE] < b[LINE] ? -1 : 1;
  return (a[TARGET] > b[TARGET]) - (a[TARGET] < b[TARGET]);
}

static int by_target(const void *left, const void *right) {
  const int64_t *a = left, *b = right;
  if (a[SOURCE] != b[SOURCE]) return a[SOURCE] < b[SOURCE] ? -1 : 1;
  if (a[TARGET] != b[TARGET]) return a[TARGET] < b[TARGET] ? -1 : 1;
  return (a[LINE] > b[LINE]) - (a[LINE] < b[LINE]);
}

/* Two feeds that contradict each other; the later one is the fault. */
typedef struct conflict {
  const int64_t *first, *second;
  bool twice;
} conflict;

static void consider(conflict *worst, const int64_t *first, const int64_t *second, bool twice) {
  if (worst->second == NULL || second[LINE] < worst->second[LINE]) *worst = (conflict){first, second, twice};
}

/* The earliest conflict of the feeds here. A feed that stands twice is found in target order, so records are sorted
 * both ways; conflicts are copied out. */
static bool find_conflict(int64_t *record, int64_t n, int64_t found[3]) {
  conflict worst = {0};
  qsort(record, (size_t)n, sizeof *record * WIDTH, by_target);
  for (int64_t k = 1; k < n; k++) {
    const int64_t *a = record + WIDTH * (k - 1), *b = record + WIDTH * k;
    if (a[SOURCE] == b[SOURCE] && a[TARGET] == b[TARGET]) consider(&worst, a, b, true);
  }
  found[2] = worst.twice;
  if (worst.second) {
    found[0] = worst.first[LINE];
    found[1] = worst.second[LINE];
  }
  int64_t earliest = worst.second ? found[1] : INT64_MAX;
  qsort(record, (size_t)n, sizeof *record * WIDTH, by_source_and_line);
  const int64_t *first = record;
  for (int64_t k = 1; k < n; k++) {
    const int64_t *b = record + WIDTH * k;
    if (b[SOURCE] != first[SOURCE]) first = b;
    if (b[SAMPLES] == first[SAMPLES] || b[LINE] >= earliest) continue;
    earliest = b[LINE];
    found[0] = first[LINE];
    found[1] = earliest;
    found[2] = false;
  }
  return earliest != INT64_MAX;
}

static ouro_status send_by_source(const ouro_reading *reading, int64_t **received, int64_t *n) {
  ouro_status status;
  const ouro_feeds *feeds = &reading->feeds;
  ouro_route route = {0};
  int n_ranks;
  MPI_Comm_size(reading->comm, &n_ranks);
  int *rank = ouro_memory_new((size_t)feeds->n, sizeof *rank);
  int64_t *record = ouro_memory_new((size_t)(WIDTH * feeds->n), sizeof *record);
  OURO_AGREE(reading->comm, rank && record ? OURO_OK : OURO_ENOMEM);
  for (ouro_eid k = 0; k < feeds->n; k++) {
    int64_t *at = record + WIDTH * k;
    rank[k] = ouro_graph_block_rank(reading->n_nodes, n_ranks, feeds->source[k]);
    at[SOURCE] = feeds->source[k];
    at[TARGET] = feeds->target[k];
    at[SAMPLES] = ouro_feeds_samples(feeds, k);
    at[LINE] = reading->feed_line ? reading->feed_line[k] : 0;
  }
  OURO_TRY(ouro_route_open(reading->comm, feeds->n, rank, &route));
  OURO_TRY(ouro_route_send(&route, WIDTH, record, received));
  *n = route.n_received;
cleanup:
  ouro_route_close(&route);
  free(rank);
  free(record);
  return status;
}

static ouro_status describe(const ouro_reading *reading, const int64_t found[3]) {
  const char *file = reading->file ? reading->file : "graph";
  const char *what = found[2] ? "a feed that stands twice" : "feeds of one model with different counts";
  if (reading->feed_line == NULL) {
    return ouro_error(OURO_EINPUT, "%s: %s: published draws need one feed of one count a consumer", file, what);
  }
  return ouro_error(OURO_EINPUT, "%s:%" PRId64 ": %s (see line %" PRId64 "): published draws are one corpus a model",
                    file, found[1], what, found[0]);
}

ouro_status ouro_read_check_published(const ouro_reading *reading) {
  ouro_status status;
  int64_t *record = NULL, n = 0, found[3] = {0};
  OURO_TRY(send_by_source(reading, &record, &n));
  const bool bad = find_conflict(record, n, found);
  int64_t first = bad ? found[1] : INT64_MAX;
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT64_T, MPI_MIN, reading->comm);
  OURO_TRY(ouro_agree(reading->comm, bad && found[1] == first ? describe(reading, found) : OURO_OK));
cleanup:
  free(record);
  return status;
}
