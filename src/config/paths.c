/* Names of files in settings: input files are looked for beside the experiment, then in the working directory;
 * the output's name takes Slurm's job and array index. */

#include "config/private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ouro/base/memory.h"

/* Beside the experiment if it is there or nowhere; else, found in the working directory, as written. */
static ouro_status resolve_input(const ouro_settings *settings, const char *path) {
  ouro_setting *s = ouro_settings_find(settings, path);
  const char *slash = settings->file ? strrchr(settings->file, '/') : NULL;
  if (s == NULL || s->text[0] == '/' || slash == NULL) return OURO_OK;
  const size_t size = (size_t)(slash - settings->file) + strlen(s->text) + 2;
  ouro_status status = OURO_OK;
  char *beside = NULL;
  OURO_NEW(beside, size);
  snprintf(beside, size, "%.*s/%s", (int)(slash - settings->file), settings->file, s->text);
  if (access(beside, F_OK) == 0 || access(s->text, F_OK) != 0) OURO_TRY(ouro_settings_replace(s, beside));
cleanup:
  free(beside);
  return status;
}

static void expand(const char *name, FILE *out) {
  for (; *name; name++) {
    const char *variable = NULL;
    if (*name == '%' && name[1] == 'j') variable = "SLURM_JOB_ID";
    if (*name == '%' && name[1] == 'a') variable = "SLURM_ARRAY_TASK_ID";
    if (variable) {
      const char *value = getenv(variable);
      fputs(value ? value : "", out);
    } else {
      fputc(*name, out);
    }
    if (variable || (*name == '%' && name[1] == '%')) name++;
  }
}

static ouro_status expand_output(ouro_setting *s) {
  size_t length = 0;
  char *expanded = NULL;
  FILE *out = open_memstream(&expanded, &length);
  if (out == NULL) return ouro_error(OURO_ENOMEM, "out of memory for the configuration");
  expand(s->text, out);
  const bool written = fclose(out) == 0 && expanded;
  const ouro_status status = written ? ouro_settings_replace(s, expanded) : OURO_ENOMEM;
  free(expanded);
  return status;
}

/* <experiment>.h5: base name without .yaml or .yml. */
static ouro_status default_output(ouro_settings *settings) {
  const char *file = settings->file ? settings->file : "run";
  const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file, *dot = strrchr(base, '.');
  size_t length = strlen(base);
  if (dot && dot > base && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0)) length = (size_t)(dot - base);
  ouro_status status = OURO_OK;
  char *name = NULL;
  OURO_NEW(name, length + 4);
  snprintf(name, length + 4, "%.*s.h5", (int)length, base);
  const ouro_setting setting = {.path = (char *)"output.file", .text = name};
  OURO_TRY(ouro_settings_put(settings, &setting));
cleanup:
  free(name);
  return status;
}

/* A file of nodes, unless it is a word or a number. */
static bool is_file(const char *text) {
  return strcmp(text, "all") != 0 && strcmp(text, "none") != 0 && text[strspn(text, "0123456789")] != '\0';
}

ouro_status ouro_settings_resolve(ouro_settings *settings) {
  ouro_status status;
  ouro_setting *output = ouro_settings_find(settings, "output.file");
  const char *real = ouro_settings_text(settings, "real.nodes"), *dual = ouro_settings_text(settings, "theory.dual");
  const char *probabilities = ouro_settings_text(settings, "model.probabilities");
  if (output)
    OURO_TRY(expand_output(output));
  else
    OURO_TRY(default_output(settings));
  OURO_TRY(resolve_input(settings, "graph.file"));
  if (strcmp(real, "all") != 0 && strcmp(real, "none") != 0) OURO_TRY(resolve_input(settings, "real.nodes"));
  if (is_file(dual)) OURO_TRY(resolve_input(settings, "theory.dual"));
  OURO_TRY(resolve_input(settings, "partition.file"));
  if (strcmp(probabilities, "uniform") != 0 && strcmp(probabilities, "zipf") != 0) {
    OURO_TRY(resolve_input(settings, "model.probabilities"));
  }
cleanup:
  return status;
}
