#ifndef OURO_CONFIG_CONFIG_H
#define OURO_CONFIG_CONFIG_H

/* The experiment file: schema, defaults, overrides. Knows keys, types and ranges, not what they mean. */

#include "ouro/base/status.h"

typedef enum ouro_roots { OURO_ROOTS_FROZEN, OURO_ROOTS_REAL, OURO_ROOTS_SELF, OURO_ROOTS_ERROR } ouro_roots;

typedef enum ouro_graph_kind {
  OURO_GRAPH_COMPLETE,
  OURO_GRAPH_RING,
  OURO_GRAPH_PATH,
  OURO_GRAPH_STAR,
  OURO_GRAPH_K_IN, /* "k-in-regular" */
  OURO_GRAPH_GNM,  /* "gnm": G(n, m) */
  OURO_GRAPH_RMAT, /* "rmat" */
  OURO_GRAPH_TREE,
  OURO_GRAPH_GNP,         /* "gnp": G(n, p) */
  OURO_GRAPH_ATTACH,      /* "barabasi-albert" */
  OURO_GRAPH_SMALL_WORLD, /* "small-world" */
  OURO_GRAPH_BLOCKS,      /* "blocks": planted partition */
  OURO_GRAPH_LAYERED
} ouro_graph_kind;

typedef enum ouro_real_kind { OURO_REAL_FRESH, OURO_REAL_FIXED, OURO_REAL_INITIAL } ouro_real_kind;
typedef enum ouro_covariates { OURO_COVARIATES_ISOTROPIC, OURO_COVARIATES_AR1, OURO_COVARIATES_POWER } ouro_covariates;
typedef enum ouro_variance { OURO_VARIANCE_ML, OURO_VARIANCE_UNBIASED } ouro_variance;
typedef enum ouro_regime {
  OURO_REGIME_REPLACE,
  OURO_REGIME_ACCUMULATE,
  OURO_REGIME_FORGET,
  OURO_REGIME_SUBSAMPLE
} ouro_regime;
typedef enum ouro_draw { OURO_DRAW_PRIVATE, OURO_DRAW_PUBLISHED } ouro_draw;
typedef enum ouro_sampling { OURO_SAMPLING_ROWS, OURO_SAMPLING_STATISTICS, OURO_SAMPLING_LIMIT } ouro_sampling;
typedef enum ouro_exact { OURO_EXACT_AUTO, OURO_EXACT_ALWAYS, OURO_EXACT_NONE } ouro_exact;
typedef enum ouro_method { OURO_METHOD_METIS, OURO_METHOD_BLOCK, OURO_METHOD_PTSCOTCH, OURO_METHOD_HASH } ouro_method;
typedef enum ouro_objective { OURO_OBJECTIVE_AUTO, OURO_OBJECTIVE_CUT, OURO_OBJECTIVE_VOLUME } ouro_objective;
typedef enum ouro_carry { OURO_CARRY_DATA, OURO_CARRY_PARAMETERS } ouro_carry;
typedef enum ouro_exists { OURO_EXISTS_REPLACE, OURO_EXISTS_ERROR } ouro_exists;

/* graph.generate: which generator, and its arguments; those a kind does not use must be absent. */
typedef struct ouro_config_generate {
  ouro_graph_kind kind;
  ouro_gid nodes;  /* all kinds but rmat */
  int64_t degree;  /* k-in-regular, barabasi-albert, small-world, layered: feeds a node; rmat: on average */
  ouro_eid feeds;  /* gnm: m */
  int scale;       /* rmat: 2^scale nodes */
  int64_t arity;   /* tree: nodes that a node feeds */
  int64_t blocks;  /* blocks: node i is in block i mod blocks */
  int64_t layers;  /* layered: of consecutive ids */
  double p;        /* gnp: probability of a feed; small-world: of rewiring it */
  double p_in;     /* blocks: probability of a feed from a node of the same block .. */
  double p_out;    /* .. and from one of another */
  bool self_loops; /* complete: also i -> i; default false */
  uint64_t seed;   /* default 1 */
} ouro_config_generate;

typedef struct ouro_config_graph {
  char *file;                     /* NULL if generated; as found on disk (see ouro_config_load) */
  ouro_config_generate *generate; /* NULL if read */
  char *columns;                  /* "source target samples", "-" skips one; NULL: by header or exactly two */
  bool flip;                      /* reverse every feed */
  ouro_count samples;             /* of feeds without a samples column; default 100 */
  ouro_gid nodes;                 /* of a file: declares ids 0..nodes-1; 0: only what the file names */
  ouro_roots roots;               /* default frozen */
} ouro_config_graph;

typedef struct ouro_config_real {
  char *nodes;        /* "all", "none" (default) or a node file (README), as found on disk */
  double fraction;    /* each node with this probability, by its id and the seed; 0: not used */
  ouro_count samples; /* default graph.samples */
  ouro_real_kind kind;
  double weight; /* of real data in the training of a model that has synthetic data, too; 0 (default): as their share */
} ouro_config_real;

/* Which of these a family takes, it says itself (ouro_family_methods); the others must not be given. */
typedef struct ouro_config_model {
  char *family;               /* default "linear" */
  int dimension;              /* p or d; default 10 */
  double noise;               /* sigma; default 1 */
  ouro_covariates covariates; /* law of x: covariates of a regression, samples of a gaussian; default isotropic */
  double correlation;         /* ar1 alone: rho in (-1, 1); default 0.5 */
  double exponent;            /* power: eigenvalues k^-exponent; zipf: p_k ~ k^-exponent; 0 .. 20; default 1 */
  double ridge;               /* penalty a training sample, >= 0; default 0 */
  double mean;                /* mu* of poisson, bernoulli and exponential; default 0.5 */
  ouro_variance variance;     /* how a gaussian is fitted; default ml */
  int categories;             /* k of uniform and zipf; default 10 */
  char *probabilities;        /* "uniform" (default), "zipf", or a file with a number an outcome, as found on disk */
  double threshold;           /* of huber: residuals beyond it pull no more than it, > 0; default 1.345 */
  char *bandwidth;            /* of a kernel density estimate: "scott" (default), "silverman" or a number >= 0 */
  ouro_count points;          /* most samples that a kernel density estimate keeps; default 1000 */
  int components;             /* of a mixture; default 3 */
  double separation;          /* of its true means, neighbour from neighbour, in units of noise; default 4 */
  double smoothing;           /* added to each count of a categorical distribution, >= 0; default 0 */
  double temperature;         /* at which models are drawn from, >= 0; 0: their mode; default 1 */
  int top_k;                  /* outcomes that are drawn, the most probable ones; 0 (default): all */
  double top_p;               /* what those drawn sum to, or the mass of an ellipsoid, 0 .. 1; default 1 */
} ouro_config_model;

typedef struct ouro_config_learning {
  int64_t generations; /* default 100 */
  ouro_count initial;  /* real samples of generation 0; default 100 */
  ouro_regime regime;  /* replace: a fit sees new samples alone; accumulate: all samples ever; subsample: as many of all
                        * samples ever as are new, drawn without replacement */
  double forget;       /* regime forget alone: what old samples still count, in [0, 1]; default 0.5 */
  double growth;       /* s >= 0: generation g draws (g + 1)^s times the samples; default 0 */
  ouro_draw draw;
  ouro_sampling sampling; /* what a feed is: its samples (rows), the statistic of them drawn from its law, or the limit
                           * of many samples, in which a fit is the weighted mean of its sources and a normal vector */
  int64_t memory;         /* bytes a rank may take for samples that are kept; default 1 GiB */
  int64_t replicates;     /* default 1 */
  uint64_t seed;          /* default 1 */
} ouro_config_learning;

typedef struct ouro_config_theory {
  ouro_exact exact;   /* default auto */
  bool plateau;       /* where errors end; default true */
  bool rates;         /* how fast they grow; default true */
  bool spectrum;      /* eigenvalues of P, the independent check of the verdict; default false */
  int64_t modes;      /* leading modes of the stationary covariance; default 0 */
  char *dual;         /* nodes to predict by walks: "none" (default), how many, or a file with a node a line */
  double dual_error;  /* walk until the relative standard error is this; default 0.02 */
  int64_t dual_walks; /* but at most so many pairs a node; default 2^20 */
} ouro_config_theory;

typedef struct ouro_config_partition {
  ouro_method method;
  ouro_objective objective;
  double imbalance; /* >= 1.001; default 1.03 */
  int seed;         /* default 1 */
  char *file;       /* a partition made before, instead of a method; NULL: none */
} ouro_config_partition;

typedef struct ouro_config_exchange {
  ouro_carry carry; /* default data; parameters where sampling is limit */
  int64_t buffer;   /* bytes a rank; written "64 MiB" (also B, KiB, GiB, kB, MB, GB); default 64 MiB */
} ouro_config_exchange;

/* Replicates that stay together in one group of ranks, and whose moments are taken together. */
#define OURO_REPLICATE_BLOCK 8

/** Blocks of so many replicates, the last one perhaps not whole.
 *  Not collective. */
static inline int64_t ouro_replicate_blocks(int64_t replicates) {
  return (replicates + OURO_REPLICATE_BLOCK - 1) / OURO_REPLICATE_BLOCK;
}

/* Groups of ranks that each hold the whole graph and share the replicates. */
typedef struct ouro_config_parallel {
  char *groups;     /* "auto" (default), or how many */
  int64_t n_groups; /* no key: how many `auto` is, set by who chooses; 0: nobody has */
} ouro_config_parallel;

typedef struct ouro_config_output {
  char *file;         /* default <experiment>.h5 in the working directory; %j, %a = Slurm's job id and array
                       * index, nothing outside a job; %% = a percent sign */
  int64_t every;      /* store every n-th generation (0 and the last always); default 1 */
  int64_t deflate;    /* level of compression of the tables, 0 (default: none) .. 9 */
  ouro_exists exists; /* default replace */
  bool parameters;    /* store /final/parameters; default false */
  char *measures;     /* of the family, to be stored beside the error: "none" (default), "all", or names */
  double threshold;   /* of the error, whose first passage is stored; 0 (default): none */
} ouro_config_output;

typedef struct ouro_config {
  ouro_config_graph graph;
  ouro_config_real real;
  ouro_config_model model;
  ouro_config_learning learning;
  ouro_config_theory theory;
  ouro_config_partition partition;
  ouro_config_exchange exchange;
  ouro_config_parallel parallel;
  ouro_config_output output;
  char *places; /* where each given key stands; see ouro_config_given() */
} ouro_config;

/** Read an experiment file, apply overrides and defaults, check every range.
 *  Collective on comm: rank 0 reads the file, all ranks parse the same text.
 *  [in]  path        experiment file; an input file it names is looked for beside it, then in the
 *                    working directory; "all" and "none" are not file names
 *  [in]  overrides   [n_overrides] "section.key=value" (also "graph.generate.kind=ring"), applied in order
 *  [out] config      to be released with ouro_config_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ECONFIG (message "file:line: key: ..."; an unknown
 *  key or word is answered with the nearest known one), OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_config_load(MPI_Comm comm, const char *path, const char *const *overrides, int n_overrides,
                             ouro_config **config);

/** A configuration of defaults and overrides alone, for commands that take a graph and no experiment.
 *  Collective on comm.
 *  [out] config to be released with ouro_config_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ECONFIG, OURO_ENOMEM. */
ouro_status ouro_config_default(MPI_Comm comm, const char *const *overrides, int n_overrides, ouro_config **config);

/** The configuration in force as YAML text, with every default; loading it again from the same working
 *  directory gives the same one. Names of input files are written as they were found.
 *  Not collective.
 *  [in]  model_keys keys of the section `model` that are in use beside `family`, each between blanks; NULL: all
 *  [out] text       to be released with free(); NULL on error
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_config_save(const ouro_config *config, const char *model_keys, char **text);

/** Key number i of a section of the experiment file, or NULL beyond the last.
 *  Not collective. */
const char *ouro_config_key(const char *section, int i);

/** Was a key given, in the experiment file or by an override?
 *  Not collective.
 *  [in] path "section.key" */
bool ouro_config_given(const ouro_config *config, const char *path);

/** Record an error about a key, with the place where it was given: "file:line: section.key: ...".
 *  Not collective.
 *  Returns OURO_ECONFIG. */
ouro_status ouro_config_refuse(const ouro_config *config, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** What the samples of a generation still count in the next, THEORY.md section 8: 0 in the replace regime, 1 where
 *  samples are accumulated, whether a fit sees all of them or a subsample.
 *  Not collective. */
static inline double ouro_config_forget(const ouro_config *config) {
  const ouro_config_learning *how = &config->learning;
  return how->regime == OURO_REGIME_REPLACE ? 0 : how->regime == OURO_REGIME_FORGET ? how->forget : 1;
}

/** Groups of ranks in force: those of parallel.groups, or those chosen where it is `auto`; 1 where nobody has chosen.
 *  Not collective. */
int64_t ouro_config_groups(const ouro_config *config);

/** Release a configuration and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_config_destroy(ouro_config **config);

/** The one of n words that is nearest to a mistyped word (edit distance), or NULL if none is near.
 *  Not collective. */
const char *ouro_config_nearest(const char *word, const char *const *words, int n);

#endif
