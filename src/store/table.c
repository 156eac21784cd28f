/* Tables in the making: rows go from their owners to the writer of their block, and from there to the file.
 * Invariant: a write covers whole chunks, and each rank writes rows of its own block only. */

#include "store/table.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

static ouro_status check_spec(const ouro_store *store, const ouro_table_spec *spec, const ouro_layout *layout) {
  ouro_status status = OURO_OK;
  OURO_CHECK(spec->path && spec->path[0] == '/', OURO_EINTERNAL, "%s: a table without an absolute path", store->path);
  OURO_CHECK(spec->description && spec->description[0], OURO_EINTERNAL, "%s: %s has no description", store->path,
             spec->path);
  OURO_CHECK(spec->units && spec->units[0], OURO_EINTERNAL, "%s: %s has no units", store->path, spec->path);
  OURO_CHECK(spec->n_axes >= 1 && spec->n_axes <= 3 && spec->node_axis >= -1 && spec->node_axis < spec->n_axes,
             OURO_EINTERNAL, "%s: %s has impossible axes", store->path, spec->path);
  for (int i = 0; i < spec->n_axes; i++) {
    OURO_CHECK(spec->axis[i].length >= 0, OURO_EINTERNAL, "%s: %s has an axis of negative length", store->path,
               spec->path);
  }
  OURO_CHECK(spec->kind != OURO_KIND_TEXT || spec->text_width > 0, OURO_EINTERNAL, "%s: %s has text without width",
             store->path, spec->path);
  OURO_CHECK(spec->node_axis < 0 || (layout && layout->n_global == spec->axis[spec->node_axis].length), OURO_EINTERNAL,
             "%s: %s does not fit its layout", store->path, spec->path);
  OURO_CHECK(store->rank > 0 || H5Lexists(store->file, spec->path, H5P_DEFAULT) <= 0, OURO_EINTERNAL,
             "%s: there is a %s already", store->path, spec->path);
cleanup:
  return status;
}

/* A table that rank 0 holds is one whose first axis (second, where slabs are counted along the first) it owns whole. */
static ouro_status find_layout(ouro_table *table, const ouro_table_spec *spec, const ouro_layout *layout) {
  table->node_axis = spec->node_axis;
  table->layout = layout;
  if (spec->node_axis >= 0) return OURO_OK;
  table->node_axis = spec->n_axes == 1 ? 0 : 1;
  const int64_t n = spec->axis[table->node_axis].length;
  const ouro_store *store = table->store;
  const ouro_status status = ouro_layout_range(store->comm, n, 0, store->rank == 0 ? n : 0, &table->own_layout);
  table->layout = table->own_layout;
  return status;
}

/* See the table as [planes][rows][row_bytes]. */
static ouro_status find_tiling(ouro_table *table, const ouro_table_spec *spec) {
  ouro_status status = OURO_OK;
  ouro_tiling *tiling = &table->tiling;
  *tiling = (ouro_tiling){1, 1, 1, ouro_h5_size(spec->kind, spec->text_width), 1, 1};
  table->empty = false;
  for (int i = 0; i < spec->n_axes; i++) {
    const int64_t n = spec->axis[i].length;
    table->length[i] = (hsize_t)n;
    table->empty |= n == 0;
    if (i == table->node_axis) tiling->rows = n;
    if (i > table->node_axis) OURO_TRY(ouro_memory_product(tiling->row_bytes, (size_t)n, &tiling->row_bytes));
    if (i >= table->node_axis) continue;
    OURO_CHECK(!__builtin_mul_overflow(tiling->planes, n, &tiling->planes), OURO_ELIMIT, "%s is too long", spec->path);
    tiling->lap = n;
  }
  table->n_slabs = table->node_axis == 0 ? 1 : (int64_t)table->length[0];
  if (!table->empty) OURO_TRY(ouro_tiling_choose(tiling, spec->path));
cleanup:
  return status;
}

static ouro_status shape_table(ouro_table *table, const ouro_table_spec *spec, const ouro_layout *layout) {
  ouro_status status = OURO_OK;
  OURO_TRY(check_spec(table->store, spec, layout));
  OURO_NEW(table->path, strlen(spec->path) + 1);
  strcpy(table->path, spec->path);
  table->n_axes = spec->n_axes;
  OURO_TRY(find_layout(table, spec, layout));
  OURO_TRY(find_tiling(table, spec));
  table->filter = (ouro_filter){table->store->deflate, ouro_h5_size(spec->kind, spec->text_width)};
cleanup:
  return status;
}

/* Chunks that stick out of the table are stored whole, so every chunk has its checksum. Empty tables have no chunks. */
static hid_t creation(const ouro_table *table) {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  hsize_t chunk[3];
  if (table->empty || properties < 0) return properties;
  for (int i = 0; i < table->n_axes; i++) chunk[i] = i < table->node_axis ? 1 : table->length[i];
  chunk[table->node_axis] = (hsize_t)table->tiling.chunk_rows;
  if (table->node_axis > 0) chunk[table->node_axis - 1] = (hsize_t)table->tiling.chunk_planes;
  herr_t bad = H5Pset_chunk(properties, table->n_axes, chunk) < 0;
  bad |= H5Pset_alloc_time(properties, H5D_ALLOC_TIME_INCR) < 0;
  if (table->filter.deflate > 0) {
    bad |= H5Pset_shuffle(properties) < 0 || H5Pset_deflate(properties, (unsigned)table->filter.deflate) < 0;
  }
  if (!bad && H5Pset_fletcher32(properties) >= 0) return properties;
  H5Pclose(properties);
  return H5I_INVALID_HID;
}

static ouro_status make_dataset(ouro_table *table, const ouro_table_spec *spec, bool scales) {
  ouro_store *store = table->store;
  ouro_status status = OURO_OK;
  const hid_t space = H5Screate_simple(table->n_axes, table->length, NULL), chunks = creation(table);
  const hid_t links = H5Pcreate(H5P_LINK_CREATE), type = ouro_h5_type(spec->kind, spec->text_width, true);
  H5Pset_create_intermediate_group(links, 1);
  if (chunks >= 0) table->dataset = H5Dcreate2(store->file, spec->path, type, space, links, chunks, H5P_DEFAULT);
  if (table->dataset < 0) OURO_TRY(ouro_h5_error(OURO_EIO, store, "create", spec->path));
  if (scales) OURO_TRY(ouro_axis_attach(store, table->dataset, spec));
  OURO_TRY(ouro_attribute_text(store, table->dataset, "units", spec->units));
  OURO_TRY(ouro_attribute_text(store, table->dataset, "description", spec->description));
cleanup:
  ouro_h5_close(type);
  ouro_h5_close(links);
  ouro_h5_close(chunks);
  ouro_h5_close(space);
  return status;
}

/* Reserve what the table takes; with deflate nobody knows, and room is looked for as chunks come. */
static ouro_status ready_to_make(ouro_table *table, const ouro_table_spec *spec) {
  const ouro_tiling *tiling = &table->tiling;
  ouro_store *store = table->store;
  const hsize_t texts = 2 * (strlen(spec->units) + strlen(spec->description));
  if (table->empty) return ouro_store_ready(store, 0, texts);
  const hsize_t across = (hsize_t)((tiling->rows + tiling->chunk_rows - 1) / tiling->chunk_rows);
  const hsize_t laps = (hsize_t)(tiling->planes / tiling->lap);
  const hsize_t along = laps * (hsize_t)((tiling->lap + tiling->chunk_planes - 1) / tiling->chunk_planes);
  table->promise = table->filter.deflate == 0;
  const hsize_t bytes = table->promise ? across * along * table->image_stride : 0;
  const ouro_status status = ouro_store_ready(store, bytes, across * along * OURO_CHUNK_METADATA + texts);
  if (status == OURO_OK) store->promised += bytes;
  return status;
}

ouro_status ouro_table_make(ouro_store *store, const ouro_table_spec *spec, const ouro_layout *layout, bool scales,
                            ouro_table **table) {
  ouro_status status = OURO_OK;
  ouro_table *fresh = ouro_memory_new(1, sizeof *fresh);
  *table = NULL;
  if (fresh) *fresh = (ouro_table){.store = store, .dataset = H5I_INVALID_HID, .row = MPI_DATATYPE_NULL};
  OURO_AGREE(store->comm, fresh ? shape_table(fresh, spec, layout) : OURO_ENOMEM);
  if (!fresh->empty) OURO_TRY(ouro_table_plan(fresh));
  for (int i = 0; scales && i < spec->n_axes; i++) OURO_TRY(ouro_axis_need(store, &spec->axis[i]));
  OURO_TRY(ready_to_make(fresh, spec));
  OURO_TRY(ouro_store_settle(store, store->rank == 0 ? make_dataset(fresh, spec, scales) : OURO_OK));
  *table = fresh;
  fresh = NULL;
cleanup:
  ouro_table_free(fresh);
  return status;
}

ouro_status ouro_table_create(ouro_store *store, const ouro_table_spec *spec, const ouro_layout *layout,
                              ouro_table **table) {
  return ouro_table_make(store, spec, layout, true, table);
}

ouro_status ouro_table_write(ouro_table *table, int64_t index, const void *values) {
  if (index != table->n_written || index >= table->n_slabs) {
    return ouro_error(OURO_EINTERNAL, "%s: slab %" PRId64 " of %s is out of turn", table->store->path, index,
                      table->path);
  }
  const int64_t each = table->node_axis == 2 ? (int64_t)table->length[1] : 1;
  const size_t plane_bytes = (size_t)table->layout->n_local * table->tiling.row_bytes;
  ouro_status status = OURO_OK;
  for (int64_t i = 0; i < each && !table->empty; i++) {
    const char *plane = values;
    if (plane && plane_bytes) plane += (size_t)i * plane_bytes;
    OURO_TRY(ouro_table_write_plane(table, index * each + i, plane));
  }
  table->n_written++;
cleanup:
  return status;
}

ouro_status ouro_table_close(ouro_table **table) {
  ouro_status status = OURO_OK;
  if (table == NULL || *table == NULL) return OURO_OK;
  const bool written = (*table)->n_written == (*table)->n_slabs;
  if (!(*table)->empty && written) status = ouro_chunks_finish(*table);
  if (!(*table)->empty && (!written || status != OURO_OK)) (*table)->store->n_unfinished++;
  ouro_table_free(*table);
  *table = NULL;
  return status;
}

ouro_status ouro_store_put(ouro_store *store, const ouro_table_spec *spec, const ouro_layout *layout,
                           const void *values) {
  ouro_status status = OURO_OK;
  ouro_table *table = NULL;
  OURO_TRY(ouro_table_create(store, spec, layout, &table));
  size_t bytes = (size_t)table->layout->n_local * table->tiling.row_bytes;
  if (table->node_axis == 2) bytes *= (size_t)table->length[1];
  for (int64_t i = 0; i < table->n_slabs && !table->empty; i++) {
    OURO_TRY(ouro_table_write(table, i, bytes ? (const char *)values + (size_t)i * bytes : NULL));
  }
  OURO_TRY(ouro_table_close(&table));
cleanup:
  ouro_table_close(&table);
  return status;
}
