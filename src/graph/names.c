/* Ids of the input to dense ids: see names.h. A dictionary on each rank, then a sample sort over all ranks: every
 * key travels to the rank whose range it is in, is numbered there, and its number travels back.
 * No rank holds all keys. Knows nothing of files. */

#include "graph/names.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/build.h"
#include "ouro/graph/route.h"

#define SAMPLES_A_RANK 64

static uint64_t hash_of(const char *name, size_t length) {
  uint64_t hash = length;
  for (size_t i = 0; i < length; i += 8) {
    uint64_t word = 0;
    memcpy(&word, name + i, length - i < 8 ? length - i : 8);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
  }
  hash *= UINT64_C(0xbf58476d1ce4e5b9);
  return hash ^ (hash >> 32);
}

/* The slot of a name: the one that holds it, or the free one where it belongs. */
static int64_t find_slot(const ouro_names *names, const char *name, size_t length) {
  const int64_t mask = names->n_slots - 1;
  int64_t slot = (int64_t)(hash_of(name, length) & (uint64_t)mask);
  for (; names->slot[slot] >= 0; slot = (slot + 1) & mask) {
    const int64_t at = names->offset[names->slot[slot]], end = names->offset[names->slot[slot] + 1];
    if ((size_t)(end - at) == length && memcmp(names->bytes + at, name, length) == 0) break;
  }
  return slot;
}

static ouro_status grow_slots(ouro_names *names) {
  ouro_status status = OURO_OK;
  const int64_t n_slots = names->n_slots ? 2 * names->n_slots : 1024;
  OURO_RESIZE(names->slot, n_slots);
  names->n_slots = n_slots;
  memset(names->slot, 0xff, sizeof *names->slot * (size_t)n_slots);
  for (int64_t i = 0; i < names->n; i++) {
    const int64_t at = names->offset[i];
    names->slot[find_slot(names, names->bytes + at, (size_t)(names->offset[i + 1] - at))] = i;
  }
cleanup:
  return status;
}

static ouro_status make_room(ouro_names *names, size_t length) {
  ouro_status status = OURO_OK;
  if (2 * (names->n + 1) > names->n_slots) OURO_TRY(grow_slots(names));
  if (names->n + 2 > names->capacity) {
    OURO_RESIZE(names->offset, 2 * names->capacity + 512);
    names->capacity = 2 * names->capacity + 512;
    names->offset[0] = 0;
  }
  const int64_t used = names->offset[names->n];
  if (used + (int64_t)length > names->n_bytes) {
    const int64_t room = 2 * names->n_bytes + (int64_t)length + 4096;
    OURO_RESIZE(names->bytes, room);
    names->n_bytes = room;
  }
cleanup:
  return status;
}

ouro_status ouro_names_add(ouro_names *names, const char *name, size_t length, int64_t *number) {
  ouro_status status = OURO_OK;
  OURO_TRY(make_room(names, length));
  const int64_t slot = find_slot(names, name, length);
  if (names->slot[slot] < 0) {
    const int64_t used = names->offset[names->n];
    memcpy(names->bytes + used, name, length);
    names->slot[slot] = names->n++;
    names->offset[names->n] = used + (int64_t)length;
  }
  *number = names->slot[slot];
cleanup:
  return status;
}

void ouro_names_clear(ouro_names *names) {
  free(names->offset);
  free(names->bytes);
  free(names->slot);
  *names = (ouro_names){0};
}

static ouro_status fill_keys(const ouro_names *names, ouro_keys *keys) {
  ouro_status status = OURO_OK;
  OURO_NEW(keys->word, names->n * keys->width);
  OURO_NEW(keys->position, names->n);
  keys->n = names->n;
  for (int64_t i = 0; i < names->n; i++) {
    uint64_t *key = keys->word + i * keys->width;
    memcpy(key, names->bytes + names->offset[i], (size_t)(names->offset[i + 1] - names->offset[i]));
    for (int64_t k = 0; k < keys->width; k++) key[k] = be64toh(key[k]);
    keys->position[i] = -1;
  }
cleanup:
  return status;
}

ouro_status ouro_keys_of_names(MPI_Comm comm, const ouro_names *names, ouro_keys *keys) {
  *keys = (ouro_keys){.width = 1};
  for (int64_t i = 0; i < names->n; i++) {
    const int64_t words = (names->offset[i + 1] - names->offset[i] + 7) / 8;
    if (words > keys->width) keys->width = words;
  }
  MPI_Allreduce(MPI_IN_PLACE, &keys->width, 1, MPI_INT64_T, MPI_MAX, comm);
  return ouro_agree(comm, fill_keys(names, keys));
}

void ouro_keys_clear(ouro_keys *keys) {
  free(keys->word);
  free(keys->position);
  *keys = (ouro_keys){0};
}

void ouro_key_name(const uint64_t *key, int64_t width, char *name) {
  for (int64_t k = 0; k < width; k++) {
    const uint64_t word = htobe64(key[k]);
    memcpy(name + 8 * k, &word, 8);
  }
}

static int compare_keys(const void *a, const void *b, void *width) {
  const uint64_t *x = a, *y = b;
  for (int64_t k = 0; k < *(const int64_t *)width; k++) {
    if (x[k] != y[k]) return x[k] < y[k] ? -1 : 1;
  }
  return 0;
}

/* Every rank's samples on every rank, sorted. The keys of a rank stand in no particular order, so evenly spaced
 * ones are as good as random ones. */
static ouro_status gather_samples(MPI_Comm comm, const ouro_keys *keys, int n_ranks, uint64_t **samples, int *n) {
  ouro_status status;
  const int64_t width = keys->width, n_mine = keys->n < SAMPLES_A_RANK ? keys->n : SAMPLES_A_RANK;
  uint64_t *mine = NULL;
  int *count = NULL, *first = NULL;
  const int words = (int)(n_mine * width);
  mine = ouro_memory_new((size_t)words, sizeof *mine);
  count = ouro_memory_new((size_t)n_ranks, sizeof *count);
  first = ouro_memory_new((size_t)n_ranks + 1, sizeof *first);
  *samples = ouro_memory_new((size_t)(SAMPLES_A_RANK * width * n_ranks), sizeof **samples);
  OURO_AGREE(comm, mine && count && first && *samples ? OURO_OK : OURO_ENOMEM);
  for (int64_t i = 0; i < n_mine; i++) {
    memcpy(mine + i * width, keys->word + keys->n * i / n_mine * width, sizeof *mine * (size_t)width);
  }
  MPI_Allgather(&words, 1, MPI_INT, count, 1, MPI_INT, comm);
  for (int r = 0; r < n_ranks; r++) first[r + 1] = first[r] + count[r];
  MPI_Allgatherv(mine, words, MPI_UINT64_T, *samples, count, first, MPI_UINT64_T, comm);
  *n = first[n_ranks] / (int)width;
  qsort_r(*samples, (size_t)*n, sizeof **samples * (size_t)width, compare_keys, &(int64_t){width});
cleanup:
  free(mine);
  free(count);
  free(first);
  return status;
}

/* Rank whose range a key is in: ranges are split at evenly spaced samples; equal keys meet on one rank. */
static int range_of(const uint64_t *key, int64_t width, const uint64_t *samples, int n, int n_ranks) {
  int low = 0, high = n_ranks - 1; /* the number of splitters that are not above the key */
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    const uint64_t *splitter = samples + (int64_t)n * middle / n_ranks * width;
    if (compare_keys(splitter, key, &width) <= 0)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

/* Send every key with its position to the rank of its range. */
static ouro_status send_to_ranges(MPI_Comm comm, const ouro_keys *keys, ouro_route *route, int64_t **received) {
  ouro_status status;
  const int64_t width = keys->width;
  uint64_t *samples = NULL;
  int64_t *record = NULL;
  int *rank = NULL, n_ranks, n_samples = 0;
  MPI_Comm_size(comm, &n_ranks);
  OURO_TRY(gather_samples(comm, keys, n_ranks, &samples, &n_samples));
  rank = ouro_memory_new((size_t)keys->n, sizeof *rank);
  record = ouro_memory_new((size_t)(keys->n * (width + 1)), sizeof *record);
  OURO_AGREE(comm, rank && record ? OURO_OK : OURO_ENOMEM);
  for (int64_t i = 0; i < keys->n; i++) {
    rank[i] = range_of(keys->word + i * width, width, samples, n_samples, n_ranks);
    memcpy(record + i * (width + 1), keys->word + i * width, sizeof *record * (size_t)width);
    record[i * (width + 1) + width] = keys->position ? keys->position[i] : -1;
  }
  OURO_TRY(ouro_route_open(comm, keys->n, rank, route));
  OURO_TRY(ouro_route_send(route, width + 1, record, received));
cleanup:
  free(samples);
  free(rank);
  free(record);
  return status;
}

typedef struct record_order {
  const int64_t *record;
  int64_t width;
} record_order;

static int compare_records(const void *a, const void *b, void *context) {
  const record_order *order = context;
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b, stride = order->width + 1;
  int64_t width = order->width;
  const int by_key = compare_keys(order->record + x * stride, order->record + y * stride, &width);
  if (by_key) return by_key;
  /* as unsigned numbers, so that -1, no position, comes last */
  const uint64_t p = (uint64_t)order->record[x * stride + width], q = (uint64_t)order->record[y * stride + width];
  return p < q ? -1 : p > q;
}

static bool same_key(const record_order *order, int64_t x, int64_t y) {
  const size_t bytes = sizeof *order->record * (size_t)order->width;
  return memcmp(order->record + x * (order->width + 1), order->record + y * (order->width + 1), bytes) == 0;
}

static ouro_status sort_records(const record_order *order, int64_t n, int64_t **sorted, int64_t **answer) {
  ouro_status status = OURO_OK;
  OURO_NEW(*sorted, n);
  OURO_NEW(*answer, n);
  for (int64_t i = 0; i < n; i++) (*sorted)[i] = i;
  qsort_r(*sorted, (size_t)n, sizeof **sorted, compare_records, (void *)order);
cleanup:
  return status;
}

/* Ids of the keys of this rank's range, in two passes: count those without a position, then number them. */
static ouro_status number_range(MPI_Comm comm, const record_order *order, int64_t n, int64_t **answer,
                                ouro_gid *n_nodes) {
  ouro_status status;
  int64_t *sorted = NULL, n_placed = 0, n_free = 0, before = 0, total = 0;
  const int64_t stride = order->width + 1;
  int rank;
  MPI_Comm_rank(comm, &rank);
  OURO_AGREE(comm, sort_records(order, n, &sorted, answer));
  for (int64_t k = 0; k < n; k++) {
    const int64_t position = order->record[sorted[k] * stride + order->width];
    if (position >= n_placed) n_placed = position + 1;
    n_free += position < 0 && (k == 0 || !same_key(order, sorted[k - 1], sorted[k]));
  }
  MPI_Allreduce(MPI_IN_PLACE, &n_placed, 1, MPI_INT64_T, MPI_MAX, comm);
  MPI_Allreduce(&n_free, &total, 1, MPI_INT64_T, MPI_SUM, comm);
  MPI_Exscan(&n_free, &before, 1, MPI_INT64_T, MPI_SUM, comm);
  int64_t next = n_placed + (rank == 0 ? 0 : before);
  for (int64_t k = 0; k < n; k++) {
    const int64_t position = order->record[sorted[k] * stride + order->width];
    const bool again = k > 0 && same_key(order, sorted[k - 1], sorted[k]);
    (*answer)[sorted[k]] = again ? (*answer)[sorted[k - 1]] : position >= 0 ? position : next++;
  }
  *n_nodes = n_placed + total;
cleanup:
  free(sorted);
  return status;
}

ouro_status ouro_keys_number(MPI_Comm comm, const ouro_keys *keys, ouro_gid *id, ouro_gid *n_nodes) {
  ouro_status status;
  ouro_route route = {0};
  int64_t *received = NULL, *answer = NULL;
  OURO_TRY(send_to_ranges(comm, keys, &route, &received));
  const record_order order = {received, keys->width};
  OURO_TRY(number_range(comm, &order, route.n_received, &answer, n_nodes));
  OURO_TRY(ouro_route_answer(&route, answer, id));
cleanup:
  ouro_route_close(&route);
  free(received);
  free(answer);
  return status;
}

ouro_status ouro_keys_to_blocks(MPI_Comm comm, const ouro_keys *keys, const ouro_gid *id, ouro_gid n_nodes,
                                uint64_t **block) {
  ouro_status status;
  const int64_t width = keys->width;
  ouro_route route = {0};
  int64_t *record = NULL, *received = NULL;
  uint64_t *fresh = NULL;
  int *to = NULL, rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  const ouro_gid first = ouro_graph_block_first(n_nodes, n_ranks, rank);
  const ouro_gid n_block = ouro_graph_block_first(n_nodes, n_ranks, rank + 1) - first;
  to = ouro_memory_new((size_t)keys->n, sizeof *to);
  record = ouro_memory_new((size_t)(keys->n * (width + 1)), sizeof *record);
  fresh = ouro_memory_new((size_t)(n_block * width), sizeof *fresh);
  OURO_AGREE(comm, to && record && fresh ? OURO_OK : OURO_ENOMEM);
  for (int64_t i = 0; i < keys->n; i++) {
    to[i] = ouro_graph_block_rank(n_nodes, n_ranks, id[i]);
    record[i * (width + 1)] = id[i];
    memcpy(record + i * (width + 1) + 1, keys->word + i * width, sizeof *record * (size_t)width);
  }
  OURO_TRY(ouro_route_open(comm, keys->n, to, &route));
  OURO_TRY(ouro_route_send(&route, width + 1, record, &received));
  for (int64_t i = 0; i < route.n_received; i++) {
    const int64_t *from = received + i * (width + 1);
    memcpy(fresh + (from[0] - first) * width, from + 1, sizeof *fresh * (size_t)width);
  }
  *block = fresh;
  fresh = NULL;
cleanup:
  ouro_route_close(&route);
  free(to);
  free(record);
  free(received);
  free(fresh);
  return status;
}
