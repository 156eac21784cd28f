/* Integer ids to dense ones in numeric order. Where ids are dense enough, a bitmap of the ids that occur: the
 * number of an id is the number of bits below it. Otherwise they are sorted as keys. */

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "graph/bitmap.h"
#include "graph/read.h"
#include "ouro/base/memory.h"
#include "ouro/base/message.h"

/* A bitmap is used where it has at most this many bits an id, which take 8 bytes with their counts, or 1 MiB. */
#define BITS_AN_ID 32
#define BITS_ALWAYS ((int64_t)1 << 23)

typedef struct id_range {
  int64_t low, high; /* smallest and largest id of all ranks */
  int64_t n;         /* ids of all ranks, with repetitions */
} id_range;

static id_range find_range(MPI_Comm comm, int64_t *const list[3], const int64_t n[3]) {
  id_range range = {INT64_MAX, INT64_MIN, 0};
  for (int k = 0; k < 3; k++) {
    for (int64_t i = 0; i < n[k]; i++) {
      if (list[k][i] < range.low) range.low = list[k][i];
      if (list[k][i] > range.high) range.high = list[k][i];
    }
    range.n += n[k];
  }
  MPI_Allreduce(MPI_IN_PLACE, &range.low, 1, MPI_INT64_T, MPI_MIN, comm);
  MPI_Allreduce(MPI_IN_PLACE, &range.high, 1, MPI_INT64_T, MPI_MAX, comm);
  MPI_Allreduce(MPI_IN_PLACE, &range.n, 1, MPI_INT64_T, MPI_SUM, comm);
  return range;
}

/* Bits of a bitmap of the range if that is small enough, else 0. */
static int64_t bitmap_bits(MPI_Comm comm, const id_range *range) {
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  const uint64_t span = (uint64_t)range->high - (uint64_t)range->low; /* one less than the bits; may wrap nowhere */
  const int64_t mine = range->n / n_ranks;
  const int64_t most = mine > BITS_ALWAYS / BITS_AN_ID ? mine * BITS_AN_ID : BITS_ALWAYS;
  return span < (uint64_t)most ? (int64_t)span + 1 : 0;
}

/* Keys of the ids numbered first .. first+n-1. */
static ouro_status list_keys(const ouro_bitmap *map, int64_t first, int64_t n, uint64_t **key) {
  ouro_status status = OURO_OK;
  int64_t *id = NULL;
  OURO_NEW(*key, n);
  OURO_NEW(id, n);
  ouro_bitmap_list(map, first, n, id);
  for (int64_t i = 0; i < n; i++) (*key)[i] = ouro_key_of_integer(id[i]);
cleanup:
  free(id);
  return status;
}

/* The map is passed by value: no store into the list can change it. */
static void mark_list(const ouro_bitmap map, const int64_t *list, int64_t n) {
  for (int64_t i = 0; i < n; i++) ouro_bitmap_add(&map, list[i]);
}

static void number_list(const ouro_bitmap map, int64_t *list, int64_t n) {
  for (int64_t i = 0; i < n; i++) list[i] = ouro_bitmap_number(&map, list[i]);
}

static ouro_status number_by_bitmap(MPI_Comm comm, const id_range *range, int64_t bits, int64_t *const list[3],
                                    const int64_t n[3], ouro_gid *n_nodes, uint64_t **key) {
  ouro_status status;
  ouro_bitmap map = {0};
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  OURO_AGREE(comm, ouro_bitmap_start(&map, range->low, bits));
  for (int k = 0; k < 3; k++) mark_list(map, list[k], n[k]);
  ouro_message_combine(comm, map.word, map.n_words, sizeof *map.word, MPI_UINT64_T, MPI_BOR);
  ouro_bitmap_count(&map);
  const ouro_gid first = ouro_graph_block_first(map.n_member, n_ranks, rank);
  OURO_AGREE(comm, list_keys(&map, first, ouro_graph_block_first(map.n_member, n_ranks, rank + 1) - first, key));
  for (int k = 0; k < 3; k++) number_list(map, list[k], n[k]);
  *n_nodes = map.n_member;
cleanup:
  ouro_bitmap_clear(&map);
  return status;
}

/* Replace ids by their numbers in a dictionary of this rank, whose entries are keys as bytes. */
static ouro_status collect(int64_t *const list[3], const int64_t n[3], ouro_names *names) {
  ouro_status status = OURO_OK;
  for (int k = 0; k < 3; k++) {
    for (int64_t i = 0; i < n[k]; i++) {
      const uint64_t key = htobe64(ouro_key_of_integer(list[k][i]));
      OURO_TRY(ouro_names_add(names, (const char *)&key, sizeof key, &list[k][i]));
    }
  }
cleanup:
  return status;
}

static ouro_status number_by_sorting(MPI_Comm comm, int64_t *const list[3], const int64_t n[3], ouro_gid *n_nodes,
                                     uint64_t **key) {
  ouro_status status;
  ouro_names names = {0};
  ouro_keys keys = {0};
  ouro_gid *id = NULL;
  OURO_AGREE(comm, collect(list, n, &names));
  OURO_TRY(ouro_keys_of_names(comm, &names, &keys));
  id = ouro_memory_new((size_t)keys.n, sizeof *id);
  OURO_AGREE(comm, id ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_keys_number(comm, &keys, id, n_nodes));
  OURO_TRY(ouro_keys_to_blocks(comm, &keys, id, *n_nodes, key));
  for (int k = 0; k < 3; k++) {
    for (int64_t i = 0; i < n[k]; i++) list[k][i] = id[list[k][i]];
  }
cleanup:
  ouro_names_clear(&names);
  ouro_keys_clear(&keys);
  free(id);
  return status;
}

ouro_status ouro_integers_number(MPI_Comm comm, int64_t *const list[3], const int64_t n[3], ouro_gid *n_nodes,
                                 uint64_t **key) {
  const id_range range = find_range(comm, list, n);
  if (range.n == 0) {
    *n_nodes = 0;
    return OURO_OK;
  }
  const int64_t bits = bitmap_bits(comm, &range);
  if (bits > 0) return number_by_bitmap(comm, &range, bits, list, n, n_nodes, key);
  return number_by_sorting(comm, list, n, n_nodes, key);
}
