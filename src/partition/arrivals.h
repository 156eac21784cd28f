#ifndef OURO_SRC_PARTITION_ARRIVALS_H
#define OURO_SRC_PARTITION_ARRIVALS_H

/* Nodes and feeds on their way into a graph with other owners. */

#include "partition/private.h"

/* What arrives on a rank, in ascending order of gid once sorted. */
typedef struct ouro_arrivals {
  bool labelled; /* integer labels travel, the same on all ranks */
  ouro_lid n;
  ouro_gid *gid;       /* [n] */
  ouro_count *real;    /* [n] */
  ouro_count *initial; /* [n] or NULL, and so .. */
  double *noise;       /* .. for these */
  int64_t *every;
  int64_t *label;   /* [n] or NULL */
  char *text;       /* [n][label_width] or NULL */
  ouro_feeds feeds; /* into these nodes */
} ouro_arrivals;

/** Whether integer labels travel.
 *  Collective on graph's communicator: a rank without nodes may have no array. */
bool ouro_arrivals_labelled(const ouro_graph *graph);

/** Room for n nodes, with what the nodes of a graph have; `labelled` is set.
 *  Not collective.
 *  [inout] to to be released with ouro_arrivals_clear(), also on error
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_arrivals_allocate(const ouro_graph *graph, int64_t n, ouro_arrivals *to);

/** Room for n feeds, counted as the graph counts them.
 *  Not collective.
 *  [out] times [n] where the graph has them, to be released with free(), also on error
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_arrivals_feeds(const ouro_graph *graph, int64_t n, ouro_feeds *feeds, uint16_t **times);

/** Sort the nodes by their ids.
 *  Not collective.
 *  [in] width bytes of a name
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_arrivals_sort(ouro_arrivals *to, size_t width);

/** Give the graph that was assembled what ouro_graph_assemble() does not know; arrays change hands.
 *  Not collective.
 *  [in] graph the one that the arrivals came from */
void ouro_arrivals_furnish(const ouro_graph *graph, ouro_arrivals *from, ouro_graph *moved);

/** Release what is left.
 *  Not collective. */
void ouro_arrivals_clear(ouro_arrivals *to);

#endif
