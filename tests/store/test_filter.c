/* Filters against their definitions: Fletcher32 as HDF5 writes it, word by word; deflate and shuffle undone by zlib and
 * by hand. Jobs of the writer. ranks: 1 */

#include "../support/harness.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sample.h"
#include "store/filter.h"
#include "store/writer.h"

/* The definition: 16-bit words, high byte first, an odd last byte being a high one; sums with end-around carry. */
static uint32_t slow_fletcher(const unsigned char *data, size_t bytes) {
  uint32_t first = 0, second = 0;
  for (size_t i = 0; i < bytes; i += 2) {
    first += (uint32_t)(data[i] << 8) | (i + 1 < bytes ? data[i + 1] : 0u);
    first = (first & 0xffff) + (first >> 16);
    second += first;
    second = (second & 0xffff) + (second >> 16);
  }
  return second << 16 | first;
}

static void fill(unsigned char *data, size_t bytes, int kind) {
  for (size_t i = 0; i < bytes; i++) {
    data[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (unsigned char)(sample_hash(i + 7 * (size_t)kind) & 0xff);
  }
}

static void test_checksum(void **state) {
  (void)state;
  unsigned char *data = malloc(100001);
  int wrong = 0;
  for (int kind = 0; kind < 4; kind++) {
    fill(data, 100001, kind);
    for (size_t n = 0; n < 200; n++) wrong += ouro_filter_fletcher32(data, n) != slow_fletcher(data, n);
    for (size_t n = 11519; n < 11530; n++) wrong += ouro_filter_fletcher32(data, n) != slow_fletcher(data, n);
    wrong += ouro_filter_fletcher32(data + 1, 100000) != slow_fletcher(data + 1, 100000);
    if (kind > 1) data[500] = 0;
    wrong += ouro_filter_fletcher32(data, 100001) != slow_fletcher(data, 100001);
  }
  assert_everywhere(wrong == 0);
  free(data);
}

/* What the filters made of a chunk, undone. */
static int undone(const ouro_filter *filter, const char *chunk, size_t bytes, size_t length, uint32_t mask, char *out) {
  char *shuffled = malloc(length + 1);
  uLongf n = (uLongf)length;
  const size_t payload = bytes - 4;
  uint32_t sum = 0;
  for (int k = 3; k >= 0; k--) sum = sum << 8 | (unsigned char)chunk[payload + (size_t)k];
  int good = sum == slow_fletcher((const unsigned char *)chunk, payload);
  if (filter->deflate == 0 || mask)
    memcpy(shuffled, chunk, payload);
  else
    good &= uncompress((Bytef *)shuffled, &n, (const Bytef *)chunk, (uLong)payload) == Z_OK && n == length;
  const size_t element = filter->deflate ? filter->element : 1, each = length / element;
  for (size_t i = 0; i < length; i++) out[i] = shuffled[i % element * each + i / element];
  free(shuffled);
  return good;
}

static void test_deflate(void **state) {
  (void)state;
  enum { LENGTH = 4096 };
  static char data[LENGTH], chunk[LENGTH + 4], scratch[LENGTH], back[LENGTH];
  int wrong = 0;
  for (int level = 0; level <= 9; level++) {
    for (int kind = 0; kind < 3; kind++) {
      const ouro_filter filter = {level, level % 2 ? 8 : 1};
      uint32_t mask;
      fill((unsigned char *)data, LENGTH, kind);
      memcpy(chunk, data, LENGTH);
      const size_t bytes = ouro_filter_apply(&filter, chunk, LENGTH, scratch, &mask);
      wrong += bytes == 0 || bytes > LENGTH + 4 || (level > 0 && kind < 2 && bytes > 100);
      wrong += mask != (level > 0 && kind == 2 ? OURO_FILTER_NO_DEFLATE : 0); /* random bytes do not get smaller */
      wrong += !undone(&filter, chunk, bytes, LENGTH, mask, back) || memcmp(back, data, LENGTH) != 0;
    }
  }
  assert_everywhere(wrong == 0);
}

typedef struct counted {
  ouro_job job;
  int after; /* jobs that were done before this one */
} counted;

static atomic_int jobs_done;

static void count(ouro_job *job) {
  ((counted *)job)->after = atomic_fetch_add(&jobs_done, 1);
}

static void test_writer(void **state) {
  (void)state;
  enum { JOBS = 1000 };
  static counted list[JOBS];
  int wrong = 0;
  for (int threads = 0; threads < 2; threads++) {
    ouro_writer writer = {.running = false};
    atomic_store(&jobs_done, 0);
    ouro_writer_wait(&writer, &list[0].job); /* never submitted */
    if (threads) ouro_writer_start(&writer);
    wrong += writer.running != threads;
    for (int k = 0; k < JOBS; k++) {
      list[k].job.work = count;
      ouro_writer_submit(&writer, &list[k].job);
    }
    ouro_writer_wait(&writer, &list[JOBS / 2].job);
    wrong += atomic_load(&jobs_done) <= JOBS / 2;
    ouro_writer_stop(&writer);
    for (int k = 0; k < JOBS; k++) wrong += list[k].after != k || list[k].job.waiting;
    ouro_writer_stop(&writer);
  }
  assert_everywhere(wrong == 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_checksum),
    cmocka_unit_test(test_deflate),
    cmocka_unit_test(test_writer),
};

TEST_MAIN(tests)
