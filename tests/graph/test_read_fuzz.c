/* Small files with random damage: each is read or refused, alike on all ranks and as by one rank alone, with the
 * same message. Fixed seed. ranks: 1 2 3 5 */

#include "opening.h"
#include "ouro/base/log.h"

typedef struct seed_file {
  const char *name, *text, *nodes, *columns;
} seed_file;

static const seed_file seeds[] = {
    {"fuzz.txt", "# comment\n0 1\n1 2\n2 0\n10 -3\n3 3\n\n7 1\n", NULL, NULL},
    {"fuzz.txt", "0 1 5\n1 2 60\n2 0 7\n10 13 8\n", "0 1\n10 0\n2 5\n", "source target samples"},
    {"fuzz.tsv", "# c\nsource\ttarget\tthrough\nGPT 3\tAlpaca\tsome, data\nAlpaca\tB\t\nGPT 3\tB\tx\n",
     "node\treal\nGPT 3\t1\nB\t0\nz\t9\n", NULL},
    {"fuzz.csv", "Source,Target,Samples\n\"a, b\",c,7\nc,\"say \"\"x\"\"\",8\nd,c,9\n", "c\nd,5\n", NULL},
    {"fuzz.mtx", "%%MatrixMarket matrix coordinate integer symmetric\n% c\n4 4 4\n1 1 3\n2 1 5\n4 3 9\n3 2 1\n",
     "2 3\n", NULL},
    {"fuzz.mtx", "%%MatrixMarket matrix coordinate real general\n3 3 3\n1 2 5.0\n3 1 1e2\n2 2 7\n", NULL, NULL},
    {"fuzz.graph", "% c\n4 3 1\n2 5\n1 5 3 6\n2 6 4 7\n3 7\n", "1 4\n", NULL},
    {"fuzz.graph", "3 2\n2\n1 3\n2\n", NULL, NULL},
};

static uint64_t state_of_chance;

static size_t below(size_t n) {
  state_of_chance = state_of_chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return n ? (size_t)(state_of_chance >> 33) % n : 0;
}

/* Replace bytes at, at+1 .. at+cut-1 by others. text has room. */
static void splice(char *text, size_t *length, size_t at, size_t cut, const char *with, size_t n) {
  if (at + cut > *length) cut = *length - at;
  memmove(text + at + n, text + at + cut, *length - at - cut);
  memcpy(text + at, with, n);
  *length += n - cut;
}

static void damage(char *text, size_t *length) {
  static const char *const piece[] = {"99999999999999999999",
                                      "-1",
                                      "0",
                                      "1.5",
                                      "nan",
                                      "\n",
                                      "\r\n",
                                      "\t",
                                      ",",
                                      "\"",
                                      "#",
                                      "%",
                                      "x",
                                      " ",
                                      "\xff",
                                      "\xc3\xa9",
                                      "\xef\xbb\xbf",
                                      "9223372036854775807",
                                      "source target\n",
                                      "007"};
  const size_t at = below(*length + 1);
  char byte, copy[64];
  switch (below(5)) {
  case 0:
    byte = (char)below(256);
    splice(text, length, at, below(2), &byte, 1);
    break;
  case 1: {
    const char *with = piece[below(sizeof piece / sizeof *piece)];
    splice(text, length, at, below(3), with, strlen(with));
    break;
  }
  case 2:
    splice(text, length, at, below(8), "", 0);
    break;
  case 3: {
    const size_t from = below(*length), n = *length - from < 40 ? *length - from : 40;
    memcpy(copy, text + from, n);
    splice(text, length, at, 0, copy, n);
    break;
  }
  default:
    if (below(4) == 0) *length = at;
  }
}

/* A head that announces millions of nodes is legal, but no small case. */
static bool is_large(const char *text, size_t length) {
  size_t run = 0;
  for (size_t i = 0; i < length; i++) {
    run = text[i] >= '0' && text[i] <= '9' ? run + 1 : 0;
    if (run > 5) return true;
  }
  return false;
}

static bool accepted(ouro_status status) {
  return status == OURO_OK || status == OURO_EINPUT || status == OURO_ELIMIT;
}

/* All ranks together must say what one rank alone says. */
static int agrees(const ouro_config *config) {
  ouro_graph *together = NULL, *alone = NULL;
  char message[1024];
  const ouro_status status = ouro_graph_open(MPI_COMM_WORLD, config, &together);
  snprintf(message, sizeof message, "%s", ouro_error_message());
  const ouro_status single = ouro_graph_open(MPI_COMM_SELF, config, &alone);
  int same = status == single && accepted(status);
  if (same && status != OURO_OK) same = strcmp(message, ouro_error_message()) == 0;
  if (same && status == OURO_OK) same = together->n_nodes == alone->n_nodes && together->n_feeds == alone->n_feeds;
  if (same && status == OURO_OK) {
    char a[300], b[300];
    same = ouro_graph_is_valid(together);
    for (ouro_lid i = 0; i < together->n_owned; i++) {
      const ouro_lid k = (ouro_lid)together->gid[i];
      same = same && together->row[i + 1] - together->row[i] == alone->row[k + 1] - alone->row[k] &&
             ouro_graph_training_size(together, i) == ouro_graph_training_size(alone, k) &&
             strcmp(ouro_graph_name(together, i, a, sizeof a), ouro_graph_name(alone, k, b, sizeof b)) == 0;
    }
  }
  if (!same)
    fprintf(stderr, "together %d: %s\nalone %d: %s\n", (int)status, message, (int)single, ouro_error_message());
  ouro_graph_destroy(&together);
  ouro_graph_destroy(&alone);
  return same;
}

static void damaged_files(void **state) {
  (void)state;
  int n_ranks, n_cases;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  n_cases = n_ranks == 1 ? 2500 : 500;
  state_of_chance = 20261122;
  ouro_log_open(1, OURO_LOG_ERROR); /* thousands of warnings about duplicates */
  for (int k = 0; k < n_cases; k++) {
    const seed_file *seed = &seeds[below(sizeof seeds / sizeof *seeds)];
    char text[2][4096], path[2][300];
    size_t length[2] = {strlen(seed->text), seed->nodes ? strlen(seed->nodes) : 0};
    memcpy(text[0], seed->text, length[0]);
    if (seed->nodes) memcpy(text[1], seed->nodes, length[1]);
    const size_t n_damages = 1 + below(4);
    for (size_t d = 0; d < n_damages; d++) {
      const size_t which = seed->nodes ? below(3) == 0 : 0;
      damage(text[which], &length[which]);
    }
    if (strchr("mg", seed->name[5]) && is_large(text[0], length[0])) continue;
    ouro_config config = opening_config(test_file(seed->name, text[0], length[0], path[0], sizeof path[0]));
    if (seed->nodes) config.real.nodes = test_file("fuzz-nodes.tsv", text[1], length[1], path[1], sizeof path[1]);
    config.graph.columns = (char *)(uintptr_t)seed->columns;
    config.learning.draw = k % 4 == 0 ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE;
    const int same = agrees(&config);
    if (!test_everywhere(same, "agrees(config)", __FILE__, __LINE__)) {
      fprintf(stderr, "case %d, %s:\n%.*s\nnodes:\n%.*s\n", k, seed->name, (int)length[0], text[0], (int)length[1],
              text[1]);
      fail();
    }
  }
  ouro_log_open(0, OURO_LOG_NOTICE);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_files)};

TEST_MAIN(tests)
