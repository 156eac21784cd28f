/* Rates of the machine that is built in, as `ouro plan --calibrate` wrote them: one core of an x86-64 server with
 * AVX-512. Orders of magnitude elsewhere: what is chosen by them is a matter of speed, never of results. */

#include "plan/private.h"

static const char text[] = "memory = 0\n"
                           "ranks = 64\n"
                           "cache = 4e6\n"
                           "gather = 8\n"
                           "stream = 1e10\n"
                           "latency = 2e-6\n"
                           "bandwidth = 5e9\n"
                           "write = 1e9\n"
                           "process = 4e7\n"
                           "linear.rows.10 = 12 60 700 8 4 10\n"
                           "linear.statistics.10 = 0 900 700 0 0 10\n"
                           "linear.limit.10 = 0 12 150 0 0 10\n";

const char *ouro_plan_built_in_text(void) {
  return text;
}
