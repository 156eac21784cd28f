/* Modes of the stationary covariance: closed forms of graphs whose C_inf is circulant, and LAPACK on the covariance
 * that the plain recursion ends at. ranks: 1 2 3 4 7 */

#include <math.h>
#include <stdlib.h>

#include "moving.h"
#include "ouro/base/memory.h"
#include "ouro/theory/modes.h"
#include "theory/plateau.h"

extern void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
                   const int *lwork, int *info);

static const double PI = 3.14159265358979323846;

/* A graph, its verdict and its modes. */
typedef struct moved {
  ouro_config config;
  ouro_family family;
  ouro_graph *graph;
  ouro_verdict *verdict;
  ouro_modes *modes;
} moved;

static void move(setting how, ouro_graph *graph, int64_t wanted, moved *e) {
  *e = (moved){.config = model_config(how), .family = model_family(how), .graph = graph};
  assert_everywhere(graph != NULL);
  assert_ok(ouro_verdict_create(graph, how.kind != OURO_REAL_INITIAL, &e->verdict));
  assert_ok(ouro_modes_create(&e->config, &e->family, graph, e->verdict, wanted, NULL, &e->modes));
}

static void release(moved *e) {
  ouro_modes_destroy(&e->modes);
  assert_null(e->modes);
  ouro_verdict_destroy(&e->verdict);
  ouro_graph_destroy(&e->graph);
}

/* Mode k on all models, the same on all ranks; NaN where a model collapses. */
static void gather(const moved *e, int k, double *vector) {
  const ouro_graph *graph = e->graph;
  for (ouro_gid i = 0; i < graph->n_nodes; i++) vector[i] = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    vector[graph->gid[i]] = e->modes->vector[(size_t)k * (size_t)graph->n_owned + (size_t)i];
  }
  MPI_Allreduce(MPI_IN_PLACE, vector, (int)graph->n_nodes, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

static int close_to(double value, double expected, double within) {
  return fabs(value - expected) <= within;
}

static const setting mean_of_one = {.draw = OURO_DRAW_PRIVATE, .kind = OURO_REAL_FRESH, .initial = 10, .sigma = 1};

/* ---- closed forms ---- */

/* THEORY.md section 12, R16: C_inf = I/n + b J, b = alpha^2 / (K n (1 - alpha^2)). All move together in one mode; the
 * rest is noise of one and the same size. */
static void test_complete_graph(void **unused) {
  (void)unused;
  for (int k = 1; k <= 12; k += k < 3 ? 1 : 4) {
    const double n = 2 * k + 6, alpha = 2 * k / n, first = 1 / (n * (1 - alpha * alpha));
    small s = {.n = k};
    moved e;
    double vector[MOST];
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) s.feeds[j][i] = 2;
      s.real[i] = 6;
    }
    move(mean_of_one, small_build(MPI_COMM_WORLD, &s, 1), 3, &e);
    const ouro_modes *m = e.modes;
    assert_everywhere(m->found && m->n == (k < 3 ? k : 3) && close_to(m->total, first + (k - 1) / n, 1e-12));
    gather(&e, 0, vector);
    int right = close_to(m->value[0], first, 1e-12) && m->multiplicity[0] == 1 &&
                close_to(m->share[0], first / m->total, 1e-12);
    for (int i = 0; i < k; i++) right = right && close_to(vector[i], 1 / sqrt(k), 1e-9);
    for (int q = 1; q < m->n; q++) right = right && close_to(m->value[q], 1 / n, 1e-12) && m->multiplicity[q] == k - 1;
    assert_everywhere(right);
    release(&e);
  }
}

/* Every model hears itself and its predecessor, a share of alpha/2 each: P is circulant with eigenvalues of absolute
 * value alpha |cos(pi k / K)|, so C_inf = P C_inf P' + D has D / (1 - alpha^2 cos^2(pi k / K)), k and K - k alike. The
 * regression's D follows from its diagonal: c = (1 - eta) q + eta alpha c + noise, c = D S, q = D (S - 1), S the mean
 * of 1 / (1 - alpha^2 cos^2). */
enum { FEED = 7 };

static double circulant_noise(int k_all, setting how, double n, double alpha) {
  double s = 0;
  const double eta = twin_eta(&how, n);
  for (int k = 0; k < k_all; k++) s += 1 / (1 - pow(alpha * cos(PI * k / k_all), 2)) / k_all;
  return twin_noise(&how, n) / (s - (1 - eta) * (s - 1) - eta * alpha * s);
}

/* A model that collapses and its follower come last. */
static ouro_graph *circulant(int k_all, int real) {
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  for (int i = rank_in(MPI_COMM_WORLD); i < k_all; i += ranks_in(MPI_COMM_WORLD)) {
    assert_int_equal(ouro_feeds_add(&feeds, i, i, FEED), OURO_OK);
    assert_int_equal(ouro_feeds_add(&feeds, (i + k_all - 1) % k_all, i, FEED), OURO_OK);
  }
  if (rank_in(MPI_COMM_WORLD) == 0) assert_int_equal(ouro_feeds_add(&feeds, k_all, k_all, FEED), OURO_OK);
  if (rank_in(MPI_COMM_WORLD) == 0) assert_int_equal(ouro_feeds_add(&feeds, k_all, k_all + 1, FEED), OURO_OK);
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, k_all + 2, &feeds, &graph));
  ouro_feeds_clear(&feeds);
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->real[i] = graph->gid[i] < k_all ? real : 0;
  return graph;
}

/* More models than a block of the layout has rows. */
static void check_circulant(int k_all, int real, setting how, const char *way) {
  enum { WANTED = 6, ALL = 512 };
  const double n = 2 * FEED + real, alpha = 2 * FEED / n, d = circulant_noise(k_all, how, n, alpha);
  moved e;
  double vector[ALL];
  move(how, circulant(k_all, real), WANTED, &e);
  assert_everywhere(e.modes->found && e.modes->n == WANTED && e.modes->residual < 1e-12);
  assert_everywhere(strstr(e.modes->reason, "2 models collapse") && strstr(e.modes->reason, way));
  for (int k = 0; k < WANTED; k++) {
    const double c = alpha * cos(PI * ((k + 1) / 2) / k_all), expected = d / (1 - c * c);
    assert_everywhere(close_to(e.modes->value[k] / expected, 1, 1e-10) && e.modes->multiplicity[k] == (k == 0 ? 1 : 2));
  }
  gather(&e, 0, vector);
  int right = isnan(vector[k_all]) && isnan(vector[k_all + 1]);
  for (int i = 0; i < k_all; i++) right = right && close_to(vector[i], 1 / sqrt(k_all), 1e-9);
  assert_everywhere(right);
  release(&e);
}

static void test_circulant(void **unused) {
  (void)unused;
  const setting regression = {.draw = OURO_DRAW_PRIVATE, .kind = OURO_REAL_FRESH, .initial = 10, .p = 1, .sigma = 1};
  check_circulant(220, 1, mean_of_one, "by doubling");
  check_circulant(200, 2, regression, "by doubling");
  check_circulant(400, 20, regression, "by the recursion");
}

/* ---- the plain recursion and LAPACK ---- */

/* C of the recursion of twin.h where nothing moves any more; collapsing rows and columns are 0. */
static void product(int n, double a[MOST][MOST], double b[MOST][MOST], int transposed, double out[MOST][MOST]) {
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int l = 0; l < n; l++) sum += a[i][l] * (transposed ? b[j][l] : b[l][j]);
      out[i][j] = sum;
    }
  }
}

typedef struct still {
  int n;
  double p[MOST][MOST], s[MOST][MOST], g[MOST], gz[MOST], eta[MOST], own[MOST];
  double c[MOST][MOST], k[MOST][MOST];
} still;

static void still_start(still *f, const small *s, setting how, const int8_t *class_of) {
  twin t;
  twin_start(&t, s, how);
  const int exact = twin_exact(&t), fixed = how.kind == OURO_REAL_FIXED;
  *f = (still){.n = s->n};
  for (int i = 0; i < s->n; i++) {
    const int trained = twin_size(&t, i) > 0;
    if (class_of[i] == OURO_CLASS_COLLAPSING) continue;
    f->c[i][i] = t.c[i][i];
    for (int j = 0; j < s->n; j++) f->p[i][j] = twin_weight(&t, i, j);
    for (int j = 0; j < s->n && how.draw == OURO_DRAW_PUBLISHED; j++) {
      if (class_of[j] != OURO_CLASS_COLLAPSING) f->s[i][j] = twin_published(&t, i, j);
    }
    if (!trained) continue;
    f->own[i] = exact ? twin_noise(&how, twin_size(&t, i)) : twin_own(&t, i);
    f->eta[i] = exact ? twin_eta(&how, twin_size(&t, i)) : 0;
    f->g[i] = fixed ? twin_g(&t, i) : 0;
    f->gz[i] = fixed ? twin_g(&t, i) * twin_z(&t, i) : 0;
  }
}

static double still_step(still *f) {
  double y[MOST][MOST], q[MOST][MOST], k[MOST][MOST], moved_most = 0, most = 0;
  product(f->n, f->p, f->c, 0, y);
  product(f->n, y, f->p, 1, q);
  product(f->n, f->p, f->k, 0, k);
  for (int i = 0; i < f->n; i++) {
    double within = 0;
    for (int j = 0; j < f->n; j++) within += f->p[i][j] * f->c[j][j];
    for (int j = 0; j < f->n; j++) y[i][j] = q[i][j] + f->s[i][j] + k[i][j] * f->g[j] + f->g[i] * k[j][i];
    y[i][i] += f->eta[i] * (within - y[i][i]) + f->gz[i] * f->g[i] + f->own[i];
  }
  for (int i = 0; i < f->n; i++) {
    k[i][i] += f->gz[i];
    for (int j = 0; j < f->n; j++) {
      moved_most = fmax(moved_most, fabs(y[i][j] - f->c[i][j]));
      most = fmax(most, fabs(y[i][j]));
    }
  }
  memcpy(f->c, y, sizeof y);
  memcpy(f->k, k, sizeof k);
  return most > 0 ? moved_most / most : 0;
}

/* What 10^5 generations end at; it stands still much earlier. */
static void still_run(still *f) {
  for (int t = 0; t < 100000 && (still_step(f) > 0 || t < 64); t++) continue;
}

/* Eigenvectors of the block of models that do not collapse, in rows by ascending eigenvalue; returns its order. */
static int decompose(const still *f, const int8_t *class_of, int *member, double *value, double a[MOST * MOST]) {
  int m = 0, info;
  double work[4 * MOST];
  const int room = 4 * MOST;
  for (int i = 0; i < f->n; i++) {
    if (class_of[i] != OURO_CLASS_COLLAPSING) member[m++] = i;
  }
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < m; j++) a[i * m + j] = f->c[member[i]][member[j]];
  }
  dsyev_("V", "L", &m, a, &m, value, work, &room, &info);
  return info == 0 ? m : -1;
}

/* The sign rule, and up to it LAPACK's vector where the eigenvalue stands alone. */
static int same_vector(const double *vector, const int *member, int m, const double *expected, int alone) {
  double most = 0, dot = 0, length = 0;
  int first = -1;
  for (int i = 0; i < m; i++) {
    most = fmax(most, fabs(vector[member[i]]));
    dot += vector[member[i]] * expected[i];
    length += vector[member[i]] * vector[member[i]];
  }
  for (int i = 0; i < m && first < 0; i++) {
    if (fabs(vector[member[i]]) >= (1 - 1e-9) * most) first = member[i];
  }
  return vector[first] > 0 && close_to(length, 1, 1e-12) && (!alone || close_to(fabs(dot), 1, 1e-9));
}

static int same_modes(const moved *e, const still *f, const int8_t *class_of) {
  int member[MOST], right = 1;
  double value[MOST], a[MOST * MOST], vector[MOST], total = 0;
  const int m = decompose(f, class_of, member, value, a);
  const ouro_modes *found = e->modes;
  for (int i = 0; i < m; i++) total += value[i];
  right = found->found && found->n == m && found->residual <= 1e-12 && close_to(found->total, total, 1e-10 * total);
  for (int k = 0; k < found->n; k++) {
    const int at = m - 1 - k;
    const double within = 1e-10 * value[m - 1];
    const int alone = (at == 0 || value[at] - value[at - 1] > 1e-4 * value[m - 1]) &&
                      (at == m - 1 || value[at + 1] - value[at] > 1e-4 * value[m - 1]);
    gather(e, k, vector);
    right =
        right && close_to(found->value[k], value[at], within) && close_to(found->share[k], value[at] / total, 1e-10);
    right = right && (!alone || found->multiplicity[k] == 1) && same_vector(vector, member, m, a + at * m, alone);
    for (int i = 0; i < f->n; i++) right = right && isnan(vector[i]) == (class_of[i] == OURO_CLASS_COLLAPSING);
  }
  return right;
}

/* The same C by doubling, which is chosen for large systems only. */
static int same_matrix(const small *s, setting how, const ouro_verdict *verdict, const still *f) {
  moving m;
  ouro_closed *closed;
  ouro_doubling doubling;
  ouro_settling settling;
  double diagonal[4 * MOST], column[4 * MOST];
  int right = 1;
  prepare(s, how, 0, &m);
  assert_ok(ouro_closed_create(m.graph, verdict, m.system, &closed));
  assert_ok(ouro_plateau_matrix(MPI_COMM_WORLD, MPI_COMM_WORLD, closed, 2, 1000, &doubling, diagonal, &settling));
  right = settling.settled;
  for (int j = 0; j < f->n && right; j++) {
    if (closed->place[j] < 0) continue;
    assert_ok(ouro_matrix_column(doubling.grid, doubling.x, closed->place[j], column));
    for (int i = 0; i < f->n; i++) {
      if (closed->place[i] < 0) continue;
      right = right && close_to(column[closed->place[i]], f->c[i][j], 1e-10 * sqrt(f->c[i][i] * f->c[j][j]));
    }
  }
  ouro_doubling_destroy(&doubling);
  ouro_closed_destroy(&closed);
  stop(&m);
  return right;
}

static void test_random_graphs(void **unused) {
  (void)unused;
  const uint64_t step = ranks_in(MPI_COMM_WORLD) > 2 ? 16 : 1; /* many ranks on few cores pay for every collective */
  int found = 0, none = 0;
  for (uint64_t seed = 1; seed <= 240; seed += step) {
    const setting how = random_setting(seed);
    const small s = random_learning(seed, how);
    moved e;
    still f;
    int8_t class_of[MOST] = {0};
    move(how, small_build(MPI_COMM_WORLD, &s, seed % 2 == 0), MOST, &e);
    for (ouro_lid i = 0; i < e.graph->n_owned; i++) class_of[e.graph->gid[i]] = e.verdict->class_of[i];
    MPI_Allreduce(MPI_IN_PLACE, class_of, s.n, MPI_INT8_T, MPI_MAX, MPI_COMM_WORLD);
    if (e.verdict->count[OURO_CLASS_COLLAPSING] == s.n) {
      assert_everywhere(!e.modes->found && e.modes->n == 0 && strstr(e.modes->reason, "every model collapses"));
      none++;
    } else {
      still_start(&f, &s, how, class_of);
      still_run(&f);
      assert_everywhere(same_modes(&e, &f, class_of));
      if (seed % 2 == 1) assert_everywhere(same_matrix(&s, how, e.verdict, &f));
      found++;
    }
    release(&e);
  }
  assert_true(found * (int)step > 100 && none * (int)step >= 5);
}

/* ---- what is not there ---- */

/* Roots alone never move again: their variances are those of generation 0, and equal. None wanted: none given. */
static void test_roots(void **unused) {
  (void)unused;
  const small s = {.n = 5};
  moved e;
  move(mean_of_one, small_build(MPI_COMM_WORLD, &s, 0), 2, &e);
  assert_everywhere(e.modes->found && e.modes->n == 2 && e.modes->multiplicity[1] == 5);
  assert_everywhere(close_to(e.modes->value[0], 0.1, 1e-15) && close_to(e.modes->share[1], 0.2, 1e-15));
  release(&e);
  move(mean_of_one, small_build(MPI_COMM_WORLD, &s, 0), 0, &e);
  assert_everywhere(e.modes->found && e.modes->n == 0);
  release(&e);
}

static void test_refusals(void **unused) {
  (void)unused;
  enum { MANY = 400000 };
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  ouro_modes *modes = NULL;
  moved e;
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, MANY, &feeds, &graph));
  ouro_feeds_clear(&feeds);
  move(mean_of_one, graph, 2, &e);
  assert_everywhere(!e.modes->found && strstr(e.modes->reason, "too large: the modes of 400000 nodes need"));
  e.config.theory.exact = OURO_EXACT_ALWAYS;
  assert_everywhere(ouro_modes_create(&e.config, &e.family, graph, e.verdict, 2, NULL, &modes) == OURO_ELIMIT);
  assert_null(modes);
  e.config.theory.exact = OURO_EXACT_NONE;
  assert_ok(ouro_modes_create(&e.config, &e.family, graph, e.verdict, 2, NULL, &modes));
  assert_everywhere(!modes->found && strstr(modes->reason, "none"));
  ouro_modes_destroy(&modes);
  release(&e);
}

/* Any one allocation of the last rank fails: all ranks say so, and none hangs. */
static void test_short_of_memory(void **unused) {
  (void)unused;
  const small s = {.n = 3, .feeds = {[0][1] = 4, [1][0] = 4, [1][2] = 4}, .real = {4, 0, 0}};
  ouro_modes *modes = NULL;
  moved e;
  move(mean_of_one, small_build(MPI_COMM_WORLD, &s, 0), 2, &e);
  for (int n = 1;; n++) {
    if (rank_in(MPI_COMM_WORLD) == ranks_in(MPI_COMM_WORLD) - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_modes_create(&e.config, &e.family, e.graph, e.verdict, 2, NULL, &modes);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || (status == OURO_ENOMEM && modes == NULL));
    if (status == OURO_OK) break;
  }
  ouro_modes_destroy(&modes);
  release(&e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_complete_graph), cmocka_unit_test(test_circulant), cmocka_unit_test(test_random_graphs),
      cmocka_unit_test(test_roots),          cmocka_unit_test(test_refusals),  cmocka_unit_test(test_short_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
