#ifndef OURO_STORE_WRITER_H
#define OURO_STORE_WRITER_H

/* A thread that works off jobs in their order while the program goes on. It knows neither MPI nor HDF5, so that
 * MPI_THREAD_FUNNELED is all it needs; where MPI does not give that, or no thread can be had, jobs are done at once by
 * who submits them. */

#include <pthread.h>
#include <stdbool.h>

typedef struct ouro_job ouro_job;
struct ouro_job {
  void (*work)(ouro_job *job); /* must not call MPI, HDF5 or anything of base */
  ouro_job *next;
  bool waiting; /* submitted and not done */
};

typedef struct ouro_writer {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  ouro_job *first, *last;
  bool running, stop;
} ouro_writer;

/** Start the thread, if there may be one.
 *  Not collective. The struct must not be moved until ouro_writer_stop(). */
void ouro_writer_start(ouro_writer *writer);

/** Queue a job; it must stay where it is until ouro_writer_wait() has returned.
 *  Not collective. */
void ouro_writer_submit(ouro_writer *writer, ouro_job *job);

/** Wait until a job is done; at once if it was never submitted.
 *  Not collective. */
void ouro_writer_wait(ouro_writer *writer, ouro_job *job);

/** Finish the jobs and end the thread. A zeroed writer is fine.
 *  Not collective. */
void ouro_writer_stop(ouro_writer *writer);

#endif
