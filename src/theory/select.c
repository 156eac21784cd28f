/* The least pairs of all ranks by a reduction that merges sorted lists, and a directory by blocks of keys.
 * Both give the same result for every number of ranks. */

#include "theory/select.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/build.h"

int ouro_pair_compare(const void *left, const void *right) {
  const ouro_pair *a = left, *b = right;
  if (a->key != b->key) return a->key < b->key ? -1 : 1;
  return (a->value > b->value) - (a->value < b->value);
}

int64_t ouro_pair_combine(ouro_pair *pairs, int64_t n) {
  int64_t kept = 0;
  if (n > 1) qsort(pairs, (size_t)n, sizeof *pairs, ouro_pair_compare);
  for (int64_t k = 0; k < n; k++) {
    if (kept > 0 && pairs[kept - 1].key == pairs[k].key) {
      pairs[kept - 1].value += pairs[k].value;
    } else {
      pairs[kept++] = pairs[k];
    }
  }
  return kept;
}

/* MPI_Op on one list: the length of the lists follows from the size of the type. */
static void merge_lists(void *in, void *inout, int *count, MPI_Datatype *type) {
  const ouro_pair *a = in, *b = inout;
  ouro_pair merged[OURO_SELECT_MOST];
  int bytes, x = 0, y = 0;
  (void)count; /* always 1 */
  MPI_Type_size(*type, &bytes);
  const int most = bytes / (int)sizeof(ouro_pair);
  for (int k = 0; k < most; k++) merged[k] = ouro_pair_compare(&a[x], &b[y]) <= 0 ? a[x++] : b[y++];
  memcpy(inout, merged, (size_t)most * sizeof *merged);
}

ouro_status ouro_select_least(MPI_Comm comm, int n, int most, ouro_pair *pairs, int *found) {
  MPI_Datatype list;
  MPI_Op merge;
  for (int k = n; k < most; k++) pairs[k] = (ouro_pair){INT64_MAX, INT64_MAX};
  MPI_Type_contiguous(2 * most, MPI_INT64_T, &list);
  MPI_Type_commit(&list);
  MPI_Op_create(merge_lists, 1, &merge);
  const int code = MPI_Allreduce(MPI_IN_PLACE, pairs, 1, list, merge, comm);
  MPI_Op_free(&merge);
  MPI_Type_free(&list);
  int k = 0;
  while (k < most && pairs[k].key != INT64_MAX) k++;
  *found = k;
  return ouro_mpi_status(code);
}

/* Who gets how many pairs, and where they start. */
typedef struct parcels {
  int *n_send, *at_send, *n_receive, *at_receive; /* [ranks] */
  ouro_pair *arrived;
  int64_t n_arrived;
} parcels;

static void parcels_destroy(parcels *p) {
  free(p->n_send);
  free(p->at_send);
  free(p->n_receive);
  free(p->at_receive);
  free(p->arrived);
}

static ouro_status parcels_create(int ranks, ouro_gid n_keys, int n, const ouro_pair *pairs, parcels *p) {
  ouro_status status = OURO_OK;
  OURO_NEW(p->n_send, ranks);
  OURO_NEW(p->at_send, ranks);
  OURO_NEW(p->n_receive, ranks);
  OURO_NEW(p->at_receive, ranks);
  for (int k = 0; k < n; k++) p->n_send[ouro_graph_block_rank(n_keys, ranks, pairs[k].key)]++;
  for (int r = 1; r < ranks; r++) p->at_send[r] = p->at_send[r - 1] + p->n_send[r - 1];
cleanup:
  return status;
}

static ouro_status parcels_make_room(int ranks, parcels *p) {
  ouro_status status = OURO_OK;
  for (int r = 0; r < ranks; r++) {
    OURO_CHECK(p->n_arrived <= INT_MAX, OURO_ELIMIT, "more than %d unstable sources meet on one rank", INT_MAX);
    p->at_receive[r] = (int)p->n_arrived;
    p->n_arrived += p->n_receive[r];
  }
  OURO_NEW(p->arrived, p->n_arrived);
cleanup:
  return status;
}

ouro_status ouro_select_directory(MPI_Comm comm, ouro_gid n_keys, int n, const ouro_pair *pairs, ouro_pair **combined,
                                  int64_t *n_combined) {
  ouro_status status = OURO_OK;
  MPI_Datatype pair;
  parcels p = {0};
  int ranks;
  *combined = NULL;
  MPI_Comm_size(comm, &ranks);
  MPI_Type_contiguous(2, MPI_INT64_T, &pair);
  MPI_Type_commit(&pair);
  OURO_AGREE(comm, parcels_create(ranks, n_keys, n, pairs, &p));
  OURO_AGREE(comm, ouro_mpi_status(MPI_Alltoall(p.n_send, 1, MPI_INT, p.n_receive, 1, MPI_INT, comm)));
  OURO_AGREE(comm, parcels_make_room(ranks, &p));
  OURO_AGREE(comm, ouro_mpi_status(MPI_Alltoallv(pairs, p.n_send, p.at_send, pair, p.arrived, p.n_receive, p.at_receive,
                                                 pair, comm)));
  *n_combined = ouro_pair_combine(p.arrived, p.n_arrived);
  *combined = p.arrived;
  p.arrived = NULL;
cleanup:
  MPI_Type_free(&pair);
  parcels_destroy(&p);
  return status;
}
