/* Reading tables: their names, shapes and rows. Each rank reads by itself; outcomes are agreed. */

#include "store/private.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define PIECE_BYTES ((size_t)1 << 28) /* read in one go */

static ouro_status kind_of(const ouro_store *store, hid_t dataset, const char *path, ouro_table_shape *shape) {
  ouro_status status = OURO_OK;
  const hid_t type = H5Dget_type(dataset);
  const size_t size = H5Tget_size(type);
  const H5T_class_t class = H5Tget_class(type);
  shape->text_width = 0;
  if (class == H5T_FLOAT) {
    shape->kind = OURO_KIND_DOUBLE;
  } else if (class == H5T_INTEGER) {
    const size_t bytes = H5Tget_sign(type) == H5T_SGN_NONE ? size + 1 : size; /* unsigned needs the next larger kind */
    shape->kind = bytes == 1 ? OURO_KIND_INT8 : bytes <= 4 ? OURO_KIND_INT32 : OURO_KIND_INT64;
  } else if (class == H5T_STRING && H5Tis_variable_str(type) == 0 && size <= INT32_MAX) {
    shape->kind = OURO_KIND_TEXT;
    shape->text_width = (int)size;
  } else {
    status = ouro_error(OURO_EINPUT, "%s: %s holds neither numbers nor text of fixed length", store->path, path);
  }
  ouro_h5_close(type);
  return status;
}

static ouro_status find_shape(const ouro_store *store, hid_t dataset, const char *path, ouro_table_shape *shape) {
  ouro_status status = OURO_OK;
  hsize_t length[H5S_MAX_RANK] = {0};
  const hid_t space = H5Dget_space(dataset);
  *shape = (ouro_table_shape){.n_axes = H5Sget_simple_extent_ndims(space)};
  OURO_CHECK(shape->n_axes >= 1 && shape->n_axes <= 3, OURO_EINPUT, "%s: %s has %d axes, expected 1 to 3", store->path,
             path, shape->n_axes);
  H5Sget_simple_extent_dims(space, length, NULL);
  for (int i = 0; i < shape->n_axes; i++) shape->length[i] = (int64_t)length[i];
  OURO_TRY(kind_of(store, dataset, path, shape));
cleanup:
  ouro_h5_close(space);
  return status;
}

static ouro_status open_table(const ouro_store *store, const char *path, hid_t *dataset, ouro_table_shape *shape) {
  *dataset = H5Dopen2(store->file, path, H5P_DEFAULT);
  if (*dataset < 0) return ouro_error(OURO_EINPUT, "%s: has no table %s", store->path, path);
  return find_shape(store, *dataset, path, shape);
}

ouro_status ouro_store_shape(ouro_store *store, const char *path, ouro_table_shape *shape) {
  hid_t dataset;
  const ouro_status status = open_table(store, path, &dataset, shape);
  ouro_h5_close(dataset);
  return ouro_agree(store->comm, status);
}

/* Rows first .. first+n-1 of a table that is open. */
static herr_t read_piece(hid_t dataset, hid_t type, int n_axes, const hsize_t *start, const hsize_t *count,
                         void *values) {
  const hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(n_axes, count, NULL);
  herr_t status = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
  if (status >= 0) status = H5Dread(dataset, type, memory, space, H5P_DEFAULT, values);
  ouro_h5_close(memory);
  ouro_h5_close(space);
  return status;
}

/* HDF5 1.10 hands what lies together in a file to MPI-IO in one piece, which must stay below 2 GiB. */
static ouro_status read_rows(const ouro_store *store, const char *path, hid_t dataset, const ouro_table_shape *shape,
                             ouro_kind kind, int64_t first, int64_t n, void *values) {
  ouro_status status = OURO_OK;
  hsize_t start[3] = {(hsize_t)first, 0, 0}, count[3] = {0, 1, 1};
  size_t row = ouro_h5_size(kind, shape->text_width);
  for (int i = 1; i < shape->n_axes; i++) row *= (size_t)(count[i] = (hsize_t)shape->length[i]);
  if (n == 0 || row == 0) return OURO_OK;
  const int64_t most = row < PIECE_BYTES ? (int64_t)(PIECE_BYTES / row) : 1;
  const hid_t type = ouro_h5_type(kind, shape->text_width, false);
  for (int64_t done = 0; done < n && status == OURO_OK; done += most) {
    start[0] = (hsize_t)(first + done);
    count[0] = (hsize_t)(n - done < most ? n - done : most);
    char *const to = (char *)values + (size_t)done * row;
    if (read_piece(dataset, type, shape->n_axes, start, count, to) < 0) {
      status = ouro_h5_error(OURO_EIO, store, "read", path);
    }
  }
  ouro_h5_close(type);
  return status;
}

ouro_status ouro_store_read(ouro_store *store, const char *path, ouro_kind kind, int64_t first, int64_t n,
                            void *values) {
  ouro_status status = OURO_OK;
  ouro_table_shape shape;
  hid_t dataset = H5I_INVALID_HID;
  OURO_TRY(open_table(store, path, &dataset, &shape));
  OURO_CHECK((kind == OURO_KIND_TEXT) == (shape.kind == OURO_KIND_TEXT), OURO_EINPUT, "%s: %s holds %s", store->path,
             path, shape.kind == OURO_KIND_TEXT ? "text" : "numbers");
  OURO_CHECK(first >= 0 && n >= 0 && n <= shape.length[0] && first <= shape.length[0] - n, OURO_EINPUT,
             "%s: %s has %" PRId64 " rows, not %" PRId64 " from %" PRId64, store->path, path, shape.length[0], n,
             first);
  OURO_TRY(read_rows(store, path, dataset, &shape, kind, first, n, values));
cleanup:
  ouro_h5_close(dataset);
  return ouro_agree(store->comm, status);
}

/* The names met on the way through a file. */
typedef struct name_list {
  char **names; /* [n] each of its own */
  int n, room;
  bool failed;
} name_list;

static herr_t visit(hid_t root, const char *name, const H5O_info_t *info, void *context) {
  name_list *list = context;
  (void)root;
  if (info->type != H5O_TYPE_DATASET || strncmp(name, "axis/", 5) == 0) return 0;
  if (list->n == list->room) {
    char **larger = ouro_memory_resize(list->names, (size_t)list->room * 2 + 16, sizeof *larger);
    if (larger) list->names = larger, list->room = list->room * 2 + 16;
  }
  char *copy = list->n < list->room ? ouro_memory_new(strlen(name) + 2, 1) : NULL;
  list->failed |= copy == NULL;
  if (copy == NULL) return -1;
  copy[0] = '/';
  strcpy(copy + 1, name);
  list->names[list->n++] = copy;
  return 0;
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Pointers and texts in one block. */
static ouro_status in_one_block(const name_list *list, char ***paths) {
  ouro_status status = OURO_OK;
  size_t bytes = (size_t)list->n * sizeof **paths;
  for (int i = 0; i < list->n; i++) bytes += strlen(list->names[i]) + 1;
  char *block = NULL;
  OURO_NEW(block, bytes);
  *paths = (char **)(void *)block;
  block += (size_t)list->n * sizeof **paths;
  for (int i = 0; i < list->n; i++) {
    (*paths)[i] = strcpy(block, list->names[i]);
    block += strlen(block) + 1;
  }
cleanup:
  return status;
}

ouro_status ouro_store_list(ouro_store *store, char ***paths, int *n) {
  ouro_status status = OURO_OK;
  name_list list = {NULL, 0, 0, false};
  *paths = NULL;
  *n = 0;
  if (H5Ovisit2(store->file, H5_INDEX_NAME, H5_ITER_INC, visit, &list, H5O_INFO_BASIC) < 0) {
    status = list.failed ? OURO_ENOMEM : ouro_h5_error(OURO_EIO, store, "list", "/");
  }
  if (list.n > 0) qsort(list.names, (size_t)list.n, sizeof *list.names, by_bytes);
  if (status == OURO_OK) status = in_one_block(&list, paths);
  status = ouro_agree(store->comm, status);
  if (status == OURO_OK) *n = list.n;
  for (int i = 0; i < list.n; i++) free(list.names[i]);
  free(list.names);
  if (status != OURO_OK) {
    free(*paths);
    *paths = NULL;
  }
  return status;
}
