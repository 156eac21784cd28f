/* ouro's own graph file. Every rank reads its block of nodes and a range of feeds; ids are rows. What the file holds
 * is checked as if it were text: it may come from anywhere. */

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "graph/columns.h"
#include "graph/read.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/store/store.h"

/* The length of a table of one axis. */
static ouro_status length_of(const ouro_reading *reading, ouro_store *store, const char *path, bool text,
                             ouro_table_shape *shape) {
  ouro_status status;
  OURO_TRY(ouro_store_shape(store, path, shape));
  const bool kind = text ? shape->kind == OURO_KIND_TEXT && shape->text_width > 0 && shape->text_width <= OURO_NAME_MAX
                         : shape->kind == OURO_KIND_INT64 || shape->kind == OURO_KIND_INT32;
  OURO_CHECK(kind && shape->n_axes == 1, OURO_EINPUT, "%s: %s is no list of %s", reading->file, path,
             text ? "names" : "integers");
cleanup:
  return status;
}

static ouro_status check_feeds(const ouro_reading *reading, int64_t first) {
  const ouro_feeds *feeds = &reading->feeds;
  for (ouro_eid k = 0; k < feeds->n; k++) {
    const bool source = feeds->source[k] >= 0 && feeds->source[k] < reading->n_nodes;
    const bool target = feeds->target[k] >= 0 && feeds->target[k] < reading->n_nodes;
    if (source && target && ouro_feeds_samples(feeds, k) > 0) continue;
    return ouro_error(OURO_EINPUT, "%s: feed %" PRId64 " is wrong: %" PRId64 " -> %" PRId64 ", %" PRId64 " samples",
                      reading->file, first + k, feeds->source[k], feeds->target[k], ouro_feeds_samples(feeds, k));
  }
  return OURO_OK;
}

/* A file whose feeds all have one count says so in an attribute, and has no table of them. */
static ouro_status read_each(ouro_reading *reading, ouro_store *store) {
  ouro_status status = OURO_OK;
  if (ouro_store_get_int(store, "/", "samples", &reading->feeds.each) != OURO_OK) return OURO_OK;
  OURO_CHECK(reading->feeds.each > 0, OURO_EINPUT, "%s: feeds of %" PRId64 " samples", reading->file,
             reading->feeds.each);
cleanup:
  return status;
}

static ouro_status read_feeds(ouro_reading *reading, ouro_store *store, int64_t n_feeds) {
  ouro_status status;
  static const char *const path[3] = {"/feeds/source", "/feeds/target", "/feeds/samples"};
  ouro_table_shape shape;
  int rank, n_ranks;
  MPI_Comm_rank(reading->comm, &rank);
  MPI_Comm_size(reading->comm, &n_ranks);
  OURO_TRY(read_each(reading, store));
  const int n_tables = reading->feeds.each ? 2 : 3;
  for (int k = 0; k < n_tables; k++) {
    OURO_TRY(length_of(reading, store, path[k], false, &shape));
    OURO_CHECK(shape.length[0] == n_feeds, OURO_EINPUT, "%s: %s has %" PRId64 " rows, not %" PRId64, reading->file,
               path[k], shape.length[0], n_feeds);
  }
  const int64_t first = ouro_graph_block_first(n_feeds, n_ranks, rank);
  const int64_t n = ouro_graph_block_first(n_feeds, n_ranks, rank + 1) - first;
  OURO_AGREE(reading->comm, ouro_feeds_reserve(&reading->feeds, n));
  int64_t *const value[3] = {reading->feeds.source, reading->feeds.target, reading->feeds.samples};
  for (int k = 0; k < n_tables; k++) OURO_TRY(ouro_store_read(store, path[k], OURO_KIND_INT64, first, n, value[k]));
  reading->feeds.n = n;
  OURO_AGREE(reading->comm, check_feeds(reading, first));
cleanup:
  return status;
}

/* Labels as keys: integers with their sign flipped, names big-endian. */
static ouro_status make_keys(ouro_reading *reading, int64_t n, const void *value, size_t text_width) {
  ouro_status status = OURO_OK;
  OURO_NEW(reading->key, n * reading->width);
  for (int64_t i = 0; i < n; i++) {
    uint64_t *key = reading->key + i * reading->width;
    if (!reading->named) {
      *key = ouro_key_of_integer(((const int64_t *)value)[i]);
      continue;
    }
    const char *name = (const char *)value + (size_t)i * text_width;
    OURO_CHECK(name[0] != '\0', OURO_EINPUT, "%s: a node without a name", reading->file);
    memcpy(key, name, strnlen(name, text_width));
    for (int64_t k = 0; k < reading->width; k++) key[k] = be64toh(key[k]);
  }
cleanup:
  return status;
}

static ouro_status check_real(const ouro_reading *reading, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (reading->real[i] < 0) {
      return ouro_error(OURO_EINPUT, "%s: /node/real: %" PRId64 " samples", reading->file, reading->real[i]);
    }
  }
  return OURO_OK;
}

/* A table of the nodes that need not be there, the rows first .. first+n-1; *values stays NULL without it. */
static ouro_status read_trait(ouro_reading *reading, ouro_store *store, const char *path, ouro_kind kind, int64_t first,
                              int64_t n, void **values) {
  ouro_status status;
  ouro_table_shape shape;
  if (ouro_store_shape(store, path, &shape) != OURO_OK) return OURO_OK;
  OURO_CHECK(shape.kind == kind && shape.n_axes == 1 && shape.length[0] == reading->n_nodes, OURO_EINPUT,
             "%s: %s is no list of %" PRId64 " numbers", reading->file, path, reading->n_nodes);
  *values = ouro_memory_new((size_t)n, sizeof(int64_t));
  OURO_AGREE(reading->comm, *values ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_store_read(store, path, kind, first, n, *values));
cleanup:
  return status;
}

static ouro_status check_traits(const ouro_reading *reading, int64_t n) {
  const ouro_traits *trait = &reading->trait;
  for (int64_t i = 0; i < n; i++) {
    const bool good = (!trait->initial || trait->initial[i] >= 0) && (!trait->noise || !(trait->noise[i] < 0)) &&
                      (!trait->every || trait->every[i] >= 1);
    if (!good) return ouro_error(OURO_EINPUT, "%s: /node/initial, noise or every: negative, or 0", reading->file);
  }
  return OURO_OK;
}

static ouro_status read_traits(ouro_reading *reading, ouro_store *store, int64_t first, int64_t n) {
  ouro_status status;
  void *initial = NULL, *noise = NULL, *every = NULL;
  status = read_trait(reading, store, "/node/initial", OURO_KIND_INT64, first, n, &initial);
  if (status == OURO_OK) status = read_trait(reading, store, "/node/noise", OURO_KIND_DOUBLE, first, n, &noise);
  if (status == OURO_OK) status = read_trait(reading, store, "/node/every", OURO_KIND_INT64, first, n, &every);
  reading->trait = (ouro_traits){initial, noise, every};
  OURO_TRY(status);
  OURO_AGREE(reading->comm, check_traits(reading, n));
cleanup:
  return status;
}

static ouro_status read_labels(ouro_reading *reading, ouro_store *store, int64_t first, int64_t n) {
  ouro_status status;
  ouro_table_shape shape;
  const char *path = reading->named ? "/node/name" : "/node/label";
  void *value = NULL;
  OURO_TRY(length_of(reading, store, path, reading->named, &shape));
  OURO_CHECK(shape.length[0] == reading->n_nodes, OURO_EINPUT, "%s: %s has %" PRId64 " rows, not %" PRId64,
             reading->file, path, shape.length[0], reading->n_nodes);
  const size_t width = reading->named ? (size_t)shape.text_width : sizeof(int64_t);
  reading->width = (int64_t)(width + 7) / 8;
  value = ouro_memory_new((size_t)n, width);
  OURO_AGREE(reading->comm, value ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_store_read(store, path, shape.kind, first, n, value));
  OURO_AGREE(reading->comm, make_keys(reading, n, value, width));
cleanup:
  free(value);
  return status;
}

static ouro_status read_node_tables(ouro_reading *reading, ouro_store *store) {
  ouro_status status;
  ouro_table_shape shape;
  int rank, n_ranks;
  MPI_Comm_rank(reading->comm, &rank);
  MPI_Comm_size(reading->comm, &n_ranks);
  OURO_TRY(length_of(reading, store, "/node/real", false, &shape));
  reading->n_nodes = shape.length[0];
  OURO_CHECK(reading->n_nodes > 0, OURO_EINPUT, "%s: no nodes", reading->file);
  const int64_t first = ouro_graph_block_first(reading->n_nodes, n_ranks, rank);
  const int64_t n = ouro_graph_block_first(reading->n_nodes, n_ranks, rank + 1) - first;
  reading->real = ouro_memory_new((size_t)n, sizeof *reading->real);
  OURO_AGREE(reading->comm, reading->real ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_store_read(store, "/node/real", OURO_KIND_INT64, first, n, reading->real));
  OURO_AGREE(reading->comm, check_real(reading, n));
  OURO_TRY(read_traits(reading, store, first, n));
  reading->named = ouro_store_shape(store, "/node/name", &shape) == OURO_OK;
  OURO_TRY(read_labels(reading, store, first, n));
cleanup:
  return status;
}

/* Keys of this rank's block, at their rows, and behind them those of the node file's lines. */
static ouro_status join_keys(const ouro_reading *reading, const ouro_keys *listed, int64_t first, int64_t n,
                             ouro_keys *all) {
  ouro_status status = OURO_OK;
  const int64_t width = listed->width > reading->width ? listed->width : reading->width;
  all->n = n + listed->n;
  all->width = width;
  OURO_NEW(all->word, all->n * width);
  OURO_NEW(all->position, all->n);
  for (int64_t i = 0; i < all->n; i++) {
    const uint64_t *from = i < n ? reading->key + i * reading->width : listed->word + (i - n) * listed->width;
    memcpy(all->word + i * width, from, sizeof *from * (size_t)(i < n ? reading->width : listed->width));
    all->position[i] = i < n ? first + i : -1;
  }
cleanup:
  return status;
}

static ouro_status integers_as_names(ouro_reading *reading) {
  ouro_status status = OURO_OK;
  for (int64_t i = 0; i < reading->listed.n; i++) {
    const uint64_t key = htobe64(ouro_key_of_integer(reading->listed.node[i]));
    OURO_TRY(ouro_names_add(&reading->names, (const char *)&key, sizeof key, &reading->listed.node[i]));
  }
cleanup:
  return status;
}

/* Rows of the node file's lines; a node that the graph has not is an error. */
static ouro_status take_rows(ouro_reading *reading, const ouro_gid *id, int64_t *bad) {
  for (int64_t i = 0; i < reading->listed.n; i++) {
    const ouro_gid row = id[reading->listed.node[i]];
    reading->listed.node[i] = row;
    if (row < reading->n_nodes) continue;
    *bad = reading->listed.line[i];
    return ouro_error(OURO_EINPUT, "%s:%" PRId64 ": the graph has no such node", reading->node_file, *bad);
  }
  return OURO_OK;
}

static ouro_status find_listed(ouro_reading *reading) {
  ouro_status status;
  ouro_keys listed = {0}, all = {0};
  ouro_gid *id = NULL, n_ids;
  int rank, n_ranks;
  int64_t bad = 0;
  MPI_Comm_rank(reading->comm, &rank);
  MPI_Comm_size(reading->comm, &n_ranks);
  const int64_t first = ouro_graph_block_first(reading->n_nodes, n_ranks, rank);
  const int64_t n = ouro_graph_block_first(reading->n_nodes, n_ranks, rank + 1) - first;
  if (!reading->named) OURO_AGREE(reading->comm, integers_as_names(reading));
  OURO_TRY(ouro_keys_of_names(reading->comm, &reading->names, &listed));
  OURO_AGREE(reading->comm, join_keys(reading, &listed, first, n, &all));
  id = ouro_memory_new((size_t)all.n, sizeof *id);
  OURO_AGREE(reading->comm, id ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_keys_number(reading->comm, &all, id, &n_ids));
  OURO_AGREE(reading->comm, take_rows(reading, id + n, &bad));
cleanup:
  ouro_keys_clear(&listed);
  ouro_keys_clear(&all);
  free(id);
  return status;
}

static ouro_status read_node_file(ouro_reading *reading) {
  ouro_status status;
  const ouro_gid n_nodes = reading->n_nodes;
  reading->n_nodes = 0; /* labels need not be consecutive: any id may be right */
  status = ouro_read_nodes(reading);
  reading->n_nodes = n_nodes;
  if (status == OURO_OK) status = find_listed(reading);
  return status;
}

ouro_status ouro_read_h5(ouro_reading *reading) {
  ouro_status status;
  ouro_store *store = NULL;
  int64_t n_feeds = 0;
  OURO_TRY(ouro_read_refuse_keys(reading, ".h5"));
  OURO_TRY(ouro_store_open(reading->comm, reading->file, "ouro-graph", &store));
  OURO_TRY(ouro_store_get_int(store, "/", "feeds", &n_feeds));
  OURO_TRY(read_node_tables(reading, store));
  if (n_feeds > 0) OURO_TRY(read_feeds(reading, store, n_feeds));
  if (reading->node_file) OURO_TRY(read_node_file(reading));
cleanup:
  ouro_store_discard(&store);
  return status;
}
