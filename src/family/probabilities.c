/* True probabilities of a categorical distribution: see probabilities.h. */

#include "family/probabilities.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

/* The number of a line of text, which ends in a zero byte; found tells whether it has one. */
static ouro_status parse(const char *path, int line, char *text, bool *found, double *number) {
  static const char blanks[] = " \t\r\n";
  text[strcspn(text, "#")] = '\0';
  text += strspn(text, blanks);
  *found = *text != '\0';
  if (!*found) return OURO_OK;
  char *end;
  *number = strtod(text, &end);
  const bool plain = strspn(text, "+0123456789.eE-") == (size_t)(end - text);
  if (end == text || !plain || end[strspn(end, blanks)] != '\0' || !(*number >= 0 && *number <= 1e100)) {
    text[strcspn(text, "\r\n")] = '\0';
    return ouro_error(OURO_EINPUT, "%s:%d: must be a number from 0 to 1e+100, not `%.40s`", path, line, text);
  }
  return OURO_OK;
}

/* The numbers of a file, as they stand. */
static ouro_status read_lines(const char *path, FILE *file, int *k, double *p) {
  ouro_status status = OURO_OK;
  char text[256];
  *k = 0;
  for (int line = 1; fgets(text, sizeof text, file); line++) {
    bool found;
    double number;
    OURO_CHECK(strchr(text, '\n') || feof(file), OURO_EINPUT, "%s:%d: line longer than %zu bytes", path, line,
               sizeof text - 2);
    OURO_TRY(parse(path, line, text, &found, &number));
    OURO_CHECK(!found || *k < OURO_PROBABILITIES_MOST, OURO_EINPUT, "%s:%d: more than %d outcomes", path, line,
               OURO_PROBABILITIES_MOST);
    if (found) p[(*k)++] = number;
  }
  OURO_CHECK(!ferror(file), OURO_EIO, "%s: cannot read it: %s", path, strerror(errno));
cleanup:
  return status;
}

static ouro_status read_file(const ouro_config *config, int *k, double *p) {
  const char *path = config->model.probabilities;
  ouro_status status = OURO_OK;
  double largest = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    return ouro_config_refuse(config, "model.probabilities", "neither uniform nor zipf nor a file: `%s`: %s", path,
                              strerror(errno));
  }
  OURO_TRY(read_lines(path, file, k, p));
  OURO_CHECK(*k >= 2, OURO_EINPUT, "%s: a distribution needs at least 2 outcomes, a number a line; here %d", path, *k);
  for (int i = 0; i < *k; i++) largest = p[i] > largest ? p[i] : largest;
  OURO_CHECK(largest > 0, OURO_EINPUT, "%s: all probabilities are 0", path);
cleanup:
  fclose(file);
  return status;
}

/* Divide by the sum. */
static void normalise(int k, double *p) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum += p[i];
  for (int i = 0; i < k; i++) p[i] /= sum;
}

ouro_status ouro_probabilities_create(const ouro_config *config, int *k, double **p) {
  const ouro_config_model *model = &config->model;
  const bool uniform = strcmp(model->probabilities, "uniform") == 0, zipf = strcmp(model->probabilities, "zipf") == 0;
  ouro_status status = OURO_OK;
  double *made = NULL;
  *p = NULL;
  *k = model->categories;
  OURO_NEW(made, OURO_PROBABILITIES_MOST);
  if (!uniform && !zipf) OURO_TRY(read_file(config, k, made));
  OURO_CHECK(*k >= 2 && *k <= OURO_PROBABILITIES_MOST, OURO_ECONFIG, "model.categories: %d is not within 2 .. %d", *k,
             OURO_PROBABILITIES_MOST);
  for (int i = 0; i < *k && uniform; i++) made[i] = 1;
  for (int i = 0; i < *k && zipf; i++) made[i] = pow(i + 1, -model->exponent);
  normalise(*k, made);
  *p = made;
  made = NULL;
cleanup:
  free(made);
  return status;
}
