/* Coalescing backward walks (THEORY.md section 10). Step t of a pair is decided by words 32 t .. of its own random
 * stream and by rows in ascending global id: nothing depends on who owns what or on the order of pairs.
 * A pair that is apart visits the owner of X, then that of Y. Must not know what becomes of the sums. */

#include "theory/dual_walk.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/random.h"
#include "theory/select.h"

enum { SITE_AHEAD = 16, FEEDS_AHEAD = 8 }; /* pairs between the fetch of a node or its feeds into cache and its use */

static const ouro_place NOWHERE = {-1, 0}; /* nature: the walk is dead */

typedef struct site {
  ouro_eid first; /* of its feeds */
  ouro_terms terms;
  double corpus; /* 1 / M of published draws, or 0 */
  double base;   /* expected variance of a sample of this model */
} site;

/* Number of samples up to and including this feed of a node, and where a walk along it comes to. */
typedef struct feed {
  ouro_count up_to;
  ouro_place source;
} feed;

/* What a visit of X leaves to that of Y, and what has become of it at the next visit of X. */
typedef enum state { Y_STEPS, BOTH_STEPPED, X_STAYS, Y_STAYS } state;

typedef struct pair {
  ouro_place x, y;
  int32_t slot;
  int32_t next;  /* rank of the next visit */
  int32_t state; /* enum state */
  ouro_gid node;
  int64_t number;
  double weight; /* what the pair counts: 1, but for draws of one and the same sample */
  double sum;    /* noise met so far */
  double value;  /* V as last entered */
  ouro_trace trace;
} pair;

struct ouro_walks {
  const ouro_graph *graph;
  MPI_Comm comm;
  MPI_Datatype type; /* of a pair */
  int rank, n_ranks;
  uint64_t seed, round;
  bool fixed;         /* real data are fixed sets, of variance unit / r_i */
  double same;        /* weight of a pair that has drawn one and the same sample: 1 + curvature of the spread */
  ouro_spread spread; /* of a sample */
  ouro_gains *gains;  /* of the task, or NULL */
  site *site;         /* [n_owned + 1] */
  feed *feed;         /* [feeds] */
  int64_t in_flight;  /* most pairs on all ranks, and so on one */
  pair *here, *away;  /* [in_flight] pairs whose next visit is on this rank, and on another */
  pair *packed;       /* [in_flight] those away, by rank */
  int64_t n_here, n_away;
  int *n_send, *at_send, *n_receive, *at_receive; /* [n_ranks] */
  int64_t (*news)[2], (*heard)[2];                /* [n_ranks] pairs that come, pairs on the rank */
};

/* ---- set-up ---- */

static ouro_status walks_new(const ouro_graph *graph, int64_t in_flight, ouro_walks **walks) {
  ouro_status status = OURO_OK;
  ouro_walks *w;
  OURO_NEW(w, 1);
  *walks = w;
  w->type = MPI_DATATYPE_NULL;
  w->graph = graph;
  w->comm = graph->comm;
  w->in_flight = in_flight;
  MPI_Comm_rank(w->comm, &w->rank);
  MPI_Comm_size(w->comm, &w->n_ranks);
  const int64_t n_moving = w->n_ranks > 1 ? in_flight : 0;
  OURO_NEW(w->site, graph->n_owned + 1);
  OURO_NEW(w->feed, graph->row[graph->n_owned]);
  OURO_NEW(w->here, in_flight);
  OURO_NEW(w->away, n_moving);
  OURO_NEW(w->packed, n_moving);
  OURO_NEW(w->n_send, w->n_ranks);
  OURO_NEW(w->at_send, w->n_ranks);
  OURO_NEW(w->n_receive, w->n_ranks);
  OURO_NEW(w->at_receive, w->n_ranks);
  OURO_NEW(w->news, w->n_ranks);
  OURO_NEW(w->heard, w->n_ranks);
cleanup:
  return status;
}

void ouro_walks_destroy(ouro_walks **walks) {
  ouro_walks *w = *walks;
  if (w == NULL) return;
  if (w->type != MPI_DATATYPE_NULL) MPI_Type_free(&w->type);
  free(w->site);
  free(w->feed);
  free(w->here);
  free(w->away);
  free(w->packed);
  free(w->n_send);
  free(w->at_send);
  free(w->n_receive);
  free(w->at_receive);
  free(w->news);
  free(w->heard);
  free(w);
  *walks = NULL;
}

static void set_sites(const ouro_config *config, const ouro_family *family, const ouro_survey *survey, ouro_walks *w) {
  const ouro_graph *graph = w->graph;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const double corpus = survey->corpus[i] > 0 ? 1 / (double)survey->corpus[i] : 0;
    w->site[i] = (site){graph->row[i], ouro_system_terms(config, family, graph, survey, i), corpus,
                        ouro_survey_base(family, graph, i)};
  }
  w->site[graph->n_owned].first = graph->row[graph->n_owned];
}

static void set_feeds(const ouro_place *place_of, ouro_walks *w) {
  const ouro_graph *graph = w->graph;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    ouro_count samples = 0;
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      w->feed[k] = (feed){samples += ouro_graph_samples(graph, k), place_of[graph->source[k]]};
    }
  }
}

static ouro_status new_places(const ouro_graph *graph, ouro_place **place_of) {
  ouro_status status = OURO_OK;
  OURO_NEW(*place_of, graph->n_owned + graph->n_ghost);
cleanup:
  return status;
}

/* Ghosts learn their owner, and their number there, from it. */
static ouro_status find_places(ouro_walks *w) {
  ouro_status status = OURO_OK;
  ouro_place *place_of = NULL;
  OURO_AGREE(w->comm, new_places(w->graph, &place_of));
  for (ouro_lid i = 0; i < w->graph->n_owned; i++) place_of[i] = (ouro_place){w->rank, i};
  OURO_TRY(ouro_halo_update(w->graph->halo, place_of, sizeof *place_of));
  set_feeds(place_of, w);
cleanup:
  free(place_of);
  return status;
}

ouro_status ouro_walks_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                              const ouro_survey *survey, int64_t in_flight, ouro_walks **walks) {
  ouro_status status = OURO_OK;
  ouro_walks *made = NULL;
  *walks = NULL;
  OURO_AGREE(graph->comm, walks_new(graph, in_flight, &made));
  MPI_Type_contiguous((int)sizeof(pair), MPI_BYTE, &made->type);
  MPI_Type_commit(&made->type);
  made->seed = config->learning.seed;
  made->fixed = config->real.kind == OURO_REAL_FIXED;
  made->spread = family->spread;
  made->same = config->learning.draw == OURO_DRAW_PUBLISHED ? 1 : 1 + family->spread.curvature;
  set_sites(config, family, survey, made);
  OURO_TRY(find_places(made));
  *walks = made;
  made = NULL;
cleanup:
  ouro_walks_destroy(&made);
  return status;
}

/* ---- what walks cannot do ---- */

/* The probability eta_i of leaving a node together must not exceed 1: name the first node where it does. */
static ouro_status check_eta(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                             const ouro_survey *survey) {
  ouro_status status = OURO_OK;
  ouro_gid first = INT64_MAX;
  char name[256];
  for (ouro_lid i = graph->n_owned - 1; i >= 0; i--) {
    if (ouro_system_terms(config, family, graph, survey, i).eta > 1) first = graph->gid[i];
  }
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &first, 1, OURO_GID_MPI, MPI_MIN, graph->comm)));
  if (first == INT64_MAX) return OURO_OK;
  ouro_graph_name_of(graph, first, name, sizeof name);
  OURO_CHECK(false, OURO_ELIMIT,
             "backward walks need at least %" OURO_COUNT_FMT " samples at every trained model (eta <= 1): %s has fewer",
             family->eta_samples, name);
cleanup:
  return status;
}

ouro_status ouro_walks_check(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                             const ouro_survey *survey) {
  ouro_status status = OURO_OK;
  OURO_CHECK(ouro_config_forget(config) == 0, OURO_ELIMIT, "backward walks need learning.regime=replace");
  OURO_CHECK(config->real.weight == 0, OURO_ELIMIT,
             "backward walks need real data that count by their number: no real.weight");
  OURO_CHECK(survey->obstacle == NULL, OURO_ELIMIT, "no backward walks: %s", survey->obstacle);
  OURO_CHECK(!family->spread.fitted && family->spread.drift == 0, OURO_ELIMIT,
             "no backward walks for family %s: the spread of its samples has a recursion of its own",
             config->model.family);
  OURO_CHECK(family->spread.curvature >= -1, OURO_ELIMIT,
             "no backward walks for family %s: a pair would count less than 0", config->model.family);
  OURO_TRY(check_eta(config, family, graph, survey));
cleanup:
  return status;
}

double ouro_walks_bytes(const ouro_graph *graph, int64_t in_flight) {
  return (double)(sizeof(site) + 8) * graph->n_owned + 8.0 * graph->n_ghost +
         (double)sizeof(feed) * (double)graph->row[graph->n_owned] + 3.0 * sizeof(pair) * (double)in_flight;
}

/* ---- one step of one pair ---- */

static bool same_place(ouro_place x, ouro_place y) {
  return x.rank == y.rank && x.lid == y.lid;
}

static bool is_dead(ouro_place x) {
  return x.rank < 0;
}

/* Is this where a walk stays for ever: a root, or a fixed set of real data? */
static bool is_last(const ouro_walks *w, ouro_place x) {
  return x.lid < 0 || w->site[x.lid].terms.size == 0;
}

static double start_of(const ouro_walks *w, ouro_place x) {
  return x.lid < 0 ? w->spread.base / (double)w->site[~x.lid].terms.real : w->site[x.lid].terms.start;
}

/* The first feed of node `lid` with up_to > at. */
static const feed *feed_at(const ouro_walks *w, int32_t lid, ouro_count at) {
  const feed *low = &w->feed[w->site[lid].first];
  ouro_eid n = w->site[lid + 1].first - w->site[lid].first;
  while (n > 1) {
    const ouro_eid half = n / 2;
    const bool beyond = low[half - 1].up_to <= at;
    low += beyond ? half : 0;
    n = beyond ? n - half : half;
  }
  return low;
}

/* One of the n_i samples of a trained node. */
static ouro_count sample_of(const ouro_walks *w, ouro_place x, uint64_t word) {
  return (ouro_count)ouro_random_below(word, (uint64_t)w->site[x.lid].terms.size);
}

/* Where a sample comes from: predecessor j for m_ij of them. The real ones come first. */
static ouro_place source_of(const ouro_walks *w, ouro_place x, ouro_count sample) {
  const ouro_count real = w->site[x.lid].terms.real;
  if (sample < real) return w->fixed ? (ouro_place){x.rank, ~x.lid} : NOWHERE;
  return feed_at(w, x.lid, sample - real)->source;
}

enum { WORD_X, WORD_Y, WORD_TOGETHER, N_WORDS };

static void draw_words(const ouro_walks *w, const pair *p, int64_t t, size_t n, uint64_t *words) {
  const ouro_stream stream = ouro_random_stream(w->seed, (uint64_t)p->number, w->round, OURO_PURPOSE_WALK, p->node, 0);
  ouro_random_words(&stream, (uint64_t)t * OURO_RANDOM_BLOCK, n, words);
}

/* V is `value` from step t on. Sums are exact, so what is taken out is what was put in. */
static void enter(const ouro_walks_task *task, int64_t t, double value, pair *p) {
  if (value == p->value || t > task->horizon) return;
  ouro_sum *sums = &task->changes[2 * ((int64_t)p->slot * task->n_bins + task->bin[t])];
  ouro_sum_add(&sums[0], value);
  ouro_sum_add(&sums[0], -p->value);
  ouro_sum_add(&sums[1], value * value);
  ouro_sum_add(&sums[1], -(p->value * p->value));
  p->value = value;
}

/* For the gains: a walk leaves node `lid`. Feeds are chosen by the high bits of a word, this by the low ones. */
static void leave(const ouro_walks *w, int32_t lid, uint64_t word, pair *p) {
  if (w->gains) ouro_gains_leave(w->gains, &p->trace, lid, word << 32 | word >> 32);
}

/* The pair meets an error at node `lid`; were that node fed, `fed`. */
static void meet(const ouro_walks *w, int32_t lid, double error, double fed, const pair *p) {
  if (w->gains) ouro_gains_meet(w->gains, &p->trace, lid, p->weight * error, p->weight * fed);
}

static double fed_noise(const ouro_walks *w, int32_t lid) {
  return w->gains ? w->gains->fed[lid] : 0;
}

/* Both on one trained node: they meet its noise, and leave it together with probability eta. Where samples of an erring
 * model scatter more or less (curvature v2, section 5), two draws of one and the same sample count 1 + v2: the
 * samples a, b of node i give C'_ii = 1/n^2 [ sum_{a != b} C_k(a)k(b) + sum_a (V* + (1 + v2) C_k(a)k(a)) ]. */
static bool step_met(const ouro_walks *w, const ouro_walks_task *task, int64_t t, pair *p) {
  uint64_t words[N_WORDS];
  const ouro_place at = p->x;
  const ouro_terms *terms = &w->site[at.lid].terms;
  p->sum += p->weight * terms->noise;
  meet(w, at.lid, terms->noise, fed_noise(w, at.lid), p);
  draw_words(w, p, t, N_WORDS, words);
  const bool together = (double)(words[WORD_TOGETHER] >> 11) * 0x1p-53 < terms->eta;
  const ouro_count x = sample_of(w, at, words[WORD_X]), y = together ? x : sample_of(w, at, words[WORD_Y]);
  if (x == y && x >= terms->real) p->weight *= w->same;
  leave(w, at.lid, words[WORD_X], p);
  if (!together) leave(w, at.lid, words[WORD_Y], p);
  p->x = source_of(w, at, x);
  p->y = together ? p->x : source_of(w, at, y);
  p->state = BOTH_STEPPED;
  if (!is_dead(p->x) && !is_dead(p->y) && p->weight != 0) return true;
  enter(task, t + 1, p->sum, p);
  return false;
}

/* Both have just come to this model: what it has published scatters alike for both (section 9). */
static void meet_corpus(const ouro_walks *w, pair *p) {
  if (p->x.lid < 0 || w->site[p->x.lid].corpus == 0) return;
  const double corpus = w->site[p->x.lid].corpus, noise = w->site[p->x.lid].base * corpus;
  p->sum += p->weight * noise;
  meet(w, p->x.lid, noise, noise, p);
  p->weight *= 1 + w->spread.curvature * corpus;
}

/* For the gains: the pair ends where it has met, with the error of generation 0. A root that is fed forgets its own,
 * and only a pair that comes to it in one step meets the noise that it then has. */
static void meet_start(const ouro_walks *w, bool last_step, bool came_together, const pair *p) {
  const double begun = start_of(w, p->x);
  const bool root = p->x.lid >= 0 && is_last(w, p->x);
  const double fed = !root || last_step ? begun : fed_noise(w, p->x.lid);
  meet(w, p->x.lid < 0 ? ~p->x.lid : p->x.lid, begun, root && !came_together ? 0 : fed, p);
}

/* Visit of X's rank at step t. Returns whether the pair goes on. */
static bool visit_x(const ouro_walks *w, const ouro_walks_task *task, int64_t t, pair *p) {
  uint64_t word;
  const bool met = same_place(p->x, p->y), last = is_last(w, p->x), last_step = t == task->horizon;
  const bool came_together = p->state == Y_STEPS || p->state == BOTH_STEPPED;
  if (met && came_together && t > 0) meet_corpus(w, p);
  enter(task, t, met ? p->sum + p->weight * start_of(w, p->x) : p->sum, p);
  if (met && (last || last_step)) meet_start(w, last_step, came_together, p);
  if (last_step || (met && last) || p->weight == 0) return false;
  if (met) return step_met(w, task, t, p);
  p->state = last ? X_STAYS : Y_STEPS;
  if (last) return true;
  draw_words(w, p, t, 1, &word);
  leave(w, p->x.lid, word, p);
  p->x = source_of(w, p->x, sample_of(w, p->x, word));
  return !is_dead(p->x);
}

/* Visit of Y's rank at step t, of a pair that was apart: if X stays for ever, and Y too, they never meet. */
static bool visit_y(const ouro_walks *w, int64_t t, pair *p) {
  uint64_t words[WORD_Y + 1];
  if (p->state == BOTH_STEPPED) return true;
  if (is_last(w, p->y)) {
    const bool goes_on = p->state != X_STAYS;
    p->state = Y_STAYS;
    return goes_on;
  }
  draw_words(w, p, t, WORD_Y + 1, words);
  leave(w, p->y.lid, words[WORD_Y], p);
  p->y = source_of(w, p->y, sample_of(w, p->y, words[WORD_Y]));
  return !is_dead(p->y);
}

/* ---- all pairs ---- */

static void dispatch(ouro_walks *w, const pair *p) {
  if (p->next == w->rank) {
    w->here[w->n_here++] = *p;
  } else {
    w->away[w->n_away++] = *p;
  }
}

/* Bring into cache what pairs after number k will need: first the node, then its feeds. */
static void fetch(const ouro_walks *w, int64_t k, int64_t n, bool at_x) {
  if (k + SITE_AHEAD >= n) return;
  const pair *later = &w->here[k + SITE_AHEAD], *sooner = &w->here[k + FEEDS_AHEAD];
  const int32_t far = at_x ? later->x.lid : later->y.lid, near = at_x ? sooner->x.lid : sooner->y.lid;
  if (far >= 0) __builtin_prefetch(&w->site[far]);
  if (near < 0) return;
  const char *feeds = (const char *)&w->feed[w->site[near].first];
  __builtin_prefetch(feeds);
  __builtin_prefetch(feeds + 64);
}

static void visit_all_x(ouro_walks *w, const ouro_walks_task *task, int64_t t) {
  const int64_t n = w->n_here;
  w->n_here = w->n_away = 0;
  for (int64_t k = 0; k < n; k++) {
    pair p = w->here[k];
    fetch(w, k, n, true);
    if (!visit_x(w, task, t, &p)) continue;
    p.next = p.state == BOTH_STEPPED ? p.x.rank : p.y.rank;
    dispatch(w, &p);
  }
}

static void visit_all_y(ouro_walks *w, int64_t t) {
  const int64_t n = w->n_here;
  w->n_here = w->n_away = 0;
  for (int64_t k = 0; k < n; k++) {
    pair p = w->here[k];
    fetch(w, k, n, false);
    if (!visit_y(w, t, &p)) continue;
    p.next = p.x.rank;
    dispatch(w, &p);
  }
}

/* Pack the pairs that are away by rank. Every rank learns how many come, and how many there are on all ranks. */
static int64_t announce(ouro_walks *w) {
  int64_t n_all = 0;
  memset(w->n_send, 0, (size_t)w->n_ranks * sizeof *w->n_send);
  for (int64_t k = 0; k < w->n_away; k++) w->n_send[w->away[k].next]++;
  for (int r = 0, at = 0; r < w->n_ranks; at += w->n_send[r++]) {
    w->at_send[r] = at;
    w->news[r][0] = w->n_send[r];
    w->news[r][1] = w->n_here + w->n_away;
  }
  for (int64_t k = 0; k < w->n_away; k++) w->packed[w->at_send[w->away[k].next]++] = w->away[k];
  for (int r = 0; r < w->n_ranks; r++) w->at_send[r] -= w->n_send[r];
  MPI_Alltoall(w->news, 2, MPI_INT64_T, w->heard, 2, MPI_INT64_T, w->comm);
  for (int r = 0; r < w->n_ranks; r++) n_all += w->heard[r][1];
  return n_all;
}

/* Move the pairs that are away to where they go. */
static ouro_status trade(ouro_walks *w, int64_t *n_all) {
  int arrived = 0;
  *n_all = w->n_here;
  if (w->n_ranks == 1) return OURO_OK;
  *n_all = announce(w);
  for (int r = 0; r < w->n_ranks; r++) {
    w->at_receive[r] = arrived;
    w->n_receive[r] = (int)w->heard[r][0];
    arrived += w->n_receive[r];
  }
  const int code = MPI_Alltoallv(w->packed, w->n_send, w->at_send, w->type, w->here + w->n_here, w->n_receive,
                                 w->at_receive, w->type, w->comm);
  w->n_here += arrived;
  return ouro_mpi_status(code);
}

/* Pair `number` starts at owned node `at`. */
static void start(ouro_walks *w, ouro_lid at, int32_t slot, int64_t number) {
  const ouro_place here = {w->rank, at};
  w->here[w->n_here++] =
      (pair){.x = here, .y = here, .slot = slot, .node = w->graph->gid[at], .number = number, .weight = 1};
}

/* Pairs number first .. last-1 of the task, counted over its nodes, start: those whose node is owned here. */
static void launch(ouro_walks *w, const ouro_walks_task *task, int64_t first, int64_t last) {
  for (int64_t k = first / task->n; k * task->n < last; k++) {
    const ouro_lid at = ouro_graph_owned(w->graph, task->node[k]);
    const int64_t from = k * task->n > first ? 0 : first - k * task->n;
    const int64_t to = last - k * task->n < task->n ? last - k * task->n : task->n;
    if (at < 0) continue;
    for (int64_t j = from; j < to; j++) start(w, at, task->slot[k], task->first + j);
  }
}

/* The same of a task whose pairs start anywhere, each at a node of its own choice. */
static void launch_anywhere(ouro_walks *w, const ouro_walks_task *task, int64_t first, int64_t last) {
  for (int64_t number = task->first + first; number < task->first + last; number++) {
    uint64_t word;
    const ouro_stream stream =
        ouro_random_stream(w->seed, (uint64_t)number, w->round, OURO_PURPOSE_WALK, OURO_NATURE, 0);
    ouro_random_words(&stream, 0, 1, &word);
    const ouro_lid at = ouro_graph_owned(w->graph, (ouro_gid)ouro_random_below(word, (uint64_t)w->graph->n_nodes));
    if (at >= 0) start(w, at, 0, number);
  }
}

static ouro_status walk(ouro_walks *w, const ouro_walks_task *task) {
  ouro_status status = OURO_OK;
  int64_t n_all = 1;
  for (int64_t t = 0; t <= task->horizon && n_all > 0; t++) {
    visit_all_x(w, task, t);
    if (w->gains) OURO_TRY(ouro_gains_trade(w->gains));
    OURO_AGREE(w->comm, trade(w, &n_all));
    visit_all_y(w, t);
    OURO_AGREE(w->comm, trade(w, &n_all));
  }
cleanup:
  return status;
}

ouro_status ouro_walks_run(ouro_walks *walks, const ouro_walks_task *task) {
  ouro_status status = OURO_OK;
  const int64_t n = task->n * (task->node ? task->n_nodes : 1);
  walks->round = task->round;
  walks->gains = task->gains;
  for (int64_t first = 0; first < n; first += walks->in_flight) {
    walks->n_here = 0;
    (task->node ? launch : launch_anywhere)(walks, task, first,
                                            n - first < walks->in_flight ? n : first + walks->in_flight);
    OURO_TRY(walk(walks, task));
  }
cleanup:
  return status;
}
