/* Which measures an experiment asks for: see ouro_family_measures() in family.h.
 * Invariant: a name is known, or it is refused with the nearest one and with all that the family has. */

#include <stdio.h>
#include <string.h>

#include "ouro/family/family.h"

static const char separators[] = " ,\t";

/* All measures of a family. */
static int all_of(const ouro_family *family, ouro_measure *list) {
  const ouro_family_methods *methods = family->methods;
  int n = 0;
  list[n++] = (ouro_measure){"error", methods->error_units, methods->measure, methods->error};
  for (const ouro_measure *m = methods->measures; m && m->name && n < OURO_MEASURES_MOST; m++) list[n++] = *m;
  return n;
}

static ouro_status refuse(const ouro_config *config, const ouro_family *family, int n, const ouro_measure *list,
                          const char *name) {
  const char *names[OURO_MEASURES_MOST], *nearest;
  char known[40 * OURO_MEASURES_MOST] = "", meant[80] = "";
  for (int i = 0; i < n; i++) {
    names[i] = list[i].name;
    snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", names[i]);
  }
  if ((nearest = ouro_config_nearest(name, names, n)) != NULL)
    snprintf(meant, sizeof meant, "did you mean `%s`? ", nearest);
  return ouro_config_refuse(config, "output.measures", "unknown measure `%.60s`; %sfamily `%s` has %s", name, meant,
                            family->methods->name, known);
}

/* Mark the measure that the first `length` bytes of a text name. */
static bool mark(int n, const ouro_measure *list, const char *text, size_t length, bool *wanted) {
  for (int i = 0; i < n; i++) {
    if (strlen(list[i].name) != length || memcmp(list[i].name, text, length) != 0) continue;
    wanted[i] = true;
    return true;
  }
  return false;
}

ouro_status ouro_family_measures(const ouro_config *config, const ouro_family *family, ouro_measure *list, int *n) {
  const char *text = config->output.measures ? config->output.measures : "none";
  bool wanted[OURO_MEASURES_MOST] = {true};
  const int all = all_of(family, list);
  *n = 0;
  if (strcmp(text, "none") == 0) return OURO_OK;
  if (strcmp(text, "all") == 0) {
    *n = all;
    return OURO_OK;
  }
  for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
    const size_t length = strcspn(text, separators);
    if (!mark(all, list, text, length, wanted)) {
      char name[64];
      snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), text);
      return refuse(config, family, all, list, name);
    }
    text += length;
  }
  for (int i = 0; i < all; i++) {
    if (wanted[i]) list[(*n)++] = list[i];
  }
  return OURO_OK;
}
