#ifndef OURO_SRC_LEARN_PRIVATE_H
#define OURO_SRC_LEARN_PRIVATE_H

/* The state of a run, and the steps of a generation. */

#include "learn/moments.h"
#include "ouro/graph/schedule.h"
#include "ouro/learn/learn.h"

/* Models being fitted together and the samples that still have to be drawn for them. */
typedef struct learn_batch {
  ouro_lid capacity, n; /* models */
  ouro_lid *node;       /* [capacity] */
  int32_t *replicate;   /* [capacity] */
  ouro_count *size;     /* [capacity] training-set size */
  double **sample;      /* [capacity] where new samples go: the statistic, or the samples kept */
  double *scale;        /* [capacity] what a statistic is multiplied by once it is complete */
  size_t stride;        /* numbers from one statistic to the next */
  double *statistic;    /* [capacity][stride] */
  double *theta;        /* [capacity][n_parameters] */
  ouro_lid n_slices;
  ouro_slice *slices; /* [LEARN_SLICES] to be drawn and added .. */
  double **into;      /* [LEARN_SLICES] .. to these statistics, in order */
  ouro_count rows;    /* of the pending slices */
} learn_batch;

#define LEARN_SLICES 256

/* Samples that are kept, as such: keep.c. */
typedef struct learn_keep {
  bool rows;          /* are they? */
  bool subsample;     /* a fit sees as many of them as are new; else all */
  int64_t span;       /* generations whose samples a fit may see, the present one included */
  ouro_family gather; /* the family whose statistics samples are added to: of samples that are kept, samples */
  double *sample;     /* samples of all owned models .. */
  size_t *at;         /* .. [n_owned + 1] of which those of a node begin here, one replicate after the other */
  double *drawn;      /* [chunk][row_width] */
  uint64_t *word;     /* random words of a subsample */
  uint64_t *chosen;   /* a bit for each sample of a model */
  double *weight;     /* of the samples of a fit; NULL where all are 1 */
} learn_keep;

/* Statistics that are drawn whole, and those that arrive, until they are added: whole.c. */
typedef struct learn_whole {
  bool on;                              /* is learning.sampling statistics? */
  ouro_lid most, n, n_drawn, n_arrived; /* n = n_drawn + n_arrived are pending */
  ouro_slice *slices;                   /* [most] to be drawn .. */
  double *drawn;                        /* [most][statistic_width] .. into these */
  double *arrived;                      /* [most][statistic_width] copies of those that came from other ranks */
  const double **from;                  /* [most] drawn or arrived, in the order of the calls, to be added .. */
  double **into;                        /* [most] .. to these */
  ouro_slice *sent;                     /* [OURO_EXCHANGE_ITEMS] being drawn for other ranks */
} learn_whole;

/* Models in the limit of many samples: limit.c. */
typedef struct learn_limit {
  bool on;           /* is learning.sampling limit? */
  ouro_lid tile;     /* models whose normal vectors are drawn together: */
  ouro_lid *node;    /* [tile] */
  double *sd;        /* [tile] of the chance of a fit, in units of J^1/2: of what is drawn for it .. */
  double *fixed_sd;  /* [tile] .. and of its fixed real data */
  double *z;         /* [tile][replicate][n_parameters] */
  size_t n_normals;  /* */
  double *normal;    /* [n_normals] of a stream */
  double *published; /* [n_local][replicate][n_parameters] means of the corpora; NULL where draws are private */
} learn_limit;

typedef struct learn_run {
  const ouro_config *config;
  const ouro_family *family;
  const ouro_learn_group *group;  /* */
  const ouro_graph *whole;        /* the graph of the group, as it is in no generation */
  ouro_schedule *schedule;        /* */
  const ouro_graph *graph;        /* of the generation being made: schedule->now */
  int64_t generation;             /* the one being made */
  int64_t first;                  /* replicate number k here is number first + k of the run, .. */
  int64_t replicates;             /* .. of which this group of ranks has so many */
  ouro_lid n_owned, n_local;      /* n_local: with the ghosts whose parameters are carried */
  ouro_count *size;               /* [n_owned] training-set size in this generation; 0: not retrained */
  ouro_lid n_trained, n_interior; /* */
  ouro_lid *trained;              /* [n_trained] interior nodes (no ghost among their sources) first */
  double *theta, *next;           /* [n_local][replicate][n_parameters] last generation, the one being made */
  double forget;                  /* what old samples still count; 0: nothing, and nothing is kept */
  double *kept;                   /* [n_owned][replicate][statistic_width] statistics of the samples kept, or NULL */
  double *effective;              /* [n_owned] Neff_i: how many they count as, THEORY.md section 8 */
  learn_keep keep;                /* */
  learn_batch batch;              /* */
  learn_whole statistics;         /* */
  learn_limit limit;              /* */
  ouro_count chunk;               /* rows drawn or reduced between two looks at the messages .. */
  ouro_count worked;              /* .. and those since the last look */
  bool carries_parameters;        /* */
  ouro_exchange_plan *plan;       /* NULL where parameters are carried */
  ouro_halo_courier *courier;     /* of parameters, where they are */
  ouro_exchange_flight *flight;   /* NULL between exchanges */
  int64_t bytes_sent;             /* */
  bool starved;                   /* the exchange had fewer items than the graph */
  int64_t replicate;              /* published: whose corpora the slots hold; -1: nobody's */
  ouro_count *corpus;             /* [n_owned + n_ghost] published: M_j where consumed on this rank, else 0 */
  ouro_count *reduced;            /* [n_owned + n_ghost] published: rows of the corpus in its slot */
  double *slot;                   /* published: statistics of the corpora .. */
  size_t *slot_at;                /* .. [n_owned + n_ghost + 1] which begin here */
  ouro_learn_stalls stalls;       /* */
  ouro_gid failed_node;           /* the first model that could not be fitted, INT64_MAX if none: .. */
  int64_t failed_replicate;       /* .. smallest node, then smallest replicate of the run */
  learn_moments moments;          /* */
  double *error, *error_sd;       /* [group->whole->n_owned] */
  double *sample;                 /* [LEARN_SAMPLE or more] */
} learn_run;

#define LEARN_SAMPLE 4096

/** Set up and release the batch of a run. A zeroed batch may be cleared.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_learn_batch_create(learn_run *run);
void ouro_learn_batch_clear(learn_batch *batch);

/** Begin a model: its empty statistic, to which samples are added until the batch is flushed.
 *  Not collective. */
double *ouro_learn_batch_model(learn_run *run, ouro_lid node, int32_t replicate, ouro_count size);

/** The stream of a replicate of this group, which is that of its number in the run.
 *  Not collective. */
ouro_stream ouro_learn_stream(const learn_run *run, int64_t replicate, int64_t generation, ouro_purpose purpose,
                              ouro_gid source, ouro_gid target);

/** Have rows first .. total-1 of a feed, corpus or real data set drawn and added to a statistic.
 *  Not collective.
 *  [in] theta, noise, statistic kept by reference until the next ouro_learn_batch_absorb(); noise as in ouro_slice */
void ouro_learn_batch_draw(learn_run *run, const ouro_stream *stream, const double *theta, const double *noise,
                           ouro_count first, ouro_count total, double *statistic);

/** Have the statistic that another rank has drawn added to a statistic, in the order of these calls and of those of
 *  ouro_learn_batch_draw().
 *  Not collective.
 *  [in] drawn copied */
void ouro_learn_whole_arrive(learn_run *run, const double *drawn, double *statistic);

/** Multiply the statistic of the last model begun, as it is now, by `now`, and once it is complete by `then`.
 *  Not collective. */
void ouro_learn_batch_scale(learn_run *run, double now, double then);

/** Draw what is pending.
 *  Not collective. */
void ouro_learn_batch_absorb(learn_run *run);

/** Count rows drawn or reduced, and look at the messages now and then.
 *  Not collective. */
void ouro_learn_batch_worked(learn_run *run, ouro_count rows);

/** Draw what is pending, fit all models of the batch and store them in run->next.
 *  Not collective. */
void ouro_learn_batch_flush(learn_run *run);

/** The same for whole statistics: set up, release, have one drawn, draw and add what is pending.
 *  Not collective. */
ouro_status ouro_learn_whole_create(learn_run *run);
void ouro_learn_whole_clear(learn_whole *whole);
void ouro_learn_whole_draw(learn_run *run, const ouro_slice *slice, double *statistic);
void ouro_learn_whole_absorb(learn_run *run);

/** What follows from the counts of a generation: set up for the first after generation 0, go to run->generation,
 *  release. A zeroed run may be cleared.
 *  Collective on the graph's communicator, but for the release.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT (exchange.buffer, whatever the generation
 *  that it is too small for), OURO_EMPI. */
ouro_status ouro_learn_counts_create(learn_run *run);
ouro_status ouro_learn_counts_move(learn_run *run);
void ouro_learn_counts_clear(learn_run *run);

/** Set up and release what a run keeps as samples. A zeroed one may be cleared.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_learn_keep_create(learn_run *run);
void ouro_learn_keep_clear(learn_keep *keep);

/** Bytes of the samples that the owned models of one replicate keep; 0 where they keep none.
 *  Not collective. */
double ouro_learn_keep_bytes(const ouro_config *config, const ouro_family *family, const ouro_graph *graph);

/** The most samples that any fit of an owned node sees.
 *  Not collective. */
ouro_count ouro_learn_most_fitted(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                  ouro_lid owned);

/** Does a fit see samples that are kept beyond its generation: all of them, at once?
 *  Not collective. */
bool ouro_learn_keeps_whole(const ouro_config *config, const ouro_family *family);

/** The samples kept of a model, those that count no more dropped; new ones are to be added.
 *  Not collective. */
double *ouro_learn_keep_open(learn_run *run, ouro_lid node, int32_t replicate);

/** Draw the samples of slices and add them to samples.
 *  Not collective. */
void ouro_learn_keep_absorb(learn_run *run, ouro_lid n, const ouro_slice *slices, double *const *samples);

/** Draw without replacement what the fit of a model sees.
 *  Not collective.
 *  [in]  sample    the samples kept, new ones included
 *  [in]  size      how many to draw
 *  [out] statistic of the samples drawn */
void ouro_learn_keep_draw(learn_run *run, ouro_lid node, int32_t replicate, const double *sample, ouro_count size,
                          double *statistic);

/** Weights of the samples that the fit of a node sees in this generation, oldest first; NULL where all are 1.
 *  Not collective.
 *  Returns an array valid until the next call. */
const double *ouro_learn_keep_weights(learn_run *run, ouro_lid node);

/** Note a model that breaks down, which ends the run.
 *  Not collective. */
void ouro_learn_failed(learn_run *run, ouro_lid node, int64_t replicate);

/** The noise that a model's samples have of their own, as in ouro_slice.
 *  Not collective. */
const double *ouro_learn_noise(const learn_run *run, ouro_lid node);

/** Set up and release the limit tier, make generation 0, make generation run->generation: as those below.
 *  Not collective. */
ouro_status ouro_learn_limit_create(learn_run *run);
void ouro_learn_limit_clear(learn_limit *limit);
void ouro_learn_limit_initial(learn_run *run);
void ouro_learn_limit_generation(learn_run *run);

/** Make generation 0: every model fitted to real samples of its own, into run->next.
 *  Not collective. */
void ouro_learn_initial(learn_run *run);

/** Make generation run->generation from run->theta, into run->next.
 *  Collective on the graph's communicator.
 *  [inout] timers may be NULL
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI, OURO_EINTERNAL. */
ouro_status ouro_learn_generation(learn_run *run, ouro_timers *timers);

/** Errors of run->theta, for run->moments.
 *  Not collective. */
void ouro_learn_measure(learn_run *run);

/** Parameters of all replicates, [replicate][node][p], of the nodes that this rank reports.
 *  Collective on the communicator of the graph as given.
 *  [out] parameters to be released with free(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_learn_report_parameters(const learn_run *run, double **parameters);

/** Have run->stalls say of the nodes that this rank reports what all groups know.
 *  Collective on the communicator of the graph as given.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_learn_report_stalls(learn_run *run);

/** Real samples of an owned node, graph being that of a generation after the first.
 *  Not collective. */
ouro_count ouro_learn_real_size(const ouro_config *config, const ouro_graph *graph, ouro_lid owned);

/** Samples of the largest training set of an owned node of the whole graph, generation 0 included; INT64_MAX if they
 *  cannot be counted.
 *  Not collective. */
ouro_count ouro_learn_largest_size(const ouro_config *config, const ouro_graph *graph, ouro_lid owned);

#endif
