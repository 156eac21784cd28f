/* Trajectories, plateaus and growth against brute force, over hundreds of random graphs.
 * ranks: 1 2 3 4 7; limit: 120 */

#include "brute.h"
#include "ouro/theory/bounded.h"
#include "ouro/theory/plateau.h"
#include "ouro/theory/predict.h"

extern void dgeev_(const char *jobvl, const char *jobvr, const int *n, double *a, const int *lda, double *wr,
                   double *wi, double *vl, const int *ldvl, double *vr, const int *ldvr, double *work, const int *lwork,
                   int *info);

extern void dgesv_(const int *n, const int *columns, double *a, const int *lda, int *pivot, double *b, const int *ldb,
                   int *info);

enum { STEPS = 100000, FEW = 5 };

/* Many ranks on few cores pay for every collective: every twentieth or fortieth case there. */
static uint64_t stride(void) {
  const int ranks = ranks_in(MPI_COMM_WORLD);
  return ranks > 4 ? 40 : ranks > 1 ? 20 : 1;
}

static rule random_rule(uint64_t seed) {
  uint64_t state = seed * 31337 + 5;
  rule how = {.p = below(&state, 5), .base = 0.25 * (1 + below(&state, 8))};
  how.draw = below(&state, 3) == 0 ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE;
  how.kind = (ouro_real_kind)below(&state, 3);
  how.initial = how.p + 2 + below(&state, 40);
  if (below(&state, 3) == 0) how.weight = 0.1 * (1 + below(&state, 9));
  if (how.draw == OURO_DRAW_PRIVATE && below(&state, 3) == 0) how.forget = 0.3 + 0.4 * below(&state, 2);
  if (how.p > 0) return how;
  how.curvature = below(&state, 3) - 1; /* Bernoulli, normal or Poisson, exponential */
  how.fitted = how.draw == OURO_DRAW_PRIVATE && how.kind != OURO_REAL_FIXED && how.weight == 0 && how.forget == 0;
  how.fitted = how.fitted && below(&state, 2) == 0;
  return how;
}

/* Any graph that the rule can learn: roots, loops, parts of their own, training sets from the least to tens of samples.
 * Published corpora have one size for all consumers. */
static small random_graph(uint64_t seed, rule how) {
  uint64_t state = seed * 77777;
  const int per_node = 1 + below(&state, 3), realness = 1 + below(&state, 4);
  int corpus[MOST];
  small s = {.n = 1 + below(&state, 9)};
  for (int j = 0; j < s.n; j++) corpus[j] = how.p + 2 + below(&state, 12);
  for (int k = below(&state, s.n * per_node + 1); k > 0; k--) {
    const int j = below(&state, s.n), i = below(&state, s.n);
    s.feeds[j][i] = how.draw == OURO_DRAW_PUBLISHED ? corpus[j] : 2 * how.p + 2 + below(&state, 12);
  }
  for (int i = 0; i < s.n; i++) s.real[i] = below(&state, realness) == 0 ? how.p + 2 + below(&state, 12) : 0;
  return s;
}

/* A graph and what belongs to it. */
typedef struct given {
  ouro_config config;
  ouro_family *family;
  ouro_graph *graph;
  ouro_verdict *verdict;
  int8_t class_of[MOST]; /* of all nodes */
  rule how;
} given;

static void give(const small *s, rule how, int scattered, given *g) {
  *g = (given){.config = brute_config(how), .how = how};
  assert_ok(brute_family(&g->config, how, &g->family));
  g->graph = small_build(MPI_COMM_WORLD, s, scattered);
  assert_everywhere(g->graph != NULL);
  assert_ok(ouro_verdict_create(g->graph, how.kind != OURO_REAL_INITIAL, &g->verdict));
  for (ouro_lid i = 0; i < g->graph->n_owned; i++) g->class_of[g->graph->gid[i]] = g->verdict->class_of[i];
  MPI_Allreduce(MPI_IN_PLACE, g->class_of, s->n, MPI_INT8_T, MPI_MAX, MPI_COMM_WORLD);
}

static void take_back(given *g) {
  ouro_verdict_destroy(&g->verdict);
  ouro_graph_destroy(&g->graph);
  brute_family_done(g->how, &g->family);
}

static int near(double value, double expected, double relative) {
  return fabs(value - expected) <= relative * fabs(expected);
}

/* Every generation of a prediction. */
static int is_followed(const given *g, const ouro_prediction *p, brute *b) {
  for (int64_t t = 0; t < p->n_rows; t++) {
    for (ouro_lid i = 0; i < g->graph->n_owned; i++) {
      const ouro_gid at = g->graph->gid[i];
      if (!near(p->error[t * g->graph->n_owned + i], b->c[at][at], 1e-12)) return 0;
    }
    brute_step(b);
  }
  return 1;
}

static void test_trajectories(void **unused) {
  (void)unused;
  int exact = 0, all = 0;
  for (uint64_t seed = 1; seed <= 400; seed += stride()) {
    rule how = random_rule(seed);
    if (how.forget > 0 && seed % 3 == 0) how.forget = 1;
    const small s = random_graph(seed, how);
    ouro_prediction *p = NULL;
    brute b;
    given g;
    give(&s, how, seed % 2 == 0, &g);
    g.config.learning.generations = 12;
    assert_ok(ouro_predict(&g.config, g.family, g.graph, NULL, &p));
    brute_begin(&s, how, &b);
    assert_everywhere(p->kind == (b.first_order ? OURO_PREDICT_FIRST_ORDER : OURO_PREDICT_EXACT));
    assert_everywhere(p->n_rows == 13 && is_followed(&g, p, &b));
    exact += !b.first_order;
    all++;
    ouro_prediction_destroy(&p);
    take_back(&g);
  }
  if (stride() == 1) assert_true(exact > all / 4 && exact < all);
}

/* The recursion without the nodes that collapse, 10^5 generations; true if it ends somewhere (means whose samples
 * scatter with their errors may grow where the topology is healthy). */
static int brute_settle(const given *g, brute *b) {
  double most = 0;
  for (int i = 0; i < b->n; i++) {
    if (g->class_of[i] == OURO_CLASS_COLLAPSING) brute_drop(b, i);
  }
  brute_run(b, STEPS);
  for (int i = 0; i < b->n; i++) most = isfinite(b->c[i][i]) ? fmax(most, b->c[i][i]) : INFINITY;
  return most < 1e10;
}

static int is_settled(const given *g, const ouro_plateau *plateau, const brute *b) {
  for (ouro_lid i = 0; i < g->graph->n_owned; i++) {
    const ouro_gid at = g->graph->gid[i];
    const int collapses = g->class_of[at] == OURO_CLASS_COLLAPSING;
    if (collapses ? !isnan(plateau->error[i]) : !near(plateau->error[i], b->c[at][at], 1e-10)) return 0;
  }
  return 1;
}

/* What a set of random graphs was. */
typedef struct mixture {
  int rooted, mixed, fixed, published, curved, weighted, remembering;
} mixture;

static void look(const given *g, const brute *b, mixture *m) {
  int roots = 0;
  for (int i = 0; i < b->n; i++) roots += b->size[i] == 0;
  m->rooted += roots > 0 && roots < b->n;
  m->mixed += g->verdict->count[OURO_CLASS_COLLAPSING] > 0;
  m->fixed += g->how.kind == OURO_REAL_FIXED;
  m->published += g->how.draw == OURO_DRAW_PUBLISHED;
  m->weighted += g->how.weight > 0;
  m->remembering += g->how.forget > 0;
  m->curved += g->how.curvature != 0 || g->how.fitted;
}

static void test_plateaus(void **unused) {
  (void)unused;
  mixture m = {0};
  int found = 0;
  for (uint64_t seed = 1000; seed < 1400; seed += stride()) {
    const rule how = random_rule(seed);
    const small s = random_graph(seed, how);
    ouro_plateau *plateau = NULL;
    brute b;
    given g;
    give(&s, how, seed % 2 == 0, &g);
    brute_begin(&s, how, &b);
    assert_ok(ouro_plateau_create(&g.config, g.family, g.graph, g.verdict, NULL, &plateau));
    const int some = g.verdict->count[OURO_CLASS_COLLAPSING] < s.n, settles = some && brute_settle(&g, &b);
    assert_everywhere(plateau->found == settles);
    if (settles) assert_everywhere(is_settled(&g, plateau, &b) && plateau->residual <= 1e-11);
    if (settles) look(&g, &b, &m);
    found += settles;
    ouro_plateau_destroy(&plateau);
    take_back(&g);
  }
  if (stride() > 1) return;
  assert_true(found > 300);
  assert_true(m.rooted > 50 && m.mixed > 50 && m.fixed > 50 && m.published > 50 && m.curved > 30);
  assert_true(m.weighted > 50 && m.remembering > 50);
}

/* Two to four models, most of whose samples are of one another, with single samples of a root or of nature: walks take
 * 10^3 to 10^7 generations to end. */
static small slow_graph(uint64_t seed) {
  uint64_t state = seed * 991;
  small s = {.n = 3 + below(&state, 3)}; /* node 0 is a root */
  for (int i = 1; i < s.n; i++) {
    const int many = 1 + below(&state, s.n - 1);
    s.feeds[many][i] = 10 << below(&state, 10);
    s.feeds[1 + below(&state, s.n - 1)][i] += 4;
    if (below(&state, 3) == 0) s.real[i] = 1;
    if (below(&state, 3) == 0) s.feeds[0][i] = 1;
  }
  return s;
}

/* The fixed point of the recursion, an affine map of the C_ij that are not of two roots, by elimination. */
static void brute_solve(const brute *whole, double c[MOST]) {
  enum { ALL = 25 };
  static double a[ALL * ALL], b[ALL];
  int row[ALL], column[ALL], pivot[ALL], all = 0, info;
  const int one = 1;
  brute start = *whole;
  for (int i = 0; i < start.n; i++) start.effective[i] = start.size[i] / (1 - start.how.forget);
  for (int i = 0; i < start.n; i++) {
    for (int j = 0; j < start.n; j++) {
      if (!start.trained[i] && !start.trained[j]) continue;
      row[all] = i;
      column[all++] = j;
      start.c[i][j] = 0;
    }
  }
  brute still = start;
  brute_step(&still);
  for (int k = 0; k < all; k++) b[k] = still.c[row[k]][column[k]];
  for (int from = 0; from < all; from++) {
    brute unit = start;
    unit.c[row[from]][column[from]] = 1;
    brute_step(&unit);
    for (int to = 0; to < all; to++) a[from * all + to] = (from == to) + b[to] - unit.c[row[to]][column[to]];
  }
  dgesv_(&all, &one, a, &all, pivot, b, &all, &info);
  for (int i = 0; i < start.n; i++) c[i] = start.c[i][i];
  for (int k = 0; k < all; k++) {
    if (row[k] == column[k]) c[row[k]] = info == 0 ? b[k] : NAN;
  }
}

/* Long walks take too many generations for ranks that share cores: one graph there. Also where samples scatter less the
 * more a model errs, so that corrections of the noise would overshoot.
 */
static void test_slow_plateaus(void **unused) {
  (void)unused;
  int found = 0, doubled = 0;
  for (uint64_t seed = 1; seed <= (stride() == 1 ? 150 : 1); seed++) {
    rule how = {.base = 0.25,
                .initial = 30,
                .p = seed % 3 == 0 ? 3 : 0,
                .curvature = seed % 3 == 1 ? -1 : 0,
                .weight = seed % 4 == 1 ? 1e-4 : 0};
    if (seed % 10 == 2) how.forget = 0.5;
    const small s = slow_graph(seed);
    ouro_plateau *plateau = NULL;
    double expected[MOST];
    int same = 1;
    brute b;
    given g;
    give(&s, how, seed % 2 == 0, &g);
    if (g.verdict->count[OURO_CLASS_COLLAPSING] == 0) {
      brute_begin(&s, how, &b);
      brute_solve(&b, expected);
      assert_ok(ouro_plateau_create(&g.config, g.family, g.graph, g.verdict, NULL, &plateau));
      for (ouro_lid i = 0; i < g.graph->n_owned && plateau->found; i++) {
        same = same && near(plateau->error[i], expected[g.graph->gid[i]], 1e-8);
      }
      assert_everywhere(plateau->found && same);
      found++;
      doubled += strstr(plateau->reason, "doubling") != NULL;
    }
    ouro_plateau_destroy(&plateau);
    take_back(&g);
  }
  if (stride() == 1) assert_true(found > 50 && doubled > 10);
}

/* Graphs of up to 5 nodes whose training sets have from p + 2 to 2p samples, but for those with more. */
static small small_sets(uint64_t seed, int p) {
  uint64_t state = seed * 4242;
  small s = {.n = 1 + below(&state, FEW)};
  for (int i = 0; i < s.n; i++) {
    int left = below(&state, 6) == 0 ? 0 : p + 2 + below(&state, below(&state, 4) == 0 ? 3 * p : p - 1);
    if (left > 0 && below(&state, 3) > 0) left -= s.real[i] = 1 + below(&state, 6);
    while (left > 0) {
      const int m = 1 + below(&state, left);
      s.feeds[below(&state, s.n)][i] += m;
      left -= m;
    }
  }
  return s;
}

/* keep[j]: does node j feed node i, directly or not, or is it i? Roots are left out: their errors do not grow. */
static void ancestors(const brute *b, int i, int keep[MOST]) {
  for (int j = 0; j < b->n; j++) keep[j] = j == i;
  for (int round = 0; round < b->n; round++) {
    for (int k = 0; k < b->n; k++) {
      for (int j = 0; keep[k] && j < b->n; j++) keep[j] |= b->p[k][j] > 0 && b->trained[j];
    }
  }
}

/* Element e of the state of a recursion on the nodes placed: C, and behind it the fitted variances. */
static double *element(brute *b, const int *place, int n, int e) {
  return e < n * n ? &b->c[place[e / n]][place[e % n]] : &b->v[place[e - n * n]];
}

/* Spectral radius of the linear part on the nodes kept: one generation of every unit of C, without noise. */
static double radius(const brute *whole, const int keep[MOST]) {
  enum { ALL = FEW * FEW + FEW };
  static double a[ALL * ALL], re[ALL], im[ALL], work[16 * ALL], none;
  brute b = *whole;
  int place[FEW], n = 0, info;
  for (int i = 0; i < b.n; i++) {
    if (keep[i])
      place[n++] = i;
    else
      brute_drop(&b, i);
  }
  const int all = n * n + (b.how.fitted ? n : 0), one = 1, room = 16 * ALL;
  b.how.base = 0;
  memset(b.base, 0, sizeof b.base);
  for (int i = 0; i < b.n; i++) b.effective[i] = b.size[i] / (1 - b.how.forget);
  for (int from = 0; from < all; from++) {
    brute unit = b;
    memset(unit.c, 0, sizeof unit.c);
    memset(unit.v, 0, sizeof unit.v);
    *element(&unit, place, n, from) = 1;
    brute_step(&unit);
    for (int to = 0; to < all; to++) a[from * all + to] = *element(&unit, place, n, to);
  }
  dgeev_("N", "N", &all, a, &all, re, im, &none, &one, &none, &one, work, &room, &info);
  double most = 0;
  for (int i = 0; i < all; i++) most = fmax(most, hypot(re[i], im[i]));
  return info == 0 ? most : NAN;
}

/* What shrinks fast is lost before it can be measured well. */
static int as_expected(double value, double expected, double close) {
  return fabs(value - expected) <= (expected < 0.5 ? 1e-2 : close);
}

/* The factor of every node, the largest of the nodes that collapse and of the others, and how many exceed 1. */
static int grows_so(const given *g, const ouro_bounded *bounded, const brute *b) {
  const double close = fmax(1e-8, 5 * bounded->spread);
  double factor[FEW], most[2] = {-1, -1};
  int grow = 0, same = 1;
  for (int i = 0; i < b->n; i++) {
    int keep[MOST];
    if (!b->trained[i]) continue;
    ancestors(b, i, keep);
    factor[i] = radius(b, keep);
    const int collapses = g->class_of[i] == OURO_CLASS_COLLAPSING;
    most[collapses] = fmax(most[collapses], factor[i]);
    grow += factor[i] > 1 + close;
  }
  for (ouro_lid i = 0; i < g->graph->n_owned; i++) {
    const ouro_gid at = g->graph->gid[i];
    same = same && (b->trained[at] ? as_expected(bounded->factor[i], factor[at], close) : isnan(bounded->factor[i]));
  }
  same = same && (most[0] < 0 ? isnan(bounded->radius) : as_expected(bounded->radius, most[0], close));
  same = same && (most[1] < 0 ? isnan(bounded->sources) : as_expected(bounded->sources, most[1], close));
  return same && bounded->n_grows == grow;
}

/* Regressions, then exponential means and unbiased Gaussians, whose samples scatter more the more a model errs. */
static rule growing_rule(uint64_t seed) {
  if (seed % 4 < 2) return (rule){.p = 4 + (int)(seed % 17), .base = 1, .initial = 60};
  if (seed % 4 == 3) return (rule){.base = 1, .initial = 60, .fitted = 1};
  return (rule){.base = 1, .initial = 60, .curvature = 1, .forget = seed % 8 == 2 ? 0.5 : 0};
}

static void test_growth(void **unused) {
  (void)unused;
  int needed[2] = {0}, grow[2] = {0};
  for (uint64_t seed = 1; seed <= 500; seed += stride()) {
    const rule how = growing_rule(seed);
    const small s = small_sets(seed, how.p > 0 ? how.p : 2);
    ouro_bounded *bounded = NULL;
    brute b;
    given g;
    int small_ones = 0;
    give(&s, how, seed % 2 == 0, &g);
    brute_begin(&s, how, &b);
    for (int i = 0; i < s.n; i++) small_ones += b.trained[i] && b.size[i] < 2 * how.p + 1;
    assert_ok(ouro_bounded_create(&g.config, g.family, g.graph, g.verdict, NULL, &bounded));
    if (how.p > 0) assert_everywhere(bounded->needed == (small_ones > 0));
    if (bounded->needed) assert_everywhere(grows_so(&g, bounded, &b));
    needed[how.p == 0] += bounded->needed;
    grow[how.p == 0] += bounded->n_grows > 0;
    ouro_bounded_destroy(&bounded);
    take_back(&g);
  }
  if (stride() == 1) assert_true(needed[0] > 150 && grow[0] > 30 && needed[1] > 150 && grow[1] > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_trajectories),
      cmocka_unit_test(test_plateaus),
      cmocka_unit_test(test_slow_plateaus),
      cmocka_unit_test(test_growth),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
