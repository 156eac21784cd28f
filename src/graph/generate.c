/* Generators: which there are, and the graphs without chance. See generate.h.
 * Part p of a graph is a pure function of its arguments: no generator knows the ranks. */

#include "ouro/graph/generate.h"

#include "graph/generate_check.h"
#include "graph/generate_random.h"
#include "ouro/base/memory.h"

#define GIB 1073741824.0

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

static ouro_status tree(const ouro_config_generate *generate, ouro_count samples, ouro_gid first, ouro_gid last,
                        ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  for (ouro_gid i = first > 1 ? first : 1; i < last; i++) {
    OURO_TRY(ouro_feeds_add(feeds, (i - 1) / generate->arity, i, samples));
  }
cleanup:
  return status;
}

/* ---- all ---- */

static double nodes_of(const ouro_config_generate *generate) {
  return (double)generate->nodes;
}

static double feeds_complete(const ouro_config_generate *generate) {
  return (double)generate->nodes * (double)(generate->self_loops ? generate->nodes : generate->nodes - 1);
}

static double feeds_regular(const ouro_config_generate *generate) {
  return (double)generate->nodes * (double)generate->degree;
}

static double feeds_gnm(const ouro_config_generate *generate) {
  return (double)generate->feeds;
}

static double feeds_rmat(const ouro_config_generate *generate) {
  return (double)(generate->degree << generate->scale);
}

static double feeds_gnp(const ouro_config_generate *generate) {
  return (double)generate->nodes * (double)(generate->nodes - 1) * generate->p;
}

static int64_t by_node(const ouro_config_generate *generate) {
  return generate->nodes;
}

static int64_t by_feed(const ouro_config_generate *generate) {
  return generate->feeds;
}

/* What a generator is, by kind. */
static const struct {
  double (*feeds)(const ouro_config_generate *generate);  /* that it makes, duplicates included; a mean, or about so */
  int64_t (*units)(const ouro_config_generate *generate); /* that it is cut into parts by */
  ouro_status (*make)(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                      ouro_feeds *feeds); /* the feeds of units first .. last-1 */
} kinds[] = {
    [OURO_GRAPH_COMPLETE] = {feeds_complete, by_node, complete},
    [OURO_GRAPH_RING] = {nodes_of, by_node, ring},
    [OURO_GRAPH_PATH] = {nodes_of, by_node, path},
    [OURO_GRAPH_STAR] = {nodes_of, by_node, star},
    [OURO_GRAPH_K_IN] = {feeds_regular, by_node, ouro_generate_k_in},
    [OURO_GRAPH_GNM] = {feeds_gnm, by_feed, ouro_generate_gnm},
    [OURO_GRAPH_RMAT] = {feeds_rmat, ouro_generate_rmat_batches, ouro_generate_rmat},
    [OURO_GRAPH_TREE] = {nodes_of, by_node, tree},
    [OURO_GRAPH_GNP] = {feeds_gnp, by_node, ouro_generate_gnp},
    [OURO_GRAPH_ATTACH] = {feeds_regular, by_node, ouro_generate_attach},
    [OURO_GRAPH_SMALL_WORLD] = {feeds_regular, by_node, ouro_generate_small_world},
    [OURO_GRAPH_BLOCKS] = {ouro_generate_blocks_feeds, by_node, ouro_generate_blocks},
    [OURO_GRAPH_LAYERED] = {feeds_regular, by_node, ouro_generate_layered},
};

ouro_status ouro_graph_generate_nodes(const ouro_config_generate *generate, ouro_gid *n_nodes) {
  const ouro_status status = ouro_generate_check(generate);
  if (status == OURO_OK)
    *n_nodes = generate->kind == OURO_GRAPH_RMAT ? (ouro_gid)1 << generate->scale : generate->nodes;
  return status;
}

double ouro_graph_generate_feeds(const ouro_config_generate *generate) {
  return kinds[generate->kind].feeds(generate);
}

ouro_status ouro_graph_generate(const ouro_config_generate *generate, ouro_count samples, int part, int n_parts,
                                ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_generate_check(generate));
  const int64_t n = kinds[generate->kind].units(generate);
  OURO_TRY(kinds[generate->kind].make(generate, samples, ouro_graph_block_first(n, n_parts, part),
                                      ouro_graph_block_first(n, n_parts, part + 1), feeds));
cleanup:
  return status;
}

/* ---- memory ---- */

/* Building holds a feed as 2 words, one of them its row in the end; writing it holds the graph, and 2 words of ids and
 * 2 of counts in the order of the file: 5 words are never exceeded. A node takes 4 words (id, row, place to fill,
 * label) or so. */
static double bytes_needed(const ouro_config_generate *generate, ouro_gid n_nodes) {
  return 8.0 * (5.0 * kinds[generate->kind].feeds(generate) + 4.0 * (double)n_nodes);
}

static ouro_status fits_here(const ouro_config_generate *generate, int n_ranks, int64_t available) {
  ouro_status status = OURO_OK;
  ouro_gid n_nodes;
  OURO_TRY(ouro_graph_generate_nodes(generate, &n_nodes));
  const double needed = bytes_needed(generate, n_nodes) / n_ranks;
  OURO_CHECK(needed <= (double)available, OURO_ELIMIT,
             "graph.generate: %.0f feeds between %" OURO_GID_FMT
             " nodes need about %.1f GiB on each of %d ranks, which have %.1f GiB",
             kinds[generate->kind].feeds(generate), n_nodes, needed / GIB, n_ranks, (double)available / GIB);
cleanup:
  return status;
}

ouro_status ouro_graph_generate_fits(MPI_Comm comm, const ouro_config_generate *generate) {
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  const int64_t available = ouro_memory_available(comm);
  return ouro_agree(comm, fits_here(generate, n_ranks, available));
}
