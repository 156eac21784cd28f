/* Arguments of the generators: what a kind cannot make is refused with the key at fault. */

#include "graph/generate_check.h"

#include <limits.h>

#include "graph/generate_random.h"

#define MOST 0x1p62 /* feeds that a mean may promise: they are numbered by 64 bits */

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

static ouro_status check_numbered(const ouro_config_generate *generate) {
  ouro_eid feeds;
  if (!__builtin_mul_overflow(generate->nodes, generate->degree, &feeds)) return OURO_OK;
  return ouro_error(OURO_ELIMIT,
                    "graph.generate.degree: %" OURO_GID_FMT " nodes of degree %" PRId64
                    " have more feeds than can be numbered",
                    generate->nodes, generate->degree);
}

static ouro_status check_k_in(const ouro_config_generate *generate) {
  const ouro_gid n = generate->nodes;
  if (generate->degree < 0 || generate->degree > n - 1) {
    return ouro_error(OURO_ECONFIG,
                      "graph.generate.degree: a node cannot train on %" PRId64 " of %" OURO_GID_FMT " others",
                      generate->degree, n - 1);
  }
  return check_numbered(generate);
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

static ouro_status check_any(const ouro_config_generate *generate) {
  (void)generate;
  return OURO_OK;
}

static ouro_status check_tree(const ouro_config_generate *generate) {
  if (generate->arity >= 1) return OURO_OK;
  return ouro_error(OURO_ECONFIG, "graph.generate.arity: a node of a tree feeds 1 or more, not %" PRId64,
                    generate->arity);
}

static ouro_status check_probability(const char *key, double p) {
  if (p >= 0 && p <= 1) return OURO_OK;
  return ouro_error(OURO_ECONFIG, "graph.generate.%s: a probability is between 0 and 1, not %g", key, p);
}

static ouro_status check_mean(const char *key, double feeds) {
  if (feeds <= MOST) return OURO_OK;
  return ouro_error(OURO_ELIMIT, "graph.generate.%s: %g feeds are more than can be numbered", key, feeds);
}

static ouro_status check_gnp(const ouro_config_generate *generate) {
  ouro_status status = OURO_OK;
  OURO_TRY(check_probability("p", generate->p));
  OURO_TRY(check_mean("p", (double)generate->nodes * (double)(generate->nodes - 1) * generate->p));
cleanup:
  return status;
}

/* Twice as many ends as edges are numbered. */
static ouro_status check_attach(const ouro_config_generate *generate) {
  ouro_status status = OURO_OK;
  int64_t ends;
  OURO_TRY(check_k_in(generate));
  OURO_CHECK(!__builtin_mul_overflow(2 * generate->nodes, generate->degree, &ends), OURO_ELIMIT,
             "graph.generate.degree: %" OURO_GID_FMT " nodes of degree %" PRId64
             " have more ends of feeds than can be numbered",
             generate->nodes, generate->degree);
cleanup:
  return status;
}

static ouro_status check_small_world(const ouro_config_generate *generate) {
  ouro_status status = OURO_OK;
  OURO_TRY(check_k_in(generate));
  OURO_TRY(check_probability("p", generate->p));
cleanup:
  return status;
}

static ouro_status check_blocks(const ouro_config_generate *generate) {
  ouro_status status = OURO_OK;
  OURO_CHECK(generate->blocks >= 1 && generate->blocks <= generate->nodes, OURO_ECONFIG,
             "graph.generate.blocks: %" OURO_GID_FMT " nodes make 1 to %" OURO_GID_FMT " blocks, not %" PRId64,
             generate->nodes, generate->nodes, generate->blocks);
  OURO_TRY(check_probability("p_in", generate->p_in));
  OURO_TRY(check_probability("p_out", generate->p_out));
  OURO_TRY(check_mean("p_in", ouro_generate_blocks_feeds(generate)));
cleanup:
  return status;
}

static ouro_status check_layered(const ouro_config_generate *generate) {
  ouro_status status = OURO_OK;
  const ouro_gid n = generate->nodes;
  const int64_t most = n < INT_MAX ? n : INT_MAX;
  OURO_CHECK(generate->layers >= 1 && generate->layers <= most, OURO_ECONFIG,
             "graph.generate.layers: %" OURO_GID_FMT " nodes make 1 to %" PRId64 " layers, not %" PRId64, n, most,
             generate->layers);
  OURO_CHECK(generate->degree >= 0 && generate->degree <= n / generate->layers, OURO_ECONFIG,
             "graph.generate.degree: a node cannot train on %" PRId64 " of a layer of %" OURO_GID_FMT " nodes",
             generate->degree, n / generate->layers);
  OURO_TRY(check_numbered(generate));
cleanup:
  return status;
}

static ouro_status (*const checks[])(const ouro_config_generate *generate) = {
    [OURO_GRAPH_COMPLETE] = check_complete,
    [OURO_GRAPH_RING] = check_any,
    [OURO_GRAPH_PATH] = check_any,
    [OURO_GRAPH_STAR] = check_any,
    [OURO_GRAPH_K_IN] = check_k_in,
    [OURO_GRAPH_GNM] = check_gnm,
    [OURO_GRAPH_RMAT] = check_rmat,
    [OURO_GRAPH_TREE] = check_tree,
    [OURO_GRAPH_GNP] = check_gnp,
    [OURO_GRAPH_ATTACH] = check_attach,
    [OURO_GRAPH_SMALL_WORLD] = check_small_world,
    [OURO_GRAPH_BLOCKS] = check_blocks,
    [OURO_GRAPH_LAYERED] = check_layered,
};

ouro_status ouro_generate_check(const ouro_config_generate *generate) {
  const int kind = (int)generate->kind;
  if (kind < 0 || kind >= (int)(sizeof checks / sizeof *checks)) {
    return ouro_error(OURO_ECONFIG, "graph.generate.kind: there is no generator number %d", kind);
  }
  if (generate->kind != OURO_GRAPH_RMAT && generate->nodes < 1) {
    return ouro_error(OURO_ECONFIG, "graph.generate.nodes: %" OURO_GID_FMT " is less than 1", generate->nodes);
  }
  return checks[kind](generate);
}
