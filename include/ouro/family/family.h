#ifndef OURO_FAMILY_FAMILY_H
#define OURO_FAMILY_FAMILY_H

/* One model family: draw samples from a model, fit a model to samples, measure its error, and the constants
 * of its theory. A family sees arrays, no graph and no MPI. A family is one file in src/family/, one row of
 * the registry in family.c and one test file.
 *
 * To add one, write src/family/<name>.c with its ouro_family_methods, declared in family/private.h and named in the
 * registry. create() checks what the configuration says (ouro_config_refuse() names the place), and fills in the sizes,
 * law and spread of struct ouro_family and the truth; destroy() releases constants, also those of a create() that
 * failed. draw() uses numbers of the slice's stream alone, for which family/samples.h has the layout that most need. A
 * model that has lost something for good is a model: fit() fails only where nothing could be drawn from the result.
 * What there is to know of a model beside its error are measures: a list that ends with one without a name. A key of
 * the family is a member of ouro_config_model and a row of config/schema.c. What is promised here of every family is
 * tested by tests/family/test_contract.c, whose list has a row for each. A family that lives elsewhere is added with
 * ouro_family_register(): tests/cli/test_own_family.c has a whole one.
 *
 * A family is additive if its fit needs only sums over the samples: then a statistic is statistic_width sums, and
 * reduce() and fit() are its methods. Of any other family the statistic is the sample itself: the number of rows, then
 * the rows in blocks that are all OURO_ROW_BLOCK long, the last filled up with zeros. Its method is fit_rows(). A model
 * whose fit does not exist (separated classes, a singular design) is no error: see learn.h.
 *
 * Rows (samples) come in blocks of OURO_ROW_BLOCK; within a block of b rows the layout is column-major,
 * [row_width][b], so that loops over rows vectorise; the last block of a feed may be shorter. Row r of a feed
 * depends on (stream, theta, total) only, never on how the feed is sliced. Slices start at multiples of
 * OURO_ROW_BLOCK. Reducing the slices of a feed in ascending order gives the same bits as any other slicing. */

#include "ouro/base/random.h"
#include "ouro/base/status.h"
#include "ouro/config/config.h"

#define OURO_ROW_BLOCK 64

typedef struct ouro_family ouro_family;

/* A slice of the samples of one feed, corpus or real data set. */
typedef struct ouro_slice {
  ouro_stream stream;
  const double *theta; /* [n_parameters] the model drawn from; family->truth itself, not a copy: nature */
  ouro_count first, n; /* rows first .. first+n-1; first a multiple of OURO_ROW_BLOCK */
  ouro_count total;    /* rows of the whole feed */
  const double *noise; /* of families that take one a model: sigma of these samples; NULL: model.noise */
} ouro_slice;

/* What theory knows of the fits of a family. */
typedef enum ouro_law {
  OURO_LAW_NONE,        /* no formula */
  OURO_LAW_FIRST_ORDER, /* THEORY.md section 4: as means of constant spread, to first order in 1/n */
  OURO_LAW_REGRESSION,  /* section 3: exact for private draws of fresh real data, else to first order */
  OURO_LAW_MEANS        /* section 5: exact, whatever the draws and the real data */
} ouro_law;

/* How a model's own variance is fitted. */
typedef enum ouro_fitted { OURO_FITTED_NONE, OURO_FITTED_UNBIASED, OURO_FITTED_ML } ouro_fitted;

/* Expected variance of a sample drawn from model k, in the units of error: base + drift + slope b_k + curvature C_kk,
 * with b_k the expected error of the model (signed) and C_kk its second moment. A real sample has the base variance.
 * fitted: the model has a variance of its own, which the recursion carries along, and its samples `drawn` times that
 * (Gaussian, section 5), or what the method of that name says.
 * drift: b_k is what a model's kept samples have drifted apart instead, by so much each time they are drawn from: their
 * second moment about the truth less that of real ones (kernel density, R18). */
typedef struct ouro_spread {
  double base, slope, curvature, drift;
  ouro_fitted fitted;
  double drawn;
} ouro_spread;

/* Something that a family says of its models beside their error. A value that does not exist is infinite or NaN, as the
 * description says (the logarithm of 0). Its name is that of tables of the run file. */
typedef struct ouro_measure {
  const char *name;        /* "kl"; of letters, digits and _ */
  const char *units;       /* "1" for a pure number; what is measured in nats is one */
  const char *description; /* "Kullback-Leibler divergence of the truth to the model; inf where ..." */
  void (*compute)(const ouro_family *family, ouro_lid n, const double *theta, double *values); /* [n][p] to [n] */
} ouro_measure;

/* Samples of the truth on which a likelihood without a closed form is measured, the same for all models. */
#define OURO_HELD_OUT 512

/* Most measures of a family, `error` among them. */
#define OURO_MEASURES_MOST 12

/* What a family can do and how it is called; filled in by its file. Arrays are [n][...] without gaps. noise and eta may
 * be NULL: those of a mean, base / n and 0. absorb may be NULL: rows are drawn and reduced a block at a time; a family
 * that has to prepare for a model does it once a slice there, and gets the same bits. draw_statistics may be NULL: the
 * statistic of so many samples is had from samples alone; where it is not, it is drawn in a time that does not depend
 * on their number (THEORY.md section 11). scatter may be NULL: nothing is known of large samples; where it is not, it
 * turns n vectors z of p standard normal numbers into ones whose covariance is that of a fit to one sample, J: a fit to
 * m samples of model theta is theta + m^-1/2 J^1/2 z for large m. */
typedef struct ouro_family_methods {
  const char *name;
  ouro_status (*create)(const ouro_config *config, ouro_family *family);
  void (*destroy)(ouro_family *family);
  void (*draw)(const ouro_family *family, const ouro_slice *slice, double *rows);
  void (*reduce)(const ouro_family *family, const double *rows, ouro_count n, double *statistic);
  ouro_lid (*fit)(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics, double *theta);
  bool (*fit_rows)(const ouro_family *family, ouro_count n, const double *rows, const double *weights,
                   double *theta); /* not additive; weights [n] > 0, or NULL: all 1 */
  void (*error)(const ouro_family *family, ouro_lid n, const double *theta, double *error);
  double (*noise)(const ouro_family *family, ouro_count n);
  double (*eta)(const ouro_family *family, ouro_count n);
  double (*drawn)(const ouro_family *family, ouro_count n); /* NULL: what the spread says */
  void (*absorb)(const ouro_family *family, const ouro_slice *slice, double *statistic);
  void (*draw_statistics)(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *statistics);
  void (*scatter)(const ouro_family *family, ouro_lid n, double *z);
  const char *keys;        /* of the section `model` beside `family`, each between blanks: " dimension noise " */
  const char *measure;     /* what error is, as printed: "excess risk / p" */
  const char *error_units; /* "response^2" */
  const char *parameter_units;
  const char *unfitted; /* what is wrong where there is no fit, as printed: "classes were separated"; NULL: no words */
  const ouro_measure *measures; /* beside error, up to one without a name; NULL: none */
  bool holds_out;               /* do they need held-out samples? */
  bool takes_noise;             /* draw() heeds the noise of a slice; base of the spread is its square */
} ouro_family_methods;

struct ouro_family {
  const ouro_family_methods
      *methods; /* those registered; in the limit tier `limit`, which differ in what theory asks */
  ouro_family_methods limit;
  int n_parameters;         /* p */
  int row_width;            /* doubles a sample */
  int statistic_width;      /* doubles a statistic; 0 if not additive */
  bool additive;            /* the fit needs only the sum of the statistics */
  ouro_count least_samples; /* fewest samples for a fit, or for a finite expected error: p + 2 */
  ouro_count most_samples;  /* most samples that a fit can take; 0: any number */
  ouro_count eta_samples;   /* fewest samples for which eta <= 1: 2p + 1 of a regression; 0 */
  ouro_law law;             /* of the second moments of errors */
  ouro_spread spread;       /* of a sample; to first order the noise of a fit is base / n */
  double *truth;            /* [n_parameters] theta* */
  double *block;            /* [OURO_ROW_BLOCK][row_width] scratch of absorb and of measures */
  double *held_out;         /* [OURO_HELD_OUT][row_width] in row blocks, by the seed alone; NULL if not needed */
  const char *rows_only;    /* "model.key" whose value leaves the statistic of samples without a law; NULL: none does */
  void *constants;          /* the family's own */
  size_t scratch;           /* numbers that measures need of block, where they are more; 0 */
};

/** Is a slice one of real samples, drawn from nature? What makes the draws from models differ from those from nature,
 *  such as a temperature, is left out then.
 *  Not collective. */
static inline bool ouro_slice_is_real(const ouro_family *family, const ouro_slice *slice) {
  return slice->theta == family->truth;
}

/** Family number i of those that are known, or NULL beyond the last.
 *  Not collective. */
const ouro_family_methods *ouro_family_at(int i);

/** Add a family to those that are known; tests and programs of one's own (ouro/cli/command.h) do, before anything else.
 *  Not collective; every rank adds the same. Not safe for threads.
 *  [in] methods must outlive all use of the library
 *  Returns OURO_OK, OURO_EUSAGE (its name is taken, a method or word that every family has is missing), OURO_ELIMIT. */
ouro_status ouro_family_register(const ouro_family_methods *methods);

/** Make the family that a configuration names.
 *  Not collective; every rank gets the same from the same configuration.
 *  [out] family to be released with ouro_family_destroy(); NULL on error
 *  Where learning.sampling is limit, theory sees the law of that tier: means of constant spread, fitted to one sample
 * or more, exact. Returns OURO_OK, OURO_ECONFIG (unknown name, answered with the nearest; learning.sampling that the
 * family, or what its keys say, does not have), OURO_ENOMEM. */
ouro_status ouro_family_create(const ouro_config *config, ouro_family **family);

/** Release a family and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_family_destroy(ouro_family **family);

/** Draw the samples of a slice.
 *  Not collective.
 *  [out] rows [slice->n * row_width], in row blocks as described above */
void ouro_family_draw(const ouro_family *family, const ouro_slice *slice, double *rows);

/** Draw the statistics of the samples of n whole slices from their law, without the samples.
 *  Not collective.
 *  [in]  family     one that has the method
 *  [in]  slices     [n] all of a feed, corpus or real data set each: first = 0, n = total
 *  [out] statistics [n][statistic_width]; each depends on its slice alone */
void ouro_family_draw_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *statistics);

/** Numbers that a statistic of so many samples has; SIZE_MAX if they cannot be counted.
 *  Not collective. */
size_t ouro_family_statistic_size(const ouro_family *family, ouro_count samples);

/** Add rows to a statistic, at first all zeros.
 *  Not collective.
 *  [in]    rows      n rows in row blocks
 *  [inout] statistic [ouro_family_statistic_size() of all that is ever added] */
void ouro_family_reduce(const ouro_family *family, const double *rows, ouro_count n, double *statistic);

/** Add the samples of another statistic to a statistic.
 *  Not collective. */
void ouro_family_merge(const ouro_family *family, const double *other, double *statistic);

/** Draw the samples of n slices and add each to its statistic, without keeping the rows: the same bits as
 *  draw and reduce, a row block at a time, so that the samples stay in cache.
 *  Not collective.
 *  [in]    slices     [n]
 *  [inout] statistics [n] pointers to statistics; several may be the same one, added to in order */
void ouro_family_absorb(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *const *statistics);

/** Fit n models from their statistics.
 *  Not collective.
 *  [in]    sizes      [n] training-set sizes
 *  [inout] statistics one after the other, each of ouro_family_statistic_size(its size); destroyed
 *  [out]   theta      [n][n_parameters]
 *  Returns n, or the index of the first model that has no fit; its parameters and the rest are then undefined, and the
 *  statistics of the rest untouched. */
ouro_lid ouro_family_fit(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics,
                         double *theta);

/** The family as one that is not additive: its statistic is the sample itself, which is drawn, reduced and merged as
 *  that of any other such family. Shares all with the family; not to be destroyed.
 *  Not collective. */
ouro_family ouro_family_of_samples(const ouro_family *family);

/** Drop the first n samples of a statistic that is the sample itself.
 *  Not collective. */
void ouro_family_drop(const ouro_family *family, ouro_count n, double *sample);

/** Add some samples of such a statistic to a statistic of the family, in order.
 *  Not collective.
 *  [in]    sample of ouro_family_of_samples(family)
 *  [in]    chosen bit r % 64 of word r / 64 is 1 where sample r is added
 *  [inout] statistic of family */
void ouro_family_add_chosen(const ouro_family *family, const double *sample, const uint64_t *chosen, double *statistic);

/** Fit one model of a family that is not additive to weighted samples.
 *  Not collective.
 *  [in]  sample  a statistic
 *  [in]  weights [samples in it] > 0; NULL: all 1
 *  [out] theta   [n_parameters] undefined where there is no fit
 *  Returns whether there is a fit. */
bool ouro_family_fit_sample(const ouro_family *family, const double *sample, const double *weights, double *theta);

/** Error of n models, whose expectation is C_ii of THEORY.md: a regression's is
 *  (theta - theta*)' Sigma (theta - theta*) / p, that of a mean (mu - mu*)^2 (summed or averaged over dimensions, as
 *  the family's file says).
 *  Not collective.
 *  [in]  theta [n][n_parameters]
 *  [out] error [n] */
void ouro_family_error(const ouro_family *family, ouro_lid n, const double *theta, double *error);

/** The measures that output.measures asks for: `error` first, then the family's own in their order; none if it asks for
 *  none.
 *  Not collective.
 *  [out] list [OURO_MEASURES_MOST]
 *  [out] n    how many there are
 *  Returns OURO_OK, OURO_ECONFIG (a name that the family does not have is answered with the nearest, and with all). */
ouro_status ouro_family_measures(const ouro_config *config, const ouro_family *family, ouro_measure *list, int *n);

/** Noise and eta of a fit to n real samples: sigma^2/(n-p-1) and THEORY.md section 3 for a regression, base/n and 0 for
 *  a mean. Infinite where n is too small for a finite expectation.
 *  Not collective. */
double ouro_family_noise(const ouro_family *family, ouro_count n);
double ouro_family_eta(const ouro_family *family, ouro_count n);

/** Variance of what a model draws, over the maximum-likelihood variance of the n samples that it was fitted to; of
 *  families whose variance is fitted.
 *  Not collective. */
double ouro_family_drawn(const ouro_family *family, ouro_count n);

/** May errors of this family grow although no eta exceeds 1 and the topology is healthy, since erring models scatter
 *  more (THEORY.md section 2, scope: exponential, unbiased Gaussian)?
 *  Not collective. */
bool ouro_family_amplifies(const ouro_family *family);

/** Do errors of an unstable source grow at a constant rate, as long as they are small? Not where what a model draws
 *  scatters more or less than the samples that it was fitted to, time and again.
 *  Not collective. */
bool ouro_family_has_rates(const ouro_family *family);

/** Is the spread of a sample the same whatever the error of its model, as far as models start from real data?
 *  Not collective. */
bool ouro_family_has_constant_spread(const ouro_family *family);

#endif
