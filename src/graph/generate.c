/* Generators: arguments, and the graphs without chance. See generate.h.
 * Part p of a graph is a pure function of its arguments: no generator knows the ranks. */

#include "ouro/graph/generate.h"

#include "graph/generate_random.h"
#include "ouro/base/memory.h"

#define GIB 1073741824.0

/* Feeds of n nodes with one another, self-loops left out; -1 if with them they could not be numbered. */
static ouro_eid pairs_of(ouro_gid n) {
  ouro_eid pairs;
  return __builtin_mul_overflow(n, n, &pairs) ? -1 : pairs - n;
}

static ouro_status check_complete(const ouro_config_generate *generate) {
  if (pairs_of(generate->nodes) >= 0) return OURO_OK;
  return ouro_error(OURO_ELIMIT,
                    "graph.generate.nodes: a complete graph of %" OURO_GID_FMT
                    " nodes has more feeds than can be numbered",
                    generate->nodes);
}

static ouro_status check_k_in(const ouro_config_generate *generate) {
  const ouro_gid n = generate->nodes;
  ouro_eid feeds;
  if (generate->degree < 0 || generate->degree > n - 1) {
    return ouro_error(OURO_ECONFIG,
                      "graph.generate.degree: a node cannot train on %" PRId64 " of %" OURO_GID_FMT " others",
                      generate->degree, n - 1);
  }
  if (__builtin_mul_overflow(n, generate->degree, &feeds)) {
    return ouro_error(OURO_ELIMIT,
                      "graph.generate.degree: %" OURO_GID_FMT " nodes of degree %" PRId64
                      " have more feeds than can be numbered",
                      n, generate->degree);
  }
  return OURO_OK;
}

static ouro_status check_gnm(const ouro_config_generate *generate) {
  const ouro_eid pairs = pairs_of(generate->nodes);
  if (pairs < 0) {
    return ouro_error(OURO_ELIMIT,
                      "graph.generate.nodes: pairs of %" OURO_GID_FMT " nodes are more than can be numbered",
                      generate->nodes);
  }
  if (generate->feeds < 0 || generate->feeds > pairs) {
    return ouro_error(OURO_ECONFIG,
                      "graph.generate.feeds: %" OURO_GID_FMT " nodes have at most %" OURO_EID_FMT
                      " feeds without self-loops, not %" OURO_EID_FMT,
                      generate->nodes, pairs, generate->feeds);
  }
  return OURO_OK;
}

static ouro_status check_rmat(const ouro_config_generate *generate) {
  ouro_eid feeds;
  if (generate->scale < 0 || generate->scale > OURO_RMAT_MAX_SCALE) {
    return ouro_error(OURO_ECONFIG, "graph.generate.scale: %d is not in 0..%d", generate->scale, OURO_RMAT_MAX_SCALE);
  }
  if (generate->degree < 0 || __builtin_mul_overflow(generate->degree, (ouro_eid)1 << generate->scale, &feeds)) {
    return ouro_error(OURO_ELIMIT, "graph.generate.degree: %" PRId64 " feeds a node of 2^%d cannot be numbered",
                      generate->degree, generate->scale);
  }
  return OURO_OK;
}

static ouro_status check_arguments(const ouro_config_generate *generate) {
  if (generate->kind != OURO_GRAPH_RMAT && generate->nodes < 1) {
    return ouro_error(OURO_ECONFIG, "graph.generate.nodes: %" OURO_GID_FMT " is less than 1", generate->nodes);
  }
  switch (generate->kind) {
  case OURO_GRAPH_RING:
  case OURO_GRAPH_PATH:
  case OURO_GRAPH_STAR:
    return OURO_OK;
  case OURO_GRAPH_COMPLETE:
    return check_complete(generate);
  case OURO_GRAPH_K_IN:
    return check_k_in(generate);
  case OURO_GRAPH_GNM:
    return check_gnm(generate);
  case OURO_GRAPH_RMAT:
    return check_rmat(generate);
  }
  return ouro_error(OURO_ECONFIG, "graph.generate.kind: there is no generator number %d", (int)generate->kind);
}

ouro_status ouro_graph_generate_nodes(const ouro_config_generate *generate, ouro_gid *n_nodes) {
  const ouro_status status = check_arguments(generate);
  if (status == OURO_OK)
    *n_nodes = generate->kind == OURO_GRAPH_RMAT ? (ouro_gid)1 << generate->scale : generate->nodes;
  return status;
}

/* Feeds that a generator makes, duplicates included. Arguments are checked. */
static ouro_eid feeds_of(const ouro_config_generate *generate) {
  const ouro_gid n = generate->nodes;
  switch (generate->kind) {
  case OURO_GRAPH_COMPLETE:
    return n * (generate->self_loops ? n : n - 1);
  case OURO_GRAPH_K_IN:
    return n * generate->degree;
  case OURO_GRAPH_GNM:
    return generate->feeds;
  case OURO_GRAPH_RMAT:
    return generate->degree << generate->scale;
  default:
    return n;
  }
}

/* Building holds a feed as 3 words in the list and 2 in its row at the same time, and a node as 4 words (id, row,
 * place to fill, label) or so. */
static double bytes_needed(const ouro_config_generate *generate, ouro_gid n_nodes) {
  return 8.0 * (5.0 * (double)feeds_of(generate) + 4.0 * (double)n_nodes);
}

static ouro_status fits_here(const ouro_config_generate *generate, int n_ranks, int64_t available) {
  ouro_status status = OURO_OK;
  ouro_gid n_nodes;
  OURO_TRY(ouro_graph_generate_nodes(generate, &n_nodes));
  const double needed = bytes_needed(generate, n_nodes) / n_ranks;
  OURO_CHECK(needed <= (double)available, OURO_ELIMIT,
             "graph.generate: %" OURO_EID_FMT " feeds between %" OURO_GID_FMT
             " nodes need about %.1f GiB on each of %d ranks, which have %.1f GiB",
             feeds_of(generate), n_nodes, needed / GIB, n_ranks, (double)available / GIB);
cleanup:
  return status;
}

ouro_status ouro_graph_generate_fits(MPI_Comm comm, const ouro_config_generate *generate) {
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  const int64_t available = ouro_memory_available(comm);
  return ouro_agree(comm, fits_here(generate, n_ranks, available));
}

/* ---- graphs without chance: feeds into the nodes first .. last-1 ---- */

static ouro_status complete(const ouro_config_generate *generate, ouro_count samples, ouro_gid first, ouro_gid last,
                            ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const ouro_gid n = generate->nodes;
  OURO_TRY(ouro_feeds_reserve(feeds, feeds->n + (last - first) * (generate->self_loops ? n : n - 1)));
  for (ouro_gid i = first; i < last; i++) {
    for (ouro_gid j = 0; j < n; j++) {
      if (j != i || generate->self_loops) OURO_TRY(ouro_feeds_add(feeds, j, i, samples));
    }
  }
cleanup:
  return status;
}

static ouro_status ring(const ouro_config_generate *generate, ouro_count samples, ouro_gid first, ouro_gid last,
                        ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  for (ouro_gid i = first; i < last; i++) {
    OURO_TRY(ouro_feeds_add(feeds, i > 0 ? i - 1 : generate->nodes - 1, i, samples));
  }
cleanup:
  return status;
}

static ouro_status path(const ouro_config_generate *generate, ouro_count samples, ouro_gid first, ouro_gid last,
                        ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  (void)generate;
  for (ouro_gid i = first > 1 ? first : 1; i < last; i++) OURO_TRY(ouro_feeds_add(feeds, i - 1, i, samples));
cleanup:
  return status;
}

static ouro_status star(const ouro_config_generate *generate, ouro_count samples, ouro_gid first, ouro_gid last,
                        ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  (void)generate;
  for (ouro_gid i = first > 1 ? first : 1; i < last; i++) OURO_TRY(ouro_feeds_add(feeds, 0, i, samples));
cleanup:
  return status;
}

/* ---- all ---- */

/* What a kind is cut into parts by, and how many of them there are. */
static int64_t units_of(const ouro_config_generate *generate) {
  switch (generate->kind) {
  case OURO_GRAPH_GNM:
    return generate->feeds;
  case OURO_GRAPH_RMAT:
    return ouro_generate_rmat_batches(generate);
  default:
    return generate->nodes;
  }
}

typedef ouro_status generator(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                              ouro_feeds *feeds);

static generator *generator_of(ouro_graph_kind kind) {
  switch (kind) {
  case OURO_GRAPH_COMPLETE:
    return complete;
  case OURO_GRAPH_RING:
    return ring;
  case OURO_GRAPH_PATH:
    return path;
  case OURO_GRAPH_STAR:
    return star;
  case OURO_GRAPH_K_IN:
    return ouro_generate_k_in;
  case OURO_GRAPH_GNM:
    return ouro_generate_gnm;
  default:
    return ouro_generate_rmat;
  }
}

ouro_status ouro_graph_generate(const ouro_config_generate *generate, ouro_count samples, int part, int n_parts,
                                ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  OURO_TRY(check_arguments(generate));
  const int64_t n = units_of(generate);
  generator *make = generator_of(generate->kind);
  OURO_TRY(make(generate, samples, ouro_graph_block_first(n, n_parts, part),
                ouro_graph_block_first(n, n_parts, part + 1), feeds));
cleanup:
  return status;
}
