#ifndef OURO_TESTS_STORE_SAMPLE_H
#define OURO_TESTS_STORE_SAMPLE_H

/* Tables whose values are a formula of their place, and owners scattered over the ranks. */

#include <stdlib.h>
#include <string.h>

#include "ouro/store/store.h"

/* Rows of this rank: owner by a hash, so that no rank has a range. Shuffled if odd. */
typedef struct sample_rows {
  int64_t n;
  ouro_gid *gid;
} sample_rows;

static inline uint64_t sample_hash(uint64_t x) {
  x = (x ^ (x >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
  return x ^ (x >> 32);
}

static inline sample_rows sample_scatter(int64_t n_global, int odd) {
  int rank, n_ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  sample_rows rows = {0, malloc((size_t)n_global * sizeof(ouro_gid) + 1)};
  for (int64_t i = 0; i < n_global; i++) {
    if (sample_hash((uint64_t)i) % (uint64_t)n_ranks == (uint64_t)rank) rows.gid[rows.n++] = i;
  }
  for (int64_t i = rows.n - 1; odd && i > 0; i--) {
    const int64_t j = (int64_t)(sample_hash((uint64_t)(i + 77)) % (uint64_t)(i + 1));
    const ouro_gid swap = rows.gid[i];
    rows.gid[i] = rows.gid[j];
    rows.gid[j] = swap;
  }
  return rows;
}

/* The value at a place of a table. Small enough to be exact in every kind but int8, which keeps the low bits. */
static inline int64_t sample_value(int64_t i, int64_t j, int64_t k) {
  return (int64_t)(sample_hash((uint64_t)(i * 1000003 + j * 1009 + k + 5)) % 1000000007);
}

static inline void sample_put(ouro_kind kind, int width, void *values, size_t at, int64_t value) {
  switch (kind) {
  case OURO_KIND_INT64:
    ((int64_t *)values)[at] = value;
    break;
  case OURO_KIND_INT32:
    ((int32_t *)values)[at] = (int32_t)value;
    break;
  case OURO_KIND_INT8:
    ((int8_t *)values)[at] = (int8_t)(value % 128);
    break;
  case OURO_KIND_DOUBLE:
    ((double *)values)[at] = (double)value / 1024;
    break;
  case OURO_KIND_TEXT:
    for (int i = 0; i < width; i++) ((char *)values)[at * (size_t)width + (size_t)i] = (char)('a' + (value + i) % 26);
    break;
  }
}

static inline size_t sample_size(ouro_kind kind, int width) {
  return kind == OURO_KIND_TEXT ? (size_t)width : kind == OURO_KIND_INT8 ? 1 : kind == OURO_KIND_INT32 ? 4 : 8;
}

/* The part of a slab that the given rows make up; node_axis -1: the whole slab. */
static inline void *sample_slab(const ouro_table_spec *spec, int64_t index, const sample_rows *rows) {
  const int axis = spec->node_axis, slabs = axis != 0 && spec->n_axes > 1;
  int64_t n[3] = {1, 1, 1};
  for (int i = 0; i < spec->n_axes; i++) n[i] = spec->axis[i].length;
  if (axis >= 0) n[axis] = rows->n;
  if (slabs) n[0] = 1;
  size_t at = 0;
  void *values = calloc((size_t)(n[0] * n[1] * n[2]) + 1, sample_size(spec->kind, spec->text_width));
  for (int64_t i = 0; i < n[0]; i++) {
    for (int64_t j = 0; j < n[1]; j++) {
      for (int64_t k = 0; k < n[2]; k++) {
        int64_t place[3] = {slabs ? index : i, j, k};
        if (axis >= 0) place[axis] = rows->gid[axis == 0 ? i : axis == 1 ? j : k];
        sample_put(spec->kind, spec->text_width, values, at++, sample_value(place[0], place[1], place[2]));
      }
    }
  }
  return values;
}

/* Write all slabs of a table. */
static inline ouro_status sample_write(ouro_store *store, const ouro_table_spec *spec, int odd) {
  ouro_status status = OURO_OK;
  ouro_layout *layout = NULL;
  ouro_table *table = NULL;
  const int axis = spec->node_axis;
  sample_rows rows = sample_scatter(axis < 0 ? 0 : spec->axis[axis].length, odd);
  if (axis >= 0) OURO_TRY(ouro_layout_create(MPI_COMM_WORLD, spec->axis[axis].length, rows.n, rows.gid, &layout));
  OURO_TRY(ouro_table_create(store, spec, layout, &table));
  const int64_t n_slabs = axis == 0 || spec->n_axes == 1 ? 1 : spec->axis[0].length;
  for (int64_t s = 0; s < n_slabs; s++) {
    void *values = sample_slab(spec, s, &rows);
    status = ouro_table_write(table, s, values);
    free(values);
    OURO_TRY(status);
  }
  status = ouro_table_close(&table);
cleanup:
  ouro_table_close(&table);
  ouro_layout_destroy(&layout);
  free(rows.gid);
  return status;
}

/* Whether rows first .. first+n-1 of axis 0, as read, are what the formula says. */
static inline int sample_matches(const ouro_table_spec *spec, int64_t first, int64_t n, const void *values) {
  const size_t size = sample_size(spec->kind, spec->text_width);
  const int64_t n1 = spec->n_axes > 1 ? spec->axis[1].length : 1, n2 = spec->n_axes > 2 ? spec->axis[2].length : 1;
  char *wanted = malloc(size);
  int good = 1;
  for (int64_t at = 0; at < n * n1 * n2 && good; at++) {
    sample_put(spec->kind, spec->text_width, wanted, 0, sample_value(first + at / n2 / n1, at / n2 % n1, at % n2));
    good = memcmp(wanted, (const char *)values + (size_t)at * size, size) == 0;
  }
  free(wanted);
  return good;
}

/* Read a table back, each rank an unequal range of its own, some none. */
static inline ouro_status sample_check(ouro_store *store, const ouro_table_spec *spec, int *good) {
  int rank, n_ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  const int64_t n0 = spec->axis[0].length;
  const int64_t first = n0 * rank * rank / n_ranks / n_ranks, end = n0 * (rank + 1) * (rank + 1) / n_ranks / n_ranks;
  size_t bytes = sample_size(spec->kind, spec->text_width) * (size_t)(end - first);
  for (int i = 1; i < spec->n_axes; i++) bytes *= (size_t)spec->axis[i].length;
  void *values = malloc(bytes + 1);
  const ouro_status status = ouro_store_read(store, spec->path, spec->kind, first, end - first, values);
  *good = status == OURO_OK && sample_matches(spec, first, end - first, values);
  free(values);
  return status;
}

#endif
