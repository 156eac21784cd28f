/* Groups spread over ranks: see meet.h. Each group meets on one rank, chosen by its key; members on one rank are
 * combined before they are sent. Does not know what the values mean. */

#include "ouro/graph/meet.h"

#include <stdlib.h>

#include "ouro/base/memory.h"
#include "ouro/graph/route.h"

/* Numbers of the distinct keys among n, in the order of the keys. */
typedef struct numbering {
  int64_t n, n_distinct;
  int64_t *number; /* [n] */
  int64_t *member; /* [n_distinct] the first member of each */
} numbering;

struct ouro_meet {
  MPI_Comm comm;
  numbering here;  /* members of this rank */
  numbering there; /* groups of other ranks that meet here */
  ouro_route route;
};

typedef struct entry {
  int64_t key[2], at;
} entry;

static int by_key(const void *left, const void *right) {
  const entry *a = left, *b = right;
  for (int k = 0; k < 2; k++) {
    if (a->key[k] != b->key[k]) return a->key[k] < b->key[k] ? -1 : 1;
  }
  return (a->at > b->at) - (a->at < b->at);
}

static ouro_status number_keys(int64_t n, const int64_t *key, numbering *made) {
  ouro_status status = OURO_OK;
  entry *sorted = NULL;
  made->n = n;
  OURO_NEW(sorted, n);
  OURO_NEW(made->number, n);
  OURO_NEW(made->member, n);
  for (int64_t k = 0; k < n; k++) sorted[k] = (entry){{key[2 * k], key[2 * k + 1]}, k};
  if (n > 1) qsort(sorted, (size_t)n, sizeof *sorted, by_key);
  for (int64_t k = 0; k < n; k++) {
    const bool fresh = k == 0 || sorted[k].key[0] != sorted[k - 1].key[0] || sorted[k].key[1] != sorted[k - 1].key[1];
    if (fresh) made->member[made->n_distinct++] = sorted[k].at;
    made->number[sorted[k].at] = made->n_distinct - 1;
  }
cleanup:
  free(sorted);
  return status;
}

static void numbering_clear(numbering *keys) {
  free(keys->number);
  free(keys->member);
}

/* The rank where a key meets. */
static int judge_of(const int64_t *key, int n_ranks) {
  uint64_t x = ((uint64_t)key[0] * UINT64_C(0x9E3779B97F4A7C15)) ^ (uint64_t)key[1];
  x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  return (int)((x >> 32) * (uint64_t)n_ranks >> 32);
}

/* The groups on this rank, where they meet, and their keys as records. */
static ouro_status list_groups(ouro_meet *meet, int64_t n, const int64_t *key, int **judge, int64_t **record) {
  ouro_status status = OURO_OK;
  int n_ranks;
  MPI_Comm_size(meet->comm, &n_ranks);
  OURO_TRY(number_keys(n, key, &meet->here));
  OURO_NEW(*judge, meet->here.n_distinct);
  OURO_NEW(*record, 2 * meet->here.n_distinct);
  for (int64_t g = 0; g < meet->here.n_distinct; g++) {
    const int64_t *own = key + 2 * meet->here.member[g];
    (*judge)[g] = judge_of(own, n_ranks);
    (*record)[2 * g] = own[0];
    (*record)[2 * g + 1] = own[1];
  }
cleanup:
  return status;
}

static ouro_status meet_new(MPI_Comm comm, ouro_meet **meet) {
  ouro_status status = OURO_OK;
  OURO_NEW(*meet, 1);
  (*meet)->comm = comm;
cleanup:
  return status;
}

ouro_status ouro_meet_create(MPI_Comm comm, int64_t n, const int64_t *key, ouro_meet **meet) {
  ouro_status status = OURO_OK;
  ouro_meet *made = NULL;
  int *judge = NULL;
  int64_t *record = NULL, *received = NULL;
  *meet = NULL;
  OURO_AGREE(comm, meet_new(comm, &made));
  OURO_AGREE(comm, list_groups(made, n, key, &judge, &record));
  OURO_TRY(ouro_route_open(comm, made->here.n_distinct, judge, &made->route));
  OURO_TRY(ouro_route_send(&made->route, 2, record, &received));
  OURO_AGREE(comm, number_keys(made->route.n_received, received, &made->there));
  *meet = made;
  made = NULL;
cleanup:
  free(judge);
  free(record);
  free(received);
  ouro_meet_destroy(&made);
  return status;
}

void ouro_meet_destroy(ouro_meet **meet) {
  if (*meet == NULL) return;
  numbering_clear(&(*meet)->here);
  numbering_clear(&(*meet)->there);
  ouro_route_close(&(*meet)->route);
  free(*meet);
  *meet = NULL;
}

static int64_t common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static int64_t combined(ouro_meet_way way, int64_t a, int64_t b) {
  switch (way) {
  case OURO_MEET_MAX:
    return a > b ? a : b;
  case OURO_MEET_MIN:
    return a < b ? a : b;
  case OURO_MEET_SUM:
    return a + b;
  default:
    return common_divisor(a, b);
  }
}

/* total [n_distinct] of the values of n members */
static ouro_status combine_groups(const numbering *keys, ouro_meet_way way, const int64_t *value, int64_t **total) {
  ouro_status status = OURO_OK;
  OURO_NEW(*total, keys->n_distinct);
  for (int64_t k = 0; k < keys->n; k++) {
    int64_t *sum = &(*total)[keys->number[k]];
    *sum = k == keys->member[keys->number[k]] ? value[k] : combined(way, *sum, value[k]);
  }
cleanup:
  return status;
}

/* Combine what has arrived and write the answers over it. */
static ouro_status judge_values(const ouro_meet *meet, ouro_meet_way way, int64_t *arrived) {
  ouro_status status = OURO_OK;
  int64_t *total = NULL;
  OURO_TRY(combine_groups(&meet->there, way, arrived, &total));
  for (int64_t k = 0; k < meet->there.n; k++) arrived[k] = total[meet->there.number[k]];
cleanup:
  free(total);
  return status;
}

ouro_status ouro_meet_combine(const ouro_meet *meet, ouro_meet_way way, int64_t *values) {
  ouro_status status = OURO_OK;
  int64_t *total = NULL, *arrived = NULL;
  OURO_AGREE(meet->comm, combine_groups(&meet->here, way, values, &total));
  OURO_TRY(ouro_route_send(&meet->route, 1, total, &arrived));
  OURO_AGREE(meet->comm, judge_values(meet, way, arrived));
  OURO_TRY(ouro_route_answer(&meet->route, arrived, total));
  for (int64_t k = 0; k < meet->here.n; k++) values[k] = total[meet->here.number[k]];
cleanup:
  free(total);
  free(arrived);
  return status;
}
