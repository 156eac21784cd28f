/* The whole graph for a group of ranks, from ranks that hold parts of it. Content is kept, as by migration. A part goes
 * to all groups at once, as a broadcast. Must not know what groups are for. */

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "partition/arrivals.h"

/* Ranks that give each other what they own, and where the pieces of each stand among those of all. */
typedef struct givers {
  MPI_Comm comm;
  int n, self;
  int64_t *node, *feed; /* [n + 1] */
} givers;

static ouro_status new_givers(MPI_Comm comm, givers *all) {
  ouro_status status = OURO_OK;
  all->comm = comm;
  MPI_Comm_size(comm, &all->n);
  MPI_Comm_rank(comm, &all->self);
  OURO_NEW(all->node, all->n + 1);
  OURO_NEW(all->feed, all->n + 1);
cleanup:
  return status;
}

/* Collective: count what each has. */
static void count_pieces(const ouro_graph *graph, givers *all) {
  const int64_t nodes = graph->n_owned, feeds = graph->row[graph->n_owned];
  MPI_Allgather(&nodes, 1, MPI_INT64_T, all->node + 1, 1, MPI_INT64_T, all->comm);
  MPI_Allgather(&feeds, 1, MPI_INT64_T, all->feed + 1, 1, MPI_INT64_T, all->comm);
  for (int g = 0; g < all->n; g++) {
    all->node[g + 1] += all->node[g];
    all->feed[g + 1] += all->feed[g];
  }
}

/* Collective: everyone's items to everyone; those of giver g stand from first[g] on. */
static void give(const givers *all, const int64_t *first, size_t bytes, void *items) {
  for (int g = 0; g < all->n; g++) {
    ouro_message_share(all->comm, (char *)items + (size_t)first[g] * bytes, (size_t)(first[g + 1] - first[g]) * bytes,
                       g);
  }
}

/* The same, from where the graph has its own. */
static void give_nodes(const givers *all, size_t bytes, const void *own, void *items) {
  const int64_t first = all->node[all->self], n = all->node[all->self + 1] - first;
  if (n > 0 && bytes > 0) memcpy((char *)items + (size_t)first * bytes, own, (size_t)n * bytes);
  give(all, all->node, bytes, items);
}

static ouro_status gather_nodes(const ouro_graph *graph, const givers *all, ouro_arrivals *to) {
  ouro_status status;
  const size_t width = (size_t)graph->label_width;
  to->labelled = ouro_arrivals_labelled(graph);
  OURO_AGREE(graph->comm, ouro_arrivals_allocate(graph, all->node[all->n], to));
  give_nodes(all, sizeof *to->gid, graph->gid, to->gid);
  give_nodes(all, sizeof *to->real, graph->real, to->real);
  if (to->initial) give_nodes(all, sizeof *to->initial, graph->initial, to->initial);
  if (to->noise) give_nodes(all, sizeof *to->noise, graph->noise, to->noise);
  if (to->every) give_nodes(all, sizeof *to->every, graph->every, to->every);
  if (to->label) give_nodes(all, sizeof *to->label, graph->label, to->label);
  if (to->text) give_nodes(all, width, graph->label_text, to->text);
  OURO_AGREE(graph->comm, ouro_arrivals_sort(to, width));
cleanup:
  return status;
}

/* The ends and counts of own feeds, where they stand among those of all. */
static void put_feeds(const ouro_graph *graph, ouro_eid first, ouro_feeds *feeds, uint16_t *times) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      feeds->source[first + k] = graph->gid[graph->source[k]];
      feeds->target[first + k] = graph->gid[i];
      if (times)
        times[first + k] = graph->times[k];
      else if (feeds->samples)
        feeds->samples[first + k] = graph->samples[k];
    }
  }
}

static ouro_status gather_feeds(const ouro_graph *graph, const givers *all, ouro_feeds *feeds) {
  ouro_status status;
  uint16_t *times = NULL;
  OURO_AGREE(graph->comm, ouro_arrivals_feeds(graph, all->feed[all->n], feeds, &times));
  put_feeds(graph, all->feed[all->self], feeds, times);
  give(all, all->feed, sizeof *feeds->source, feeds->source);
  give(all, all->feed, sizeof *feeds->target, feeds->target);
  if (times)
    give(all, all->feed, sizeof *times, times);
  else if (feeds->samples)
    give(all, all->feed, sizeof *feeds->samples, feeds->samples);
  for (ouro_eid k = 0; times && k < feeds->n; k++) feeds->samples[k] = graph->each * times[k];
cleanup:
  free(times);
  return status;
}

ouro_status ouro_partition_gather(const ouro_graph *graph, MPI_Comm within, MPI_Comm across, ouro_graph **copy) {
  ouro_status status = OURO_OK;
  givers all = {0};
  ouro_arrivals to = {0};
  ouro_graph *made = NULL;
  *copy = NULL;
  OURO_AGREE(graph->comm, new_givers(across, &all));
  count_pieces(graph, &all);
  OURO_TRY(gather_nodes(graph, &all, &to));
  OURO_TRY(gather_feeds(graph, &all, &to.feeds));
  OURO_AGREE(graph->comm, ouro_graph_assemble(within, graph->n_nodes, to.n, to.gid, &to.feeds, &made));
  ouro_arrivals_furnish(graph, &to, made);
  OURO_AGREE(graph->comm, ouro_graph_share_noise(made));
  *copy = made;
  made = NULL;
cleanup:
  ouro_graph_destroy(&made);
  ouro_arrivals_clear(&to);
  free(all.node);
  free(all.feed);
  return status;
}
