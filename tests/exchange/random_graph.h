#ifndef OURO_TESTS_EXCHANGE_RANDOM_GRAPH_H
#define OURO_TESTS_EXCHANGE_RANDOM_GRAPH_H

/* Small random graphs with random owners, the same whoever holds them: for the tests of exchange and learn. */

#include <stdlib.h>

#include "ouro/graph/build.h"

typedef struct random_graph {
  ouro_gid n_nodes;
  int degree;               /* feeds into a node that is not a root, on average */
  int roots;                /* per cent of nodes without feeds */
  int real;                 /* per cent of nodes with real data */
  ouro_count least, spread; /* samples of a feed: least .. least+spread */
  bool published;           /* one count a source */
  bool scattered;           /* owners by a hash, instead of blocks of ids */
  uint64_t seed;
} random_graph;

/* splitmix64 of an identity. */
static inline uint64_t random_hash(uint64_t seed, uint64_t a, uint64_t b, uint64_t c) {
  uint64_t x = seed * 0x9e3779b97f4a7c15u + a * 0xd1342543de82ef95u + b * 0x2545f4914f6cdd1du + c + 1;
  for (int k = 0; k < 3; k++) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
  }
  return x;
}

static inline int random_owner(const random_graph *spec, int n_ranks, ouro_gid node) {
  if (!spec->scattered) return ouro_graph_block_rank(spec->n_nodes, n_ranks, node);
  return (int)(random_hash(spec->seed, 1, (uint64_t)node, 0) % (uint64_t)n_ranks);
}

static inline ouro_count random_samples(const random_graph *spec, ouro_gid source, ouro_gid target) {
  const uint64_t salt = spec->published ? 0 : (uint64_t)target + 1;
  return spec->least + (ouro_count)(random_hash(spec->seed, 2, (uint64_t)source, salt) % (uint64_t)(spec->spread + 1));
}

static inline ouro_status random_feeds_into(const random_graph *spec, ouro_gid target, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  if (random_hash(spec->seed, 3, (uint64_t)target, 0) % 100 < (uint64_t)spec->roots) return OURO_OK;
  for (ouro_gid source = 0; source < spec->n_nodes && status == OURO_OK; source++) {
    const uint64_t draw = random_hash(spec->seed, 4, (uint64_t)source, (uint64_t)target);
    if (draw % (uint64_t)spec->n_nodes >= (uint64_t)spec->degree) continue;
    status = ouro_feeds_add(feeds, source, target, random_samples(spec, source, target));
  }
  return status;
}

/* Collective on comm. */
static inline ouro_status random_graph_make(MPI_Comm comm, const random_graph *spec, ouro_graph **graph) {
  ouro_feeds feeds = {0};
  ouro_status status = OURO_OK;
  ouro_gid *owned = calloc((size_t)spec->n_nodes + 1, sizeof *owned);
  ouro_lid n_owned = 0;
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  for (ouro_gid node = 0; node < spec->n_nodes && status == OURO_OK; node++) {
    if (random_owner(spec, n_ranks, node) != rank) continue;
    owned[n_owned++] = node;
    status = random_feeds_into(spec, node, &feeds);
  }
  status = ouro_agree(comm, status);
  if (status == OURO_OK) status = ouro_graph_assemble(comm, spec->n_nodes, n_owned, owned, &feeds, graph);
  for (ouro_lid i = 0; status == OURO_OK && i < n_owned; i++) {
    const uint64_t draw = random_hash(spec->seed, 5, (uint64_t)owned[i], 0);
    if (draw % 100 < (uint64_t)spec->real) (*graph)->real[i] = 20 + (ouro_count)(draw / 100 % 90);
  }
  ouro_feeds_clear(&feeds);
  free(owned);
  return status;
}

#endif
