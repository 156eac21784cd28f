/* The nearest of some words to a mistyped one: edit distance of insertions, deletions, replacements and swaps of
 * neighbours (optimal string alignment), without regard to case. */

#include "ouro/config/config.h"

#include <ctype.h>
#include <string.h>

#define LONGEST 64 /* longer words are not suggested and get no suggestion */

static int smaller(int a, int b) {
  return a < b ? a : b;
}

static int lower(char c) {
  return c == '_' ? '-' : tolower((unsigned char)c);
}

/* d[i][j] = distance of the first i letters of a to the first j of b; three rows are kept. */
static int distance(const char *a, int n_a, const char *b, int n_b) {
  int row[3][LONGEST + 1];
  for (int j = 0; j <= n_b; j++) row[0][j] = j;
  for (int i = 1; i <= n_a; i++) {
    int *now = row[i % 3];
    const int *above = row[(i + 2) % 3], *before = row[(i + 1) % 3];
    now[0] = i;
    for (int j = 1; j <= n_b; j++) {
      const int same = lower(a[i - 1]) == lower(b[j - 1]);
      now[j] = smaller(smaller(above[j], now[j - 1]) + 1, above[j - 1] + !same);
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        now[j] = smaller(now[j], before[j - 2] + 1);
      }
    }
  }
  return row[n_a % 3][n_b];
}

/* How far words of n letters may be apart to count as one mistyped: 1 of 2 or 3, 2 of 4 to 8, a third of longer. */
static int reach(int n) {
  return n < 2 ? 0 : n < 4 ? 1 : n < 9 ? 2 : n / 3;
}

static bool begins(const char *word, const char *start, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (lower(word[i]) != lower(start[i])) return false;
  }
  return true;
}

const char *ouro_config_nearest(const char *word, const char *const *words, int n) {
  const size_t length = strlen(word);
  const char *best = NULL;
  int least = LONGEST + 1;
  if (length == 0 || length > LONGEST) return NULL;
  for (int i = 0; i < n; i++) {
    const size_t other = strlen(words[i]);
    if (other > LONGEST) continue;
    const int longer = (int)(length > other ? length : other);
    int d = distance(word, (int)length, words[i], (int)other);
    const bool cut_short = length >= 3 && other > length && begins(words[i], word, length);
    if (d > reach(longer) && !cut_short) continue;
    if (d < least) {
      least = d;
      best = words[i];
    }
  }
  return best;
}
