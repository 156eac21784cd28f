#ifndef OURO_GRAPH_GENERATE_RANDOM_H
#define OURO_GRAPH_GENERATE_RANDOM_H

/* Random graphs, as ouro_graph_generate() calls them: arguments are checked, first .. last-1 are the units that a
 * part makes (nodes, feeds, batches of feeds). */

#include "ouro/graph/generate.h"

#define OURO_RMAT_MAX_SCALE 40

/** k-in-regular: the feeds into nodes first .. last-1.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_generate_k_in(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                               ouro_feeds *feeds);

/** G(n, m): feeds number first .. last-1 of m.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_generate_gnm(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                              ouro_feeds *feeds);

/** Number of batches in which the feeds of an R-MAT graph are drawn.
 *  Not collective. */
int64_t ouro_generate_rmat_batches(const ouro_config_generate *generate);

/** R-MAT: batches number first .. last-1.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_generate_rmat(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                               ouro_feeds *feeds);

/** G(n, p): the feeds into nodes first .. last-1.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_generate_gnp(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                              ouro_feeds *feeds);

/** Barabasi-Albert: the feeds into nodes first .. last-1.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_generate_attach(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                                 ouro_feeds *feeds);

/** Small world: the feeds into nodes first .. last-1.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_generate_small_world(const ouro_config_generate *generate, ouro_count samples, int64_t first,
                                      int64_t last, ouro_feeds *feeds);

/** Planted blocks: mean number of feeds.
 *  Not collective. */
double ouro_generate_blocks_feeds(const ouro_config_generate *generate);

/** Planted blocks: the feeds into nodes first .. last-1.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_generate_blocks(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                                 ouro_feeds *feeds);

/** Layered: the feeds into nodes first .. last-1.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_generate_layered(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                                  ouro_feeds *feeds);

#endif
